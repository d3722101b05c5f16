"""Turns tests that call the program into calls with data, for a sandbox that is not ours.

A service runs one program in one process and returns what it printed. So only what crosses as data
can be kept apart from the program: arguments go there, the result comes back, and the comparison is
made here. That is all of functional tests, and of asserts those of the form::

    assert f([1, 2], key="x") == [2, 4]        # → call f, compare here by ==

Any other test would have to run in the program's own process, which could make it pass; it is
unsupported.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import Any

from verifiers.code_asserts import parse
from verifiers.code_cases import Case
from verifiers.inside import calls


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the program: an expression for the function, what it gets, and what may come.

    `data` is as in `inside/calls.py`, with depth 0 where only `==` counts.
    """

    entry: str
    data: dict[str, Any]
    keywords: dict[str, Any]


def as_call(case: Case) -> Call | None:
    """Return the call that a test is; None where it is none."""
    if case.kind == "call":
        return Call(calls.entry(case.entry_point), json.loads(case.code), {})
    return _asserted(case.code) if case.kind == "assert" else None


def _asserted(text: str) -> Call | None:
    tree = parse(text)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Assert):
        return None
    test = tree.body[0].test
    if not isinstance(test, ast.Compare) or not isinstance(test.left, ast.Call):
        return None
    if len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return None
    try:
        return _call(test.left, test.comparators[0])
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None  # something in it is no literal


def _call(made: ast.Call, wanted: ast.expr) -> Call | None:
    """Return a call with literals; raises ValueError where one is none, or does not cross."""
    if any(keyword.arg is None for keyword in made.keywords) or not _is_name(made.func):
        return None
    arguments = [ast.literal_eval(value) for value in made.args]
    keywords = {str(one.arg): ast.literal_eval(one.value) for one in made.keywords}
    if json.loads(json.dumps([arguments, keywords])) != [arguments, keywords]:
        return None
    if not _same_types(arguments, keywords):
        return None
    expected = [ast.literal_eval(wanted)]
    data = {"arguments": arguments, "whole_keys": [], "expected": expected, "depth": 0}
    return Call(ast.unparse(made.func), data, keywords)


def _same_types(*values: Any) -> bool:
    """Say whether JSON brings values back as they were: no tuples, no sets, text as keys."""
    waiting = list(values)
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            if not all(type(key) is str for key in one):
                return False
            waiting += one.values()
        elif one is not None and type(one) not in (bool, int, float, str):
            return False
    return True


def _is_name(function: ast.expr) -> bool:
    """Say whether a function is named, perhaps as a method of a new object: `Solution().f`."""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call):
        made = function.value
        return isinstance(made.func, ast.Name) and not made.args and not made.keywords
    return isinstance(function, ast.Name)


class NotPlain(Exception):
    """What came back is no value as `inside/distant.py` writes it."""


NUMBERS = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


class Foreign:
    """Stands for an object that did not cross; it equals nothing."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return f"<{self.name} of the solution>"


def revived(node: Any) -> Any:
    """Return a value that came back; raises NotPlain."""
    if node is None or type(node) in (bool, int, float, str):
        return node
    if type(node) is not list or len(node) != 2 or type(node[0]) is not str:
        raise NotPlain
    tag, inner = node
    try:
        if tag == "float":
            return NUMBERS[inner]
        if tag == "other":
            return Foreign(str(inner)[:50])
        if tag == "dict":
            return {revived(key): revived(value) for key, value in inner}
        return {"list": list, "tuple": tuple, "set": set}[tag](map(revived, inner))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise NotPlain from error


def holds_foreign(value: Any) -> bool:
    """Say whether a value holds something that did not cross."""
    if isinstance(value, dict):
        return any(map(holds_foreign, [*value.keys(), *value.values()]))
    if isinstance(value, list | tuple | set):
        return any(map(holds_foreign, value))
    return isinstance(value, Foreign)
