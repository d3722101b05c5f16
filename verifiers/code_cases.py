"""Reads the test cases of a row.

`test_cases` is a list, or JSON text of a list, of objects in one of these forms::

    {"input": "1 2\\n", "output": "3\\n"}
    {"assert": "assert f(1) == 2"}
    {"test_code": "def check(candidate): …", "entry_point": "Solution().solve"}
    {"test_code": "from solution import f\\ndef test_f(): …"}

each perhaps with `setup`, trusted code that runs on both sides. The word `assert` may be
missing in front of an expression; a test that asserts nothing is refused. Raises `BadInput` on
anything else, naming the field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verifiers.base import BadInput, Row, text_field
from verifiers.code_answer import names_in
from verifiers.code_asserts import as_assertion, can_fail

DEFAULT_SECONDS = 10.0
DEFAULT_MEMORY_MB = 1024


@dataclass(frozen=True, slots=True)
class Case:
    """One test case: `place` in the row, kind `input`, `assert`, `check` or `module`."""

    place: int
    kind: str
    code: str
    output: str = ""
    entry_point: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """What a row asks: its cases, the setup of all of them, and the limits."""

    cases: tuple[Case, ...]
    setup: str
    language: str
    seconds: float
    memory_mb: int

    def wanted(self) -> set[str]:
        """Return the names that the tests mention, to choose a block by."""
        tests = [case for case in self.cases if case.kind != "input"]
        return names_in([text for case in tests for text in (case.code, case.entry_point)])


def read_task(row: Row, max_tests: int, seconds: float, memory_mb: int) -> Task:
    """Read a row's task, its first `max_tests` cases; raises BadInput."""
    listed = _list(row)[:max_tests]
    cases = tuple(_case(place, item) for place, item in enumerate(listed))
    setups = dict.fromkeys(item["setup"] for item in listed if item.get("setup"))
    language = text_field(row, "language") if row.get("language") is not None else "python"
    limit = _number(row, "time_limit_s", seconds)
    memory = _number(row, "memory_limit_mb", memory_mb)
    return Task(cases, "\n".join(setups), language, limit, int(memory))


def _list(row: Row) -> list[Any]:
    value = row.get("test_cases")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"test_cases: expected JSON, got {str(error)[:100]}") from error
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadInput(f"test_cases: expected a list, got {type(value).__name__}")
    return value


def _number(row: Row, name: str, default: float) -> float:
    value = row.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise BadInput(f"{name}: expected a positive number, got {value!r:.50}")
    return value


def _case(place: int, item: Any) -> Case:
    if not isinstance(item, Mapping):
        raise BadInput(f"test_cases[{place}]: expected an object, got {type(item).__name__}")
    for name, value in item.items():
        if name in TEXTS and value is not None and not isinstance(value, str):
            kind = type(value).__name__
            raise BadInput(f"test_cases[{place}].{name}: expected a string, got {kind}")
    where, setup = f"test_cases[{place}]", item.get("setup") or ""
    if isinstance(item.get("assert"), str):
        return Case(place, "assert", as_assertion(item["assert"], setup, where))
    if isinstance(item.get("test_code"), str):
        if not can_fail(item["test_code"], setup):
            raise BadInput(f"{where}: asserts nothing, so that every program would pass")
        kind = "check" if item.get("entry_point") else "module"
        return Case(place, kind, item["test_code"], entry_point=item.get("entry_point") or "")
    if isinstance(item.get("output"), str):
        return Case(place, "input", item.get("input") or "", output=item["output"])
    raise BadInput(f"test_cases[{place}]: expected input and output, assert, or test_code")


TEXTS = ("input", "output", "assert", "test_code", "entry_point", "setup")
