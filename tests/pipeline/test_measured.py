"""Difficulty by the pass rates of a weaker and a stronger teacher."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.acceptance import Finding
from pipeline.measured import measured_difficulty, measured_level, rates_of
from pipeline.recipe import Measured
from pipeline.records import DIFFICULTIES

BOTH = Measured(weaker="small", stronger="large")
RATES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("weaker", "stronger", "level"),
    [
        (1.0, 1.0, "very_easy"),
        (0.4, 1.0, "easy"),
        (0.0, 1.0, "medium"),
        (0.0, 0.5, "hard"),
        (0.0, 0.0, "very_hard"),
    ],
)
def test_the_less_often_both_are_right_the_harder(
    weaker: float, stronger: float, level: str
) -> None:
    found = measured_difficulty({"small": weaker, "large": stronger}, BOTH)
    assert found is not None
    assert measured_level(found) == level


@given(RATES, RATES, RATES)
def test_a_higher_rate_is_never_harder(a: float, b: float, other: float) -> None:
    low, high = sorted((a, b))
    hard = measured_difficulty({"small": low, "large": other}, BOTH)
    easy = measured_difficulty({"small": high, "large": other}, BOTH)
    assert hard is not None and easy is not None and hard >= easy
    assert DIFFICULTIES.index(measured_level(hard)) >= DIFFICULTIES.index(measured_level(easy))


def test_without_both_rates_nothing_is_measured() -> None:
    assert measured_difficulty({"small": 1.0}, BOTH) is None
    assert measured_difficulty({"small": 1.0, "large": 1.0}, None) is None


def test_a_rate_is_the_share_of_correct_among_decided_responses_over_all_rounds() -> None:
    right, wrong = Finding("correct", "math", "equal", 1.0), Finding("incorrect", "math", "", 0.0)
    unsure = Finding("unverified", "math", "timeout", None)
    found = {
        ("q", "small", 1, 0): right,
        ("q", "small", 2, 0): wrong,
        ("q", "small", 2, 1): unsure,
        ("q", "large", 1, 0): right,
    }
    assert rates_of(found) == {"q": {"small": 0.5, "large": 1.0}}


def test_a_teacher_is_not_compared_with_itself() -> None:
    with pytest.raises(ValueError, match="two teachers"):
        Measured(weaker="a", stronger="a")
