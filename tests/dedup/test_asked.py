from __future__ import annotations

import pytest

from dedup.asked import asks_otherwise, unlike_in_meaning
from dedup.numerals import facts

SETTING = (
    "A sample of nitrogen gas of mass 14 g at 298 K and 1.00 bar doubles its volume in an"
    " isothermal reversible expansion. "
)
ITS = "one two three four five six seven eight nine ten but who would count so many of them here"
DEUTERON = "A deuteron hits a neutron. How fast is the deuteron?"
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
        ("Put 4 distinguishable balls into boxes.", "Put 4 indistinguishable balls into boxes."),
        ("A deuteron hits a neutron. How fast is the neutron?", DEUTERON),
        (
            "Given the energy $H$ of it, find $H$ of (3).",
            "Given the energy $H$ of it, find $U$ of (3).",
        ),
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
        (
            "A box has a red lid. How wide is the box?",
            "A crate has a red lid. How wide is the crate?",
        ),
        ("Each boy has every book.", "Every boy has each book."),
        ("Add 16 to 25.", "Add 25 to 16."),
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


MOVES = [
    "Gain 20 now. ",
    "Lose 30 then. ",
    "Pay 45 a day. ",
    "Earn 50. ",
    "Owe 61 of it. ",
    "Is 77 left? ",
]


def test_numerals_that_moved_with_their_sentences_make_no_other_question() -> None:
    assert not otherwise("".join(MOVES), "".join(MOVES[at] for at in (3, 5, 1, 4, 0, 2)))


def test_formulas_that_changed_places_between_sentences_make_another_question() -> None:
    givens = ["We have a+b=2 and c/d=7 in it.", "Then e-f=1 while g*h=3."]
    assert otherwise(" ".join(givens), "We have a+b=3 and c*d=1 in it. Then e/f=2 while g-h=7.")


def test_a_programs_examples_are_no_formulas() -> None:
    examples = ">>> f(1,2)  3 >>> f(4-5, 6)  1 >>> f(7*8) 9"
    assert not otherwise(f"def f(x): {examples}", "def f(x): assert f(1,2) == 3 * 1 + 0 + 0")


@pytest.mark.parametrize(
    ("question", "item"),
    [
        ("Are $2y+x+3=0$ and $3y+x+2=0$ parallel?", "Are $x+2y+3=0$ and $x+2y+3=0$ not?"),
        ("How many rows of it have 43?", "What is the second number in the row that has 43?"),
        ("Is it Crohn's disease?", "Crohn's disease:"),
        (r"Compute $\arcsin \frac{1}{\sqrt 2}$.", r"Compute the $\arcsin(-\frac 1 2)$ of it."),
        ("Least $(a^2+4a+4)/abc$ of $a, b, c$?", "Find the least $(a+b+4c)^2/abc$ of $a, b, c$."),
    ],
)
def test_near_vectors_are_not_enough_where_formulas_or_ordinals_differ(
    question: str, item: str
) -> None:
    assert unlike_in_meaning(facts(question), facts(item))


@pytest.mark.parametrize(
    ("question", "item"),
    [
        (
            "Write the n-th Fibonacci number in C++. 10",
            "Write a C++ program for Fibonacci numbers.",
        ),
        ("What are the functions of mitochondria?", "What is the function of a mitochondrion?"),
        ("Find $xy$ if $x^2=4$ and $y=3$.", "What is $xy$ where $x^2=4$ and $y=3$?"),
        ("Name the second and the third son.", "What is the name of the second son?"),
        (">>> f(1, 2, 3, 4, 5, 6) 7 >>> f(9) 8", "assert f(1, 2, 3, 4, 5, 6) == 7 + 0 - 0 * 1"),
    ],
)
def test_near_vectors_are_enough_where_nothing_speaks_against_it(question: str, item: str) -> None:
    assert not unlike_in_meaning(facts(question), facts(item))
