"""The tree of one expression: operations on nodes, numbers, names.

``2x + 1`` is add(mul(2, x), 1); a sum of terms over an index is ``sum`` of its bounds and
its term, the index in `name`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

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


def substituted(node: Node, values: Mapping[str, Node]) -> Node:
    """Return a tree with symbols replaced."""
    if node.op == "sym":
        return values.get(node.name, node)
    if node.op in SUMS:
        values = {name: value for name, value in values.items() if name != node.name}
    args = tuple(substituted(arg, values) for arg in node.args)
    return Node(node.op, args, node.value, node.name)
