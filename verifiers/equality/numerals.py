"""Reads strictly written numbers and compares them exactly, at any length.

``-1,234.50``, ``3/4`` and ``\\frac{3}{4}`` are numerals; ``1 1/2``, ``5 cm`` and ``60%`` are
none, and go to the full comparison. Decimals are compared digit by digit, so a number of
20,000 digits costs no more than reading it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

DECIMAL = re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+|\d+)?(?:\.(\d*))?")
FRACTION = re.compile(
    r"([+-]?)(?:(\d{1,1000})/(\d{1,1000})|\\frac\{(\d{1,1000})\}\{(\d{1,1000})\})"
)
MAX_DIGITS = 1000  # of a decimal whose tolerance is computed, and of a fraction


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a decimal reference allows: `digits` of its last place.

    Half of the last place is what rounding may take away, so 0.33 equals 1/3. Of one
    significant digit, which is more often exact than rounded, it is at most `relative` of
    the value as well: 0.5 does not equal 0.54. One percent is a guess.
    """

    digits: float = 0.5
    relative: float = 0.01


@dataclass(frozen=True, slots=True)
class Decimal:
    """A decimal: whole digits without leading zeros, and all the places as written."""

    negative: bool
    whole: str
    places: str

    @property
    def canonical(self) -> tuple[bool, str, str]:
        """The same for equal numbers."""
        places = self.places.rstrip("0")
        return (self.negative and bool(self.whole or places), self.whole, places)

    @property
    def fraction(self) -> Fraction:
        """The value."""
        value = Fraction(int((self.whole + self.places) or "0"), 10 ** len(self.places))
        return -value if self.negative else value


def decimal(text: str) -> Decimal | None:
    """Read a decimal, or return None."""
    match = DECIMAL.fullmatch(text)
    if not match or not (match[2] or match[3]):
        return None
    whole = (match[2] or "").replace(",", "").lstrip("0")
    return Decimal(match[1] == "-", whole, match[3] or "")


def fraction(text: str) -> Fraction | None:
    """Read a fraction of whole numbers, or return None."""
    match = FRACTION.fullmatch(text)
    if not match:
        return None
    top, bottom = int(match[2] or match[4]), int(match[3] or match[5])
    if bottom == 0:
        return None
    return Fraction(-top if match[1] == "-" else top, bottom)


def equal(reference: str, answer: str, tolerance: Tolerance) -> bool | None:
    """Say whether two numerals are equal, None where one of them is no numeral.

    A decimal reference has a tolerance; every other reference is exact.
    """
    first, second = decimal(reference), decimal(answer)
    if first and second and first.canonical == second.canonical:
        return True
    if first and second and not first.places:
        return False
    left, right = _value(reference, first), _value(answer, second)
    if left is None or right is None:
        return None
    return abs(left - right) <= _slack(left, first, tolerance)


def _value(text: str, number: Decimal | None) -> Fraction | None:
    if number is None:
        return fraction(text)
    return number.fraction if len(number.whole) + len(number.places) <= MAX_DIGITS else None


def _slack(value: Fraction, number: Decimal | None, tolerance: Tolerance) -> Fraction:
    if number is None or not number.places:
        return Fraction(0)
    return allowed(value, Fraction(1, 10 ** len(number.places)), tolerance)


def allowed(value: Fraction, ulp: Fraction, tolerance: Tolerance) -> Fraction:
    """Return the absolute tolerance of a decimal whose last digit is worth `ulp`.

    A little less than stated, since 0.125 is not what 0.12 or 0.13 was rounded from.
    """
    part = ulp * Fraction(tolerance.digits) * Fraction(999_999, 1_000_000)
    if abs(value) >= 10 * ulp:
        return part
    return min(part, abs(value) * Fraction(tolerance.relative))
