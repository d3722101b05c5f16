"""Questions of one's own: any file of questions with short answers, as a benchmark.

A row has this form (`problem` and `prompt` are taken for `question` too)::

    {"id": "q1", "question": "Ida has 3 bags of 4 nuts. How many nuts?", "answer": "12"}

Unlike those of published benchmarks, these questions may become training data.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from pipeline.evaluation.base import MAX_SAMPLES, SAMPLES, Item, Row, key_of, text
from pipeline.evaluation.contest import MathBenchmark


class LocalQuestions(MathBenchmark):
    """The rows of a file; `path` must be given."""

    title: ClassVar[str] = "Own questions"
    licence: ClassVar[str] = "LicenseRef-own"
    trainable: ClassVar[bool] = True

    samples: int = Field(4, ge=1, le=MAX_SAMPLES, description=f"{SAMPLES} (guess)")
    checked_by: Literal["math", "short_answer"] = Field("math", description="the verifier")

    def verified_by(self) -> str:
        """Return the verifier that the options name."""
        return self.checked_by

    def item(self, row: Row, place: str, seed: int) -> Item:
        """Read a row."""
        asked = {"question": text(row, "question", "problem", "prompt")}
        answer = text(row, "answer", "reference_answer")
        return Item(key_of(row, place, "id"), asked, reference_answer=answer)
