"""Reads abelian groups as algebra writes them: ``\\mathbb{Z}/2\\mathbb{Z}\\times\\mathbb{Z}``.

Finitely generated ones only: products of Z and of cyclic groups Z_n and Z/nZ, up to
isomorphism, so Z_6 is Z_2 × Z_3 and not Z_2 × Z_2. What else algebra calls a group (S_3, A_5)
is not read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from verifiers.equality.lexer import Token
from verifiers.equality.shapes import Shape, Text

Z = r"\\mathbb\{Z\}"  # a plain Z_2 is a name, of an impedance perhaps
ORDER = r"\{?(?:\((\d{1,9})\)|(\d{1,9}))\}?"
POWER = r"(?:\^\{?(\d{1,2})\}?)?"
QUOTIENT = rf"(?:{Z}|Z)/(?:\((\d{{1,9}})\)|(\d{{1,9}})(?:{Z}|Z)?)"
FACTOR = re.compile(rf"\(?(?:{QUOTIENT}|{Z}_{ORDER}|({Z}))\)?{POWER}")
BETWEEN = re.compile(r"\\(?:times|oplus)")
TRIVIAL = "\\mathbb{Z}_1"


def group(tokens: list[Token]) -> Shape | None:
    """Return a product of cyclic groups as a text that isomorphic ones share, or None."""
    if not tokens or tokens[0].text not in {"\\mathbb{Z}", "Z", "("}:
        return None
    text = "".join(token.text for token in tokens)
    if len(text) < 2 or len(text) > 300 or text == "\\mathbb{Z}":
        return None
    matches = [FACTOR.fullmatch(part) for part in BETWEEN.split(text)]
    if any(match is None for match in matches):
        return None
    parts = sorted(part for match in matches if match for part in _cyclic(match))
    return Text(tuple(parts) or (TRIVIAL,))


def _cyclic(match: re.Match[str]) -> Iterator[str]:
    """Yield the cyclic groups of prime-power order, or Z itself, that a factor is made of."""
    *orders, infinite, power = match.groups()
    order = next((int(found) for found in orders if found), 0)
    for _ in range(int(power or 1)):
        if infinite or not order:
            yield "\\mathbb{Z}"
        else:
            yield from (f"\\mathbb{{Z}}_{part}" for part in _prime_powers(order))


def _prime_powers(order: int) -> Iterator[int]:
    """Yield the prime powers whose product is a number of at most nine digits."""
    divisor = 2
    while divisor * divisor <= order:
        part = 1
        while order % divisor == 0:
            order, part = order // divisor, part * divisor
        if part > 1:
            yield part
        divisor += 1
    if order > 1:
        yield order
