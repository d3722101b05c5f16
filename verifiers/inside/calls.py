"""Calls a function of the solution with data, and says whether it gave what it should.

For LiveCodeBench's test of ``def add(a, b): return a + b`` the job is::

    {"arguments": [1, 2], "whole_keys": [], "expected": [3], "depth": 1}

The rule is LiveCodeBench's: a tuple is taken for a list, and then `==` decides, which makes no
difference between 3 and 3.0. With depth 2, for tests of APPS and TACO, lists of tuples are lists
of lists too; any of the expected values is right, and keys may be whole numbers. A question's
`comparison` may allow more: a tolerance for numbers at any depth, any case, items in any order,
or a function of its own.

All this happens in the tests' process, on plain data: an object of the solution's own, whatever
its `__eq__` says, is never right.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from verifiers.inside.excerpts import show
from verifiers.inside.remote import Remote


class CheckerBroken(Exception):
    """A question's own checker raised, or gave neither yes nor no."""


def entry(name: str) -> str:
    """Return the expression for a function: a method of `Solution`, if there is one, or its own.

    A new `Solution` is made for each test, as LeetCode does.
    """
    there = f"hasattr(globals().get('Solution'), {name!r})"
    return f"Solution().{name} if {there} else {name}"


def arguments_of(call: dict[str, Any]) -> list[Any]:
    """Return the arguments of a call, some with whole numbers as keys again."""
    whole = set(call["whole_keys"])
    return [_whole(value) if k in whole else value for k, value in enumerate(call["arguments"])]


def _whole(value: dict[str, Any]) -> dict[int, Any]:
    return {int(key): item for key, item in value.items()}


def expected_of(call: dict[str, Any]) -> list[Any]:
    """Return the values that are right; the last one is what should come."""
    found = []
    for value in call["expected"]:
        found.append(value)
        if call["depth"] > 1 and type(value) is dict:
            with contextlib.suppress(ValueError):
                found.append(_whole(value))
    return found


def expected_text(call: dict[str, Any]) -> str:
    """Return what should have come, for a person."""
    return f"expected {show(expected_of(call)[-1])}"


def is_right(result: Any, call: dict[str, Any], rules: dict[str, Any]) -> bool:
    """Say whether a result is one of those that are right."""
    found = as_lists(result, call["depth"])
    return any(same(found, value, rules) for value in expected_of(call))


def as_lists(result: Any, depth: int) -> Any:
    """Return a result in which tuples, so many levels deep, are lists."""
    if depth > 0 and type(result) in (tuple, list):
        return [as_lists(item, depth - 1) for item in result]
    return result


def same(found: Any, wanted: Any, rules: dict[str, Any]) -> bool:
    """Compare two values by a question's rules."""
    if rules["unordered"] and type(found) is list and type(wanted) is list:
        return _same_items(found, wanted, rules)
    if not (rules["absolute"] or rules["relative"] or rules["ignore_case"]):
        return is_equal(found, wanted)
    return _same(found, wanted, rules)


def is_equal(found: Any, wanted: Any) -> bool:
    """Say what `==` says; where that is neither yes nor no (arrays), no."""
    try:
        return bool(found == wanted)
    except (ValueError, RecursionError):
        return False


def _same_items(found: list[Any], wanted: list[Any], rules: dict[str, Any]) -> bool:
    """Compare two lists in any order: each item finds one that is left."""
    left, bare = list(wanted), {**rules, "unordered": ""}
    for item in found:
        place = next((k for k, other in enumerate(left) if same(item, other, bare)), None)
        if place is None:
            return False
        del left[place]
    return not left


def _same(found: Any, wanted: Any, rules: dict[str, Any]) -> bool:
    if type(found) is list and type(wanted) is list:
        pairs = zip(found, wanted, strict=False)
        return len(found) == len(wanted) and all(_same(a, b, rules) for a, b in pairs)
    if type(found) is dict and type(wanted) is dict:
        known = found.keys() == wanted.keys()
        return known and all(_same(found[key], wanted[key], rules) for key in wanted)
    if rules["ignore_case"] and type(found) is str and type(wanted) is str:
        return found.casefold() == wanted.casefold()
    return is_equal(found, wanted) or _is_near(found, wanted, rules)


def _is_near(found: Any, wanted: Any, rules: dict[str, Any]) -> bool:
    if not {type(found), type(wanted)} <= {int, float}:
        return False
    try:
        allowed = max(rules["absolute"], rules["relative"] * abs(float(wanted)))
        return bool(abs(float(found) - float(wanted)) <= allowed < float("inf"))
    except OverflowError:
        return False


def ask(check: Callable[..., Any], given: Any, result: Any, call: dict[str, Any]) -> bool:
    """Ask a question's own checker; raises CheckerBroken.

    An object of the solution's own is never shown to it: it could answer as it likes.
    """
    if _holds_remote(result):
        return False
    try:
        answer = check(given, as_lists(result, call["depth"]), expected_of(call)[-1])
    except Exception as error:
        raise CheckerBroken(f"checker: {type(error).__name__}: {error}"[:300]) from error
    if type(answer) is not bool:
        raise CheckerBroken(f"checker: gave {type(answer).__name__}, not True or False")
    return answer


def _holds_remote(value: Any) -> bool:
    """Say whether a value is, or holds, an object of the solution's; looks at each once."""
    waiting, seen = [value], set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, Remote):
            return True
        if id(one) in seen or not isinstance(one, list | tuple | set | frozenset | dict):
            continue
        seen.add(id(one))
        waiting += [*one.keys(), *one.values()] if isinstance(one, dict) else one
    return False
