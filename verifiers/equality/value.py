"""Decides whether two expressions are equal, by exact arithmetic or by evaluation.

Rational expressions (``1/3 + 2^{-40}``) are compared exactly. Others are evaluated to many
digits, with symbols at several points; equal means equal in 30 digits and again in 80, so
that ``10^{40}+1`` is not ``10^{40}`` and ``1/3^{60}`` is not ``1/3^{61}``.

Two expressions that agree at all points are taken as equal: no proof, but no elementary
expressions of an answer's size are known to agree by chance in 80 digits at five points.
Points where one of them is not real count only where there are no others, so ``\\ln x^2``
equals ``2\\ln x`` and ``\\sqrt{x^2}`` does not equal ``x``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction

import mpmath  # type: ignore[import-untyped]
from mpmath.libmp import NoConvergence  # type: ignore[import-untyped]

from verifiers.equality.decision import Decision
from verifiers.equality.exact import EXACT_TERMS, NotRational, exact
from verifiers.equality.lexer import TooComplex
from verifiers.equality.nodes import SUMS, Node, operations, symbols
from verifiers.equality.points import Environment, Value, environments

MAX_EXPONENT_BITS = 40  # of the exponent of a float: numbers up to 2^(2^40)
MAX_FACTORIAL = 10_000_000
ROUGH, FINE = 30, 80  # digits
GUARD = 10  # digits that rounding may cost
LARGEST = 10**4  # decimal exponents beyond which a float's equality says nothing

REAL_LEAST = 2  # so many real points decide without the others


def evaluate(node: Node, symbols: Environment, log_base: int = 10) -> Value:
    """Return the value at mpmath's current precision; raises TooComplex or arithmetic errors.

    A plain \\log has base `log_base`; 0 stands for e.
    """
    if node.op == "num":
        return mpmath.mpf(node.value.numerator) / node.value.denominator
    if node.op == "sym":
        return symbols[node.name]
    if node.op == "add":
        node = Node("add", remaining_terms(node.args))
    if node.op in SUMS:
        return _total(node, symbols, log_base)
    args = [evaluate(arg, symbols, log_base) for arg in node.args]
    if node.op == "log" and len(args) == 1:
        return mpmath.log(args[0]) / (mpmath.log(log_base) if log_base else 1)
    rule = NUMERIC.get(node.op)
    if rule is None:
        raise NotRational(node.op)
    return rule(*args)


def _total(node: Node, symbols: Environment, log_base: int) -> Value:
    """Evaluate a sum or a product term by term; raises ValueError where bounds are not whole."""
    low, high = (evaluate(arg, symbols, log_base) for arg in node.args[:2])
    if high == mpmath.inf and mpmath.isint(low):
        return _infinite(node, int(low), symbols, log_base)
    if not (mpmath.isint(low) and mpmath.isint(high)):
        raise ValueError("bounds")
    if high - low >= EXACT_TERMS:
        raise TooComplex("terms")
    terms = [
        evaluate(node.args[2], {**symbols, node.name: mpmath.mpf(k)}, log_base)
        for k in range(int(low), int(high) + 1)
    ]
    return mpmath.fprod(terms) if node.op == "prod" else mpmath.fsum(terms)


def _infinite(node: Node, low: int, symbols: Environment, log_base: int) -> Value:
    """Evaluate an infinite sum or product by mpmath's extrapolation (Richardson, Shanks).

    Where that is wrong it does not agree with another expression in 20 digits.
    """
    if SUMS & operations(node.args[2]) or symbols:
        raise ValueError("an infinite sum of more than its index")
    method = mpmath.nprod if node.op == "prod" else mpmath.nsum
    return method(lambda k: evaluate(node.args[2], {node.name: k}, log_base), [low, mpmath.inf])


def remaining_terms(terms: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return the terms of a sum without pairs of a term and its negative."""
    counts: Counter[Node] = Counter()
    for term in terms:
        if term.op == "neg":
            counts[term.args[0]] -= 1
        else:
            counts[term] += 1
    kept = [[term] * count for term, count in counts.items() if count > 0]
    kept += [[Node("neg", (term,))] * -count for term, count in counts.items() if count < 0]
    return tuple(term for group in kept for term in group) or (Node("num"),)


def _sum(*terms: Value) -> Value:
    """Add; what cancels to below the precision is zero, if the terms are of a usual size."""
    total = mpmath.fsum(terms)
    largest = max(abs(term) for term in terms)
    if not mpmath.isfinite(largest):
        return total
    if abs(total) >= largest * mpmath.mpf(10) ** (GUARD - mpmath.mp.dps):
        return total
    if largest > mpmath.mpf(10) ** (FINE // 2):
        raise TooComplex("cancellation")
    return mpmath.mpf(0)


def _power(base: Value, exponent: Value) -> Value:
    if mpmath.isfinite(base) and mpmath.isfinite(exponent) and base not in {0, 1, -1}:
        size = abs(mpmath.log(abs(base), 2) * exponent)
        if size > mpmath.mpf(2) ** MAX_EXPONENT_BITS:
            raise TooComplex("exponent")
    return mpmath.power(base, exponent)


def _root(degree: Value, value: Value) -> Value:
    odd = degree == int(degree.real) and int(degree.real) % 2 == 1
    if odd and mpmath.im(value) == 0 and value < 0:
        return -mpmath.power(-value, 1 / degree)
    return mpmath.sqrt(value) if degree == 2 else mpmath.power(value, 1 / degree)


def _factorial(value: Value) -> Value:
    if abs(value) > MAX_FACTORIAL:
        raise TooComplex("factorial")
    return mpmath.factorial(value)


def _binomial(top: Value, bottom: Value) -> Value:
    if max(abs(top), abs(bottom)) > 100 * MAX_FACTORIAL:
        raise TooComplex("binomial")
    return mpmath.binomial(top, bottom)


NUMERIC: dict[str, Callable[..., Value]] = {
    "pi": lambda: +mpmath.pi,
    "e": lambda: +mpmath.e,
    "i": lambda: mpmath.mpc(0, 1),
    "inf": lambda: mpmath.inf,
    "add": _sum,
    "neg": lambda a: -a,
    "mul": lambda *factors: mpmath.fprod(factors),
    "div": lambda a, b: a / b,
    "pow": _power,
    "root": _root,
    "fact": _factorial,
    "fact2": lambda a: mpmath.fac2(a) if abs(a) < 10_000 else _factorial(a * MAX_FACTORIAL),
    "perm": lambda a, b: _factorial(a) / _factorial(a - b),
    "binom": _binomial,
    "abs": abs,
    "floor": mpmath.floor,
    "ceil": mpmath.ceil,
    "max": max,
    "min": min,
    "log": lambda base, a: mpmath.log(a) / mpmath.log(base),
    "ln": mpmath.log,
    "lg": lambda a: mpmath.log(a) / mpmath.log(10),
    "exp": mpmath.exp,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "cot": mpmath.cot,
    "sec": mpmath.sec,
    "csc": mpmath.csc,
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "arccot": mpmath.acot,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "coth": mpmath.coth,
    "sech": mpmath.sech,
    "csch": mpmath.csch,
    "arsinh": mpmath.asinh,
    "arcosh": mpmath.acosh,
    "artanh": mpmath.atanh,
    "asinh": mpmath.asinh,
    "acosh": mpmath.acosh,
    "atanh": mpmath.atanh,
    "sgn": mpmath.sign,
    "gamma": mpmath.gamma,
    "zeta": mpmath.zeta,
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "cis": mpmath.expj,
}


# Comparison


def compare(reference: Node, answer: Node, tolerance: Fraction = Fraction(0)) -> Decision:
    """Say whether two expressions are equal, within an absolute tolerance.

    Raises TooComplex where a bound of this module is met on the way.
    """
    if reference == answer:
        return Decision.EQUAL
    try:
        difference = abs(exact(reference) - exact(answer))
        return Decision.EQUAL if difference <= tolerance else Decision.DIFFERENT
    except ZeroDivisionError:
        return Decision.DIFFERENT
    except (NotRational, TooComplex):
        pass
    try:
        return compare_values(reference, answer, tolerance)
    except TooComplex:
        if extreme(reference) != extreme(answer):
            return Decision.DIFFERENT
        raise


def extreme(node: Node) -> str:
    """Say whether a number is a power beyond all bounds, or 1 over one, or neither.

    Raises TooComplex where a number that is neither can't be evaluated.
    """
    if node.op == "pow" and node.args[1].op == "neg":
        inverse = Node("pow", (node.args[0], node.args[1].args[0]))
        return "tiny" if is_tower(inverse) else ""
    return "tower" if is_tower(node) else ""


def is_tower(node: Node) -> bool:
    """Say whether a number is a power beyond all bounds, which no usual number equals.

    Raises TooComplex where a number that is no such power can't be evaluated.
    """
    if symbols(node):
        raise TooComplex("symbols")
    if node.op == "pow" and evaluate(node.args[0], {}) >= 2:
        return is_tower(node.args[1]) or _exceeds(node)
    evaluate(node, {})
    return False


def _exceeds(node: Node) -> bool:
    """Say whether a power is too large for `evaluate`."""
    try:
        evaluate(node, {})
    except TooComplex:
        return bool(evaluate(node.args[1], {}) > 0)
    return False


def compare_values(reference: Node, answer: Node, tolerance: Fraction) -> Decision:
    """Compare by evaluation, in two precisions that must agree."""
    found = Decision.UNKNOWN
    for base in (10, 0) if {"log"} & (operations(reference) | operations(answer)) else (10,):
        rough = _by_points(reference, answer, tolerance, ROUGH, base)
        fine = _by_points(reference, answer, tolerance, FINE, base)
        found = fine if rough == fine else Decision.UNKNOWN
        if found is Decision.EQUAL:
            break
    return found


def _by_points(
    reference: Node, answer: Node, tolerance: Fraction, digits: int, log_base: int
) -> Decision:
    real: list[bool] = []
    other: list[bool] = []
    with mpmath.workdps(digits):
        for point in environments(reference, answer):
            pair = value_pair(reference, answer, point, log_base)
            if pair is None:
                continue
            close = is_close(*pair, tolerance, digits)
            (real if all(mpmath.im(value) == 0 for value in pair) else other).append(close)
    constant = not (symbols(reference) or symbols(answer))
    votes = real if len(real) >= (1 if constant else REAL_LEAST) else real + other
    if not votes:
        return Decision.UNKNOWN
    return Decision.EQUAL if all(votes) else Decision.DIFFERENT


def value_pair(
    first: Node, second: Node, point: Environment, log_base: int
) -> tuple[Value, Value] | None:
    """Evaluate two expressions at a point; None where one of them has no finite value there."""
    try:
        pair = (evaluate(first, point, log_base), evaluate(second, point, log_base))
    except TooComplex:
        raise
    except (ArithmeticError, NoConvergence, ValueError, TypeError):
        return None
    return pair if not any(mpmath.isnan(value) for value in pair) else None


def is_close(first: Value, second: Value, tolerance: Fraction, digits: int) -> bool:
    """Say whether two values are equal but for rounding, or within the tolerance.

    Floats beyond 10^±10000 raise TooComplex where they look equal: they may differ by units.
    """
    if mpmath.isinf(first) or mpmath.isinf(second):
        return bool(first == second)
    largest = max(abs(first), abs(second))
    small = mpmath.mpf(10) ** (GUARD - digits)
    difference = abs(first - second)
    if tolerance and difference <= mpmath.mpf(tolerance.numerator) / tolerance.denominator:
        return True
    # What is left of sin(π) has about as many digits as were reckoned with, unlike 2^{-10^9}.
    noise = largest < small and largest > small * mpmath.mpf(10) ** -(2 * GUARD + ROUGH)
    close = bool(difference <= largest * small or noise)
    if close and largest > mpmath.mpf(10) ** LARGEST:
        raise TooComplex("magnitude")
    return close
