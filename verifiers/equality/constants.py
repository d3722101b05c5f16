"""Constants that a writer names freely: +C or +K behind an integral, C_1 e^x + C_2 e^{-x}.

Only names that are used for nothing else are renamed: C and c, with or without a number,
and K where it is added alone.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import permutations

import mpmath  # type: ignore[import-untyped]

from verifiers.equality.decision import Decision
from verifiers.equality.nodes import Node, negated, substituted, symbols
from verifiers.equality.points import environments
from verifiers.equality.shapes import Value
from verifiers.equality.value import ROUGH, compare, value_pair

FREE = re.compile(r"[Cc](?:_\{?\d\}?)?")
ADDED = frozenset({"C", "c", "K", "k", "C_1", "C_0"})
MAX_FREE = 3
CLOSE = mpmath.mpf(10) ** -20


def with_constants(answer: Value, reference: Value) -> Value:
    """Give an answer's free constants the reference's names, where that makes them equal."""
    ours, theirs = (
        sorted(symbols(one.node) - symbols(other.node))
        for one, other in ((reference, answer), (answer, reference))
    )
    if not ours or len(ours) != len(theirs) or len(ours) > MAX_FREE:
        return answer
    added = len(ours) == 1 and added_constant(reference.node) and added_constant(answer.node)
    if not added and not all(map(FREE.fullmatch, (*ours, *theirs))):
        return answer
    for names in permutations(ours):
        values = {old: Node("sym", name=new) for old, new in zip(theirs, names, strict=True)}
        renamed = replace(answer, node=substituted(answer.node, values))
        if added or compare(reference.node, renamed.node) is Decision.EQUAL:
            return renamed
    return answer


def added_constant(node: Node) -> str:
    """Return the name of a constant that is added to everything else, or nothing."""
    if node.op != "add":
        return ""
    rest = [arg for arg in node.args if not (arg.op == "sym" and arg.name in ADDED)]
    names = [arg.name for arg in node.args if arg.op == "sym" and arg.name in ADDED]
    used = frozenset().union(*map(symbols, rest))
    return names[0] if len(names) == 1 and names[0] not in used else ""


def same_but_for_constant(reference: Node, answer: Node) -> bool:
    """Say whether two integrals with the same + C differ by a number."""
    name = added_constant(reference)
    if not name or added_constant(answer) != name:
        return False
    difference = Node("add", (reference, negated(answer)))
    found = []
    with mpmath.workdps(ROUGH):
        for point in environments(reference, answer):
            pair = value_pair(difference, Node("num"), point, 0)
            if pair is not None and mpmath.im(pair[0]) == 0:
                found.append(pair[0])
    return len(found) > 1 and all(abs(value - found[0]) < CLOSE for value in found)
