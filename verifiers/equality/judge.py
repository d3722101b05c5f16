"""Decides one pair of reference and answer, all but the easiest; what workers run.

``judge(("\\frac{1}{2}", "0.5", Tolerance(), Form()))`` is ``("equal", "")``. Its words are `equal`,
`different`, `undecided`, `too_complex` and `reference_unusable`, each with a remark.
"""

from __future__ import annotations

import re

from verifiers.equality import symbolic
from verifiers.equality.compare import Comparer
from verifiers.equality.decision import Decision
from verifiers.equality.lexer import Token, TooComplex, tokens_of
from verifiers.equality.numerals import Tolerance
from verifiers.equality.question import Form
from verifiers.equality.read import read
from verifiers.equality.shapes import Shape, Text, opaque

MAX_REFERENCE_WORDS = 12  # a guess: longer texts are explanations, which nothing here compares

DECIMAL = re.compile(r"\d*\.\d+")
PAIRS = (
    "increase decrease", "increasing decreasing", "more less", "profit loss", "gain loss",
    "north south", "east west", "up down", "upward downward", "left right", "above below",
    "clockwise counterclockwise", "before after", "faster slower", "odd even", "yes no",
    "true false", "converges diverges", "convergent divergent", "maximum minimum", "max min",
)  # fmt: skip
OPPOSITES = {word: other for pair in map(str.split, PAIRS) for word, other in (pair, pair[::-1])}
DOTS = frozenset({"\\dots"})
Finding = tuple[str, str]
WORDS = {
    Decision.EQUAL: "equal",
    Decision.DIFFERENT: "different",
    Decision.UNKNOWN: "undecided",
}


def judge(pair: tuple[str, str, Tolerance, Form]) -> Finding:
    """Return what is to be said of a normalised pair.

    Where the question asks for a decimal, an exact reference equals what it is when rounded to
    the answer's digits, of which there are two or more.
    """
    reference, answer, tolerance, form = pair
    comparer = Comparer(tolerance, form.ordered)
    try:
        finding = _judge(reference, answer, comparer)
        if form.rounded and finding[0] == "different" and DECIMAL.search(answer):
            swapped = _judge(answer, reference, comparer)
            return ("equal", "rounded") if swapped[0] == "equal" else finding
        return finding
    except TooComplex as error:
        return "too_complex", str(error)
    except RecursionError:
        return "too_complex", "depth"


def _judge(reference: str, answer: str, comparer: Comparer) -> Finding:
    expected_tokens, given_tokens = tokens_of(reference), tokens_of(answer)
    if len(words(expected_tokens)) > MAX_REFERENCE_WORDS or not expected_tokens:
        return "reference_unusable", "prose"
    expected, given = read(expected_tokens), read(given_tokens)
    if opposed(words(expected_tokens), words(given_tokens)):
        return "different", "opposite_words"
    decision = comparer.shapes(expected, given)
    if decision is Decision.DIFFERENT and isinstance(expected, Text) and isinstance(given, Text):
        return "different", "answer_is_text"  # other words may mean the same
    if decision is not Decision.UNKNOWN:
        return WORDS[decision], ""
    return _undecided(reference, answer, expected, given)


def _undecided(reference: str, answer: str, expected: Shape, given: Shape) -> Finding:
    """Say what remains to be said where the shapes don't tell."""
    expected_tokens, given_tokens = tokens_of(reference), tokens_of(answer)
    if isinstance(given, Text):
        return "different", "answer_is_text"
    if DOTS & {token.text for token in (*expected_tokens, *given_tokens)}:
        return "undecided", "dots"  # sympy's parser drops them
    if words(expected_tokens) != words(given_tokens):
        return "undecided", "words"  # sympy's parser drops them
    return _ask_sympy(reference, answer, expected, given)


def opposed(expected: list[str], given: list[str]) -> bool:
    """Say whether the one side has a word and the other its opposite: 20 % more, 20 % less."""
    first, second = set(expected) - set(given), set(given) - set(expected)
    return any(OPPOSITES.get(word) in second for word in first)


def words(tokens: list[Token]) -> list[str]:
    """Return the words among tokens, in alphabetical order."""
    return sorted(token.text.lower() for token in tokens if token.kind == "word")


def _ask_sympy(reference: str, answer: str, expected: Shape, given: Shape) -> Finding:
    try:
        return WORDS[symbolic.decide(reference, answer)], "sympy"
    except symbolic.Unparsable as error:
        if opaque(expected):
            return "reference_unusable", str(error)
        if opaque(given):
            return "different", "answer_unparsable"
        return "undecided", str(error)
