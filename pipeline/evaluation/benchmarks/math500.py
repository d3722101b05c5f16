"""MATH-500: 500 problems of the MATH test set (Lightman et al., arXiv 2305.20050).

A row has this form::

    {"problem": "Factor $x^2 - 1$.", "answer": "(x-1)(x+1)", "unique_id": "test/algebra/1.json"}
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from pipeline.evaluation.base import MAX_SAMPLES, SAMPLES, Item, Row, key_of, text
from pipeline.evaluation.contest import MathBenchmark
from pipeline.evaluation.reading import Hub


class Math500(MathBenchmark):
    """Contest problems of five levels, answered in LaTeX."""

    title: ClassVar[str] = "MATH-500"
    licence: ClassVar[str] = "MIT"
    hub: ClassVar[Hub | None] = Hub("HuggingFaceH4/MATH-500", ("test.jsonl",))

    samples: int = Field(4, ge=1, le=MAX_SAMPLES, description=f"{SAMPLES}; as in the papers")

    def item(self, row: Row, place: str, seed: int) -> Item:
        """Read a row."""
        asked = {"question": text(row, "problem")}
        return Item(key_of(row, place, "unique_id"), asked, reference_answer=text(row, "answer"))
