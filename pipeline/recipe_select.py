"""The part of the recipe that says which responses are published.

As TOML::

    [recipe.select]
    per_question = 2
    prefer = "shortest"
    [recipe.select.variation]
    least = 0.05

The descriptions make docs/configuration.md, as those of pipeline/recipe.py, which see.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from pipeline.recipe_labels import Share
from pipeline.recipe_teacher import Strict
from pipeline.records import KINDS


class Variation(Strict):
    """Which questions are worth learning from, by how much their attempts differ.

    After the selection by coefficient of variation of DeepDistill (arXiv 2504.17565): the
    standard deviation of the scores of a question's decided responses over their mean; a
    response without a score counts 1 where it is correct, else 0. A question that every attempt
    gets right has 0.
    """

    least: float = Field(
        0.0,
        ge=0,
        description="a question with less is dropped, `low_variation`; 0 drops none. 0.05 is near"
        " what the paper uses, as we remember it (guess)",
    )
    responses: int = Field(
        2, ge=2, description="with fewer decided ones nothing is known of their variation"
    )


class Suspicion(Strict):
    """When a reference is suspected: attempts agree with each other, and not with it.

    Suspects are in the table `suspects` and in the report in any case.
    """

    attempts: int = Field(3, ge=2, description="so many must agree (guess)")
    share: Share = Field(0.6, description="of all decided attempts (guess)")
    drop: bool = Field(False, description="drop such questions, `reference_suspect`")


class Phrases(Strict):
    """What becomes of responses that share a run of words with those to many other questions.

    All accepted responses of the version are looked at, so that every shard of `examples` depends
    on all. The table `phrases` lists what was found, whatever becomes of it. AM's follow-up (arXiv
    2505.14464) removes "20-token n-grams" that occur more than 20 times.
    """

    action: Literal["off", "flag", "drop"] = Field(
        "flag",
        description="`flag` says so in `verdicts` of the published row, `drop` publishes no such"
        " response (`common_phrase`). What recurs grows with the dataset: of 516 R1 responses to"
        " 172 questions none has a run of more than 5 questions; 19 % of the questions have one of"
        " more than 2, 13 % of half of them and 6 % of a quarter (measured). `drop` with 20 suits"
        " small sets; for a million, read the table first, and raise `more_than`",
    )
    words: int = Field(20, ge=2, description="words in a run; the paper's")
    more_than: int = Field(20, ge=1, description="questions that have it; the paper's")
    one_in: int = Field(
        1,
        ge=1,
        description="count one run of so many, chosen by its hash: counts stay exact, and what is"
        " little longer than a run may be missed. While it counts, 1 takes 8 bytes of disk a word:"
        " 34 GB for 1.4 million responses of 3,000 words (reckoned)",
    )


class Select(Strict):
    """Which responses are good enough, and how many of them are published."""

    unverified: dict[str, Literal["keep", "from_source", "drop"]] = Field(
        {
            "instruction": "from_source",
            "chat": "from_source",
            "science": "drop",
            "math": "drop",
            "code": "drop",
        },
        description="kind → what becomes of unverified responses; from_source keeps those that"
        " came with the source and drops the teacher's. AM publishes rows without reference or"
        " tests when its reward models like them; until one speaks, only those of kinds for"
        " which no checker can exist, as their source gives them (guess)",
    )
    per_question: int = Field(1, ge=1, description="at most so many responses are published")
    rank: tuple[Literal["score", "round", "length"], ...] = Field(
        ("score", "round", "length"),
        strict=False,
        description="what decides among correct ones, and then among unverified ones, the first"
        " thing first: the higher score, the earlier round, the preferred length; then the lower"
        " attempt",
    )
    prefer: Literal["shortest", "longest", "median"] = Field(
        "shortest",
        description="length among equally good ones; median is the one in the middle (guess)",
    )
    variation: Variation = Variation()
    suspects: Suspicion = Suspicion()
    phrases: Phrases = Phrases()
    personal_data: Literal["keep", "mask"] = Field(
        "keep",
        description="what becomes of e-mail addresses, phone numbers, payment cards and keys in"
        " published turns: `mask` puts their kind in brackets in their place. The rules verifier"
        " can refuse whole responses for them instead (docs/verdicts.md)",
    )

    @field_validator("rank")
    @classmethod
    def _once(cls, rank: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(rank)) < len(rank):
            raise ValueError(f"each may stand once, got {rank}")
        return rank

    @field_validator("unverified")
    @classmethod
    def _known(cls, policy: dict[str, str]) -> dict[str, str]:
        if strange := set(policy) - set(KINDS):
            raise ValueError(f"keys must be kinds {KINDS}, got {sorted(strange)}")
        return policy

    def keeps_unverified(self, kind: str, round: int) -> bool:
        """Tell whether an unverified response of a round to such a question is acceptable."""
        policy = self.unverified.get(kind, "drop")
        return policy == "keep" or (policy == "from_source" and round == 0)
