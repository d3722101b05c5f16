"""Means, errors and pass@k against other ways to compute them."""

from __future__ import annotations

import itertools
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.estimates import Estimate, average_of, mean_of, pass_at


@given(st.lists(st.floats(0, 1), min_size=2, max_size=50))
def test_the_error_is_the_deviation_over_the_root_of_their_number(values: list[float]) -> None:
    found = mean_of(values)
    assert found.value == pytest.approx(statistics.fmean(values))
    expected = statistics.stdev(values) / math.sqrt(len(values))
    assert found.error == pytest.approx(expected, abs=1e-12)


def test_a_single_value_has_no_error_and_none_no_mean() -> None:
    assert mean_of([0.25]) == Estimate(0.25, None, 1)
    assert mean_of([]) == Estimate(None, None, 0)


@given(
    st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)))
)
def test_pass_at_k_is_the_share_of_draws_with_a_correct_one(case: tuple[int, int, int]) -> None:
    n, correct, k = case
    draws = list(itertools.combinations([True] * correct + [False] * (n - correct), k))
    assert pass_at(k, n, correct) == pytest.approx(sum(map(any, draws)) / len(draws))


def test_pass_at_more_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="must be 1 to 3, got 4"):
        pass_at(4, 3, 1)


def test_an_average_has_the_error_of_independent_figures() -> None:
    found = average_of([Estimate(0.5, 0.03, 30), Estimate(0.7, 0.04, 500)])
    assert found.value == pytest.approx(0.6)
    assert found.error == pytest.approx(0.025)


def test_an_average_over_a_missing_figure_is_missing() -> None:
    assert average_of([Estimate(0.5, 0.1, 9), Estimate(None, None, 0)]).value is None
