"""Turns inequalities, intervals and sets into parts of the number line, to compare them.

``0\\le x<6`` is the interval [0, 6), ``x\\ne 2`` the intervals below and above 2, and
``(4,7)`` is an open interval here, whatever else it may be elsewhere.
"""

from __future__ import annotations

import math

from verifiers.equality.exact import NotRational, exact
from verifiers.equality.lexer import TooComplex
from verifiers.equality.nodes import Node, negated, number, symbols
from verifiers.equality.shapes import (
    Interval,
    Labelled,
    Opaque,
    Relation,
    Sequence,
    Shape,
    Union,
    Value,
)
from verifiers.equality.value import evaluate

MAX_MEMBERS = 64  # of a set of whole numbers that is listed
OPPOSITE = {"<": ">", ">": "<", "\\le": "\\ge", "\\ge": "\\le", "\\ne": "\\ne"}
INFINITE = Node("inf")
MINUS_INFINITE = negated(INFINITE)

Link = tuple[Node, str]  # a − b, and the sign of a … b


def links(relation: Relation) -> list[Link]:
    """Return for each sign of a chain what stands before it minus what follows it."""
    pairs = zip(relation.nodes, relation.nodes[1:], relation.signs, strict=False)
    return [(Node("add", (a, negated(b))), sign) for a, b, sign in pairs]


def variables(relation: Relation) -> frozenset[str]:
    """Return the symbols of a chain."""
    return frozenset().union(*map(symbols, relation.nodes))


def parts_of(shape: Shape) -> list[Shape] | None:
    """Return the intervals and points that a shape is the union of, or None."""
    if isinstance(shape, Labelled):
        return parts_of(shape.shape)
    if isinstance(shape, Relation):
        return relation_parts(shape)
    if isinstance(shape, Union):
        return _parts_of_all(shape.parts)
    if isinstance(shape, Sequence):
        return _listed_parts(shape.items) if shape.opener == "" else _sequence_parts(shape)
    return [shape] if isinstance(shape, Interval | Value) else None


def _parts_of_all(members: tuple[Shape, ...]) -> list[Shape] | None:
    found = [parts_of(member) for member in members]
    return None if None in found else [part for parts in found if parts for part in parts]


def _listed_parts(members: tuple[Shape, ...]) -> list[Shape] | None:
    """Return the parts of a bare list of conditions, of which x ≠ 1 takes something away."""
    excluded = [member for member in members if _excludes(member)]
    if excluded and len(excluded) < len(members):
        left = tuple(member for member in members if member not in excluded)
        return _less(Sequence("", left), excluded)
    parts = _parts_of_all(members)
    return None if parts is None else _intersected(parts)


def _excludes(shape: Shape) -> bool:
    return isinstance(shape, Relation) and shape.signs == ("\\ne",)


def _less(shape: Shape, excluded: list[Shape]) -> list[Shape] | None:
    """Return x > 0, x ≠ 1 as two intervals."""
    for relation in excluded:
        assert isinstance(relation, Relation)
        bounds = [node for node in relation.nodes if node.op != "sym"]
        if len(bounds) != 1:
            return None
        shape = without(shape, Value(bounds[0]))
    return parts_of(shape)


def _intersected(parts: list[Shape]) -> list[Shape]:
    """Return x > 0, x < 5 as one interval: two half-lines that overlap are never a union."""
    if len(parts) != 2 or not all(isinstance(part, Interval) for part in parts):
        return parts
    below = [part for part in parts if isinstance(part, Interval) and part.low == MINUS_INFINITE]
    above = [part for part in parts if isinstance(part, Interval) and part.high == INFINITE]
    if len(below) != 1 or len(above) != 1 or below == above:
        return parts
    if not is_less(above[0].low, below[0].high):
        return parts
    return [Interval(above[0].low, below[0].high, above[0].low_open, below[0].high_open)]


def is_less(first: Node, second: Node) -> bool:
    """Say whether a number is below another; expressions with names are not."""
    if symbols(first) or symbols(second):
        return False
    try:
        return bool(evaluate(first, {}) < evaluate(second, {}))
    except (ArithmeticError, ValueError, TypeError):
        return False


def _sequence_parts(shape: Sequence) -> list[Shape] | None:
    if shape.opener == "\\{":
        return list(shape.items)
    if len(shape.items) == 2 and all(isinstance(item, Value) for item in shape.items):
        low, high = (item.node for item in shape.items if isinstance(item, Value))
        is_open = shape.opener == "("
        return [Interval(low, high, is_open, is_open)] if shape.opener in "([" else None
    return None


def relation_parts(relation: Relation) -> list[Shape] | None:
    """Return the intervals of a chain with a lone symbol in it, or None."""
    alone = [k for k, node in enumerate(relation.nodes) if node.op == "sym"]
    if len(alone) != 1 or len(variables(relation)) != 1:
        return None
    if relation.signs == ("\\ne",):
        bound = relation.nodes[1 - alone[0]]
        below = Interval(negated(INFINITE), bound, True, True)
        return [below, Interval(bound, INFINITE, True, True)]
    return _interval_of(relation, alone[0])


def _interval_of(relation: Relation, place: int) -> list[Shape] | None:
    low: tuple[Node, bool] = (negated(INFINITE), True)
    high: tuple[Node, bool] = (INFINITE, True)
    if len(relation.nodes) > 3 or "\\ne" in relation.signs or "=" in relation.signs:
        return None
    if place != 1 and len(relation.nodes) == 3:
        return None
    for bound, sign in _bounds(relation, place):
        strict = sign in {"<", ">"}
        if sign in {"<", "\\le"}:
            high = (bound, strict)
        else:
            low = (bound, strict)
    return [Interval(low[0], high[0], low[1], high[1])]


def _bounds(relation: Relation, place: int) -> list[Link]:
    """Return what stands beside the symbol, with the sign as seen from the symbol."""
    found = []
    if place > 0:
        found.append((relation.nodes[place - 1], OPPOSITE[relation.signs[place - 1]]))
    if place < len(relation.signs):
        found.append((relation.nodes[place + 1], relation.signs[place]))
    return found


def without(shape: Shape, removed: Shape) -> Shape:
    """Return a union of intervals less some points: the reals without 0 are two half-lines."""
    parts, points = parts_of(shape), parts_of(removed)
    if parts is None or points is None or not all(isinstance(part, Interval) for part in parts):
        return Opaque()
    nodes = [point.node for point in points if isinstance(point, Value)]
    if len(nodes) != len(points) or any(map(symbols, nodes)):
        return Opaque()
    for node in nodes:
        parts = [piece for part in parts for piece in _cut(part, node)]
    return Union(tuple(parts))


def _cut(part: Shape, node: Node) -> list[Shape]:
    """Cut an interval at an inner point."""
    if not isinstance(part, Interval):
        return [part]
    if not (is_less(part.low, node) and is_less(node, part.high)):
        return [part]
    below = Interval(part.low, node, part.low_open, True)
    return [below, Interval(node, part.high, True, part.high_open)]


def whole_numbers(shape: Shape) -> list[Node] | None:
    """Return the whole numbers between the bounds of one interval, if they are few."""
    parts = parts_of(shape)
    if parts is None or len(parts) != 1 or not isinstance(parts[0], Interval):
        return None
    interval = parts[0]
    try:
        low, high = exact(interval.low), exact(interval.high)
    except (NotRational, TooComplex, ZeroDivisionError):
        return None
    first = math.floor(low) + 1 if interval.low_open else math.ceil(low)
    last = math.ceil(high) - 1 if interval.high_open else math.floor(high)
    return [number(k) for k in range(first, last + 1)] if last - first < MAX_MEMBERS else None


def merged(parts: list[Shape]) -> list[Shape]:
    """Return parts of which [0, 2] and [2, 5] are one: intervals that share a bound."""
    left = list(parts)
    for first in parts:
        for second in parts:
            if first in left and second in left and _touch(first, second):
                assert isinstance(first, Interval)
                assert isinstance(second, Interval)
                left[left.index(first)] = Interval(
                    first.low, second.high, first.low_open, second.high_open
                )
                left.remove(second)
    return left


def _touch(first: Shape, second: Shape) -> bool:
    """Say whether an interval ends where another begins, the point in one of them."""
    if not (isinstance(first, Interval) and isinstance(second, Interval)):
        return False
    return first.high == second.low and not (first.high_open and second.low_open)
