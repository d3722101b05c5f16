"""Reads a number in a base: ``1011_2``, ``1011_{\\text{two}}``, ``2A_{16}``, ``1011 base 2``."""

from __future__ import annotations

from verifiers.equality.lexer import Token
from verifiers.equality.shapes import Based, Shape
from verifiers.equality.spelled import spelled_number


def based(tokens: list[Token]) -> Shape | None:
    """Return tokens as a number in a base, or None."""
    texts = [token.text for token in tokens if token.text not in {"{", "}", "(", ")"}]
    mark = next((sign for sign in ("_", "base") if sign in texts), "")
    if not mark or texts.count(mark) > 1:
        return None
    place = texts.index(mark)
    digits, after = "".join(texts[:place]), tuple(text.lower() for text in texts[place + 1 :])
    base = int(after[0][:4]) if len(after) == 1 and after[0].isdigit() else _spelled_base(after)
    digits = digits.upper() if base and base > 10 else digits
    if not base or not digits or not all(_is_digit(digit, base) for digit in digits):
        return None
    return Based(digits.lstrip("0") or "0", base)


def _spelled_base(words: tuple[str, ...]) -> int:
    found = spelled_number(words)
    return int(found) if found else 0


def _is_digit(sign: str, base: int) -> bool:
    """Say whether a sign is a digit in a base up to 36, letters as capitals."""
    return sign.isascii() and (sign.isdigit() or sign.isupper()) and int(sign, 36) < base
