"""HumanEval: 164 Python functions to complete (Chen et al., arXiv 2107.03374).

A row has this form::

    {"task_id": "HumanEval/0", "prompt": "def double(x):\\n    \\"\\"\\"Twice x.\\"\\"\\"\\n",
     "entry_point": "double", "test": "def check(candidate):\\n    assert candidate(2) == 4\\n"}

What stands in front of the function (imports, helpers) is there for answers that leave it out.
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
from pipeline.evaluation.programs import COMPLETE, check_case
from pipeline.evaluation.reading import Hub


class Humaneval(Benchmark):
    """Functions by signature and docstring, with a test of each."""

    title: ClassVar[str] = "HumanEval"
    kind: ClassVar[str] = "code"
    verifier: ClassVar[str] = "code"
    licence: ClassVar[str] = "MIT"
    hub: ClassVar[Hub | None] = Hub(
        "openai/openai_humaneval", ("openai_humaneval/test-00000-of-00001.parquet",)
    )
    votes: ClassVar[bool] = False

    samples: int = Field(1, ge=1, le=MAX_SAMPLES, description=f"{SAMPLES} (guess)")
    prompt: str = Field(COMPLETE, min_length=1, description=PROMPT)

    def item(self, row: Row, place: str, seed: int) -> Item:
        """Read a row."""
        stub = text(row, "prompt")
        case = check_case(stub, text(row, "test"), text(row, "entry_point"))
        return Item(key_of(row, place, "task_id"), {"question": stub.strip()}, test_cases=[case])
