r"""DeepMath-103K: hard mathematics, decontaminated, with three responses of R1 each.

A row::

    {"question": "What is 1 + 1?", "final_answer": "2", "difficulty": 5.5,
     "topic": "Mathematics -> Algebra", "r1_solution_1": "One and …\n</think>\n\nIt is 2.",
     "r1_solution_2": "…", "r1_solution_3": "…"}

Shape: zwhe99/DeepMath@0d97187a17b0: README.md, uni_eval.py; the columns of the solutions and
the revision: public loaders. The licence is that repository's and public lists'.

Traps: solutions begin without <think>, which R1's template writes; some of the three are
wrong; an older revision had hints at the answer in 48 questions (the repository's news).
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, traced

SOLUTIONS = ("r1_solution_1", "r1_solution_2", "r1_solution_3")


class DeepMath(HubSource):
    """Problems with three responses each."""

    summary: ClassVar[str] = "DeepMath-103K: hard mathematics with R1's responses"
    kinds: ClassVar[tuple[str, ...]] = ("math",)
    carries: ClassVar[tuple[str, ...]] = ("reference answers", "responses")
    dataset: ClassVar[HubDataset] = HubDataset(
        id="zwhe99/DeepMath-103K",
        columns=("question", "final_answer", *SOLUTIONS),
        optional=("difficulty", "topic"),
        licence="MIT",
        rows=103_000,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a problem with its responses."""
        return Draft(
            prompt=row.text("question"),
            kind="math",
            reference=row.maybe("final_answer"),
            responses=[traced(row.text(column)) for column in SOLUTIONS],
            keep={"source_difficulty": row.value("difficulty"), "topic": row.maybe("topic")},
        )
