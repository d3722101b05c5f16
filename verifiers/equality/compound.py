"""Reads an amount given in several units of one kind: hours and minutes, feet and inches.

``1 hour and 30 minutes`` is 1.5 hours, ``5'10''`` five feet and ten inches, ``30\\degree 15'``
30.25 degrees. Units have to become smaller from part to part, so that ``3 cm, 5 cm``
stays a list of two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from verifiers.equality.lexer import Token
from verifiers.equality.nodes import negated, number
from verifiers.equality.shapes import Value
from verifiers.equality.units import UNITS, Unit

MAX_DIGITS = 30  # of one part, a guess: what is written so is read off a clock or a ruler
BETWEEN = frozenset({"and", ","})
DEGREE = UNITS["degree"]
ARC = {1: Fraction(1, 60), 2: Fraction(1, 3600)}
LENGTH = {1: "foot", 2: "inch"}
# 分 is a hundredth of a yuan behind 元 or 角, a minute behind 小时, and a point of a score alone.
FEN = {"yuan": Unit(Fraction(1, 100), UNITS["yuan"].dimension), "time": UNITS["分钟"]}


@dataclass(frozen=True, slots=True)
class Part:
    """A number and its unit."""

    number: str
    unit: Unit


def compound(tokens: list[Token]) -> Value | None:
    """Return an amount in two or more units, counted in the first one, or None."""
    if len(tokens) > 24 or sum(token.kind == "number" for token in tokens) < 2:
        return None
    minus = tokens[0].text == "-"
    parts = _parts(list(_primed(tokens[minus:])))
    if parts is None or len(parts) < 2 or not _descending(parts):
        return None
    first = parts[0].unit
    terms = [Fraction(part.number) * part.unit.factor / first.factor for part in parts]
    places = parts[-1].number.partition(".")[2]
    ulp = parts[-1].unit.factor / first.factor / 10 ** len(places) if places else None
    node = number(sum(terms))
    return Value(negated(node) if minus else node, first, ulp)


def _descending(parts: list[Part]) -> bool:
    pairs = list(pairwise(parts))
    same = all(a.unit.dimension == b.unit.dimension for a, b in pairs)
    return same and all(a.unit.factor > b.unit.factor for a, b in pairs)


def _primed(tokens: list[Token]) -> Iterator[Token]:
    """Yield tokens with exponents of primes as plain primes, and `"` as two of them."""
    for place, token in enumerate(tokens):
        after = [follower.text for follower in tokens[place + 1 : place + 3]]
        before = tokens[place - 1].text if place else ""
        raised = token.text == "^" and "'" in after
        wrapped = token.text in "{}" and "'" in {before, *after[:1]}
        if token.text == '"':
            yield from (Token("operator", "'"),) * 2
        elif not (raised or wrapped):
            yield token


def _parts(tokens: list[Token]) -> list[Part] | None:
    """Cut tokens into numbers with units; None where anything else stands there."""
    parts: list[Part] = []
    place, before = 0, ""
    while place < len(tokens):
        if parts and tokens[place].text in BETWEEN:
            place += 1
            continue
        token = tokens[place]
        if token.kind != "number" or len(token.text) > MAX_DIGITS or "e" in token.text.lower():
            return None
        length, unit, before = _unit(tokens[place + 1 : place + 3], parts, before)
        if unit is None:
            return None
        parts.append(Part(token.text, unit))
        place += 1 + length
    return parts


def _unit(tokens: list[Token], parts: list[Part], before: str) -> tuple[int, Unit | None, str]:
    """Return how many tokens a unit takes, the unit, and what it was written as."""
    texts = [token.text for token in tokens]
    primes = (texts[:1] == ["'"]) + (texts[:2] == ["'", "'"])
    if primes and parts and parts[0].unit == DEGREE:
        return primes, Unit(ARC[primes], DEGREE.dimension), "'"
    if primes:
        return primes, UNITS[LENGTH[primes]], "'"
    if texts[:1] == ["\\degree"]:
        return 1, DEGREE, "degree"
    if not texts and before == "'" and parts[0].unit == UNITS["foot"]:
        return 0, UNITS["inch"], ""  # 5'10
    name = texts[0] if texts and tokens[0].kind == "word" else ""
    if name == "分" and parts:
        return 1, FEN.get(next(iter(parts[0].unit.dimension), "")), name
    return 1, UNITS.get(name) or UNITS.get(name.lower()), name
