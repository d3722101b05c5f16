from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup import quick
from dedup.quick import grams, quick_tokens, whole


def same(left: str, right: str) -> bool:
    tokens = quick_tokens([left, right])
    middle = tokens.starts[1]
    return np.array_equal(tokens.hash[:middle], tokens.hash[middle:])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("Don't STOP, 3.5 times!", 6),
        (r"$\dfrac{1}{2}x^{10} \le \sin\theta$", 4),
        ("求1,200元 of 猫", 5),
        ("snake_case2", 3),
        ("a\x00b", 2),
        ("café naïve", 2),
        (r"1 \\ 2 \\3", 3),
    ],
)
def test_tokens_are_words_digits_and_single_characters(text: str, count: int) -> None:
    assert len(quick_tokens([text]).hash) == count


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Find THE sum", "find  the\nSUM!"),
        ("1,200 and 1,234,567", "1200 and 1234567"),
        (r"1{,}200 1\,300", "1200 1300"),
        (r"\dfrac{1}{2} \left( x \right)", "$1/2$ (x)"),
        ("Ｆｕｌｌ １２", "full 12"),
        ("ÉCOLE Straße", "école STRASSE"),
        ("x ≤ 5 — y", "x 5 y"),
        ("求和", "求 和"),
    ],
)
def test_spellings_of_one_text_have_the_same_tokens(left: str, right: str) -> None:
    assert same(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("12", "1 2"),
        ("1,20", "120"),
        ("1,2000", "12000"),
        ("ab", "a b"),
        ("a b", "b a"),
        ("12345678a", "12345678b"),
        ("x" * 31 + "a", "x" * 31 + "b"),
        ("x" * 40, "x" * 41),
        ("求", "和"),
    ],
)
def test_other_texts_have_other_tokens(left: str, right: str) -> None:
    assert not same(left, right)


@given(st.lists(st.text(), max_size=8))
def test_a_texts_tokens_do_not_depend_on_its_neighbours(texts: list[str]) -> None:
    together = quick_tokens(texts)
    assert len(together) == len(texts)
    for place, text in enumerate(texts):
        alone = quick_tokens([text])
        part = slice(together.starts[place], together.starts[place + 1])
        assert np.array_equal(together.hash[part], alone.hash)


def test_blocks_give_what_one_block_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"text number {k} of many" for k in range(50)]
    once = quick_tokens(texts)
    monkeypatch.setattr(quick, "BLOCK", 100)
    parts = quick_tokens(texts)
    assert np.array_equal(once.hash, parts.hash)
    assert np.array_equal(once.starts, parts.starts)


def test_some_texts_tokens_are_those_of_the_texts() -> None:
    texts = ["one two", "", "three", "four five six"]
    some = quick_tokens(texts).of(np.array([3, 1, 0]))
    assert np.array_equal(some.hash, quick_tokens(["four five six", "", "one two"]).hash)
    assert some.lengths.tolist() == [3, 0, 2]


def test_equal_runs_have_equal_hashes_and_others_do_not() -> None:
    tokens = quick_tokens(["a b c d", "x b c d", "d c b"])
    hashes = grams(tokens.hash, 3)
    assert hashes[1] == hashes[5]
    assert len(set(hashes.tolist())) == len(hashes) - 1
    assert len(grams(tokens.hash[:2], 3)) == 0


def test_whole_texts_are_equal_by_all_tokens_in_their_order() -> None:
    hashes = whole(quick_tokens(["find the sum", "Find THE sum!", "sum the find", "find the", ""]))
    assert hashes[0] == hashes[1]
    assert len(set(hashes.tolist())) == 4
    assert hashes[4] == 0
