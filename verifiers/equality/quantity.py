"""Reads an amount with its unit, or a text: ``\\$5.20``, ``20 \\text{ cm}^2``, ``Monday``."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from verifiers.equality.lexer import SETS, Token, partners, words
from verifiers.equality.nodes import Node, number
from verifiers.equality.parse import ParseError, parse_expression
from verifiers.equality.shapes import EMPTY, REALS, Opaque, Shape, Text, Value
from verifiers.equality.spelled import (
    ALL,
    MANY,
    MEANINGS,
    MONTHS,
    NONE,
    counted_number,
    spelled_number,
)
from verifiers.equality.units import SCALES, UNITS, product

CURRENCIES = {
    "\\dollar": "dollar",
    "\\euro": "euro",
    "\\yen": "yen",
    "\\pounds": "GBP",
    "\\rupee": "rupee",
}
NOUNS = words("triangle triangles number numbers")  # isosceles, or an isosceles triangle
FILLERS = words("the a an is are there interval function")
ANGLES = frozenset({"\\sin", "\\cos", "\\tan", "\\cot", "\\sec", "\\csc", "\\cis"})  # of degrees
DEGREE_WORDS = frozenset({"degree", "degrees", "deg", "度"})
SCALE_WORDS = frozenset({"celsius", "fahrenheit", "centigrade"})
SCALE_LETTERS = {"c": "celsius", "f": "fahrenheit"}
FIGURES = frozenset({"\\angle", "\\triangle"})
DATE_FILLERS = FILLERS | {"on", "of", "th", "st", "nd", "rd"}
EXPONENTS = frozenset("123456")


def value_or_text(tokens: list[Token]) -> Shape:
    """Return tokens without any separator as a value, a text, or opaque."""
    if len(tokens) == 1 and tokens[0].text in SETS:
        return REALS if SETS[tokens[0].text] == "R" else Text((tokens[0].text,))
    if tokens[0].text in FIGURES and len(tokens) > 1:
        return _figure(tokens)
    if set(MONTHS) & {token.text.lower() for token in tokens if token.kind == "word"}:
        return _date(tokens)
    amount, unit_tokens, currency = _parts(tokens)
    if not amount:
        return _with_degrees(tokens) or _text(tokens)
    try:
        node = parse_expression(amount)
    except ParseError:
        return _text(tokens) if any(token.kind == "word" for token in tokens) else Opaque()
    scale, unit_tokens = _scale(unit_tokens)
    unit = product(_unit_parts(unit_tokens, currency))
    ulp = _ulp(amount)
    if scale != 1:
        node = Node("mul", (node, number(scale)))
        ulp = ulp * scale if ulp else None
    return Value(node, unit, ulp)


def _parts(tokens: list[Token]) -> tuple[list[Token], list[Token], str]:
    """Cut an amount from its unit; the amount is empty where the rest is no unit."""
    currency = ""
    kept = list(tokens)
    for place, token in enumerate(kept[:2]):
        if token.text in CURRENCIES and (place == 0 or kept[0].text == "-"):
            currency = CURRENCIES[kept.pop(place).text]
            break
    start = _unit_start(kept)
    rest = kept[start:]
    return (kept[:start] if _is_unit(rest) else []), rest, currency


def _unit_start(tokens: list[Token]) -> int:
    """Return the place of the first token outside of brackets that begins a unit."""
    closed_at, partner = -1, partners(tokens)
    angle = any(token.text in ANGLES for token in tokens)
    for place, token in enumerate(tokens):
        if place > closed_at and place in partner:
            closed_at = partner[place]
        elif place > closed_at and _begins_unit(token) and not (angle and token.text == "\\degree"):
            return place
    return len(tokens)


def _begins_unit(token: Token) -> bool:
    return token.kind == "word" or token.text in {"\\degree", "%", *CURRENCIES}


def _is_unit(tokens: list[Token]) -> bool:
    """Say whether tokens can follow an amount: words, powers, slashes, but no new amount."""
    before = Token("operator", "^")
    for token in tokens:
        exponent = token.kind == "number" and (before.text in "^{-" or not token.spaced)
        letter = token.kind == "symbol" and (before.text == "\\degree" or before.text in "/.")
        sign = token.text in {"^", "{", "}", "/", "\\cdot", "*", "-", "(", ")", "."}
        if not (_begins_unit(token) or exponent or letter or sign):
            return False
        before = token
    return True


def _scale(tokens: list[Token]) -> tuple[int, list[Token]]:
    if tokens and tokens[0].text in SCALES:
        return SCALES[tokens[0].text], tokens[1:]
    return 1, tokens


def _unit_parts(tokens: list[Token], currency: str) -> Iterator[tuple[str, Fraction]]:
    """Yield the words of a unit with their powers."""
    if currency:
        yield currency, Fraction(1)
    sign = 1
    for place, token in enumerate(tokens):
        after = [follower.text for follower in tokens[place + 1 : place + 5]]
        if token.text in {"/", "per"}:
            sign = -1
        elif token.text == "\\degree" or token.text.lower() in DEGREE_WORDS:
            scale = "".join(after[:1]).lower()
            if scale not in SCALE_WORDS:
                yield SCALE_LETTERS.get(scale, "degree"), Fraction(1)
        elif token.text == "%":
            yield "percent", Fraction(1)
        elif token.text in CURRENCIES:
            yield CURRENCIES[token.text], Fraction(sign)
        elif token.kind in {"word", "symbol"} and not _follows_degree(tokens, place):
            yield _unit_name(token.text), sign * _exponent(after)


def _follows_degree(tokens: list[Token], place: int) -> bool:
    """Say whether a C or F belongs to the degree sign in front of it."""
    before = tokens[place - 1].text.lower() if place else ""
    letter = tokens[place].text.lower() in SCALE_LETTERS
    return letter and (before == "\\degree" or before in DEGREE_WORDS)


def _unit_name(word: str) -> str:
    return word if word in UNITS else word.lower()


def _exponent(after: list[str]) -> Fraction:
    """Read the exponent behind a unit: cm^2, s^{-1}, cm2."""
    texts = [text for text in after if text not in {"{", "}"}]
    if texts and texts[0] == "^":
        texts = texts[1:]
    sign = -1 if texts and texts[0] == "-" else 1
    digits = texts[sign < 0 :]
    return Fraction(sign * int(digits[0])) if digits and digits[0] in EXPONENTS else Fraction(1)


def _ulp(tokens: list[Token]) -> Fraction | None:
    """Return the worth of the last digit of a decimal: 6.12 → 0.01, 6.1·10^3 → 100."""
    texts = [token.text for token in tokens if token.text not in {"{", "}", "+"}]
    texts = texts[1:] if texts[:1] == ["-"] else texts
    if not texts or "." not in texts[0]:
        return None
    mantissa, _, power = texts[0].lower().partition("e")
    ulp = Fraction(1, 10 ** len(mantissa.partition(".")[2])) * Fraction(10) ** int(power or 0)
    if len(texts) == 1:
        return ulp
    if texts[1] in {"\\times", "\\cdot", "*"} and texts[2:4] == ["10", "^"]:
        digits = "".join(texts[4:])
        if digits.lstrip("-").isdigit() and len(digits) < 5:
            return ulp * Fraction(10) ** int(digits)
    return None


def _with_degrees(tokens: list[Token]) -> Shape | None:
    """Read an expression with degrees inside of it: 90° − α/2."""
    if not any(token.text == "\\degree" for token in tokens):
        return None
    try:
        return Value(parse_expression(tokens))
    except ParseError:
        return None


def _figure(tokens: list[Token]) -> Shape:
    """Return an angle or a triangle by its corners: ∠ACB is ∠BCA, and △ABC is △CAB."""
    name = "".join(token.text for token in tokens[1:])
    if not name.isalnum():
        return Opaque()
    same = min(name, name[::-1]) if tokens[0].text == "\\angle" else "".join(sorted(name))
    return Text((tokens[0].text, same))


def _date(tokens: list[Token]) -> Shape:
    """Return a date as a text whose parts are in alphabetical order: 5 March, March 5th."""
    words = (token.text.lower() for token in tokens if token.kind in {"word", "number"})
    return Text(tuple(sorted(word for word in words if word not in DATE_FILLERS)))


def _text(tokens: list[Token]) -> Shape:
    said = tuple(
        token.text.lower().strip(".,!?'\"")
        for token in tokens
        if token.kind != "operator" or token.text not in set(".,!?'\"")
    )
    said = tuple(word for word in said if word) if len(said) < 200 else said
    said = tuple(word for word in said if word not in FILLERS) or said
    said = MANY if said[:2] == MANY else said
    meaning = MEANINGS.get(said, said)
    if meaning == NONE:
        return EMPTY
    if meaning == ALL:
        return REALS
    meaning = meaning[:-1] if len(meaning) > 1 and meaning[-1] in NOUNS else meaning
    spelled = spelled_number(said) or counted_number(said)
    return Text(meaning) if spelled is None else Value(number(spelled))
