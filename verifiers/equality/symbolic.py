"""Asks sympy and math-verify about what the rules here can't read: sums, integrals, limits.

Both are called on one expression each, never on a response, and without their time
limits: whoever calls this must be able to be killed.

math-verify answers False for "different" and for "I failed" alike, and True for numbers
that agree in 15 digits. So its True has to pass a check at higher precision, and its
False counts only where a value could be computed that differs.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import sympy
from latex2sympy2_extended.latex2sympy2 import NormalizationConfig, normalize_latex
from math_verify import verify
from math_verify.parser import parse_latex_cached

from verifiers.equality.decision import Decision
from verifiers.equality.lexer import TooComplex

logging.getLogger("math_verify").setLevel(logging.ERROR)  # it warns that its timeouts are off

CONFIG = NormalizationConfig(
    basic_latex=True, units=True, malformed_operators=True, nits=True, boxed="none", equations=False
)
COMPOUND = (sympy.MatrixBase, sympy.Set, sympy.Tuple)
DIGITS = 50
CLOSE = sympy.Float(10) ** -30
POINTS = (sympy.Rational(17, 12), sympy.Rational(29, 13), sympy.Rational(5, 7))
LETTER = re.compile(r"(?<![A-Za-z\\])[A-Za-z](?![A-Za-z])")


class Unparsable(ValueError):
    """Sympy's parser can't read an expression."""


def decide(reference: str, answer: str) -> Decision:
    """Compare two LaTeX expressions; raises Unparsable for the reference, and TooComplex."""
    left = parsed(reference)
    try:
        right = parsed(answer)
    except Unparsable:
        return Decision.DIFFERENT
    if confusable(reference, answer):
        return Decision.UNKNOWN
    try:
        claimed = verify(left, right, timeout_seconds=None, raise_on_error=True)
    except (MemoryError, RecursionError):
        raise
    except Exception:  # noqa: BLE001 - math-verify and sympy raise whatever they meet
        claimed = False
    return settled(claimed, closeness(left, right), isinstance(left, COMPOUND))


def settled(claimed: bool, close: bool | None, compound: bool) -> Decision:
    """Weigh math-verify's claim against the values; None says that there are none.

    Without values its claim counts for matrices and sets: of a chain of equations, say, it
    compares the last one only.
    """
    if close is False:
        return Decision.DIFFERENT
    return Decision.EQUAL if claimed and (close or compound) else Decision.UNKNOWN


def parsed(text: str) -> Any:
    """Return sympy's reading of a LaTeX expression; raises Unparsable."""
    try:
        return parse_latex_cached(normalize_latex(text, CONFIG))
    except MemoryError:
        raise
    except RecursionError as error:
        raise TooComplex("depth") from error
    except Exception as error:
        raise Unparsable(f"{type(error).__name__}") from error


def confusable(reference: str, answer: str) -> bool:
    """Say whether a letter stands on one side in capitals and on the other not.

    The parser knows no capitals: A and a are one symbol to it.
    """
    letters = set(LETTER.findall(reference)) | set(LETTER.findall(answer))
    return any(letter.swapcase() in letters for letter in letters)


def closeness(left: Any, right: Any) -> bool | None:
    """Say whether two expressions have equal values at some points, None without any value."""
    if not (isinstance(left, sympy.Expr) and isinstance(right, sympy.Expr)):
        return None
    names = sorted(left.free_symbols | right.free_symbols, key=str)
    votes = []
    for shift, _ in enumerate(POINTS):
        point = {name: POINTS[(k + shift) % 3] + k // 3 for k, name in enumerate(names)}
        pair = [_value(side, point) for side in (left, right)]
        if None not in pair:
            votes.append(_is_close(*pair))
    return all(votes) if votes else None


def _value(expression: Any, point: dict[Any, Any]) -> Any:
    try:
        value = expression.subs(point).doit().evalf(DIGITS)
    except (MemoryError, RecursionError):
        raise
    except Exception:  # noqa: BLE001 - no value at this point, for whatever reason
        return None
    return value if value.is_number and value.is_finite and not value.has(sympy.nan) else None


def _is_close(left: Any, right: Any) -> bool:
    largest = max(abs(left), abs(right))
    return bool(abs(left - right) <= CLOSE * largest or largest < CLOSE * CLOSE)
