from __future__ import annotations

import time
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.greedy import keep_greedy

Pair = tuple[int, int, float]


def by_hand(pairs: list[Pair], order: list[int]) -> dict[int, tuple[int, float]]:
    """Walk the rows one by one, looking at all pairs each time."""
    dropped: dict[int, tuple[int, float]] = {}
    for at, row in enumerate(order):
        names = []
        for i, j, score in pairs:
            other = j if i == row else i if j == row else None
            if other in order[:at] and other not in dropped:
                names.append((-score, order.index(other), other))
        if names:
            score, _, other = min(names)
            dropped[row] = (other, -score)
    return dropped


def columns(pairs: list[Pair]) -> tuple[list[int], list[int], list[float]]:
    return [p[0] for p in pairs], [p[1] for p in pairs], [p[2] for p in pairs]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Pair], list[int]]:
    count = draw(st.integers(1, 9))
    row = st.integers(0, count - 1)
    score = st.sampled_from([0.9, 0.92, 0.95, 1.0])
    pairs = draw(st.lists(st.tuples(row, row, score), max_size=20))
    distinct = {(min(i, j), max(i, j)): (i, j, s) for i, j, s in pairs if i != j}
    return list(distinct.values()), draw(st.permutations(range(count)))


@given(graphs())
def test_it_drops_what_a_walk_by_hand_drops(graph: tuple[list[Pair], list[int]]) -> None:
    pairs, order = graph
    assert keep_greedy(columns(pairs), order) == by_hand(pairs, order)


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_and_direction_of_pairs_do_not_matter(
    graph: tuple[list[Pair], list[int]], random: Random
) -> None:
    pairs, order = graph
    shuffled = [(j, i, s) for i, j, s in pairs]
    random.shuffle(shuffled)
    assert keep_greedy(columns(shuffled), order) == keep_greedy(columns(pairs), order)


@given(graphs())
def test_every_dropped_row_names_a_kept_row_that_it_pairs_with(
    graph: tuple[list[Pair], list[int]],
) -> None:
    pairs, order = graph
    scores = {frozenset(p[:2]): p[2] for p in pairs}
    dropped = keep_greedy(columns(pairs), order)
    for row, (of, score) in dropped.items():
        assert of not in dropped
        assert scores[frozenset((row, of))] == score
        assert order.index(of) < order.index(row)


def test_a_chain_does_not_drop_its_far_end() -> None:
    assert keep_greedy(([0, 1], [1, 2], [0.95, 0.93]), [0, 1, 2]) == {1: (0, 0.95)}


def test_the_row_named_has_the_highest_score() -> None:
    assert keep_greedy(([0, 1], [2, 2], [0.91, 0.97]), [0, 1, 2]) == {2: (1, 0.97)}


def test_where_scores_tie_the_better_row_is_named() -> None:
    assert keep_greedy(([0, 1], [2, 2], [0.95, 0.95]), [1, 0, 2]) == {2: (1, 0.95)}


def test_a_row_that_pairs_with_itself_stays() -> None:
    assert keep_greedy(([0], [0], [1.0]), [0]) == {}


def test_no_rows_and_no_pairs_drop_nothing() -> None:
    assert keep_greedy(([], [], []), []) == {}
    assert keep_greedy(([], [], []), [1, 0]) == {}


@pytest.mark.parametrize("order", [[0, 0], [0, 2], [1]])
def test_an_order_that_is_none_is_refused(order: list[int]) -> None:
    with pytest.raises(ValueError, match="order: expected each of"):
        keep_greedy(([], [], []), order)


def test_the_longest_chain_of_rows_takes_linear_time() -> None:
    rows = np.arange(200_000)
    started = time.process_time()
    dropped = keep_greedy((rows[:-1], rows[1:], np.ones(len(rows) - 1)), rows)
    assert len(dropped) == 100_000
    assert time.process_time() - started < 5  # takes a fifth of a second; quadratic: hours
