"""Chooses the values that symbols take where two expressions are compared by evaluation.

``environments`` of ``x + y`` are five dictionaries such as ``{"x": 1.7142, "y": 2.3331}``; of
``n!`` four with whole numbers, of ``\\lceil n/2\\rceil`` fourteen whole numbers in a row. A few
points are no proof: who compares there does so in many digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mpmath  # type: ignore[import-untyped]

from verifiers.equality.nodes import Node, operations, symbols

Value = Any  # an mpmath number
Environment = Mapping[str, Value]
Rows = tuple[tuple[str | int, ...], ...]

# Points for symbols: above one, below one, of both signs, negative, and large. Any values
# without simple relations do; each symbol takes the next of a row.
POINTS = (
    ("1.7142", "2.3331", "3.1237", "1.2719", "4.4411", "2.9117"),
    ("0.3137", "0.7193", "0.5171", "0.1291", "0.9137", "0.6411"),
    ("1.3717", "-0.7331", "2.1931", "-1.8173", "0.4129", "-2.7171"),
    ("-1.6117", "-2.2727", "-0.8311", "-3.3731", "-1.1173", "-0.2917"),
    ("17.3171", "11.9173", "23.1137", "13.7711", "19.3313", "29.1717"),
)
WHOLE_POINTS = ((2, 3, 5, 7, 4, 6), (5, 2, 3, 11, 6, 4), (8, 5, 7, 3, 9, 2), (9, 4, 6, 5, 7, 3))
# Of ⌈n/2⌉ whole numbers in a row tell, of each residue of small moduli.
CONSECUTIVE = tuple((k, 2 * k + 1, 31 - k, k + 7, 3 * k + 2, 40 - k) for k in range(2, 16))
ROUNDING = {"floor", "ceil"}
WHOLE_NAMES = frozenset("nmkNMKijpq")
COMPLEX = {"z", "w"}  # names that often stand for complex numbers
WHOLE = {"fact", "fact2", "binom", "perm", "sum", "prod"}  # of whole numbers


def environments(*nodes: Node) -> list[dict[str, Value]]:
    """Return values for all symbols, one dictionary a point; one empty one without symbols."""
    names = sorted(frozenset().union(*map(symbols, nodes)))
    if not names:
        return [{}]
    used = frozenset().union(*map(operations, nodes))
    whole = WHOLE & used or any(map(_alternates, nodes))
    points: Rows = WHOLE_POINTS if whole else POINTS
    if ROUNDING & used:  # ⌊x⌋ + 1 is ⌈x⌉ but for whole x
        points = CONSECUTIVE if set(names) <= WHOLE_NAMES else (*points, *CONSECUTIVE)
    found = [
        {name: mpmath.mpf(row[k % len(row)]) + k // len(row) for k, name in enumerate(names)}
        for row in points
    ]
    return [*map(_with_complex, found)] if COMPLEX & set(names) else found


def _with_complex(point: dict[str, Value]) -> dict[str, Value]:
    """Give z and w imaginary parts, and what is barred the conjugate of its name."""
    shifted = {
        name: mpmath.mpc(value, value / 3) if name in COMPLEX else value
        for name, value in point.items()
    }
    bars = {name: shifted.get(name[4:-1]) for name in point if name.startswith("bar{")}
    known = {name: mpmath.conj(value) for name, value in bars.items() if value is not None}
    return shifted | known


def _alternates(node: Node) -> bool:
    """Say whether there is (−1)^n, which has a real value for whole n only."""
    stack = [node]
    while stack:
        top = stack.pop()
        if top.op == "pow" and top.args[0].op == "neg" and symbols(top.args[1]):
            return True
        stack.extend(top.args)
    return False
