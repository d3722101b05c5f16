"""GSM8K: 1,319 word problems of grade school, the test set (arXiv 2110.14168).

A row has this form; what follows #### is the answer::

    {"question": "Ida has 3 bags of 4 nuts. How many nuts?", "answer": "3 * 4 = 12\\n#### 12"}
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from pipeline.evaluation.base import MAX_SAMPLES, SAMPLES, Item, Row, key_of, text
from pipeline.evaluation.contest import MathBenchmark
from pipeline.evaluation.reading import Hub


class Gsm8k(MathBenchmark):
    """Word problems that take two to eight steps."""

    title: ClassVar[str] = "GSM8K"
    licence: ClassVar[str] = "MIT"
    hub: ClassVar[Hub | None] = Hub("openai/gsm8k", ("main/test-00000-of-00001.parquet",))

    samples: int = Field(1, ge=1, le=MAX_SAMPLES, description=f"{SAMPLES} (guess)")

    def item(self, row: Row, place: str, seed: int) -> Item:
        """Read a row."""
        asked = {"question": text(row, "question")}
        _, mark, answer = text(row, "answer").rpartition("####")
        if not mark:
            raise ValueError("answer: must end with #### and what the answer is")
        return Item(key_of(row, place, "id"), asked, reference_answer=answer.strip())
