from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.numerals import ONE, Agreement, agreement, facts, holds_numerals, signs_held


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("three apples", {"3": 1}),
        ("twenty-five and twenty five", {"25": 1, "20": 0}),
        ("one hundred and five", {"105": 1}),
        ("two thousand three hundred", {"2300": 1}),
        ("a million", {"1000000": 1}),
        ("someone often", {}),
        ("二十五只", {"25": 1}),
        ("三千二百", {"3200": 1}),
        ("两万五", {"20005": 1}),
    ],
)
def test_numbers_in_words_are_read(text: str, held: dict[str, int]) -> None:
    words = facts(text).words
    assert {number: words[number] > 0 for number in held} == {n: c > 0 for n, c in held.items()}
    assert bool(words) is bool(held)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("Add 16 and three.", "add sixteen to 3", Agreement.EQUAL),
        ("Add 16 and 4.", "Add 25 and 4.", Agreement.NONE),
        ("Add 4.", "Add 4 to 5.", Agreement.FIRST_IN_SECOND),
        ("Add 4 to 5.", "Add 4.", Agreement.SECOND_IN_FIRST),
        ("Which one is it?", "Which is it?", Agreement.EQUAL),
        ("five houses", "four houses", Agreement.NONE),
        ("7 and 7", "7", Agreement.SECOND_IN_FIRST),
        ("有25只", "有二十五只", Agreement.EQUAL),
        ("no numbers", "none here", Agreement.EQUAL),
    ],
)
def test_numerals_agree_in_digits_or_words(first: str, second: str, expected: Agreement) -> None:
    assert agreement(facts(first), facts(second)) == expected


def test_signs_are_operators_commands_and_single_letters() -> None:
    signs = facts(r"Find $\sin x + y^2$ for a well-known x.").signs
    assert signs == {r"\sin": 1, "x": 2, "+": 1, "y": 1, "^": 1}


def test_the_share_of_signs_held_counts_repeats() -> None:
    assert signs_held(facts("x + y"), facts("x + x + y")) == pytest.approx(3 / 5)
    assert signs_held(facts("x"), facts("no sign here")) == 1


NUMERALS = st.lists(st.sampled_from(["1", "2", "3.5", "one", "two", "twenty", "2,000", "x"]))


@given(NUMERALS, NUMERALS)
def test_a_text_holds_numerals_that_it_has_in_digits_or_in_words(
    whole: list[str], part: list[str]
) -> None:
    mine, its = facts(" apples ".join(whole)), facts(" apples ".join(part))
    said = its.words - ONE
    apart = its.digits <= mine.digits and said <= mine.words
    assert holds_numerals(mine, its) == (apart or its.digits + said <= mine.digits + mine.words)
