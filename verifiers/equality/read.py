"""Reads an answer's tokens as a shape: cuts at separators, signs and brackets.

``n=1 \\text{ or } n=4`` becomes a bare sequence of two labelled values, ``\\pm 6`` one of 6
and −6, ``x = 2^3 = 8`` the labelled value 8.
"""

from __future__ import annotations

import re

from verifiers.equality.bases import based
from verifiers.equality.cases import SYSTEMS, cases
from verifiers.equality.compound import compound
from verifiers.equality.congruence import congruence
from verifiers.equality.declarations import declaration
from verifiers.equality.families import mapped
from verifiers.equality.groups import group
from verifiers.equality.lexer import FUNCTIONS, Token, partners, unwrapped
from verifiers.equality.nodes import Node, negated, symbols
from verifiers.equality.parse import ParseError, parse_expression
from verifiers.equality.quantity import value_or_text
from verifiers.equality.ranges import whole_numbers, without
from verifiers.equality.shapes import (
    EMPTY,
    Equation,
    Family,
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

INEQUALITIES = frozenset({"<", ">", "\\le", "\\ge"})
RELATIONS = INEQUALITIES | {"=", "\\equiv", "\\ne", "\\approx", "\\in"}
LEADING = frozenset({"=", "\\approx", "\\to", "\\therefore", "\\colon"})
TRAILING = frozenset({"\\dots", "."})
APPLICATION = re.compile(  # f^{-1}(x), y'(t), S_{n}(x): what stands on the left of a definition
    r"(?:[A-Za-z]|\\[A-Za-z]+)(?:'|\^\{?\(?-?\w\)?\}?|_\{?\w{1,9}\}?)*\([A-Za-z,]{1,9}\)"
)
NAMES_IN_RATIO = re.compile(r"[A-Za-z]{1,4}(?::[A-Za-z]{1,4}){1,3}")  # AE:EC
NAMED_THINGS = frozenset({"\\angle", "\\overline", "\\triangle", "\\vec", "\\hat", "\\bar"})
MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "Bmatrix", "array", "smallmatrix"})


def read(tokens: list[Token]) -> Shape:
    """Return the shape of an answer's tokens."""
    tokens = unwrapped(_without_edges(tokens))
    if not tokens:
        return Text(())
    for rule in RULES:
        shape = rule(tokens)
        if shape is not None:
            return shape
    return value_or_text(tokens)


def _family(tokens: list[Token]) -> Shape | None:
    found = declaration(tokens)
    return Family(read(list(found.rest)), found.names, found.domain) if found else None


def _without_edges(tokens: list[Token]) -> list[Token]:
    """Remove signs that lead to an answer (= 5, ≈ 5) and dots behind a decimal."""
    start, end = 0, len(tokens)
    while start < end and tokens[start].text in LEADING:
        start += 1
    while end > start and tokens[end - 1].text in TRAILING:
        end -= 1
    return tokens[start:end]


# Cutting at the top level


def _split(tokens: list[Token], separators: frozenset[str], kinds: frozenset[str]) -> Pieces:
    """Cut at separators outside of brackets; returns pieces and the separators between."""
    pieces: list[list[Token]] = [[]]
    found: list[str] = []
    closed_at, partner = -1, partners(tokens)
    for place, token in enumerate(tokens):
        if place > closed_at and place in partner:
            closed_at = partner[place]
        text = token.text.lower()
        if place > closed_at and token.kind in kinds and text in separators:
            found.append(text)
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces, found


Pieces = tuple[list[list[Token]], list[str]]
SIGNS = frozenset({"operator", "command"})
ANY_KIND = frozenset({"operator", "command", "word"})
PLAIN_REPLIES = (Text(("yes",)), Text(("no",)), Text(("true",)), Text(("false",)))
PART_NAMES = frozenset("abcdef123i")
SEPARATORS = frozenset({",", ";", "or", "and", "\\vee"})


def _several(tokens: list[Token]) -> Shape | None:
    pieces, found = _split(tokens, SEPARATORS, ANY_KIND)
    pieces = [piece for piece in pieces if piece]
    if not found or not pieces:
        return None
    if pieces[0][0].kind == "word" and len(pieces[0]) == 1:
        first = value_or_text(pieces[0])
        if first in PLAIN_REPLIES and len(pieces) > 1 and len(pieces[1]) > 1:
            return first  # Yes, such a number exists
    unlabelled = [_unlabelled(piece) for piece in pieces]
    shapes = tuple(read(piece) for piece in unlabelled)
    if len(shapes) > 1 and all(len(a) < len(b) for a, b in zip(unlabelled, pieces, strict=True)):
        return Sequence("(", shapes)  # parts (a) and (b) are in order
    shapes = tuple(item for shape in shapes for item in _both(shape))
    return shapes[0] if len(shapes) == 1 else Sequence("", shapes)


def _both(shape: Shape) -> tuple[Shape, ...]:
    """Return the two values of ±1 among others."""
    return shape.items if isinstance(shape, Sequence) and not shape.opener else (shape,)


def _unlabelled(tokens: list[Token]) -> list[Token]:
    """Remove what numbers the parts of an answer: (a) 3; (b) 5."""
    bracketed = [token.text for token in tokens[:3:2]] == ["(", ")"]
    part = len(tokens) > 3 and tokens[1].kind in {"symbol", "number"}
    return tokens[3:] if bracketed and part and tokens[1].text in PART_NAMES else tokens


def _span(tokens: list[Token]) -> Shape | None:
    """Read 5 to 7 as two numbers in order, and 12 m by 9 m as the sides of something."""
    pieces, found = _split(tokens, frozenset({"to", "by"}), frozenset({"word"}))
    if len(found) != 1 or not all(pieces):
        return None
    items = tuple(read(piece) for piece in pieces)
    if found == ["by"] and not all(isinstance(item, Value) for item in items):
        return None
    return Sequence(found[0], items)


def _union(tokens: list[Token]) -> Shape | None:
    pieces, found = _split(tokens, frozenset({"\\setminus"}), SIGNS)
    if len(found) == 1 and all(pieces):
        return without(read(pieces[0]), read(pieces[1]))
    pieces, found = _split(tokens, frozenset({"\\cup"}), SIGNS)
    return Union(tuple(read(piece) for piece in pieces)) if found else None


def _both_signs(tokens: list[Token]) -> Shape | None:
    if not any(token.text in {"\\pm", "\\mp"} for token in tokens):
        return None
    if len(_split(tokens, SEPARATORS, ANY_KIND)[0]) > 1 or _only_in_sets(tokens):
        return None
    return Sequence("", tuple(read(_signed(tokens, plus)) for plus in (True, False)))


def _only_in_sets(tokens: list[Token]) -> bool:
    """Say whether all signs ± stand among a set's members: {0, ±1} is one set of three."""
    partner, closed_at = partners(tokens), -1
    for place, token in enumerate(tokens):
        if token.text == "\\{" and place > closed_at:
            closed_at = partner.get(place, -1)
        elif token.text in {"\\pm", "\\mp"} and place > closed_at:
            return False
    return True


def _signed(tokens: list[Token], plus: bool) -> list[Token]:
    signs = {"\\pm": "+" if plus else "-", "\\mp": "-" if plus else "+"}
    return [
        Token("operator", signs[token.text]) if token.text in signs else token for token in tokens
    ]


# Equations and inequalities


def _related(tokens: list[Token]) -> Shape | None:
    pieces, found = _split(tokens, RELATIONS, SIGNS)
    if not found:
        return None
    if not all(pieces):
        return Opaque()
    if found == ["\\approx"]:
        about = _equation(pieces)
        if isinstance(about, Equation) and about.told is not None:  # pH ≈ 4.74, a product of names
            return about
    if found[-1] == "\\approx" and len(found) > 1 - (not _label(pieces[0])):
        exact = _related(_joined(pieces[:-1], found[:-1])) if len(pieces) > 2 else read(pieces[0])
        if exact is not None and not opaque(exact) and not isinstance(exact, Text):
            return exact
    if INEQUALITIES & set(found) or "\\ne" in found:
        return _relation(pieces, found)
    if found == ["\\equiv"]:
        found = ["="]
    return _named(pieces) or (Opaque() if "\\in" in found else _equation(pieces))


def _joined(pieces: list[list[Token]], signs: list[str]) -> list[Token]:
    """Put pieces together again, with the signs between them."""
    joined = list(pieces[0])
    for sign, piece in zip(signs, pieces[1:], strict=True):
        joined += [Token("operator", sign), *piece]
    return joined


def _named(pieces: list[list[Token]]) -> Shape | None:
    label = _label(pieces[0])
    if label is None:
        return None
    name = pieces[0][0].text
    if any(token.text == name for piece in pieces[1:] for token in piece) and len(pieces) > 2:
        return Opaque()  # f(x) = 0 f(x) = 1 − x: several definitions without separators
    return Labelled(label, read(pieces[-1]))


def _relation(pieces: list[list[Token]], signs: list[str]) -> Shape:
    try:
        nodes = tuple(parse_expression(piece) for piece in pieces)
    except ParseError:
        return Opaque()
    return Relation(nodes, tuple(signs))


def _equation(pieces: list[list[Token]]) -> Shape:
    label = _label(pieces[-1])
    if label is not None and len(pieces) == 2:
        return Labelled(label, read(pieces[0]))
    try:
        nodes = [parse_expression(piece) for piece in pieces]
    except ParseError:
        return Opaque()
    if not any(symbols(node) for node in nodes):
        return read(pieces[-1])
    told = nodes[-1] if _is_asked(nodes) else None
    if len(nodes) > 2 and told is None:
        return Opaque()
    return Equation(Node("add", (nodes[0], negated(nodes[-1]))), told)


def _is_asked(nodes: list[Node]) -> bool:
    """Say whether this tells a sum or a function of names, as questions ask for: a + b = 13.

    Of a chain all but the first part has to be numbers: m + n = 9 + 20 = 29.
    """
    first, *rest = nodes
    terms = first.args if first.op in {"add", "mul"} or first.op in FUNCTIONS else ()
    named = all(term.op == "sym" for term in terms) and (len(terms) > 1 or first.op in FUNCTIONS)
    return bool(terms) and named and not any(map(symbols, rest))


def _label(tokens: list[Token]) -> str | None:
    """Return the name on the left of an equals sign: x, f(x), AB, \\angle A, Area; else None."""
    text = "".join(token.text for token in tokens)
    if APPLICATION.fullmatch(text) or NAMES_IN_RATIO.fullmatch(text):
        return text
    worded = all(token.kind == "word" for token in tokens)
    several = tokens[0].text == "(" and all(
        token.kind == "symbol" or token.text in "(,)" for token in tokens
    )
    if worded or several or any(token.text in NAMED_THINGS for token in tokens):
        return text
    if text in {"\\max", "\\min"}:
        return text
    try:
        node = parse_expression(tokens)
    except ParseError:
        return None
    if node.op == "sym":
        return node.name
    segment = node.op == "mul" and all(arg.op == "sym" and arg.name.isupper() for arg in node.args)
    return text if segment else None


# Brackets


def _point(tokens: list[Token]) -> Shape | None:
    """Read A(2, -3) as a point with its name."""
    if len(tokens) < 4 or tokens[0].kind != "symbol" or not tokens[0].text.isupper():
        return None
    inner = _bracketed(tokens[1:]) if tokens[1].text == "(" else None
    return Labelled(tokens[0].text, inner) if isinstance(inner, Sequence) else None


def _bracketed(tokens: list[Token]) -> Shape | None:
    opener, closer = tokens[0], tokens[-1]
    if partners(tokens).get(0) != len(tokens) - 1 or len(tokens) < 2:
        return EMPTY if [token.text for token in tokens] == ["\\emptyset"] else None
    if opener.text not in {"(", "[", "\\{", "\\langle"} or closer.text == "|":
        return None
    inner = tokens[1:-1]
    if opener.text == "\\{":
        return _set(inner)
    pieces, found = _split(inner, frozenset({",", ";"}), SIGNS)
    if not found:
        return None
    items = tuple(read(piece) for piece in pieces)
    if (opener.text, closer.text) in {("(", "]"), ("[", ")")}:
        return _interval(items, opener.text == "(", closer.text == ")")
    return Sequence(opener.text, items)


def _set(inner: list[Token]) -> Shape:
    if not inner:
        return EMPTY
    pieces, found = _split(inner, frozenset({"|", ":"}), SIGNS)
    if len(found) == 1:
        return _whole_members(pieces[0], read(pieces[1]))
    pieces, _ = _split(inner, frozenset({",", ";"}), SIGNS)
    members = (read(piece) for piece in pieces if piece)
    return Sequence("\\{", tuple(item for shape in members for item in _both(shape)))


def _whole_members(head: list[Token], condition: Shape) -> Shape:
    """Return a set of whole numbers between bounds as a list, any other by its condition."""
    whole = any(token.text in {"\\mathbb{Z}", "\\mathbb{N}"} for token in head)
    members = whole_numbers(condition) if whole else None
    return condition if members is None else Sequence("\\{", tuple(map(Value, members)))


def _interval(items: tuple[Shape, ...], low_open: bool, high_open: bool) -> Shape:
    if len(items) == 2 and isinstance(items[0], Value) and isinstance(items[1], Value):
        return Interval(items[0].node, items[1].node, low_open, high_open)
    return Opaque()


def _scaled(tokens: list[Token]) -> Shape | None:
    """Read a matrix in brackets, or behind a factor, as the matrix that it is."""
    place = next((k for k, token in enumerate(tokens) if token.text == "begin"), 0)
    partner = partners(tokens)
    end = partner.get(place)
    if place == 0 or end is None:
        return None
    head, inner = tokens[:place], tokens[place : end + 1]
    if head[-1].text in {"(", "["} and partner.get(place - 1) == end + 1:
        head, end = head[:-1], end + 1
    if end != len(tokens) - 1 or not (shape := _matrix(inner)):
        return None
    return _times(head, shape)


def _times(head: list[Token], shape: Shape) -> Shape | None:
    if not head:
        return shape
    try:
        factor = parse_expression([token for token in head if token.text not in {"\\cdot", "*"}])
    except ParseError:
        return None
    if not isinstance(shape, Matrix):
        return None
    return mapped(shape, lambda node: Node("mul", (factor, node)))


def _matrix(tokens: list[Token]) -> Shape | None:
    if tokens[0].text != "begin" or partners(tokens).get(0) != len(tokens) - 1:
        return None
    if tokens[0].value not in MATRICES | SYSTEMS:
        return Opaque()
    rows, _ = _split(tokens[1:-1], frozenset({"\\\\"}), SIGNS)
    cells = [_split(row, frozenset({"&"}), SIGNS)[0] for row in rows if row]
    if tokens[0].value not in MATRICES:
        return cases(cells, read)
    return Matrix(tuple(tuple(read(cell) for cell in row) for row in cells))


# Ratios


def _ratio(tokens: list[Token]) -> Shape | None:
    pieces, found = _split(tokens, frozenset({":"}), SIGNS)
    if not found:
        return None
    words = [token.text.lower().replace(".", "") for token in pieces[-1] if token.kind == "word"]
    pieces[-1] = [token for token in pieces[-1] if token.kind != "word"]
    try:
        nodes = tuple(parse_expression(piece) for piece in pieces)
    except ParseError:
        return Opaque()
    minutes = [piece[0].text if piece else "" for piece in pieces[1:]]
    clock = bool(words) or all(len(text) == 2 and text.isdigit() for text in minutes)
    return Ratio(nodes, "".join(words), clock)


# What is tried, first match first
RULES = (
    _matrix, group, _scaled, compound, _family, congruence, _both_signs, _several, _span, _union,
    _related, _point, _bracketed, _ratio, based,
)  # fmt: skip
