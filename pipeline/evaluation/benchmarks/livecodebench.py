"""LiveCodeBench: contest problems by date, so that a model can't have seen them (2403.07974).

A row has this form; both columns of tests are text, JSON lists of such objects. The private ones
may also be JSON that was pickled, squeezed by zlib and written in base 64, as on the Hub::

    {"question_id": "abc1", "question_content": "Read n and print 2n.", "starter_code": "",
     "contest_date": "2024-09-01T00:00:00", "metadata": "{}", "private_test_cases": "[]",
     "public_test_cases": '[{"input": "1", "output": "2", "testtype": "stdin"}]'}

Without columns of tests nothing can be checked, and every answer is unverified.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

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
from pipeline.evaluation.programs import contest_case, contest_prompt, unsqueezed
from pipeline.evaluation.reading import Hub

COLUMNS = ("public_test_cases", "private_test_cases")


class Livecodebench(Benchmark):
    """The problems of a window of dates, both ends included."""

    title: ClassVar[str] = "LiveCodeBench"
    kind: ClassVar[str] = "code"
    verifier: ClassVar[str] = "code"
    licence: ClassVar[str] = "CC-BY-4.0"
    hub: ClassVar[Hub | None] = Hub(
        "livecodebench/code_generation_lite",
        ("test.jsonl", *(f"test{number}.jsonl" for number in range(2, 7))),
    )
    votes: ClassVar[bool] = False
    # Every test counts here; a dataset's ten would let wrong programs through.
    settings: ClassVar[Mapping[str, Any]] = {"max_tests": 10_000}

    since: date = Field(date(2024, 8, 1), description="of the contest; as DeepSeek-R1's report")
    until: date = Field(date(2025, 1, 31), description="of the contest; the same")
    samples: int = Field(8, ge=1, le=MAX_SAMPLES, description=f"{SAMPLES}; the papers take 4 or 8")
    prompt: str = Field("{question}", min_length=1, description=PROMPT)

    @model_validator(mode="after")
    def _window(self) -> Self:
        if self.since > self.until:
            raise ValueError(f"since: must not be after until, got {self.since} and {self.until}")
        return self

    def item(self, row: Row, place: str, seed: int) -> Item | None:
        """Read a row, None where its contest lies outside the window."""
        day = date.fromisoformat(text(row, "contest_date")[:10])
        if not self.since <= day <= self.until:
            return None
        starter = row.get("starter_code") or ""
        asked = {"question": contest_prompt(text(row, "question_content"), starter)}
        function = json.loads(row.get("metadata") or "{}").get("func_name", "")
        tests = [test for column in COLUMNS for test in unsqueezed(row.get(column))]
        cases = [contest_case(test, function) for test in tests]
        key = key_of(row, place, "question_id")
        return Item(key, asked, test_cases=cases, metadata={"contest_date": day.isoformat()})
