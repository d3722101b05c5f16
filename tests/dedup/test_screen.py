from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.coverage import Coverage
from dedup.quick import quick_tokens
from dedup.screen import Screen

WORDS = st.lists(st.sampled_from(["the", "of", "sum", "x", "1", "2", "red", "blue"]), max_size=12)
TEXTS = WORDS.map(" ".join)


def pairs(items: list[str], questions: list[str]) -> set[tuple[int, int]]:
    hashed = quick_tokens(items)
    screen = Screen(hashed, Coverage(hashed).says)
    question, item = screen.pairs(quick_tokens(questions))
    return set(zip(question.tolist(), item.tolist(), strict=True))


def long(start: int, count: int) -> str:
    return " ".join(f"word{chr(97 + k)}" for k in range(start, start + count))


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_a_copy_of_an_item_is_always_looked_at(items: list[str]) -> None:
    assert {(k, k) for k in range(len(items))} <= pairs(items, items)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_an_item_of_five_tokens_in_a_prompt_is_looked_at(items: list[str]) -> None:
    found = pairs(items, [f"please tell me {item} thanks" for item in items])
    assert {(k, k) for k, item in enumerate(items) if len(item.split()) >= 5} <= found


def test_half_of_an_item_is_looked_at_and_one_run_of_it_is_not() -> None:
    items = [long(0, 24)]
    assert pairs(items, [long(0, 14) + " and so on and on"]) == {(0, 0)}
    assert pairs(items, [long(0, 5) + " zeta eta theta iota kappa lambda mu nu xi pi rho"]) == set()


def test_nothing_is_found_among_no_items_and_for_no_questions() -> None:
    assert pairs([], ["a b c d e f"]) == set()
    assert pairs(["a b c d e f"], []) == set()


@pytest.mark.parametrize("item", ["7", "求和", "a b"])
def test_a_short_item_is_looked_at_where_it_is_the_whole_question(item: str) -> None:
    assert pairs([item], [item, f"{item} and more", "other"]) == {(0, 0)}


def shares(items: list[str], question: str, item: int = 0) -> list[float]:
    found = Coverage(quick_tokens(items)).shares(
        quick_tokens([question]), np.array([0]), np.array([item])
    )
    return [float(column[0]) for column in found]


def test_the_shares_of_equal_weights_are_those_of_the_tokens_in_shared_runs() -> None:
    of_item, of_question, said = shares([long(0, 10)], long(0, 4) + " and " + long(6, 2))
    assert of_item == pytest.approx(0.4)
    assert of_question == pytest.approx(4 / 7)
    assert said == pytest.approx(4)


def test_a_run_of_the_item_counts_wherever_it_stands() -> None:
    of_item, of_question, _ = shares([long(0, 10)], long(5, 5) + " " + long(0, 5))
    assert (of_item, of_question) == (1.0, 1.0)


def test_what_many_items_share_weighs_less() -> None:
    items = [f"the same opening words everywhere {long(3 * k, 3)}" for k in range(6)]
    of_item, _, _ = shares(items, "the same opening words everywhere but then others")
    assert of_item < 0.5


def test_many_pairs_at_once_give_what_each_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [long(k, 6 + k) for k in range(5)]
    questions = [long(2, 9), long(0, 4), "nothing shared", ""]
    question, item = (side.ravel() for side in np.mgrid[0 : len(questions), 0 : len(items)])
    coverage = Coverage(quick_tokens(items))
    tokens = quick_tokens(questions)
    whole = coverage.shares(tokens, question, item)
    monkeypatch.setattr("dedup.coverage.TOGETHER", 10)
    parts = coverage.shares(tokens, question, item)
    for left, right in zip(whole, parts, strict=True):
        assert left == pytest.approx(right)
    each = [shares(items, questions[q], k)[0] for q, k in zip(question, item, strict=True)]
    assert whole[0] == pytest.approx(np.array(each))


def test_the_words_of_an_item_are_held_in_any_order() -> None:
    coverage = Coverage(quick_tokens([long(0, 4)]))
    found = coverage.words(quick_tokens(["wordd worda or wordb"]), np.array([0]), np.array([0]))
    assert found.tolist() == [0.75]
