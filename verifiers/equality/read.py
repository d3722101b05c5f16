"""Reads an answer's tokens as a shape: cuts at separators, signs and brackets.

``n=1 \\text{ or } n=4`` becomes a bare sequence of two labelled values, ``\\pm 6`` one of 6
and −6, ``x = 2^3 = 8`` the labelled value 8.
"""

from __future__ import annotations

from verifiers.equality.lexer import Token, partners, unwrapped
from verifiers.equality.parse import Node, ParseError, negated, parse_expression, symbols
from verifiers.equality.quantity import value_or_text
from verifiers.equality.shapes import (
    EMPTY,
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
)

INEQUALITIES = frozenset({"<", ">", "\\le", "\\ge"})
RELATIONS = INEQUALITIES | {"=", "\\ne", "\\approx", "\\in"}
LEADING = frozenset({"=", "\\approx", "\\to", "\\therefore", "\\colon"})
TRAILING = frozenset({"\\dots", "."})
NAMED_THINGS = frozenset({"\\angle", "\\overline", "\\triangle", "\\vec", "\\hat", "\\bar"})
MATRICES = frozenset({"pmatrix", "bmatrix", "matrix", "Bmatrix", "array", "smallmatrix"})


def read(tokens: list[Token]) -> Shape:
    """Return the shape of an answer's tokens."""
    tokens = unwrapped(_without_edges(tokens))
    if not tokens:
        return Text(())
    for rule in (_matrix, _both_signs, _several, _union, _related, _bracketed, _ratio, _based):
        shape = rule(tokens)
        if shape is not None:
            return shape
    return value_or_text(tokens)


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
SEPARATORS = frozenset({",", ";", "or", "and", "\\vee"})


def _several(tokens: list[Token]) -> Shape | None:
    pieces, found = _split(tokens, SEPARATORS, ANY_KIND)
    pieces = [piece for piece in pieces if piece]
    if not found or not pieces:
        return None
    shapes = tuple(read(piece) for piece in pieces)
    return shapes[0] if len(shapes) == 1 else Sequence("", shapes)


def _union(tokens: list[Token]) -> Shape | None:
    pieces, found = _split(tokens, frozenset({"\\cup"}), SIGNS)
    return Union(tuple(read(piece) for piece in pieces)) if found else None


def _both_signs(tokens: list[Token]) -> Shape | None:
    if not any(token.text in {"\\pm", "\\mp"} for token in tokens):
        return None
    if len(_split(tokens, SEPARATORS, ANY_KIND)[0]) > 1:
        return None
    return Sequence("", tuple(read(_signed(tokens, plus)) for plus in (True, False)))


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
    if INEQUALITIES & set(found) or "\\ne" in found:
        return _relation(pieces, found)
    return _named(pieces) or (Opaque() if "\\in" in found else _equation(pieces))


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
    if len(nodes) > 2:
        return Opaque()
    return Equation(Node("add", (nodes[0], negated(nodes[1]))))


def _label(tokens: list[Token]) -> str | None:
    """Return the name on the left of an equals sign: x, f(x), AB, \\angle A, Area; else None."""
    text = "".join(token.text for token in tokens)
    worded = all(token.kind == "word" for token in tokens)
    several = tokens[0].text == "(" and all(
        token.kind == "symbol" or token.text in "(,)" for token in tokens
    )
    if worded or several or any(token.text in NAMED_THINGS for token in tokens):
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
        return read(pieces[1])
    pieces, _ = _split(inner, frozenset({",", ";"}), SIGNS)
    return Sequence("\\{", tuple(read(piece) for piece in pieces if piece))


def _interval(items: tuple[Shape, ...], low_open: bool, high_open: bool) -> Shape:
    if len(items) == 2 and isinstance(items[0], Value) and isinstance(items[1], Value):
        return Interval(items[0].node, items[1].node, low_open, high_open)
    return Opaque()


def _matrix(tokens: list[Token]) -> Shape | None:
    if tokens[0].text != "begin" or partners(tokens).get(0) != len(tokens) - 1:
        return None
    if tokens[0].value not in MATRICES:
        return Opaque()
    rows, _ = _split(tokens[1:-1], frozenset({"\\\\"}), SIGNS)
    cells = [_split(row, frozenset({"&"}), SIGNS)[0] for row in rows if row]
    return Matrix(tuple(tuple(read(cell) for cell in row) for row in cells))


# Ratios and bases


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
    minutes = pieces[-1][0].text if pieces[-1] else ""
    clock = bool(words) or (len(minutes) == 2 and minutes.isdigit())
    return Ratio(nodes, "".join(words), clock)


def _based(tokens: list[Token]) -> Shape | None:
    texts = [token.text for token in tokens if token.text not in {"{", "}"}]
    if len(texts) == 3 and texts[1] == "_" and texts[0].isdigit() and texts[2].isdigit():
        return Based(texts[0].lstrip("0") or "0", int(texts[2][:4]))
    return None
