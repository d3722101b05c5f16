"""Compares what a program printed with what it should print, outside the sandbox.

``"1  2.50\\n"`` matches ``"1 2.5"``: outputs are stripped and compared line by line, each
line stripped; where lines differ, token by token, and two tokens are also equal when both
are decimal numbers of exactly the same value (LiveCodeBench's rule). No tolerance, no
ignoring of case; a question that wants more than one right output needs another checker.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

RULE = "lines, tokens, exact decimals"
# Possessive, so that a long token costs its length once.
NUMBER = re.compile(r"[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d{1,6})?", re.ASCII)
# Longer tokens are compared as text only: no honest number has that many digits, and the
# conversion is quadratic.
MAX_DIGITS = 5_000


def same_output(actual: str, expected: str) -> bool:
    """Say whether an output is right."""
    ours, theirs = (text.strip().split("\n") for text in (actual, expected))
    return len(ours) == len(theirs) and all(map(_same_line, ours, theirs))


def _same_line(ours: str, theirs: str) -> bool:
    if ours.strip() == theirs.strip():
        return True
    left, right = ours.split(), theirs.split()
    return len(left) == len(right) and all(map(_same_token, left, right))


def _same_token(ours: str, theirs: str) -> bool:
    if ours == theirs:
        return True
    left, right = _number(ours), _number(theirs)
    return left is not None and left == right


def _number(token: str) -> Decimal | None:
    if len(token) > MAX_DIGITS or NUMBER.fullmatch(token) is None:
        return None
    try:
        return Decimal(token)
    except InvalidOperation:
        return None


def first_difference(actual: str, expected: str) -> str:
    """Return where two outputs part, for a person."""
    ours, theirs = (text.strip().split("\n") for text in (actual, expected))
    for place, (left, right) in enumerate(zip(ours, theirs, strict=False)):
        if not _same_line(left, right):
            return f"line {place + 1}: got {left[:80]!r}, expected {right[:80]!r}"
    return f"got {len(ours)} lines, expected {len(theirs)}"
