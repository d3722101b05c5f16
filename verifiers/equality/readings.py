"""Under which factors two values with units may be equal.

``3 km`` and ``3000 m`` are equal under 1000 and 1; ``60 %`` may mean 60 or 0.6 beside a
plain number, and ``90°`` 90 or π/2.
"""

from __future__ import annotations

from fractions import Fraction

from verifiers.equality.nodes import Node, number
from verifiers.equality.shapes import Value
from verifiers.equality.units import UNITS

Reading = tuple[Node | None, Node | None, Fraction | None]
PERCENT, DEGREES = {"percent": Fraction(1)}, {"degrees": Fraction(1)}
RADIANS = {"radians": Fraction(1)}
KELVIN = {  # what is added, then multiplied with
    "celsius": (Fraction("273.15"), Fraction(1)),
    "fahrenheit": (Fraction("459.67"), Fraction(5, 9)),
    "temperature": (Fraction(0), Fraction(1)),
}
SPECIAL = {
    "percent": number(Fraction(1, 100)),
    "degrees": Node("div", (Node("pi"), number(180))),
}


def readings(reference: Value, answer: Value) -> list[Reading]:
    """Return the factors under which two values may be equal, and the reference's last digit.

    Values of different dimensions have none. 60 % may mean 60 or 0.6 beside a plain number,
    90° may mean 90 or π/2.
    """
    first, second = reference.unit, answer.unit
    plain: Reading = (None, None, reference.ulp)
    if first is None and second is None:
        return [plain]
    if first is not None and second is not None:
        if first.dimension == second.dimension:
            ulp = reference.ulp * first.factor if reference.ulp else None
            return [(number(first.factor), number(second.factor), ulp)]
        if [first.dimension, second.dimension] == [DEGREES, RADIANS]:
            return [(SPECIAL["degrees"], None, None)]
        if [first.dimension, second.dimension] == [RADIANS, DEGREES]:
            return [(None, SPECIAL["degrees"], None)]
        return []
    return [plain, *_converted(reference, answer)]


def _converted(reference: Value, answer: Value) -> list[Reading]:
    """Return the reading in which the one unit, percent or degrees, is turned into a number."""
    unit = reference.unit or answer.unit
    name = next(iter(unit.dimension), "") if unit else ""
    factor = SPECIAL.get(name)
    if unit is None or factor is None or unit.dimension not in (PERCENT, DEGREES):
        return []
    if reference.unit is None:
        return [(None, factor, reference.ulp)]
    ulp = reference.ulp / 100 if reference.ulp and name == "percent" else None
    return [(factor, None, ulp)]


def in_kelvin(reference: Value, answer: Value) -> tuple[Node, Node, Fraction | None] | None:
    """Return two temperatures on different scales in kelvins, with the reference's last digit."""
    scales = [
        next(iter(value.unit.dimension), "") if value.unit else "" for value in (reference, answer)
    ]
    if not set(scales) <= set(KELVIN) or scales[0] == scales[1]:
        return None
    first, second = (
        Node("mul", (Node("add", (value.node, number(KELVIN[scale][0]))), number(KELVIN[scale][1])))
        for value, scale in zip((reference, answer), scales, strict=True)
    )
    ulp = reference.ulp * KELVIN[scales[0]][1] if reference.ulp else None
    return first, second, ulp


def as_measured(value: Value, other: Value) -> Value:
    """Read the product 5m as five metres beside a value whose unit is a length."""
    node = value.node
    if value.unit or other.unit is None or node.op != "mul" or node.args[-1].op != "sym":
        return value
    unit = UNITS.get(node.args[-1].name)
    if unit is None or unit.dimension != other.unit.dimension:
        return value
    return Value(Node("mul", node.args[:-1]), unit, value.ulp)


def times(node: Node, factor: Node | None) -> Node:
    """Return a node times a factor; None is 1."""
    if factor is None or factor == number(1):
        return node
    return Node("mul", (node, factor))
