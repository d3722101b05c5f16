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

import mpmath  # type: ignore[import-untyped]

from verifiers.equality.exact import exact
from verifiers.equality.lexer import TooComplex
from verifiers.equality.numerals import Tolerance, allowed
from verifiers.equality.parse import Node, negated, symbols
from verifiers.equality.ranges import OPPOSITE, Link, links, parts_of, variables
from verifiers.equality.readings import as_measured, readings, times
from verifiers.equality.shapes import (
    Based,
    Equation,
    Interval,
    Labelled,
    Matrix,
    Opaque,
    Ratio,
    Relation,
    Sequence,
    Shape,
    Text,
    Union,
    Value,
    opaque,
)
from verifiers.equality.value import FINE, GUARD, Decision, compare, environments, value_pair

MAX_ITEMS = 64  # of a sequence in any order: comparing all pairs takes the square of it


class Comparer:
    """Compares shapes under one tolerance."""

    def __init__(self, tolerance: Tolerance) -> None:
        self.tolerance = tolerance

    def shapes(self, reference: Shape, answer: Shape) -> Decision:
        """Compare two shapes; raises TooComplex."""
        if isinstance(reference, Opaque) or isinstance(answer, Opaque):
            return Decision.UNKNOWN
        if reference == answer and not opaque(reference):
            return Decision.EQUAL
        if isinstance(reference, Labelled) or isinstance(answer, Labelled):
            return self.labelled(reference, answer)
        for kinds, method in self.rules():
            if isinstance(reference, kinds) or isinstance(answer, kinds):
                return method(reference, answer)
        return Decision.DIFFERENT

    def rules(self) -> Iterable[tuple[tuple[type, ...], Method]]:
        """Return which method compares what, first match first."""
        return (
            ((Text,), self.texts),
            ((Matrix,), self.matrices),
            ((Interval, Union, Relation), self.ranges),
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
            if reference.label == answer.label:
                return self.shapes(reference.shape, answer.shape)
            return self.equations(_as_equation(reference), _as_equation(answer))
        if isinstance(reference, Labelled):
            return self.shapes(reference.shape, answer)
        assert isinstance(answer, Labelled)
        if isinstance(reference, Relation):
            return Decision.DIFFERENT
        return self.shapes(reference, answer.shape)

    def equations(self, reference: Shape, answer: Shape) -> Decision:
        """Equations are equal if their differences are proportional."""
        if not (isinstance(reference, Equation) and isinstance(answer, Equation)):
            return Decision.DIFFERENT
        if symbols(reference.node) != symbols(answer.node):
            return Decision.DIFFERENT
        return Decision.EQUAL if ratio(reference.node, answer.node) else Decision.DIFFERENT

    # Texts and values

    def texts(self, reference: Shape, answer: Shape) -> Decision:
        """Texts are equal word for word."""
        return Decision.EQUAL if reference == answer else Decision.DIFFERENT

    def values(self, reference: Shape, answer: Shape) -> Decision:
        """Compare two values with their units; a unit missing on one side is no difference."""
        if not (isinstance(reference, Value) and isinstance(answer, Value)):
            return Decision.DIFFERENT
        reference, answer = as_measured(reference, answer), as_measured(answer, reference)
        return any_equal(
            self.nodes(times(reference.node, first), times(answer.node, second), ulp)
            for first, second, ulp in readings(reference, answer)
        )

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
        if first.suffix and second.suffix and first.suffix != second.suffix:
            return Decision.DIFFERENT
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
        """Compare sequences: in order where both have brackets, in any order else."""
        if not isinstance(reference, Sequence) or not isinstance(answer, Sequence):
            return self.single(reference, answer)
        openers = {reference.opener, answer.opener}
        if openers <= {"", "\\{"}:
            return self.in_any_order(reference.items, answer.items)
        if "\\{" in openers:
            return Decision.DIFFERENT
        pair = len(reference.items) == 2
        if openers == {"(", "["} and pair:  # an open and a closed interval
            return Decision.DIFFERENT
        return self.in_order(_values_of(reference), _values_of(answer))

    def single(self, reference: Shape, answer: Shape) -> Decision:
        """Compare a sequence of one with something that is no sequence."""
        if isinstance(reference, Sequence) and len(reference.items) == 1:
            return self.shapes(reference.items[0], answer)
        if isinstance(answer, Sequence) and len(answer.items) == 1:
            return self.shapes(reference, answer.items[0])
        return Decision.DIFFERENT

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

    # Intervals, unions and inequalities

    def ranges(self, reference: Shape, answer: Shape) -> Decision:
        """Compare as sets of numbers where both are such, else as inequalities."""
        if isinstance(reference, Relation) and isinstance(answer, Relation):
            names = [variables(shape) for shape in (reference, answer)]
            if names[0] != names[1]:
                return Decision.DIFFERENT
            return any_equal([self.relations(reference, answer), self.as_sets(reference, answer)])
        return self.as_sets(reference, answer)

    def as_sets(self, reference: Shape, answer: Shape) -> Decision:
        """Compare the parts of both, in any order."""
        first, second = parts_of(reference), parts_of(answer)
        if first is None or second is None:
            return Decision.DIFFERENT
        if len(first) != len(second):
            return Decision.DIFFERENT
        left = list(second)
        for part in first:
            match = next((k for k, other in enumerate(left) if self.same_part(part, other)), None)
            if match is None:
                return Decision.DIFFERENT
            del left[match]
        return Decision.EQUAL

    def same_part(self, reference: Shape, answer: Shape) -> bool:
        """Say whether two parts of unions are equal."""
        if isinstance(reference, Interval) and isinstance(answer, Interval):
            bounds = ((reference.low, answer.low), (reference.high, answer.high))
            return (reference.low_open, reference.high_open) == (
                answer.low_open,
                answer.high_open,
            ) and all(self.nodes(a, b) is Decision.EQUAL for a, b in bounds)
        if isinstance(reference, Interval) or isinstance(answer, Interval):
            return False
        return self.shapes(reference, answer) is Decision.EQUAL

    def relations(self, reference: Relation, answer: Relation) -> Decision:
        """Inequalities are equal if each side by side is proportional, the sign turned or not."""
        if len(reference.signs) != len(answer.signs):
            return Decision.DIFFERENT
        if reference.signs == answer.signs:
            sides = all_equal(map(self.nodes, reference.nodes, answer.nodes))
            if sides is Decision.EQUAL:
                return sides
        forward = map(_same_relation, links(reference), links(answer))
        if all(forward):
            return Decision.EQUAL
        backward = map(_same_relation, links(reference), reversed(links(answer)))
        return Decision.EQUAL if all(backward) else Decision.DIFFERENT


Method = Callable[[Shape, Shape], Decision]


def all_equal(decisions: Iterable[Decision]) -> Decision:
    """Return EQUAL if all are, DIFFERENT if one is, else UNKNOWN."""
    found = Decision.EQUAL
    for decision in decisions:
        if decision is Decision.DIFFERENT:
            return decision
        if decision is Decision.UNKNOWN:
            found = decision
    return found


def any_equal(decisions: Iterable[Decision]) -> Decision:
    """Return EQUAL if one is, UNKNOWN if none is and one is unknown, else DIFFERENT."""
    found = Decision.DIFFERENT
    for decision in decisions:
        if decision is Decision.EQUAL:
            return decision
        if decision is Decision.UNKNOWN:
            found = decision
    return found


def ratio(reference: Node, answer: Node) -> Fraction | None:
    """Return the sign, 1 or −1, of the constant that one expression is of the other, or None.

    A complex constant counts as positive: it matters for equations only.
    """
    quotients = []
    with mpmath.workdps(FINE):
        for point in environments(reference, answer):
            pair = value_pair(reference, answer, point, 10)
            if pair is None or (pair[0] == 0 and pair[1] == 0):
                continue
            if pair[0] == 0 or pair[1] == 0:
                return None
            quotients.append(pair[0] / pair[1])
        if len(quotients) < 2:
            return None
        small = abs(quotients[0]) * mpmath.mpf(10) ** (2 * GUARD - FINE)
        if any(abs(quotient - quotients[0]) > small for quotient in quotients):
            return None
        return Fraction(1 if mpmath.re(quotients[0]) > 0 else -1)


def _same_relation(reference: Link, answer: Link) -> bool:
    if symbols(reference[0]) != symbols(answer[0]):
        return False
    sign = ratio(reference[0], answer[0])
    if sign is None:
        return False
    return reference[1] == (answer[1] if sign > 0 else OPPOSITE[answer[1]])


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
    return None


def _based_parts(shape: Shape) -> tuple[str, int | None] | None:
    if isinstance(shape, Based):
        return shape.digits, shape.base
    if isinstance(shape, Value) and shape.node.op == "num" and shape.node.value.denominator == 1:
        return str(shape.node.value.numerator), None
    return None


def _values_of(sequence: Sequence) -> tuple[Shape, ...]:
    """Return items without labels, as (3, 8) has them for a = 3, b = 8."""
    return tuple(item.shape if isinstance(item, Labelled) else item for item in sequence.items)


def _rows(shape: Shape) -> tuple[tuple[Shape, ...], ...] | None:
    if isinstance(shape, Matrix):
        return shape.rows
    if isinstance(shape, Sequence) and shape.opener in {"(", "[", "\\langle", ""}:
        return (shape.items,)
    return None


def _one_row(rows: tuple[tuple[Shape, ...], ...]) -> tuple[tuple[Shape, ...], ...]:
    return (tuple(cell for row in rows for cell in row),)
