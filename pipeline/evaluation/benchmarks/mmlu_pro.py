"""MMLU-Pro: 12,032 questions of 14 subjects with up to ten options (arXiv 2406.01574).

A row has this form; the options stay in the order of the file::

    {"question_id": 70, "question": "Which is a noble gas?", "options": ["argon", "iron"],
     "answer_index": 0, "category": "chemistry"}
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from pipeline.evaluation.base import (
    MAX_SAMPLES,
    PROMPT,
    SAMPLES,
    Benchmark,
    Item,
    Row,
    key_of,
    text,
)
from pipeline.evaluation.choices import PROMPT as CHOOSE
from pipeline.evaluation.choices import letter, lettered
from pipeline.evaluation.reading import Hub, unpacked


class MmluPro(Benchmark):
    """Knowledge and reasoning by choice."""

    title: ClassVar[str] = "MMLU-Pro"
    kind: ClassVar[str] = "science"
    verifier: ClassVar[str] = "short_answer"
    licence: ClassVar[str] = "MIT"
    hub: ClassVar[Hub | None] = Hub("TIGER-Lab/MMLU-Pro", ("data/test-00000-of-00001.parquet",))

    samples: int = Field(1, ge=1, le=MAX_SAMPLES, description=f"{SAMPLES} (guess)")
    prompt: str = Field(CHOOSE, min_length=1, description=f"{PROMPT}, and {{options}}, one a line")

    def item(self, row: Row, place: str, seed: int) -> Item:
        """Read a row."""
        options = [str(option) for option in unpacked(row["options"])]
        right = int(row["answer_index"])
        if not 0 <= right < len(options):
            raise ValueError(f"answer_index: must be 0 to {len(options) - 1}, got {right}")
        asked = {"question": text(row, "question"), "options": lettered(options)}
        key = key_of(row, place, "question_id")
        return Item(key, asked, reference_answer=letter(right), metadata={"options": options})
