"""Reads and compares residues: ``x \\equiv 3 \\pmod 7``, ``n = 1, 3 (mod 4)``, ``3 mod 7``.

Two are equal if they hold for the same whole numbers: ``n \\equiv 1, 3 \\pmod 4`` is
``n \\equiv 1 \\pmod 2``. A number alone counts as the residue as it is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from verifiers.equality.decision import Decision
from verifiers.equality.exact import NotRational, exact
from verifiers.equality.lexer import Token, TooComplex
from verifiers.equality.nodes import Node, negated, number, substituted, symbols
from verifiers.equality.parse import ParseError, parse_expression
from verifiers.equality.shapes import Congruence, Labelled, Opaque, Sequence, Shape, Value
from verifiers.equality.value import compare

MAX_MODULUS = 10_000  # of residues that are listed one by one; a guess
EQUIVALENT = frozenset({"\\equiv", "="})


def congruence(tokens: list[Token]) -> Shape | None:
    """Return tokens with one `mod` in them as a congruence; None without one, or with more."""
    places = [place for place, token in enumerate(tokens) if token.text == "\\pmod"]
    if len(places) != 1:
        return None
    head, modulus = tokens[: places[0]], tokens[places[0] + 1 :]
    if head and head[-1].text == "(" and modulus and modulus[-1].text == ")":
        head, modulus = head[:-1], modulus[:-1]
    equivalent = [place for place, token in enumerate(head) if token.text in EQUIVALENT]
    residues = head[equivalent[-1] + 1 :] if equivalent else head
    pieces = list(_pieces(residues))
    try:
        nodes = tuple(parse_expression(piece) for piece in pieces)
        return Congruence(nodes, parse_expression(modulus))
    except (ParseError, IndexError):
        return Opaque()


def _pieces(tokens: list[Token]) -> Iterable[list[Token]]:
    piece: list[Token] = []
    for token in tokens:
        if token.text in {",", "or", "and"} and piece:
            yield piece
            piece = []
        elif token.text == "\\pm":
            yield [Token("operator", "-"), *tokens[tokens.index(token) + 1 :]]
        elif token.text not in {",", "or", "and"}:
            piece.append(token)
    yield piece


def congruences(reference: Shape, answer: Shape) -> Decision:
    """Compare two shapes of which at least one is a congruence, or several."""
    first, second = _as_one(reference), _as_one(answer)
    if first is not None and second is not None:
        return _same_residues(first, second)
    one, other = (first, answer) if first is not None else (second, reference)
    other = other.shape if isinstance(other, Labelled) else other
    if one is None or len(one.residues) != 1 or not isinstance(other, Value):
        return Decision.DIFFERENT
    if _runs_through(other.node, one):
        return Decision.EQUAL
    return compare(one.residues[0], other.node)


def _runs_through(node: Node, shape: Congruence) -> bool:
    """Say whether 7k + 3, for whole k, runs through the residue class of 3 modulo 7."""
    names = symbols(node)
    if len(names) != 1:
        return False
    try:
        at = [exact(substituted(node, dict.fromkeys(names, number(k)))) for k in range(3)]
        modulus, residue = exact(shape.modulus), exact(shape.residues[0])
    except (NotRational, TooComplex, ZeroDivisionError):
        return False
    step = at[1] - at[0]
    return at[2] - at[1] == step and abs(step) == modulus and (at[0] - residue) % modulus == 0


def _as_one(shape: Shape) -> Congruence | None:
    """Return one congruence for several with one modulus between them, or None."""
    if isinstance(shape, Labelled):
        return _as_one(shape.shape)
    if isinstance(shape, Congruence):
        return shape
    if not isinstance(shape, Sequence) or shape.opener:
        return None
    found = [item for item in shape.items if isinstance(item, Congruence)]
    if len(found) != len(shape.items) or len({item.modulus for item in found}) != 1:
        return None
    return Congruence(tuple(node for item in found for node in item.residues), found[0].modulus)


def _same_residues(first: Congruence, second: Congruence) -> Decision:
    try:
        sets = [_classes(first), _classes(second)]
    except (NotRational, TooComplex, ZeroDivisionError):
        return _symbolic(first, second)
    period = math.lcm(sets[0][1], sets[1][1])
    if period > MAX_MODULUS:
        return Decision.EQUAL if sets[0] == sets[1] else Decision.DIFFERENT
    full = [{r + k * m for r in rs for k in range(period // m)} for rs, m in sets]
    return Decision.EQUAL if full[0] == full[1] else Decision.DIFFERENT


def _classes(shape: Congruence) -> tuple[frozenset[int], int]:
    modulus, *values = (exact(node) for node in (shape.modulus, *shape.residues))
    if any(value.denominator != 1 for value in (modulus, *values)) or modulus < 1:
        raise NotRational("residue")
    return frozenset(int(value % modulus) for value in values), int(modulus)


def _symbolic(first: Congruence, second: Congruence) -> Decision:
    """Compare residues with names in them: equal, or off by the modulus."""
    if len(first.residues) != 1 or len(second.residues) != 1:
        return Decision.UNKNOWN
    if compare(first.modulus, second.modulus) is not Decision.EQUAL:
        return Decision.DIFFERENT
    offsets = (Node("mul", (number(k), first.modulus)) for k in (-1, 0, 1))
    difference = Node("add", (first.residues[0], negated(second.residues[0])))
    close = (compare(difference, offset) is Decision.EQUAL for offset in offsets)
    return Decision.EQUAL if any(close) else Decision.DIFFERENT
