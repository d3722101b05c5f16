"""The recipe's parts about duplicates and contamination; see pipeline/recipe.py.

[recipe.deduplicate]
threshold = 0.9
after = "1"
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from pipeline.recipe_teacher import Strict

Share = Annotated[float, Field(ge=0, le=1)]
Limit = Annotated[float, Field(gt=0, le=1)]


class Deduplicate(Strict):
    """When two questions are the same, and which one stays."""

    threshold: Share = Field(
        0.9, description="cosine from which two are the same; AM-style follow-ups use 0.9"
    )
    numbers_must_agree: tuple[str, ...] = Field(
        ("math", "science"),
        strict=False,
        description="kinds in which other numbers or signs make another question",
    )
    letters_must_agree: bool = Field(
        True, description="texts in letters unknown to an English encoder must share half of them"
    )
    questions_must_agree: bool = Field(
        True, description="texts of one long setting or prompt must go on alike"
    )
    recall: Limit = Field(
        0.995, description="share of pairs to find, by a sample; below it the search is widened"
    )
    engine: Literal["auto", "cells", "exact", "faiss-gpu"] = Field(
        "auto",
        description="how near pairs are found: all pairs (exact), within k-means cells, or all"
        " pairs by faiss on GPUs; auto is exact up to 30,000 questions, then cells",
    )
    prefer: tuple[Literal["checkable", "answered", "harder", "easier", "source"], ...] = Field(
        ("checkable", "answered", "harder", "source"),
        strict=False,
        description="which of two stays, what decides first standing first: has a reference answer"
        " or tests, carries a response, is labelled harder or easier, stands first in"
        " `source_priority`; then the lower id",
    )
    after: str = Field(
        "",
        description="an earlier version of this dataset: what was decided there stands, only new"
        " questions are compared, and its vectors are taken over",
    )
    source_priority: tuple[str, ...] = Field(
        (), strict=False, description="names of sources; the first is kept before the next"
    )

    @field_validator("prefer")
    @classmethod
    def _once(cls, prefer: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(prefer)) < len(prefer) or {"harder", "easier"} <= set(prefer):
            raise ValueError(f"each may stand once, and harder or easier alone, got {prefer}")
        return prefer

    def identity(self) -> dict[str, Any]:
        """Return what decides which questions go; how pairs are looked for is `recall`'s matter."""
        return self.model_dump(exclude=None if self.after else {"after"})


class Decontaminate(Strict):
    """Which benchmarks no question may be in, and what counts as being in one."""

    benchmarks: tuple[str, ...] = Field(
        (),
        strict=False,
        description="files or folders, fingerprints among them; $VARIABLES expand,"
        " package:NAME/PATH lies in a package, hub:ORG/NAME@COMMIT:CONFIG/SPLIT on the Hub",
    )
    coverage: Limit = Field(
        0.45,
        description="share of both texts in shared runs of three words, weighted by rarity;"
        " measured: with the next three, finds 0.99 of disguised copies",
    )
    short_coverage: Limit = Field(
        0.85, description="share of the words of an item of under 20 tokens (measured)"
    )
    contained: Limit = Field(0.85, description="share of a text that stands in the other (guess)")
    said: float = Field(5.0, gt=0, description="what it says then, in rare words (guess)")
    semantic: bool = Field(
        True, description="compare by meaning too, for which all benchmark items are embedded"
    )
    threshold: Limit = Field(0.9, description="cosine from which a question is the item (guess)")
    numbers_must_agree: bool = Field(
        True, description="the same template with other numbers is another question"
    )
    probes: int = Field(
        5,
        ge=0,
        description="disguised copies to plant for each benchmark and disguise; they must be"
        " found (guess: enough to see a disguise that gets through)",
    )
    probe_recall: Share = Field(
        0.95,
        description="share of a benchmark's and of a disguise's probes below which nothing is"
        " published; measured: 0.998 of all, 0.98 of the worst benchmark",
    )

    def identity(self) -> dict[str, Any]:
        """Return what decides which questions go, less the benchmarks' content."""
        return self.model_dump(exclude={"benchmarks", "probe_recall"})
