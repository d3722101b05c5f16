"""Reads how a question's outputs are to be compared.

A row's `comparison` is an object, or JSON text of one, such as::

    {"absolute": 1e-6, "relative": 1e-9, "ignore_case": true}
    {"unordered": "lines"}         # standard output: "lines" or "tokens"; of calls: "items"
    {"checker": "def check(input, output, expected):\\n    return sorted(output) == …"}

A checker is asked alone, so that nothing else may stand beside it. Raises `BadInput` on an
unknown name, on a value of another type, and where nothing in the row could use it: an option
that does nothing would be a silent fallback.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from typing import Any

from verifiers.base import BadInput, Row
from verifiers.code_compare import EXACT, ORDERS, Comparison

KINDS: dict[str, type] = {"ignore_case": bool, "unordered": str, "checker": str}
TOLERANCES = ("absolute", "relative")
NAMES = (*TOLERANCES, *KINDS)
ITEMS = "items"  # of a list that a call returns


def read_comparison(row: Row, kinds: Set[str]) -> Comparison:
    """Read a row's `comparison`, for cases of some kinds; raises BadInput."""
    value = row.get("comparison")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"comparison: expected JSON, got {value[:50]!r}") from error
    if value is None:
        return EXACT
    if not isinstance(value, Mapping):
        raise BadInput(f"comparison: expected an object, got {type(value).__name__}")
    given = {name: part for name, part in value.items() if part is not None}
    for name, part in given.items():
        _check(name, part)
    found = Comparison(**given)
    _check_together(found, kinds)
    return found


def _check(name: Any, value: Any) -> None:
    if name not in NAMES:
        raise BadInput(f"comparison.{name}: unknown; known are {', '.join(NAMES)}")
    if name in TOLERANCES:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value < float("inf"):
            raise BadInput(f"comparison.{name}: expected a number from 0 on, got {value!r:.50}")
    elif type(value) is not KINDS[name]:
        wanted = KINDS[name].__name__
        raise BadInput(f"comparison.{name}: expected a {wanted}, got {type(value).__name__}")


def _check_together(found: Comparison, kinds: Set[str]) -> None:
    orders = (*ORDERS, ITEMS)
    if found.unordered and found.unordered not in orders:
        raise BadInput(f"comparison.unordered: expected {orders}, got {found.unordered[:50]!r}")
    near = found.absolute or found.relative
    if found.checker and (near or found.ignore_case or found.unordered):
        raise BadInput("comparison.checker: stands alone, got other rules beside it")
    if found.unordered in ORDERS and near:
        raise BadInput(f"comparison.unordered: {found.unordered} can't have a tolerance as well")
    wanted = {"input"} if found.unordered in ORDERS else {"input", "call"}
    wanted = {"call"} if found.unordered == ITEMS else wanted
    if kinds and not kinds & wanted:
        raise BadInput(f"comparison: of use to tests of kind {sorted(wanted)}, got {sorted(kinds)}")
