from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import ngrams
from dedup.exact import normalise
from dedup.ngrams import NgramIndex, longest_run, tokens

Found = dict[tuple[int, int], float]


def shared(index: NgramIndex, questions: list[list[str]], least: list[float]) -> Found:
    found: Found = {}
    for question, item, share in index.shared(index.flat(questions), np.array(least)):
        pairs = zip(question.tolist(), item.tolist(), strict=True)
        found |= dict(zip(pairs, share.tolist(), strict=True))
    return found


def coverage(question: list[str], item: list[str], size: int) -> float:
    """The share of the item's tokens under n-grams with a word that the question holds."""
    held = {tuple(question[a : a + size]) for a in range(len(question) - size + 1)}
    covered = set()
    for at in range(len(item) - size + 1):
        gram = tuple(item[at : at + size])
        if gram in held and any(len(token) > 1 and token.isalpha() for token in gram):
            covered |= set(range(at, at + size))
    return len(covered) / len(item)


TEXTS = st.lists(st.sampled_from(["the", "of", "sum", "x", "1", "2"]), min_size=1, max_size=14)


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4), st.lists(TEXTS, max_size=4), st.data())
def test_coverage_is_what_counting_by_hand_gives(
    items: list[list[str]], questions: list[list[str]], data: st.DataObject
) -> None:
    sizes = [data.draw(st.integers(1, min(len(item), 4))) for item in items]
    found = shared(NgramIndex(items, sizes), questions, [0.5] * len(items))
    by_hand = {
        (q, k): share
        for q, question in enumerate(questions)
        for k, (item, size) in enumerate(zip(items, sizes, strict=True))
        if (share := coverage(question, item, size)) >= 0.5
    }
    assert found == pytest.approx(by_hand)


LONG_TEXTS = st.lists(st.sampled_from(["the", "of", "sum", "1"]), min_size=7, max_size=10)


@settings(deadline=None)
@given(st.lists(LONG_TEXTS, min_size=1, max_size=4), st.lists(TEXTS, max_size=4))
def test_a_question_that_holds_a_whole_item_is_among_the_anchored(
    items: list[list[str]], questions: list[list[str]]
) -> None:
    index = NgramIndex(items, [0] * len(items))
    questions = [*questions, *(["please", *item, "thanks"] for item in items)]
    found = set(zip(*(a.tolist() for a in index.anchored(index.flat(questions))), strict=True))
    for q, question in enumerate(questions):
        for k, item in enumerate(items):
            held = any(question[a : a + len(item)] == item for a in range(len(question)))
            if held and len(item) >= ngrams.ANCHOR:
                assert (q, k) in found


def test_portions_of_a_batch_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    items = [f"the same words for everyone and then number{k}".split() for k in range(40)]
    index = NgramIndex(items, [4] * 40)
    questions = [[*item, "extra"] for item in items]
    whole = shared(index, questions, [0.5] * 40)
    monkeypatch.setattr(ngrams, "OCCURRENCES", 10)
    assert len(whole) == 1600
    assert shared(index, questions, [0.5] * 40) == whole


def test_an_index_of_no_items_finds_nothing() -> None:
    index = NgramIndex([], [])
    assert shared(index, [["a", "b"]], []) == {}
    assert [len(part) for part in index.anchored(index.flat([["a"] * 9]))] == [0, 0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Don't STOP, 3.5 times!", ["don", "t", "stop", "3.5", "times"]),
        (r"$\dfrac{1}{2}x^{10} \le \sin\theta$", ["1", "2", "x", "10", "θ"]),
        ("求1,200元 of 猫", ["求", "1200", "元", "of", "猫"]),
        ("snake_case2", ["snake", "case", "2"]),
    ],
)
def test_tokens_are_words_numerals_and_single_characters(text: str, expected: list[str]) -> None:
    assert tokens(normalise(text)) == expected


@pytest.mark.parametrize(
    ("question", "item", "run"),
    [
        ("x a b c y", "a b c d", "a b c"),
        ("a b a b c", "z b c a b c", "a b c"),
        ("c d a b", "a b c d", "a b"),
        ("q", "a b", ""),
        ("", "a", ""),
    ],
)
def test_the_longest_run_is_the_first_of_the_longest(question: str, item: str, run: str) -> None:
    assert " ".join(longest_run(question.split(), item.split())) == run
