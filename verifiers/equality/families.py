"""Compares families: expressions in a free whole or real number, such as general solutions.

``\\frac{\\pi}{6}+2k\\pi, k\\in\\mathbb{Z}`` equals ``2n\\pi+\\frac{13\\pi}{6}`` for every whole n,
but not ``\\frac{\\pi}{6}+k\\pi``: names don't matter, the numbers they stand for do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from itertools import permutations
from typing import Any

import mpmath  # type: ignore[import-untyped]

from verifiers.equality.decision import Decision
from verifiers.equality.nodes import Node, substituted, symbols
from verifiers.equality.shapes import SHAPES, Family, Labelled, Sequence, Shape, Value
from verifiers.equality.value import ROUGH, evaluate

# Whole numbers at which members are listed: those of the inner range on one side have to be
# among those of the outer range on the other, so periods up to four times as long are seen.
INNER, OUTER = 3, 14
DIGITS = mpmath.mpf(10) ** -20
MAX_NAMES = 3
Compare = Callable[[Shape, Shape], Decision]


def families(compare: Compare, reference: Shape, answer: Shape) -> Decision:
    """Compare two shapes of which at least one is a family."""
    first, second = _as_family(reference, answer), _as_family(answer, reference)
    if len(first.names) != len(second.names) or len(first.names) > MAX_NAMES:
        return compare(first.shape, second.shape)
    found = Decision.DIFFERENT
    if _domains_agree(first, second):
        for names in permutations(first.names):
            renamed = _renamed(second, names)
            found = compare(first.shape, renamed)
            if found is Decision.EQUAL:
                return found
    whole = first.domain == second.domain == "Z" and len(first.names) == 1
    by_members = _same_members(first, second) if whole else None
    return found if by_members is None else by_members


def _domains_agree(first: Family, second: Family) -> bool:
    return first.domain == second.domain or "" in (first.domain, second.domain)


def _as_family(shape: Shape, other: Shape) -> Family:
    """Return a shape as a family; without a declaration its names are those it has alone."""
    if isinstance(shape, Family):
        used = names_of(shape.shape)
        kept = tuple(name for name in shape.names if name in used)
        return Family(shape.shape, kept, shape.domain)
    assert isinstance(other, Family)
    fixed = names_of(other.shape) - set(other.names)
    names = tuple(sorted(names_of(shape) - fixed))
    return Family(shape, names, other.domain if names else "")


def _renamed(family: Family, names: tuple[str, ...]) -> Shape:
    """Give a family's free names other names."""
    values = {old: Node("sym", name=new) for old, new in zip(family.names, names, strict=True)}
    return mapped(family.shape, lambda node: substituted(node, values))


def nodes_of(shape: Shape) -> Iterator[Node]:
    """Yield the expressions in a shape."""
    found: list[Node] = []
    mapped(shape, lambda node: found.append(node) or node)  # type: ignore[func-returns-value]
    yield from found


def names_of(shape: Shape) -> frozenset[str]:
    """Return the names of all symbols in a shape, labels left out."""
    return frozenset().union(*map(symbols, nodes_of(shape)))


def mapped(shape: Shape, change: Callable[[Node], Node]) -> Shape:
    """Return a shape with every expression in it changed."""
    values = {field.name: _mapped(getattr(shape, field.name), change) for field in fields(shape)}
    return replace(shape, **values)


def _mapped(value: Any, change: Callable[[Node], Node]) -> Any:
    """Change what a field holds: an expression, a shape, or tuples of them; nothing else."""
    if isinstance(value, Node):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_mapped(item, change) for item in value)
    return mapped(value, change) if isinstance(value, SHAPES) else value


# Members


def _same_members(first: Family, second: Family) -> Decision | None:
    """Compare the numbers in two families over the whole numbers; None where there are none."""
    pair = [_expressions(family) for family in (first, second)]
    if None in pair:
        return None
    sides = [
        [_members(nodes or [], family, reach) for reach in (INNER, OUTER)]
        for nodes, family in zip(pair, (first, second), strict=True)
    ]
    if not all(side[0] for side in sides):
        return None
    same = _contained(sides[0][0], sides[1][1]) and _contained(sides[1][0], sides[0][1])
    return Decision.EQUAL if same else Decision.DIFFERENT


def _expressions(family: Family) -> list[Node] | None:
    """Return the expressions of a value or a list of values whose only name is the free one."""
    shape = family.shape
    while isinstance(shape, Labelled):
        shape = shape.shape
    items = shape.items if isinstance(shape, Sequence) and shape.opener in {"", "\\{"} else (shape,)
    values = [item.shape if isinstance(item, Labelled) else item for item in items]
    if not all(isinstance(value, Value) and value.unit is None for value in values):
        return None
    nodes = [node for value in values for node in nodes_of(value)]
    return nodes if frozenset().union(*map(symbols, nodes)) <= set(family.names) else None


def _members(nodes: list[Node], family: Family, reach: int) -> list[object]:
    name, found = family.names[0], []
    with mpmath.workdps(ROUGH):
        for node in nodes:
            for k in range(-reach, reach + 1):
                try:
                    found.append(evaluate(node, {name: mpmath.mpf(k)}))
                except (ArithmeticError, ValueError, TypeError):
                    continue
    return found


def _contained(inner: list[object], outer: list[object]) -> bool:
    return all(any(mpmath.fabs(one - other) < DIGITS for other in outer) for one in inner)  # type: ignore[operator]
