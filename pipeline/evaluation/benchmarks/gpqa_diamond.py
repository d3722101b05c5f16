"""GPQA-Diamond: 198 questions of graduate physics, chemistry and biology (arXiv 2311.12022).

A row has this form (the authors ask not to show real ones in the open)::

    {"Record ID": "rec1", "Question": "Which is a noble gas?", "Correct Answer": "argon",
     "Incorrect Answer 1": "iron", "Incorrect Answer 2": "zinc", "Incorrect Answer 3": "tin"}

The right option comes first in the file, so the four are shuffled by the seed.
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
from pipeline.evaluation.choices import lettered, shuffled
from pipeline.evaluation.reading import Hub

WRONG = ("Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")


class GpqaDiamond(Benchmark):
    """Four options each; the dataset on the Hub wants its terms accepted first."""

    title: ClassVar[str] = "GPQA-Diamond"
    kind: ClassVar[str] = "science"
    verifier: ClassVar[str] = "short_answer"
    licence: ClassVar[str] = "CC-BY-4.0"
    hub: ClassVar[Hub | None] = Hub("Idavidrein/gpqa", ("gpqa_diamond.csv",))

    samples: int = Field(8, ge=1, le=MAX_SAMPLES, description=f"{SAMPLES}; the papers take 4 or 8")
    prompt: str = Field(CHOOSE, min_length=1, description=f"{PROMPT}, and {{options}}, one a line")

    def item(self, row: Row, place: str, seed: int) -> Item:
        """Read a row and shuffle its options."""
        question, right = text(row, "Question").strip(), text(row, "Correct Answer").strip()
        options = [right, *(text(row, column).strip() for column in WRONG)]
        key = key_of(row, place, "Record ID")
        shown, letter = shuffled(options, 0, key, seed)
        asked = {"question": question, "options": lettered(shown)}
        return Item(key, asked, reference_answer=letter, metadata={"options": shown})
