"""The tree of one expression: operations on nodes, numbers, names.

``2x + 1`` is add(mul(2, x), 1); a sum of terms over an index is ``sum`` of its bounds and
its term, the index in `name`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from verifiers.equality.lexer import TooComplex

MAX_DIGITS = 30_000  # of one number
AT_A_TIME = 4000  # digits: Python converts up to 4,300
SUMS = frozenset({"sum", "prod"})  # (low, high, body), the index in `name`


@dataclass(frozen=True, slots=True)
class Node:
    """An operation on nodes, a number (`value`), or a name (`name`)."""

    op: str
    args: tuple[Node, ...] = ()
    value: Fraction = Fraction(0)
    name: str = ""


def number(value: Fraction | int) -> Node:
    """Return a number's node."""
    return Node("num", value=Fraction(value))


def negated(node: Node) -> Node:
    """Return a node's negative."""
    return Node("neg", (node,))


def symbols(node: Node) -> frozenset[str]:
    """Return the names of all symbols in a tree."""
    found: set[str] = set()
    stack = [node]
    while stack:
        top = stack.pop()
        if top.op == "sym":
            found.add(top.name)
        if top.op in SUMS:
            found |= symbols(top.args[2]) - {top.name}
            stack.extend(top.args[:2])
        else:
            stack.extend(top.args)
    return frozenset(found)


def operations(node: Node) -> frozenset[str]:
    """Return the operations in a tree, a plain \\log as `log`."""
    found: set[str] = set()
    stack = [node]
    while stack:
        top = stack.pop()
        if top.op != "log" or len(top.args) == 1:
            found.add(top.op)
        stack.extend(top.args)
    return frozenset(found)


def substituted(node: Node, values: Mapping[str, Node]) -> Node:
    """Return a tree with symbols replaced."""
    if node.op == "sym":
        return values.get(node.name, node)
    if node.op in SUMS:
        values = {name: value for name, value in values.items() if name != node.name}
    args = tuple(substituted(arg, values) for arg in node.args)
    return Node(node.op, args, node.value, node.name)


def fraction(text: str) -> Fraction:
    """Return the value of a decimal of any length up to a bound; raises TooComplex beyond."""
    if len(text) > MAX_DIGITS:
        raise TooComplex("digits")
    if len(text) <= AT_A_TIME:
        return Fraction(text)
    whole, _, places = text.partition(".")
    if not (whole + places).isdigit():
        raise TooComplex("digits")
    return Fraction(_integer(whole + places), 10 ** len(places))


def _integer(digits: str) -> int:
    """Return a whole number of any length."""
    total = 0
    for start in range(0, len(digits), AT_A_TIME):
        part = digits[start : start + AT_A_TIME]
        total = total * 10 ** len(part) + int(part)
    return total
