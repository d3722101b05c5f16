"""Compares what has no common form by looking at many points: ``x^2 < 1`` and ``(-1, 1)``.

Sets of numbers are equal if the same points are members, at, beside and between all bounds
in sight; functions by parts if their values are. Points that nobody names are a fixed
spread; a difference that lies between two of them is not seen, so this is asked last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import mpmath  # type: ignore[import-untyped]

from verifiers.equality.cases import OTHERWISE
from verifiers.equality.decision import Decision
from verifiers.equality.families import names_of, nodes_of
from verifiers.equality.nodes import symbols
from verifiers.equality.ranges import parts_of
from verifiers.equality.shapes import (
    Congruence,
    Interval,
    Labelled,
    Piecewise,
    Relation,
    Sequence,
    Shape,
    Union,
    Value,
)
from verifiers.equality.value import ROUGH, evaluate

SPREAD = [k / 7 + 0.0137 for k in range(-60, 61)] + [-1e6, -1234.5, 1234.5, 1e6]
WHOLE = range(-12, 25)  # where residues decide
NEAR = 1e-6  # on both sides of a bound
LEAST = 20  # points at which both have a value
CLOSE = mpmath.mpf(10) ** -20
HOLDS: dict[str, Callable[[object, object], bool]] = {
    "<": lambda a, b: bool(a < b - CLOSE),
    ">": lambda a, b: bool(a > b + CLOSE),
    "\\le": lambda a, b: bool(a <= b + CLOSE),
    "\\ge": lambda a, b: bool(a >= b - CLOSE),
    "\\ne": lambda a, b: bool(abs(a - b) > CLOSE),  # type: ignore[operator]
    "=": lambda a, b: bool(abs(a - b) <= CLOSE),  # type: ignore[operator]
}
FAILURES = (ArithmeticError, ValueError, TypeError, KeyError)


def same_set(reference: Shape, answer: Shape) -> Decision:
    """Compare two sets of numbers in one name by membership."""
    return _compared(reference, answer, _member)


def same_function(reference: Shape, answer: Shape) -> Decision:
    """Compare two functions of one name, at least one given by parts, by their values."""
    return _compared(_unlabelled(reference), _unlabelled(answer), _value)


def _unlabelled(shape: Shape) -> Shape:
    return shape.shape if isinstance(shape, Labelled) else shape


def _compared(
    reference: Shape, answer: Shape, look: Callable[[Shape, str, object], object]
) -> Decision:
    names = names_of(reference) | names_of(answer)
    if len(names) != 1:
        return Decision.DIFFERENT
    (name,) = names
    seen = 0
    with mpmath.workdps(ROUGH):
        for point in _points(reference, answer):
            pair = [look(shape, name, point) for shape in (reference, answer)]
            if pair == [None, None]:
                continue
            if None in pair or not _agree(*pair):
                return Decision.DIFFERENT
            seen += 1
    return Decision.EQUAL if seen >= LEAST else Decision.UNKNOWN


def _agree(first: object, second: object) -> bool:
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    return bool(abs(first - second) <= CLOSE * (1 + abs(first)))  # type: ignore[operator, arg-type]


def _points(*shapes: Shape) -> Iterator[object]:
    """Yield all numbers that stand in the shapes, what lies beside them, and the spread."""
    for shape in shapes:
        for node in nodes_of(shape):
            if symbols(node):
                continue
            try:
                bound = evaluate(node, {})
            except FAILURES:
                continue
            if mpmath.isfinite(bound) and mpmath.im(bound) == 0:
                yield from (bound, bound - NEAR, bound + NEAR)
    yield from map(mpmath.mpf, (*SPREAD, *WHOLE))


def _member(shape: Shape, name: str, point: object) -> bool | None:
    """Say whether a point belongs to a set; None where that can't be evaluated."""
    if isinstance(shape, Labelled):
        return _member(shape.shape, name, point)
    try:
        if isinstance(shape, Relation):
            values = [evaluate(node, {name: point}) for node in shape.nodes]
            pairs = zip(values, values[1:], shape.signs, strict=False)
            return all(HOLDS[sign](a, b) for a, b, sign in pairs)
        if isinstance(shape, Interval):
            low, high = (evaluate(node, {}) for node in (shape.low, shape.high))
            above = HOLDS["<" if shape.low_open else "\\le"](low, point)
            return above and HOLDS["<" if shape.high_open else "\\le"](point, high)
        if isinstance(shape, Value):
            return HOLDS["="](evaluate(shape.node, {}), point)
    except FAILURES:
        return None
    return _member_of_several(shape, name, point)


def _in_class(shape: Congruence, point: object) -> bool | None:
    """Say whether a number is whole and has one of the residues."""
    if not mpmath.isint(point):
        return False
    try:
        modulus, *residues = (evaluate(node, {}) for node in (shape.modulus, *shape.residues))
        return any((point - residue) % modulus == 0 for residue in residues)
    except FAILURES:
        return None


def _member_of_several(shape: Shape, name: str, point: object) -> bool | None:
    if isinstance(shape, Congruence):
        return _in_class(shape, point)
    if isinstance(shape, Union):
        found = [_member(part, name, point) for part in shape.parts]
        return None if None in found else any(found)
    if isinstance(shape, Sequence) and not shape.opener:
        parts = parts_of(shape)
        return None if parts is None else _member(Union(tuple(parts)), name, point)
    if isinstance(shape, Sequence) and shape.opener in "([" and len(shape.items) == 2:
        low, high = shape.items
        if isinstance(low, Value) and isinstance(high, Value):
            is_open = shape.opener == "("
            return _member(Interval(low.node, high.node, is_open, is_open), name, point)
    return None


def _value(shape: Shape, name: str, point: object) -> object:
    """Return a function's value at a point, None where it has none."""
    if isinstance(shape, Value):
        try:
            value = evaluate(shape.node, {name: point})
        except FAILURES:
            return None
        return value if mpmath.im(value) == 0 else None
    if not isinstance(shape, Piecewise):
        return None
    for part, condition in shape.parts:
        if condition == OTHERWISE or _member(condition, name, point):
            return _value(part, name, point)
    return None
