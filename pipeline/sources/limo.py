r"""LIMO: 817 mathematical problems with carefully chosen long solutions.

A row::

    {"question": "What is 1 + 1?", "answer": "2",
     "solution": "Okay, so one and …\n\n**Final Answer**\n\\boxed{2}"}

Shape: public loaders; rows: GAIR-NLP/LIMO@2284c6a0e665: README.md.

Traps: thinking and answer are one text without any tag, whose end after "**Final Answer**" is
the answer; a solution without these words can't be split and is left; no row says which
model (or person) wrote it; the second version, GAIR/LIMO-v2, has 800 other rows.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, thought

MARK = "**Final Answer**"


class Limo(HubSource):
    """Problems with an answer and one long solution."""

    summary: ClassVar[str] = "LIMO: 817 problems with long solutions"
    kinds: ClassVar[tuple[str, ...]] = ("math",)
    carries: ClassVar[tuple[str, ...]] = ("reference answers", "responses")
    dataset: ClassVar[HubDataset] = HubDataset(
        id="GAIR/LIMO", columns=("question", "solution", "answer"), rows=817
    )

    def read(self, row: HubRow) -> Draft:
        """Return a problem with its solution, split where the final answer begins."""
        think, found, answer = row.text("solution").rpartition(MARK)
        return Draft(
            prompt=row.text("question"),
            kind="math",
            reference=row.maybe("answer"),
            responses=[thought(think, f"{found}{answer}", "unnamed-LIMO")] if found else [],
        )
