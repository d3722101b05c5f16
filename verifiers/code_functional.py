"""Reads test cases that call one function of the program and look at what it returns.

Two forms are about. LiveCodeBench's is one test, an argument a line, each JSON::

    {"testtype": "functional", "fn_name": "add", "input": "1\\n2", "output": "3"}

that of APPS and TACO is all tests of a question at once, each input a list of arguments and each
output a value, or both text as LiveCodeBench's, as in PRIME's copy; without `fn_name` they are
standard input and output, where an item may be a list of lines::

    {"fn_name": "add", "inputs": [[1, 2], [3, 4]], "outputs": [[3], [7]]}
    {"fn_name": "add", "inputs": ["1\n2", "3\n4"], "outputs": ["3", "7"]}
    {"inputs": ["1 2\\n", ["3", "4"]], "outputs": ["3\\n", ["7"]]}

The second form has two habits, taken over from the harnesses that it is used with: each output
may be wrapped in a list of its own (here: if all of them are lists of one item, both are right),
and a dictionary whose keys are all whole numbers had whole numbers as keys, which JSON can't
write. How results are compared: `inside/calls.py`. Raises `BadInput` on what is in neither form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from verifiers.base import BadInput

NAME = re.compile(r"[A-Za-z_]\w*")
WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
# Whatever else came with it is about the question, not about its tests.
KNOWN = frozenset({"fn_name", "inputs", "outputs"})


class Bundled(dict[str, Any]):
    """A test of a bundle that calls a function: `fn_name`, `call`, and perhaps `setup`."""


def is_bundle(item: Any) -> bool:
    """Say whether an object holds all tests of a question."""
    return isinstance(item, Mapping) and "inputs" in item and "outputs" in item


def is_functional(item: Mapping[str, Any], name: str | None) -> bool:
    """Say whether a test calls a function; a bare `fn_name` of the row needs the test's word."""
    kind = item.get("testtype")
    return kind == "functional" or (kind is None and bool(item.get("fn_name") or name))


def unbundled(item: Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
    """Yield the tests of a bundle, ready for `as_call` where they call a function."""
    inputs, outputs = item["inputs"], item["outputs"]
    if not isinstance(inputs, list) or not isinstance(outputs, list) or len(inputs) != len(outputs):
        raise BadInput(f"{where}: expected lists of inputs and outputs of one length")
    setup = {"setup": item["setup"]} if item.get("setup") else {}
    name = item.get("fn_name")
    if not name:
        for given, wanted in zip(inputs, outputs, strict=True):
            yield {"input": _lines(given, where), "output": _lines(wanted, where), **setup}
        return
    pairs = zip(inputs, outputs, strict=True)
    values = [_value(v, f"{where}.outputs") if type(given) is str else v for given, v in pairs]
    wrapped = bool(values) and all(type(value) is list and len(value) == 1 for value in values)
    for given, wanted in zip(inputs, values, strict=True):
        arguments = _arguments(given, f"{where}.inputs")
        expected = [wanted, wanted[0]] if wrapped else [wanted]
        call = {
            "arguments": arguments,
            "whole_keys": [k for k, value in enumerate(arguments) if _has_whole_keys(value)],
            "expected": expected,
            "depth": 2,
        }
        yield Bundled(fn_name=name, call=call, **setup)


def _lines(value: Any, where: str) -> str:
    """Return standard input or output; some are lists of lines, and some are numbers."""
    if isinstance(value, list):
        return "\n".join(_lines(line, where) for line in value)
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise BadInput(f"{where}: expected text or a list of lines, got {type(value).__name__}")


def _value(value: Any, where: str) -> Any:
    """Return a value, which may be written as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: expected JSON, got {value[:50]!r}") from error


def _arguments(given: Any, where: str) -> list[Any]:
    """Return the arguments of a call: a list, or text with one in each line."""
    if isinstance(given, list):
        return given
    if not isinstance(given, str):
        raise BadInput(f"{where}: expected a list of arguments, got {type(given).__name__}")
    return [_value(line, where) for line in given.split("\n") if line.strip()]


def _has_whole_keys(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(WHOLE.fullmatch, value))


def function_name(item: Mapping[str, Any], row_name: str | None, where: str) -> str:
    """Return the name of the function that a test calls."""
    name = item.get("fn_name") or row_name
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        raise BadInput(f"{where}.fn_name: expected the name of a function, got {name!r:.50}")
    return name


def as_call(item: Mapping[str, Any], where: str) -> str:
    """Return the arguments of a test and what it may give, as JSON for the tests' process."""
    if isinstance(item, Bundled):
        call = item["call"]
    else:
        arguments = _arguments(item.get("input"), f"{where}.input")
        expected = [_value(item.get("output"), f"{where}.output")]
        call = {"arguments": arguments, "whole_keys": [], "expected": expected, "depth": 1}
    return json.dumps(call)


def names_called(names: Sequence[str]) -> set[str]:
    """Return the names by which the program's block is known: the functions, or their class."""
    return {*names, *(["Solution"] if names else [])}
