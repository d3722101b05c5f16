"""Reads the test cases of a row.

`test_cases` is a list, or JSON text of a list, of objects in one of these forms::

    {"input": "1 2\\n", "output": "3\\n"}
    {"assert": "assert f(1) == 2"}
    {"test_code": "def check(candidate): …", "entry_point": "Solution().solve"}
    {"test_code": "from solution import f\\ndef test_f(): …"}
    {"testtype": "functional", "fn_name": "f", "input": "1", "output": "2"}
    {"fn_name": "f", "inputs": [[1], [5]], "outputs": [2, 6]}        # or this one alone, no list

each perhaps with `setup`, trusted code that runs on both sides; the last two: `code_functional.py`.
The word `assert` may be missing in front of an expression; a test that asserts nothing is refused.
Raises `BadInput` on anything else, naming the field.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from verifiers.base import BadInput, Row, text_field
from verifiers.code_answer import LANGUAGES, names_in
from verifiers.code_asserts import as_assertion, can_fail
from verifiers.code_compare import EXACT, Comparison
from verifiers.code_comparison import read_comparison
from verifiers.code_functional import (
    Bundled,
    as_call,
    function_name,
    is_bundle,
    is_functional,
    names_called,
    unbundled,
)

DEFAULT_SECONDS = 10.0
DEFAULT_MEMORY_MB = 1024


@dataclass(frozen=True, slots=True)
class Case:
    """One test case: `place` in the row, kind `input`, `call`, `assert`, `check` or `module`.

    `code` is the standard input, the call as JSON, or the test's source.
    """

    place: int
    kind: str
    code: str
    output: str = ""
    entry_point: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """What a row asks: its cases, the setup of all of them, and the limits.

    `languages` are those that the answer may be in, `language` the one it is in.
    """

    cases: tuple[Case, ...]
    setup: str
    languages: tuple[str, ...]
    seconds: float
    memory_mb: int
    comparison: Comparison = EXACT

    def wanted(self) -> set[str]:
        """Return the names that the tests mention, to choose a block by."""
        tests = [case for case in self.cases if case.kind not in ("input", "call")]
        texts = [text for case in tests for text in (case.code, case.entry_point)]
        called = [case.entry_point for case in self.cases if case.kind == "call"]
        return names_in(texts) | names_called(called)

    @property
    def rule(self) -> str:
        """How outputs and results are compared, empty where nothing is."""
        kinds = {case.kind for case in self.cases}
        rules = {"input": self.comparison.rule, "call": self.comparison.call_rule}
        found = dict.fromkeys(rules[kind] for kind in ("input", "call") if kind in kinds)
        return "; ".join(found)


def read_task(row: Row, max_tests: int, seconds: float, memory_mb: int) -> Task:
    """Read a row's task, its first `max_tests` cases; raises BadInput."""
    listed = list(_flat(_list(row)))[:max_tests]
    name = row.get("fn_name")
    cases = tuple(_case(place, item, name) for place, item in enumerate(listed))
    setups = dict.fromkeys(item["setup"] for item in listed if item.get("setup"))
    limit = _number(row, "time_limit_s", seconds)
    memory = _number(row, "memory_limit_mb", memory_mb)
    comparison = read_comparison(row, {case.kind for case in cases})
    return Task(cases, "\n".join(setups), _languages(row), limit, int(memory), comparison)


def _languages(row: Row) -> tuple[str, ...]:
    """Return the languages that an answer may be in, by their usual names; unknown ones as is."""
    value = row.get("language")
    if value is None:
        return ("python",)
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return tuple(dict.fromkeys(map(_usual_name, value)))
    return (_usual_name(text_field(row, "language")),)


def _usual_name(language: str) -> str:
    return LANGUAGES.get(language.lower(), language)


def _list(row: Row) -> list[Any]:
    value = row.get("test_cases")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"test_cases: expected JSON, got {str(error)[:100]}") from error
    if value is None:
        return []
    if is_bundle(value):
        return [value]
    if not isinstance(value, list):
        raise BadInput(f"test_cases: expected a list, got {type(value).__name__}")
    return value


def _flat(listed: list[Any]) -> Iterator[Any]:
    """Yield the items of a list, those that hold several tests one by one."""
    for place, item in enumerate(listed):
        if is_bundle(item):
            _check_texts(place, item)
            yield from unbundled(item, f"test_cases[{place}]")
        else:
            yield item


def _number(row: Row, name: str, default: float) -> float:
    value = row.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise BadInput(f"{name}: expected a positive number, got {value!r:.50}")
    return value


def _check_texts(place: int, item: Mapping[str, Any]) -> None:
    for name, value in item.items():
        if name in TEXTS and value is not None and not isinstance(value, str):
            kind = type(value).__name__
            raise BadInput(f"test_cases[{place}].{name}: expected a string, got {kind}")


def _case(place: int, item: Any, row_name: Any) -> Case:
    where = f"test_cases[{place}]"
    if not isinstance(item, Mapping):
        raise BadInput(f"{where}: expected an object, got {type(item).__name__}")
    _check_texts(place, item)
    if isinstance(item.get("assert"), str):
        return Case(place, "assert", as_assertion(item["assert"], item.get("setup") or "", where))
    if isinstance(item.get("test_code"), str):
        return _test_code(place, item)
    if isinstance(item, Bundled) or ("output" in item and is_functional(item, row_name)):
        name = function_name(item, row_name, where)
        return Case(place, "call", as_call(item, where), entry_point=name)
    if isinstance(item.get("output"), str) and item.get("testtype") in (None, "stdin"):
        return Case(place, "input", item.get("input") or "", output=item["output"])
    raise BadInput(f"{where}: expected input and output, assert, test_code, or fn_name with both")


def _test_code(place: int, item: Mapping[str, Any]) -> Case:
    if not can_fail(item["test_code"], item.get("setup") or ""):
        where = f"test_cases[{place}]"
        raise BadInput(f"{where}: asserts nothing, so that every program would pass")
    kind = "check" if item.get("entry_point") else "module"
    return Case(place, kind, item["test_code"], entry_point=item.get("entry_point") or "")


TEXTS = ("input", "output", "assert", "test_code", "entry_point", "setup", "fn_name", "testtype")
