"""MBPP: 500 small Python tasks, the test set (Austin et al., arXiv 2108.07732).

A row has the form of its authors, or the one with a stub that MBXP gave it::

    {"task_id": 11, "text": "Write a function to double a number.",
     "test_list": ["assert double(2) == 4"], "test_setup_code": ""}
    {"task_id": "MBPP/11", "prompt": "def double(x):\\n    \\"\\"\\"Twice x.\\"\\"\\"\\n",
     "entry_point": "double", "test": "def check(candidate):\\n    assert candidate(2) == 4\\n"}

In the first form the tests are shown, since nothing else says what the function is called.
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


class Mbpp(Benchmark):
    """Tasks for beginners, each with three asserts."""

    title: ClassVar[str] = "MBPP"
    kind: ClassVar[str] = "code"
    verifier: ClassVar[str] = "code"
    licence: ClassVar[str] = "CC-BY-4.0"
    hub: ClassVar[Hub | None] = Hub(
        "google-research-datasets/mbpp", ("full/test-00000-of-00001.parquet",)
    )
    votes: ClassVar[bool] = False

    samples: int = Field(1, ge=1, le=MAX_SAMPLES, description=f"{SAMPLES} (guess)")
    prompt: str = Field(COMPLETE, min_length=1, description=PROMPT)

    def item(self, row: Row, place: str, seed: int) -> Item:
        """Read a row of either form."""
        key = key_of(row, place, "task_id")
        if "test_list" not in row:
            stub = text(row, "prompt")
            case = check_case(stub, text(row, "test"), text(row, "entry_point"))
            return Item(key, {"question": stub.strip()}, test_cases=[case])
        tests = [str(test) for test in row["test_list"]]
        setup = row.get("test_setup_code") or ""
        cases = [{"assert": test, **({"setup": setup} if setup else {})} for test in tests]
        question = "\n".join([text(row, "text", "prompt"), "", "It must pass:", *tests])
        return Item(key, {"question": question}, test_cases=cases)
