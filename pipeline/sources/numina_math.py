r"""NuminaMath 1.5: competition and school mathematics, with short answers.

A row::

    {"problem": "What is 1 + 1?", "solution": "…", "answer": "2", "problem_type": "Algebra",
     "question_type": "math-word-problem", "source": "olympiads", "synthetic": false,
     "problem_is_valid": "Yes", "solution_is_valid": "Yes"}

Shape: the card of nlile/NuminaMath-1.5-RL-Verifiable, a filtered copy; rows and the words
`proof` and `notfound`: public loaders. AM calls its rows `NuminaMath_1.5`. The first
NuminaMath (AI-MO/NuminaMath-CoT) has neither `answer` nor the two verdicts.

Traps: `answer` is the word `proof` or `notfound` where there is none; a problem may be
marked as not valid, and is refused; `source` names the set that it comes from, among them
GSM8K and MATH; what a solution shows is no thinking, so none is taken as a response.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, unless
from pipeline.sources.local_fields import BadRow


class NuminaMath(HubSource):
    """Problems with their short answers."""

    summary: ClassVar[str] = "NuminaMath 1.5: competition and school mathematics"
    kinds: ClassVar[tuple[str, ...]] = ("math",)
    carries: ClassVar[tuple[str, ...]] = ("reference answers",)
    dataset: ClassVar[HubDataset] = HubDataset(
        id="AI-MO/NuminaMath-1.5",
        columns=("problem", "answer", "source", "question_type"),
        optional=("problem_is_valid", "solution_is_valid", "synthetic"),
        licence="Apache-2.0",
        rows=896_215,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a problem; its answer counts where the solution was found valid."""
        if row.text("problem_is_valid") not in ("Yes", ""):
            raise BadRow("problem_not_valid")
        answered = row.text("solution_is_valid") in ("Yes", "")
        return Draft(
            prompt=row.text("problem"),
            kind="math",
            reference=unless(row.maybe("answer"), "proof", "notfound") if answered else None,
            nested=row.maybe("source"),
            keep={"question_type": row.maybe("question_type"), "synthetic": row.value("synthetic")},
        )
