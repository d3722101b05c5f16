"""Properties over random expressions: rewriting keeps them equal, a change never does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from verifiers.equality.judge import judge
from verifiers.equality.numerals import Tolerance
from verifiers.equality.question import Form
from verifiers.equality.text import normalise

EXACT = Tolerance()
POINTS = ((1.37, 2.11), (0.59, 3.7), (2.9, 0.41))


@dataclass(frozen=True)
class Tree:
    """An expression: its LaTeX, another spelling of the same, and its value at a point."""

    latex: str
    other: str
    changed: str
    values: tuple[float, ...]
    changed_values: tuple[float, ...]


def leaf(value: int) -> Tree:
    now, then = (float(value),) * len(POINTS), (float(value + 1),) * len(POINTS)
    return Tree(str(value), rf"\frac{{{3 * value}}}{{3}}", str(value + 1), now, then)


def name(place: int) -> Tree:
    values = tuple(point[place] for point in POINTS)
    letter = "xy"[place]
    return Tree(letter, f"({letter})", letter, values, values)


def binary(sign: str, first: Tree, second: Tree) -> Tree:
    rule = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b}[sign]
    texts = {
        "+": (f"({first.latex}+{second.latex})", f"({second.other}+{first.other})"),
        "-": (f"({first.latex}-{second.latex})", f"(-({second.other})+{first.other})"),
        "*": (rf"{first.latex} \cdot {second.latex}", rf"({second.other})\times({first.other})"),
    }[sign]
    changed = {
        "+": f"({first.changed}+{second.latex})",
        "-": f"({first.changed}-{second.latex})",
        "*": rf"{first.changed} \cdot {second.latex}",
    }[sign]
    return Tree(
        *texts,
        changed,
        tuple(map(rule, first.values, second.values)),
        tuple(map(rule, first.changed_values, second.values)),
    )


def square(tree: Tree) -> Tree:
    return Tree(
        f"({tree.latex})^2",
        rf"\left({tree.other}\right)\left({tree.other}\right)",
        f"({tree.changed})^2",
        tuple(value**2 for value in tree.values),
        tuple(value**2 for value in tree.changed_values),
    )


def root(tree: Tree) -> Tree:
    """A root of a square plus one, so that it is real everywhere."""
    return Tree(
        rf"\sqrt{{({tree.latex})^2+1}}",
        rf"\left(1+({tree.other})^{{2}}\right)^{{1/2}}",
        rf"\sqrt{{({tree.changed})^2+1}}",
        tuple(math.sqrt(value**2 + 1) for value in tree.values),
        tuple(math.sqrt(value**2 + 1) for value in tree.changed_values),
    )


def over(tree: Tree, bottom: int) -> Tree:
    return Tree(
        rf"\frac{{{tree.latex}}}{{{bottom}}}",
        rf"\dfrac{{1}}{{{bottom}}}\left({tree.other}\right)",
        rf"\frac{{{tree.changed}}}{{{bottom}}}",
        tuple(value / bottom for value in tree.values),
        tuple(value / bottom for value in tree.changed_values),
    )


trees = st.recursive(
    st.one_of(st.integers(1, 99).map(leaf), st.sampled_from([0, 1]).map(name)),
    lambda inner: st.one_of(
        st.builds(binary, st.sampled_from("+-*"), inner, inner),
        inner.map(square),
        inner.map(root),
        st.builds(over, inner, st.integers(2, 9)),
    ),
    max_leaves=5,
)


def decided(reference: str, answer: str) -> str:
    return judge((normalise(reference), normalise(answer), EXACT, Form()))[0]


@settings(deadline=None, max_examples=150)
@given(trees)
def test_a_rewritten_expression_stays_equal(tree: Tree) -> None:
    assume(max(map(abs, tree.values)) < 1e12)
    assert decided(tree.latex, tree.other) == "equal"


@settings(deadline=None, max_examples=150)
@given(trees)
def test_an_expression_with_a_changed_number_is_never_equal(tree: Tree) -> None:
    pairs = zip(tree.values, tree.changed_values, strict=True)
    assume(any(abs(a - b) > 1e-6 * (abs(a) + abs(b)) for a, b in pairs))
    assume(max(map(abs, tree.values)) < 1e12)
    assert decided(tree.latex, tree.changed) == "different"


@settings(deadline=None, max_examples=100)
@given(trees, trees)
def test_equality_of_expressions_is_reflexive_and_symmetric(first: Tree, second: Tree) -> None:
    assume(max(map(abs, first.values + second.values)) < 1e12)
    assert decided(first.latex, first.latex) == "equal"
    assert decided(first.latex, second.latex) == decided(second.latex, first.latex)


@settings(deadline=None, max_examples=60)
@given(st.integers(-50, 50), st.integers(1, 12), st.integers(-3, 3), st.booleans())
def test_a_family_is_equal_under_another_name_and_start(
    start: int, period: int, shift: int, turned: bool
) -> None:
    sign = "-" if turned else "+"
    first = rf"{start} + {period}k\pi, k\in\mathbb{{Z}}"
    moved = rf"{start} + {shift * period}\pi {sign} {period}n\pi, n\in\mathbb{{Z}}"
    assert decided(first, moved) == "equal"
    assert decided(first, rf"{start} + {period + 1}n\pi, n\in\mathbb{{Z}}") == "different"
    assert decided(first, rf"{start + 1} + {period}n\pi, n\in\mathbb{{Z}}") == "different"


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 60), st.integers(2, 30), st.integers(-4, 4))
def test_residues_are_equal_modulo_their_modulus_only(
    residue: int, modulus: int, turns: int
) -> None:
    first = rf"x \equiv {residue} \pmod{{{modulus}}}"
    assert decided(first, rf"n = {residue + turns * modulus} \text{{ (mod }} {modulus})") == "equal"
    assert decided(first, rf"x \equiv {residue + 1} \pmod{{{modulus}}}") == "different"


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 23), st.integers(1, 59))
def test_an_amount_in_two_units_is_the_same_in_one(hours: int, minutes: int) -> None:
    compound = rf"{hours} \text{{ hours and }} {minutes} \text{{ minutes}}"
    assert decided(compound, rf"{60 * hours + minutes} \text{{ min}}") == "equal"
    assert decided(compound, rf"{60 * hours + minutes + 1} \text{{ min}}") == "different"
    assert decided(str(Fraction(60 * hours + minutes, 60)) + r" \text{ h}", compound) == "equal"
