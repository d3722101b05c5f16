"""Evaluates rational expressions exactly, within bounds on the size of what comes out.

``3^{40} + \\frac{1}{3}`` is the fraction 36472996377170786404/3; ``\\sqrt{2}`` raises
NotRational and ``7^{7^{7}}`` TooComplex, before anything large is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from verifiers.equality.lexer import TooComplex
from verifiers.equality.nodes import Node, number, substituted

MAX_BITS = 100_000  # of a number; 15! has 41 and 3^40 has 64
EXACT_FACTORIAL = 5_000
EXACT_TERMS = 2_000  # of a written sum, a guess: some 10 µs each


class NotRational(ValueError):
    """An expression has no exact rational value."""


def exact(node: Node) -> Fraction:
    """Return the rational value; raises NotRational, TooComplex or ZeroDivisionError."""
    rule = EXACT.get(node.op)
    if rule is None:
        raise NotRational(node.op)
    return rule(node)


def _exact_power(node: Node) -> Fraction:
    base = exact(node.args[0])
    if base == 1:
        return base
    exponent = exact(node.args[1])
    if exponent.denominator != 1:
        raise NotRational("root")
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(base) not in {0, 1} and size * abs(exponent.numerator) > MAX_BITS:
        raise TooComplex("exponent")
    return base ** (exponent.numerator if abs(base) not in {0, 1} else _small(exponent.numerator))


def _small(exponent: int) -> int:
    """Return an exponent of 0, 1 or −1 that has the same effect."""
    return (
        (exponent > 0) - (exponent < 0) if exponent % 2 else 2 * ((exponent > 0) - (exponent < 0))
    )


def _exact_factorial(node: Node) -> Fraction:
    value = exact(node.args[0])
    if value.denominator != 1 or value < 0:
        raise NotRational("factorial")
    if value > EXACT_FACTORIAL:
        raise TooComplex("factorial")
    return Fraction(math.factorial(int(value)))


def _exact_binomial(node: Node) -> Fraction:
    top, bottom = map(exact, node.args)
    if top.denominator != 1 or bottom.denominator != 1 or bottom < 0 or top < 0:
        raise NotRational("binomial")
    if top > EXACT_FACTORIAL:
        raise TooComplex("binomial")
    return Fraction(math.comb(int(top), int(bottom)))


def _exact_permutations(node: Node) -> Fraction:
    top, bottom = map(exact, node.args)
    if top > EXACT_FACTORIAL:
        raise TooComplex("permutations")
    return Fraction(math.perm(int(top), int(bottom)))


def _exact_double_factorial(node: Node) -> Fraction:
    value = exact(node.args[0])
    if value.denominator != 1 or value < 0:
        raise NotRational("factorial")
    if value > EXACT_FACTORIAL:
        raise TooComplex("factorial")
    return Fraction(math.prod(range(int(value), 0, -2)))


def _exact_total(node: Node) -> Fraction:
    if node.args[1].op == "inf":
        raise NotRational("infinite")
    low, high = (exact(arg) for arg in node.args[:2])
    if low.denominator != 1 or high.denominator != 1:
        raise NotRational("bounds")
    if high - low >= EXACT_TERMS:
        raise TooComplex("terms")
    total = Fraction(node.op == "prod")
    for k in range(int(low), int(high) + 1):
        term = exact(substituted(node.args[2], {node.name: number(k)}))
        total = _bounded(total * term if node.op == "prod" else total + term)
    return total


def _exact_sum(node: Node) -> Fraction:
    total = Fraction(0)
    for arg in node.args:
        total = _bounded(total + exact(arg))
    return total


def _exact_product(node: Node) -> Fraction:
    total = Fraction(1)
    for arg in node.args:
        total = _bounded(total * exact(arg))
    return total


def _exact_quotient(node: Node) -> Fraction:
    left, right = map(exact, node.args)
    return _bounded(left / right)


def _exact_root(node: Node) -> Fraction:
    degree, value = map(exact, node.args)
    if degree != 2 or value < 0:
        raise NotRational("root")
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    if top * top != value.numerator or bottom * bottom != value.denominator:
        raise NotRational("root")
    return Fraction(top, bottom)


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() > 2 * MAX_BITS:
        raise TooComplex("digits")
    return value


def _over_whole(function: Callable[..., int]) -> Callable[[Node], Fraction]:
    def rule(node: Node) -> Fraction:
        values = [exact(arg) for arg in node.args]
        if any(value.denominator != 1 for value in values):
            raise NotRational("whole numbers")
        return Fraction(function(*(int(value) for value in values)))

    return rule


EXACT: dict[str, Callable[[Node], Fraction]] = {
    "num": lambda node: node.value,
    "add": _exact_sum,
    "neg": lambda node: -exact(node.args[0]),
    "mul": _exact_product,
    "div": _exact_quotient,
    "pow": _exact_power,
    "root": _exact_root,
    "fact": _exact_factorial,
    "binom": _exact_binomial,
    "perm": _exact_permutations,
    "fact2": _exact_double_factorial,
    "sum": _exact_total,
    "prod": _exact_total,
    "abs": lambda node: abs(exact(node.args[0])),
    "floor": lambda node: Fraction(math.floor(exact(node.args[0]))),
    "ceil": lambda node: Fraction(math.ceil(exact(node.args[0]))),
    "gcd": _over_whole(math.gcd),
    "lcm": _over_whole(math.lcm),
    "max": lambda node: max(map(exact, node.args)),
    "min": lambda node: min(map(exact, node.args)),
}
