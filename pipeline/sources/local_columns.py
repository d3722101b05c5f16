"""Which columns of a row make which part of a question, and how their values are checked.

In a configuration, for a file with tests in three columns::

    [recipe.sources.columns]
    prompt = "query"
    test_cases = { test_code = "test", entry_point = "entry_point", setup = "prompt" }

Checks forms and types, not whether a reference answer or a test is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from pipeline.records import DIFFICULTIES, Message, canonical_json
from pipeline.sources.base import Options
from pipeline.sources.local_fields import BadRow, Reader, Value, as_text, parse_json
from verifiers.base import BadInput
from verifiers.code_functional import as_call, function_name, unbundled

Row = Mapping[str, Any]
ROLES = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "system": "system",
}
CASE_FORMS = ({"input", "output"}, {"assert"}, {"test_code"})
FUNCTIONAL = {"testtype", "fn_name", "input", "output"}  # LiveCodeBench's, the name put in
BUNDLE = ("fn_name", "inputs", "outputs")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class CaseColumns(Options):
    """Columns that make test cases in the form of the `verify` command; one of four ways."""

    cases: Value | None = Field(
        None,
        description='a list of cases, ready, or {"inputs": […], "outputs": […]}, with "fn_name"'
        " where they call a function",
    )
    asserts: Value | None = Field(None, description="a list of assert statements")
    test_code: Value | None = Field(None, description="a check(candidate) or a pytest module")
    inputs: Value | None = Field(None, description="a list of standard inputs, with outputs")
    outputs: Value | None = Field(None, description="the list of expected outputs")
    entry_point: Value | None = Field(None, description="what test_code calls, an expression")
    setup: Value | None = Field(None, description="trusted code that runs before every case")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.inputs is None) != (self.outputs is None):
            raise ValueError("inputs and outputs go together; give both")
        ways = (self.cases, self.asserts, self.test_code, self.inputs)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("must have one of cases, asserts, test_code, inputs with outputs")
        if self.entry_point is not None and self.test_code is None:
            raise ValueError("entry_point goes with test_code")
        return self

    def read(self, row: Row) -> list[dict[str, Any]]:
        """Return a row's test cases; raises BadRow where they are in none of the forms."""
        setup = self.setup.text(row) if self.setup else None
        return [case | ({"setup": setup} if setup else {}) for case in self._cases(row)]

    def _cases(self, row: Row) -> list[dict[str, Any]]:
        if self.cases is not None:
            return ready_cases(self.cases.read(row))
        if self.inputs is not None and self.outputs is not None:
            return paired_cases(self.inputs.read(row), self.outputs.read(row))
        if self.asserts is not None:
            return [{"assert": text} for text in self.asserts.texts(row)]
        return self._module(row)

    def _module(self, row: Row) -> list[dict[str, str]]:
        code = self.test_code.text(row) if self.test_code else None
        name = self.entry_point.text(row) if self.entry_point else None
        case = {"test_code": code} if code else {}
        return [case | ({"entry_point": name} if name else {})] if case else []


def ready_cases(value: Any) -> list[dict[str, Any]]:
    """Return cases that stand in a row as a list, as JSON text of one, or as two lists."""
    value = parse_json(value) if isinstance(value, str) and value.strip() else value
    if isinstance(value, Mapping) and set(value) == set(BUNDLE) and value["fn_name"]:
        return call_cases(value)
    if isinstance(value, Mapping) and {"inputs", "outputs"} <= set(value) <= set(BUNDLE):
        return paired_cases(value["inputs"], value["outputs"])
    if value in (None, ""):
        return []
    if not isinstance(value, list):
        raise BadRow("bad_test_cases")
    return [_checked_case(case) for case in value]


def call_cases(value: Row) -> list[dict[str, Any]]:
    """Return the tests that call a function, all in one case; raises BadRow for unreadable ones."""
    case = {name: value.get(name) for name in BUNDLE}
    try:
        function_name(case, None, "test_cases")
        for one in unbundled(case, "test_cases"):
            as_call(one, "test_cases")
    except (BadInput, KeyError, TypeError, ValueError):
        raise BadRow("bad_test_cases") from None
    return [case] if case["inputs"] else []


def paired_cases(inputs: Any, outputs: Any) -> list[dict[str, str]]:
    """Return a case for each input with its output; raises BadRow where they don't pair."""
    if inputs is None and outputs is None:
        return []
    lists = isinstance(inputs, list) and isinstance(outputs, list)
    if not lists or len(inputs) != len(outputs):
        raise BadRow("bad_test_cases")
    pairs = zip(inputs, outputs, strict=True)
    return [_checked_case({"input": given, "output": wanted}) for given, wanted in pairs]


def _checked_case(case: Any) -> dict[str, str]:
    """Return a case without its empty fields.

    A field that `verify` does not know is refused, for it may change what the case means. A
    case that calls a function must name it.
    """
    if not isinstance(case, Mapping):
        raise BadRow("bad_test_cases")
    given = {name: value for name, value in case.items() if value is not None}
    if given.get("testtype") == "stdin":
        del given["testtype"]
    form = set(given) - ({"setup", "entry_point"} if "test_code" in given else {"setup"})
    called = form == FUNCTIONAL and given["testtype"] == "functional"
    if (form not in CASE_FORMS and not called) or not all(
        isinstance(value, str) for value in given.values()
    ):
        raise BadRow("bad_test_cases")
    return given


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _as_cases(value: Any) -> Any:
    return {"cases": value} if isinstance(value, str) else value


class Columns(Options):
    """What each part of a question is read from: a column, a template, or a table of a reader."""

    prompt: Value = Field(description="the question's text, or a column with a conversation")
    system: Value | None = Field(None, description="a system message in front of the question")
    options: Annotated[tuple[Value, ...], BeforeValidator(_as_tuple)] = Field(
        (), description="of a multiple choice: a list column, or a list of columns"
    )
    reference_answer: Value | None = Field(None, description="the answer to compare with")
    test_cases: Annotated[CaseColumns | None, BeforeValidator(_as_cases)] = Field(
        None, description="ready cases, or columns to make them from"
    )
    constraints: Value | None = Field(None, description='a list of {"id", "kwargs"}, or JSON of it')
    difficulty: Value | None = Field(None, description="taken by label instead of its guess")
    licence: Value | None = Field(None, description="SPDX expression of the row")
    response: Value | None = Field(None, description="a response that came with it, or a list")
    teacher: Value | None = Field(None, description="who wrote the response")

    @model_validator(mode="after")
    def _difficulties(self) -> Self:
        named = set(self.difficulty.values.values()) if self.difficulty else set()
        if strange := named - set(DIFFICULTIES):
            raise ValueError(
                f"difficulty.values: must name difficulties {DIFFICULTIES}, got {sorted(strange)}"
            )
        return self

    def readers(self) -> Iterator[Reader]:
        """Yield every reader."""
        cases = vars(self.test_cases).values() if self.test_cases else ()
        values = (*vars(self).values(), *self.options, *cases)
        yield from (value for value in values if isinstance(value, Reader))

    def read_difficulty(self, row: Row) -> str | None:
        """Return a row's difficulty; raises BadRow for a name that is none."""
        found = self.difficulty.text(row) if self.difficulty else None
        if found is not None and found not in DIFFICULTIES:
            raise BadRow("unknown_difficulty")
        return found

    def read_options(self, row: Row) -> list[str]:
        """Return a row's options in order, without labels such as (A) where all have one.

        Empty ones at the end are none; one in between would shift the letters, and is refused.
        """
        values = [reader.read(row) for reader in self.options]
        parts = [value if isinstance(value, list) else [value] for value in values]
        found = [(as_text(item) or "").strip() for part in parts for item in part]
        while found and not found[-1]:
            found.pop()
        if not all(found) or len(found) > len(LETTERS):
            raise BadRow("bad_options")
        return _without_labels(found)

    def read_reference(self, row: Row) -> str | None:
        """Return a row's reference answer; the letters of a list are put together (["A", "C"])."""
        if self.reference_answer is None:
            return None
        value = self.reference_answer.read(row)
        if isinstance(value, list):
            value = ", ".join(as_text(item) or "" for item in value)
        return (as_text(value) or "").strip() or None

    def read_constraints(self, row: Row) -> str | None:
        """Return a row's constraints as JSON text; raises BadRow where they are not in form."""
        value = self.constraints.read(row) if self.constraints else None
        value = parse_json(value) if isinstance(value, str) and value.strip() else value
        if value in (None, "", []):
            return None
        if not isinstance(value, list) or not all(map(_is_constraint, value)):
            raise BadRow("bad_constraints")
        return canonical_json(value)


def _without_labels(options: list[str]) -> list[str]:
    pairs = zip(LETTERS, options, strict=False)
    marks = [re.match(rf"\(?{letter}[).:．、]\s*", text) for letter, text in pairs]
    if not all(marks):
        return options
    return [text[mark.end() :] for text, mark in zip(options, marks, strict=True) if mark]


def _is_constraint(value: Any) -> bool:
    form = isinstance(value, Mapping) and set(value) <= {"id", "kwargs"}
    return form and isinstance(value.get("id"), str)


def conversation(value: list[Any]) -> list[Message]:
    """Return turns written as {role, content} or {from, value}; raises BadRow for others."""
    return [_turn(turn) for turn in value]


def _turn(turn: Any) -> Message:
    if not isinstance(turn, Mapping):
        raise BadRow("bad_conversation")
    role = ROLES.get(str(turn.get("role") or turn.get("from")).lower())
    content = turn.get("content") if "content" in turn else turn.get("value")
    if role is None or not isinstance(content, str):
        raise BadRow("bad_conversation")
    return Message(role, content)
