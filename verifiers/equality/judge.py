"""Decides one pair of reference and answer, all but the easiest; what workers run.

``judge(("\\frac{1}{2}", "0.5", Tolerance()))`` is ``("equal", "")``. Its words are `equal`,
`different`, `undecided`, `too_complex` and `reference_unusable`, each with a remark.
"""

from __future__ import annotations

from verifiers.equality import symbolic
from verifiers.equality.compare import Comparer, Tolerance
from verifiers.equality.lexer import TooComplex, tokens_of
from verifiers.equality.read import read
from verifiers.equality.shapes import Shape, Text, opaque
from verifiers.equality.value import Decision

MAX_REFERENCE_WORDS = 12  # a guess: longer texts are explanations, which nothing here compares

Finding = tuple[str, str]
WORDS = {
    Decision.EQUAL: "equal",
    Decision.DIFFERENT: "different",
    Decision.UNKNOWN: "undecided",
}


def judge(pair: tuple[str, str, Tolerance]) -> Finding:
    """Return what is to be said of a normalised pair."""
    try:
        return _judge(*pair)
    except TooComplex as error:
        return "too_complex", str(error)
    except RecursionError:
        return "too_complex", "depth"


def _judge(reference: str, answer: str, tolerance: Tolerance) -> Finding:
    expected = read(tokens_of(reference))
    if isinstance(expected, Text) and not 0 < len(expected.words) <= MAX_REFERENCE_WORDS:
        return "reference_unusable", "prose"
    given = read(tokens_of(answer))
    decision = Comparer(tolerance).shapes(expected, given)
    if decision is Decision.UNKNOWN:
        return _ask_sympy(reference, answer, expected, given)
    return WORDS[decision], ""


def _ask_sympy(reference: str, answer: str, expected: Shape, given: Shape) -> Finding:
    if isinstance(given, Text):
        return "different", "answer_is_text"
    try:
        return WORDS[symbolic.decide(reference, answer)], "sympy"
    except symbolic.Unparsable as error:
        if opaque(expected):
            return "reference_unusable", str(error)
        return "different", "answer_unparsable" if opaque(given) else "undecided"
