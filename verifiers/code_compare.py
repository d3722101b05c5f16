"""Compares what a program printed with what it should print, outside the sandbox.

``"1  2.50\\n"`` matches ``"1 2.5"``: outputs are stripped and compared line by line, each
line stripped; where lines differ, token by token, and two tokens are also equal when both
are decimal numbers of exactly the same value (LiveCodeBench's rule). A question may say
otherwise, in its row's `comparison`::

    {"absolute": 1e-6, "relative": 1e-6}    # numbers may be so far from the expected ones
    {"ignore_case": true}                   # Yes is YES
    {"unordered": "lines"}                  # or "tokens": in any order
    {"checker": "def check(input, output, expected): return …"}    # `code_special.py`

A tolerance holds if either of its two does, the relative one being of the expected number.
It can't guess: a question with more than one right output, and no `comparison`, calls right
programs wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import chain

# Possessive, so that a long token costs its length once.
NUMBER = re.compile(r"[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d{1,6})?", re.ASCII)
# Longer tokens are compared as text only: no honest number has that many digits, and the
# conversion is quadratic.
MAX_DIGITS = 5_000
ORDERS = ("lines", "tokens")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a question's outputs are compared; `checker` is the source of its own function."""

    absolute: float = 0.0
    relative: float = 0.0
    ignore_case: bool = False
    unordered: str = ""
    checker: str = ""

    @property
    def rule(self) -> str:
        """Return what a verdict says of it."""
        if self.checker:
            return "checker"
        near = f"numbers within {self.absolute:g} or {self.relative:g} of the expected one"
        numbers = near if self._is_near else "exact decimals"
        tokens = "tokens in any order" if self.unordered == "tokens" else "tokens"
        lines = "lines in any order" if self.unordered == "lines" else "lines"
        return ", ".join([lines, tokens, numbers, *["any case"] * self.ignore_case])

    @property
    def call_rule(self) -> str:
        """Return what a verdict says of how results of calls are compared."""
        if self.checker:
            return "checker"
        near = [f"numbers within {self.absolute:g} or {self.relative:g}"] if self._is_near else []
        order = ["items in any order"] if self.unordered else []
        return ", ".join(["equal values", *near, *order, *["any case"] * self.ignore_case])

    @property
    def _is_near(self) -> bool:
        return bool(self.absolute or self.relative)

    def same(self, actual: str, expected: str) -> bool:
        """Say whether an output is right."""
        ours, theirs = _lines(actual), _lines(expected)
        if self.unordered == "tokens":
            return self._bag(map(str.split, ours)) == self._bag(map(str.split, theirs))
        if self.unordered == "lines":
            return Counter(map(self._key, ours)) == Counter(map(self._key, theirs))
        return len(ours) == len(theirs) and all(map(self._same_line, ours, theirs))

    def _bag(self, lines: map[list[str]]) -> Counter[Decimal | str]:
        return Counter(map(self._value, chain.from_iterable(lines)))

    def _key(self, line: str) -> tuple[Decimal | str, ...]:
        return tuple(map(self._value, line.split()))

    def _value(self, token: str) -> Decimal | str:
        """Return what equal tokens have in common."""
        number = _number(token)
        return self._cased(token) if number is None else number

    def _cased(self, text: str) -> str:
        return text.casefold() if self.ignore_case else text

    def _same_line(self, ours: str, theirs: str) -> bool:
        if ours.strip() == theirs.strip():
            return True
        left, right = ours.split(), theirs.split()
        return len(left) == len(right) and all(map(self._same_token, left, right))

    def _same_token(self, ours: str, theirs: str) -> bool:
        if self._cased(ours) == self._cased(theirs):
            return True
        left, right = _number(ours), _number(theirs)
        if left is None or right is None:
            return False
        return left == right or (self._is_near and self._near(float(left), float(right)))

    def _near(self, ours: float, theirs: float) -> bool:
        """Tell whether a number is within the tolerance; endless ones never are."""
        return abs(ours - theirs) <= max(self.absolute, self.relative * abs(theirs)) < float("inf")

    def difference(self, actual: str, expected: str) -> str:
        """Return where two outputs part, for a person."""
        ours, theirs = _lines(actual), _lines(expected)
        if not self.unordered:
            for place, (left, right) in enumerate(zip(ours, theirs, strict=False)):
                if not self._same_line(left, right):
                    return f"line {place + 1}: got {left[:80]!r}, expected {right[:80]!r}"
        if len(ours) != len(theirs):
            return f"got {len(ours)} lines, expected {len(theirs)}"
        return f"got {ours[0][:80]!r} …, expected {theirs[0][:80]!r} …, in any order"


def _lines(text: str) -> list[str]:
    return text.strip().split("\n")


def _number(token: str) -> Decimal | None:
    if len(token) > MAX_DIGITS or NUMBER.fullmatch(token) is None:
        return None
    try:
        return Decimal(token)
    except InvalidOperation:
        return None


EXACT = Comparison()
