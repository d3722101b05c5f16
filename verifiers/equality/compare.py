"""Compares two answers by their shapes: values, pairs, sets, intervals, equations, texts.

``[0,6]`` equals ``0\\le x\\le 6`` and differs from ``[0,6)``; ``n=1 or n=4`` equals
``1,4``; ``(4,7)`` differs from ``(7,4)`` and from ``\\{4,7\\}``; ``3 km`` equals ``3000 m``
and, a missing unit being no difference, ``3``.

The first argument is always the reference: its decimals have a tolerance, the answer's
have none. `UNKNOWN` means that sympy has to be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TypeGuard

from verifiers.equality.cases import piecewise
from verifiers.equality.clock import same_time
from verifiers.equality.congruence import congruences
from verifiers.equality.constants import same_but_for_constant, with_constants
from verifiers.equality.decision import Decision, all_equal, any_equal
from verifiers.equality.exact import exact
from verifiers.equality.families import families
from verifiers.equality.lexer import TooComplex
from verifiers.equality.nodes import Node, negated, number, symbols
from verifiers.equality.numerals import Tolerance, allowed
from verifiers.equality.ranges import variables
from verifiers.equality.readings import as_measured, in_kelvin, readings, times
from verifiers.equality.relations import as_sets, ranges, ratio
from verifiers.equality.sampled import same_function
from verifiers.equality.shapes import (
    Based,
    Congruence,
    Equation,
    Family,
    Interval,
    Labelled,
    Matrix,
    Opaque,
    Piecewise,
    Ratio,
    Relation,
    Sequence,
    Shape,
    Text,
    Union,
    Value,
    opaque,
)
from verifiers.equality.value import compare
from verifiers.equality.vectors import aligned

MAX_ITEMS = 64  # of a sequence in any order: comparing all pairs takes the square of it


class Comparer:
    """Compares shapes under one tolerance; bare lists in any order, unless `ordered`."""

    def __init__(self, tolerance: Tolerance, ordered: bool = False) -> None:
        self.tolerance = tolerance
        self.ordered = ordered

    def shapes(self, reference: Shape, answer: Shape) -> Decision:
        """Compare two shapes; raises TooComplex."""
        if isinstance(reference, Opaque) or isinstance(answer, Opaque):
            return Decision.UNKNOWN
        if reference == answer and not opaque(reference):
            return Decision.EQUAL
        reference, answer = aligned(reference, answer)
        for kinds, method in self.rules():
            if isinstance(reference, kinds) or isinstance(answer, kinds):
                return method(reference, answer)
        return Decision.DIFFERENT

    def rules(self) -> Iterable[tuple[tuple[type, ...], Method]]:
        """Return which method compares what, first match first."""
        return (
            ((Family,), lambda first, second: families(self.shapes, first, second)),
            ((Congruence,), congruences),
            ((Labelled,), self.labelled),
            ((Piecewise,), self.functions),
            ((Text,), self.texts),
            ((Matrix,), self.matrices),
            ((Interval, Union, Relation), lambda first, second: ranges(self, first, second)),
            ((Sequence,), self.sequences),
            ((Equation,), self.equations),
            ((Ratio,), self.ratios),
            ((Based,), self.based),
            ((Value,), self.values),
        )

    # Labels

    def labelled(self, reference: Shape, answer: Shape) -> Decision:
        """Compare where at least one side is `x = …`; a missing label is no difference."""
        if isinstance(reference, Equation) or isinstance(answer, Equation):
            return self.equations(_as_equation(reference), _as_equation(answer))
        if isinstance(reference, Labelled) and isinstance(answer, Labelled):
            if reference.label == answer.label or _numbered(reference.label, answer.label):
                return self.shapes(reference.shape, answer.shape)
            return self.equations(_as_equation(reference), _as_equation(answer))
        if isinstance(reference, Labelled):
            return self.shapes(reference.shape, answer)
        assert isinstance(answer, Labelled)
        if isinstance(reference, Relation):  # x > 2 and x ∈ (2, ∞)
            same_name = variables(reference) == {answer.label}
            return as_sets(self, reference, answer) if same_name else Decision.DIFFERENT
        return self.shapes(reference, answer.shape)

    def equations(self, reference: Shape, answer: Shape) -> Decision:
        """Equations are equal if their differences are proportional."""
        if not (isinstance(reference, Equation) and isinstance(answer, Equation)):
            return self.told(reference, answer)
        if symbols(reference.node) != symbols(answer.node):
            return Decision.DIFFERENT
        return Decision.EQUAL if ratio(reference.node, answer.node) else Decision.DIFFERENT

    def told(self, reference: Shape, answer: Shape) -> Decision:
        """Compare a + b = 13 with 13."""
        first, second = (
            shape.told if isinstance(shape, Equation) else getattr(shape, "node", None)
            for shape in (reference, answer)
        )
        plain = isinstance(reference, Value) or isinstance(answer, Value)
        if first is None or second is None or not plain:
            return Decision.DIFFERENT
        ulp = reference.ulp if isinstance(reference, Value) else None
        return self.nodes(first, second, ulp)

    def functions(self, reference: Shape, answer: Shape) -> Decision:
        """Compare functions by parts, as they are written or else by their values."""
        found = piecewise(self.shapes, reference, answer)
        return found if found is Decision.EQUAL else same_function(reference, answer)

    # Texts and values

    def texts(self, reference: Shape, answer: Shape) -> Decision:
        """Texts are equal word for word."""
        return Decision.EQUAL if reference == answer else Decision.DIFFERENT

    def values(self, reference: Shape, answer: Shape) -> Decision:
        """Compare two values with their units; a unit missing on one side is no difference."""
        if not (isinstance(reference, Value) and isinstance(answer, Value)):
            return Decision.DIFFERENT
        reference, answer = as_measured(reference, answer), as_measured(answer, reference)
        answer = with_constants(answer, reference)
        if kelvin := in_kelvin(reference, answer):
            return self.nodes(*kelvin)
        found = any_equal(
            self.nodes(times(reference.node, first), times(answer.node, second), ulp)
            for first, second, ulp in readings(reference, answer)
        )
        if found is Decision.DIFFERENT and same_but_for_constant(reference.node, answer.node):
            return Decision.EQUAL
        return found

    def nodes(self, reference: Node, answer: Node, ulp: Fraction | None = None) -> Decision:
        """Compare two expressions within the tolerance that the reference's decimals allow."""
        return compare(reference, answer, self.allowed(reference, ulp))

    def allowed(self, reference: Node, ulp: Fraction | None) -> Fraction:
        """Return the absolute tolerance of a decimal whose last digit is worth `ulp`."""
        if ulp is None:
            return Fraction(0)
        return allowed(exact(reference), ulp, self.tolerance)

    def ratios(self, reference: Shape, answer: Shape) -> Decision:
        """Compare a:b by both parts or, unless it is a time of day, by its quotient."""
        first, second = _as_ratio(reference), _as_ratio(answer)
        if first is None or second is None or len(first.nodes) != len(second.nodes):
            return Decision.DIFFERENT
        if first.suffix or second.suffix:
            return same_time(first, second)
        same = all_equal(map(self.nodes, first.nodes, second.nodes))
        if same is Decision.EQUAL or first.clock or second.clock:
            return same
        scaled = [
            (Node("mul", (a, second.nodes[-1])), Node("mul", (b, first.nodes[-1])))
            for a, b in zip(first.nodes, second.nodes, strict=True)
        ]
        return all_equal(self.nodes(a, b) for a, b in scaled)

    def based(self, reference: Shape, answer: Shape) -> Decision:
        """Compare numbers in bases; without its base a number counts by its digits."""
        first, second = _based_parts(reference), _based_parts(answer)
        if first is None or second is None:
            return Decision.DIFFERENT
        same_base = first[1] == second[1] or None in {first[1], second[1]}
        return Decision.EQUAL if same_base and first[0] == second[0] else Decision.DIFFERENT

    # Several

    def sequences(self, reference: Shape, answer: Shape) -> Decision:
        """Compare sequences: in order where both have brackets or it is asked for, else in any."""
        if not isinstance(reference, Sequence) or not isinstance(answer, Sequence):
            return self.single(reference, answer)
        if {reference.opener, answer.opener} & {"to", "by"}:
            return self.measures(reference, answer)
        return self.listed(reference, answer)

    def measures(self, reference: Sequence, answer: Sequence) -> Decision:
        """Compare 5 to 7, and the sides 12 by 9 in either order."""
        if reference.opener != answer.opener and "to" in {reference.opener, answer.opener}:
            return Decision.DIFFERENT
        turns = (answer.items,) if answer.opener == "to" else (answer.items, answer.items[::-1])
        return any_equal(self.in_order(reference.items, items) for items in turns)

    def listed(self, reference: Sequence, answer: Sequence) -> Decision:
        """Compare lists, sets, tuples and points."""
        openers = {reference.opener, answer.opener}
        if openers <= {"", "\\{"} and not (self.ordered and openers == {""}):
            return self.in_any_order(reference.items, answer.items)
        pair = len(reference.items) == 2
        if "\\{" in openers or (openers == {"(", "["} and pair):  # an open and a closed interval
            return Decision.DIFFERENT
        return self.in_order(_values_of(reference, answer), _values_of(answer, reference))

    def single(self, reference: Shape, answer: Shape) -> Decision:
        """Compare a sequence of one with something that is no sequence."""
        if isinstance(reference, Sequence) and reference.opener == "to":
            return self.spans(reference, answer)
        if isinstance(answer, Sequence) and answer.opener == "to":
            return self.spans(answer, reference)
        reference, answer = self.once(reference), self.once(answer)
        if isinstance(reference, Sequence) and len(reference.items) == 1:
            return self.shapes(reference.items[0], answer)
        if isinstance(answer, Sequence) and len(answer.items) == 1:
            return self.shapes(reference, answer.items[0])
        several = isinstance(reference, Sequence) or isinstance(answer, Sequence)
        return Decision.DIFFERENT if several else self.shapes(reference, answer)

    def once(self, shape: Shape) -> Shape:
        """Return a value that is given in two forms once: 15 39/40, or 639/40."""
        if not isinstance(shape, Sequence) or shape.opener or not 1 < len(shape.items) < 4:
            return shape
        found = self.distinct(shape.items)
        return found[0] if len(found) == 1 else shape

    def spans(self, span: Sequence, other: Shape) -> Decision:
        """Compare 5 to 7 with 5-7, which reads as a difference, and 2 to 3 with 2:3."""
        values = [item for item in span.items if isinstance(item, Value)]
        if len(values) == 2 and isinstance(other, Ratio):
            return self.ratios(Ratio(tuple(value.node for value in values)), other)
        if not isinstance(other, Value) or other.node.op != "add" or len(other.node.args) != 2:
            return Decision.DIFFERENT
        low, high = other.node.args
        if len(values) != 2 or high.op != "neg":
            return Decision.DIFFERENT
        ends = (Value(low, other.unit), Value(high.args[0], other.unit))
        return all_equal(map(self.values, values, ends))

    def in_order(self, reference: tuple[Shape, ...], answer: tuple[Shape, ...]) -> Decision:
        """Compare item by item."""
        if len(reference) != len(answer):
            return Decision.DIFFERENT
        return all_equal(map(self.shapes, reference, answer))

    def in_any_order(self, reference: tuple[Shape, ...], answer: tuple[Shape, ...]) -> Decision:
        """Give each item of the one side an equal one of the other, each used once."""
        if max(len(reference), len(answer)) > MAX_ITEMS:
            raise TooComplex("items")
        first, second = self.distinct(reference), self.distinct(answer)
        if len(first) != len(second):
            return Decision.DIFFERENT
        left = list(second)
        for item in first:
            decisions = [self.shapes(item, other) for other in left]
            if Decision.EQUAL not in decisions:
                unknown = Decision.UNKNOWN in decisions
                return Decision.UNKNOWN if unknown else Decision.DIFFERENT
            del left[decisions.index(Decision.EQUAL)]
        return Decision.EQUAL

    def distinct(self, items: tuple[Shape, ...]) -> list[Shape]:
        """Return items without repetitions, as a set has them."""
        kept: list[Shape] = []
        for item in items:
            if not any(self.shapes(other, item) is Decision.EQUAL for other in kept):
                kept.append(item)
        return kept

    def matrices(self, reference: Shape, answer: Shape) -> Decision:
        """Compare cell by cell; a row or a column may be written as a tuple."""
        first, second = _rows(reference), _rows(answer)
        if first is None or second is None:
            return Decision.DIFFERENT
        flat = {isinstance(shape, Sequence) for shape in (reference, answer)} == {True, False}
        if flat and 1 in (len(first), len(first[0]) if first else 0):
            first, second = _one_row(first), _one_row(second)
        if [len(row) for row in first] != [len(row) for row in second]:
            return Decision.DIFFERENT
        return all_equal(self.in_order(a, b) for a, b in zip(first, second, strict=True))


Method = Callable[[Shape, Shape], Decision]


def _numbered(first: str, second: str) -> bool:
    """Say whether one label is the other with a number or its argument: x_1 or x(t), and x."""
    for mark in "_(":
        names = [name.partition(mark) for name in (first, second)]
        if names[0][0] == names[1][0] and (names[0][1] == "") != (names[1][1] == ""):
            return True
    return False


def _as_equation(shape: Shape) -> Shape:
    if isinstance(shape, Labelled) and isinstance(shape.shape, Value):
        left = Node("sym", name=shape.label)
        return Equation(Node("add", (left, negated(shape.shape.node))))
    return shape


def _as_ratio(shape: Shape) -> Ratio | None:
    if isinstance(shape, Ratio):
        return shape
    if isinstance(shape, Value) and shape.node.op == "div" and shape.unit is None:
        return Ratio(shape.node.args)
    if isinstance(shape, Value) and shape.unit is None:
        return Ratio((shape.node, number(1)))
    return None


def _based_parts(shape: Shape) -> tuple[str, int | None] | None:
    if isinstance(shape, Based):
        return shape.digits, shape.base
    if isinstance(shape, Value) and shape.node.op == "num" and shape.node.value.denominator == 1:
        return str(shape.node.value.numerator), None
    return None


def _values_of(sequence: Sequence, other: Sequence) -> tuple[Shape, ...]:
    """Return items without labels, as (3, 8) has them for b = 8, a = 3."""
    labels = [item.label for item in sequence.items if isinstance(item, Labelled)]
    if len(labels) == len(sequence.items) and other.opener == "(":
        ordered = sorted(zip(labels, sequence.items, strict=True), key=lambda pair: pair[0])
        return tuple(item.shape for _, item in ordered if isinstance(item, Labelled))
    return tuple(item.shape if isinstance(item, Labelled) else item for item in sequence.items)


def _rows(shape: Shape) -> tuple[tuple[Shape, ...], ...] | None:
    if isinstance(shape, Matrix):
        return shape.rows
    if isinstance(shape, Sequence) and shape.opener == "[" and len(shape.items) > 1:
        rows = [item.items for item in shape.items if _is_row(item)]
        if len(rows) == len(shape.items):
            return tuple(rows)
    if isinstance(shape, Sequence) and shape.opener in {"(", "[", "\\langle", ""}:
        return (shape.items,)
    return None


def _is_row(shape: Shape) -> TypeGuard[Sequence]:
    return isinstance(shape, Sequence) and shape.opener == "["


def _one_row(rows: tuple[tuple[Shape, ...], ...]) -> tuple[tuple[Shape, ...], ...]:
    return (tuple(cell for row in rows for cell in row),)
