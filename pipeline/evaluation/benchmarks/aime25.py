"""AIME 2025: both papers, 30 problems whose answers are whole numbers from 0 to 999.

A row has this form::

    {"id": "aime25-0", "problem": "How many positive divisors has 204?", "expected_answer": "12"}
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from pipeline.evaluation.base import MAX_SAMPLES, SAMPLES, Item, Row, key_of, text
from pipeline.evaluation.contest import MathBenchmark
from pipeline.evaluation.reading import Hub


class Aime25(MathBenchmark):
    """The American Invitational Mathematics Examination of 2025."""

    title: ClassVar[str] = "AIME 2025"
    licence: ClassVar[str] = "LicenseRef-MAA"
    hub: ClassVar[Hub | None] = Hub("math-ai/aime25", ("test.jsonl",))

    samples: int = Field(
        32, ge=1, le=MAX_SAMPLES, description=f"{SAMPLES}; the papers take 16 or 32"
    )

    def item(self, row: Row, place: str, seed: int) -> Item:
        """Read a row."""
        asked = {"question": text(row, "problem", "question")}
        answer = text(row, "expected_answer", "answer")
        return Item(key_of(row, place, "id"), asked, reference_answer=answer)
