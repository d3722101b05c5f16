"""Finds what is said about a free name: ``k\\in\\mathbb{Z}``, ``where n is an integer``.

``\\frac{\\pi}{6}+2k\\pi,\\ k\\in\\mathbb{Z}`` is a family: the expression, the names ("k",) and
the domain "Z". A set that says what the unknown itself may be (``x\\in\\mathbb{R}``) is none.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifiers.equality.lexer import SETS, Token, words

SET_LETTERS = {"Z": "Z", "N": "", "R": "R"}
WORDS = {
    "integer": "Z", "integers": "Z", "整数": "Z", "real": "R", "实数": "R", "natural": "",
    "自然数": "", "正整数": "P", "constant": "R", "constants": "R", "常数": "R",
}  # fmt: skip
AROUND = words(
    "where for with and all any every each some is are an a be number numbers arbitrary being "
    "nonnegative positive 为 是 其中 任意 且"
)
RELATIONS = frozenset({"<", ">", "\\le", "\\ge", "\\ne", "="})
LEAST = {"\\ge 0": "N", "\\ge 1": "P", "> 0": "P"}
# N with 0 and P without it; where "natural" may mean either it agrees with both.
DOMAINS = {"nonnegative": "N", "positive": "P", "正整数": "P", "natural": "", "自然数": ""}
SIGNS_AROUND = frozenset({",", ";", "(", ")", ":", "[", "]", "."})


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is left without it, the names declared, and Z, N or R."""

    rest: tuple[Token, ...]
    names: tuple[str, ...]
    domain: str


def declaration(tokens: list[Token]) -> Declaration | None:
    """Return the declaration of a free name that stands beside an expression, or None."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.text in {"\\{", "["}) - (token.text in {"\\}", "]"})
        if depth > 0:  # what a set says of its members
            continue
        if token.text == "\\in":
            found = _membership(tokens, place)
        elif token.kind == "word" and token.text.lower() in WORDS:
            found = _worded(tokens, place)
        else:
            continue
        if found is not None and found.names and found.rest:
            return found
    return None


def _membership(tokens: list[Token], place: int) -> Declaration | None:
    """Read ``k, n \\in \\mathbb{Z}``, with what leads to it."""
    after = tokens[place + 1 : place + 2]
    domain = _domain(after[0]) if after else None
    if domain is None:
        return None
    end = place + 2
    while end < len(tokens) and tokens[end].text in {"^", "_", "+", "*", "{", "}", ">", "\\ge"}:
        domain, end = ("P" if tokens[end].text == "+" else domain), end + 1
    start = place - 1
    while start > 1 and tokens[start - 1].text == "," and _is_name(tokens[start - 2]):
        if start > 2 and not _separates(tokens[start - 3]):
            break  # the b of "kx + b, k \\in …" belongs to the expression
        start -= 2
    if start < 0 or not _is_name(tokens[start]):
        return None
    names = tuple(token.text for token in tokens[start:place] if _is_name(token))
    return _cut(tokens, start, end, names, domain)


def _domain(token: Token) -> str | None:
    if token.text in SETS:
        return SETS[token.text]
    return SET_LETTERS.get(token.text) if token.kind == "symbol" else None


def _worded(tokens: list[Token], place: int) -> Declaration | None:
    """Read ``for any integer k`` and ``where k is an integer``."""
    domain = WORDS[tokens[place].text.lower()]
    start, end = place, place + 1
    while end < len(tokens) and _leads(tokens[end]):
        end += 1
    while start > 0 and _leads(tokens[start - 1]):
        start -= 1
    if end + 1 < len(tokens) and _is_name(tokens[end]) and tokens[end + 1].text in RELATIONS:
        least = " ".join(token.text for token in tokens[end + 1 : end + 3])
        if start > 0 and least in LEAST:
            return _cut(tokens, start, end + 3, (tokens[end].text,), LEAST[least])
        return Declaration((*tokens[:start], *tokens[end:]), (tokens[end].text,), domain)
    if end < len(tokens) and _is_name(tokens[end]) and end - place <= 2:
        return _cut(tokens, start, end + 1, (tokens[end].text,), domain)
    if start > 0 and _is_name(tokens[start - 1]) and start < place + 1:
        return _cut(tokens, start - 1, end, (tokens[start - 1].text,), domain)
    return None


def _separates(token: Token) -> bool:
    return token.kind == "word" or token.text in SIGNS_AROUND


def _leads(token: Token) -> bool:
    return token.kind == "word" and token.text.lower() in AROUND


def _is_name(token: Token) -> bool:
    return token.kind == "symbol" and token.text not in {"e", "i"}


def _cut(
    tokens: list[Token], start: int, end: int, names: tuple[str, ...], domain: str
) -> Declaration:
    """Take a declaration out, with the words and signs that only lead to it."""
    bracketed = start > 0 and tokens[start - 1].text == "("
    while start > 0 and (_leads(tokens[start - 1]) or tokens[start - 1].text in SIGNS_AROUND):
        if tokens[start - 1].text in {")", "]"}:
            break
        start -= 1
    if bracketed and end < len(tokens) and tokens[end].text == ")":
        end += 1
    said = {token.text.lower() for token in tokens[start:end]}
    domain = next((DOMAINS[word] for word in DOMAINS if word in said), domain)
    rest = (*tokens[:start], *tokens[end:])
    return Declaration(rest if _balanced(rest) else (), names, domain)


def _balanced(tokens: tuple[Token, ...]) -> bool:
    depth = 0
    for token in tokens:
        depth += (token.text in "([") - (token.text in ")]") if token.text else 0
    return depth == 0
