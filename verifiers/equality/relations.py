"""Compares intervals, unions and inequalities, as sets of numbers or side by side.

``(2, \\infty)`` equals ``x > 2`` and ``x < 1 \\text{ or } x > 3`` the union of two intervals;
``2x + 4y < 6`` equals ``x + 2y < 3``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Protocol

import mpmath  # type: ignore[import-untyped]

from verifiers.equality.decision import Decision, all_equal, any_equal
from verifiers.equality.lexer import TooComplex
from verifiers.equality.nodes import Node, symbols
from verifiers.equality.points import environments
from verifiers.equality.ranges import OPPOSITE, Link, links, merged, parts_of, variables
from verifiers.equality.sampled import same_set
from verifiers.equality.shapes import Interval, Relation, Sequence, Shape, Value
from verifiers.equality.value import FINE, GUARD, value_pair

MAX_PARTS = 64  # of a union: all pairs of parts are compared


class Judge(Protocol):
    """What compares the parts of shapes."""

    def shapes(self, reference: Shape, answer: Shape) -> Decision:
        """Compare two shapes."""

    def nodes(self, reference: Node, answer: Node, ulp: Fraction | None = None) -> Decision:
        """Compare two expressions."""


def ranges(judge: Judge, reference: Shape, answer: Shape) -> Decision:
    """Compare as sets of numbers where both are such, else as inequalities."""
    if (items := _chain(reference, answer)) or (items := _chain(answer, reference)):
        return all_equal(judge.shapes(*pair) for pair in items)
    if isinstance(reference, Relation) and isinstance(answer, Relation):
        names = [variables(shape) for shape in (reference, answer)]
        if names[0] != names[1]:
            return Decision.DIFFERENT
        found = any_equal([relations(judge, reference, answer), as_sets(judge, reference, answer)])
    else:
        found = as_sets(judge, reference, answer)
    one_sided = (parts_of(reference) is None) != (parts_of(answer) is None)
    return same_set(reference, answer) if one_sided and found is not Decision.EQUAL else found


def _chain(chain: Shape, listed: Shape) -> list[tuple[Shape, Shape]]:
    """Pair the terms of 1/4 < 0.3 < 1/3 with a bare list of as many; nothing else is one."""
    if not (isinstance(chain, Relation) and isinstance(listed, Sequence)) or listed.opener:
        return []
    if len(set(chain.signs)) > 1 or chain.signs[0] not in {"<", ">"} or len(chain.nodes) < 3:
        return []
    if len(chain.nodes) != len(listed.items) or any(map(symbols, chain.nodes)):
        return []
    return list(zip(map(Value, chain.nodes), listed.items, strict=True))


def as_sets(judge: Judge, reference: Shape, answer: Shape) -> Decision:
    """Compare the parts of both, in any order."""
    first, second = parts_of(reference), parts_of(answer)
    if first is None or second is None:
        return Decision.DIFFERENT
    if max(len(first), len(second)) > MAX_PARTS:
        raise TooComplex("parts")
    first, second = merged(first), merged(second)
    if len(first) != len(second):
        return Decision.DIFFERENT
    left = list(second)
    for part in first:
        match = next((k for k, other in enumerate(left) if same_part(judge, part, other)), None)
        if match is None:
            return Decision.DIFFERENT
        del left[match]
    return Decision.EQUAL


def same_part(judge: Judge, reference: Shape, answer: Shape) -> bool:
    """Say whether two parts of unions are equal."""
    if isinstance(reference, Interval) and isinstance(answer, Interval):
        bounds = ((reference.low, answer.low), (reference.high, answer.high))
        return (reference.low_open, reference.high_open) == (
            answer.low_open,
            answer.high_open,
        ) and all(judge.nodes(a, b) is Decision.EQUAL for a, b in bounds)
    if isinstance(reference, Interval) or isinstance(answer, Interval):
        return False
    return judge.shapes(reference, answer) is Decision.EQUAL


def relations(judge: Judge, reference: Relation, answer: Relation) -> Decision:
    """Inequalities are equal if each side by side is proportional, the sign turned or not."""
    if len(reference.signs) != len(answer.signs):
        return Decision.DIFFERENT
    if reference.signs == answer.signs:
        sides = all_equal(map(judge.nodes, reference.nodes, answer.nodes))
        if sides is Decision.EQUAL:
            return sides
    forward = map(_same_relation, links(reference), links(answer))
    if all(forward):
        return Decision.EQUAL
    backward = map(_same_relation, links(reference), reversed(links(answer)))
    return Decision.EQUAL if all(backward) else Decision.DIFFERENT


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
