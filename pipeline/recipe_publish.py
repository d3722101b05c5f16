"""The recipe's part about publishing: names, files, what is removed, and what is made besides.

[recipe.publish]
title = "Small reasoning"
removals = "removals.toml"       # docs/publishing.md
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.recipe_teacher import Strict


class Split(Strict):
    """A test split that holds no near-duplicate of what is left for training (docs/publishing.md).

    Questions that are near each other, directly or through others, are one group, and go to one
    side together.
    """

    share: float = Field(
        0.01, gt=0, lt=1, description="about so many of the groups are for testing (guess)"
    )
    cosine: float = Field(
        0.9,
        gt=0,
        le=1,
        description="from which two questions are near, whatever their numbers say; at most"
        " deduplicate.threshold, whose default it is (guess: lower joins what is only alike)",
    )
    seed: int = Field(0, description="decides, with a group's lowest id, on which side it is")


class Preference(Strict):
    """Pairs of a correct and an incorrect response, as the config `preference`.

    Only responses that an instrument judged; no response is in two pairs (docs/publishing.md).
    """

    pairs: int = Field(1, ge=1, description="at most so many of a question")
    lengths: Literal["any", "balanced"] = Field(
        "balanced",
        description="which pairs go first: those whose two texts are about as long, so that"
        " length does not teach what is better, or any, by a hash",
    )
    length_ratio: float | None = Field(
        None,
        ge=1,
        description="a pair is left out where one text is more than so many times as long as the"
        " other; none is if absent",
    )


class Publish(Strict):
    """What the published dataset is called, how its files are cut, and what is made besides."""

    title: str = Field("", description="of the card; the dataset's name where empty")
    description: str = Field("", description="what the card says first")
    authors: tuple[str, ...] = Field(
        (), strict=False, description="who is to be cited; the card says so where nobody is named"
    )
    year: int | None = Field(None, ge=2000, description="of the citation; none if absent")
    file_mb: int = Field(250, gt=0, description="about so large are the files (docs/design.md)")
    removals: str = Field(
        "",
        description="a file (.toml or .jsonl) of what must never be published; what it once named"
        " is kept beside the dataset's versions and holds for all of them (docs/publishing.md)",
    )
    original: bool = Field(
        False,
        description="also write am_0.5M.jsonl.zst (responses that came with the sources) and"
        " am_0.9M.jsonl.zst (the teacher's), in the form of AM-DeepSeek-R1-Distilled-1.4M",
    )
    rl: bool = Field(
        False,
        description="also publish the config `rl`: each question that an instrument can judge"
        " answers to, with what it is judged by and its pass rate",
    )
    preference: Preference | None = Field(
        None, description="also publish the config `preference`; see below"
    )
    split: Split | None = Field(None, description="a test split; all is `train` without it")
