"""Turns inequalities, intervals and sets into parts of the number line, to compare them.

``0\\le x<6`` is the interval [0, 6), ``x\\ne 2`` the intervals below and above 2, and
``(4,7)`` is an open interval here, whatever else it may be elsewhere.
"""

from __future__ import annotations

from verifiers.equality.parse import Node, negated, symbols
from verifiers.equality.shapes import Interval, Labelled, Relation, Sequence, Shape, Union, Value

OPPOSITE = {"<": ">", ">": "<", "\\le": "\\ge", "\\ge": "\\le", "\\ne": "\\ne"}
INFINITE = Node("inf")

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
    if isinstance(shape, Interval):
        return [shape]
    if isinstance(shape, Relation):
        return relation_parts(shape)
    if isinstance(shape, Labelled):
        return parts_of(shape.shape)
    if isinstance(shape, Union) or (isinstance(shape, Sequence) and shape.opener == ""):
        members = shape.parts if isinstance(shape, Union) else shape.items
        found = [parts_of(member) for member in members]
        return None if None in found else [part for parts in found if parts for part in parts]
    if isinstance(shape, Sequence):
        return _sequence_parts(shape)
    return [shape] if isinstance(shape, Value) else None


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
