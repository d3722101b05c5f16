from __future__ import annotations

import pytest

from dedup.asked import asks_otherwise
from dedup.numerals import facts

SETTING = (
    "A sample of nitrogen gas of mass 14 g at 298 K and 1.00 bar doubles its volume in an"
    " isothermal reversible expansion. "
)
ITS = "one two three four five six seven eight nine ten but who would count so many of them here"
DRAWING = " [asy] draw((0,0)--(3,4)); label($B$, (1,2)); dot((5,6)); dot((7,8)); [/asy]"


def otherwise(one: str, other: str) -> bool:
    found = asks_otherwise(facts(one), facts(other))
    assert found == asks_otherwise(facts(other), facts(one))
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"Calculate $\Delta H$ of the gas.", r"Calculate $\Delta S$ of the gas."),
        ("Is the length of a word odd?", "Is the length of a word even?"),
        ("def mul_even(x): return it", "def div_even(x): return it"),
        ("Find the least $(x+y)/z + 2(y+z)/x$.", "Find the least $x^2/y - z^3 * (y-4*x)$."),
        (SETTING + "Find the molar volume of it.", SETTING + "Give a compression factor here."),
        (SETTING + "Find $b$." + DRAWING, SETTING + "Find the smallest value of $c$." + DRAWING),
    ],
)
def test_what_one_text_has_in_place_of_anothers_makes_two_questions(one: str, other: str) -> None:
    assert otherwise(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Let $x=2$. Find $x$.", "Let $x=2$. Determine $x$."),
        ("What's the largest $x$?", "What is the largest $x$?"),
        ("Find the largest $x$.", "Find the greatest $x$."),
        ("Find $x$ in [i]Israel[/i].", "Find $x$ where $S = x$."),
        ("def add(x): return x", "Write a function. assert add(1) == 2"),
        (SETTING + "Find the change of entropy.", SETTING + "Find the change of entropy. Thanks!"),
        (SETTING + "Find b.", SETTING + "Find b. I have been stuck on this for a day."),
        (SETTING + "Name its last word", SETTING + "and so on " + "word " * 3 + ITS),
        (SETTING + "Find the total change.", SETTING + "Determine the overall change."),
        ("", "Find $x$."),
    ],
)
def test_other_words_for_the_same_make_one_question(one: str, other: str) -> None:
    assert not otherwise(one, other)


def test_sentences_in_another_order_are_one_question() -> None:
    one, other = "Let $x+y=12$ and $xy=35$. ", "Now $2z=x-4y+1$ and $z>0$. "
    assert not otherwise(one + other, other + one)


def test_a_programs_examples_are_no_formulas() -> None:
    examples = ">>> f(1,2)  3 >>> f(4-5, 6)  1 >>> f(7*8) 9"
    assert not otherwise(f"def f(x): {examples}", "def f(x): assert f(1,2) == 3 * 1 + 0 + 0")
