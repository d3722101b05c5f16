from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup import coarse
from dedup.coarse import coarse_keys, repeats
from dedup.exact import BOILERPLATE, normalise, text_hash

PIECES = st.sampled_from(
    [
        *(r"\frac12", r"\dfrac{1}{2}", "$", r"\(", r"\left(", ")", "1,200", r"1{,}200", " ", "b"),
        *("Find x", "FIND X", r"\text{cm}", r"\sin x", r"\alpha ", "α", "½", "x²", "x^2", ".", "?"),
        *("Q: ", "\n", r"\,", "Let's think step by step.", "Solve this problem. ", "求和", "≤"),
        *("45^\\circ ", "\x00", "__", "“", "é", "e\u0301", "ß", "√", "∑", "（", "Я", "ﬁ", "℃", "·"),
        *(r"\\ y", r"\\\alpha ", r"\\x", "Answer :", "−", "…", "×", "①"),
        *("A. ", "(B) ", "(A)", r"\plus{}", r"\cos∠POQ", r"\cos\angle ", "∠"),
    ]
)


@example("\\frac12Answer :$")  # a heading behind which only signs stand
@given(st.lists(PIECES, max_size=8).map("".join))
def test_a_text_has_the_key_of_its_normal_form(text: str) -> None:
    (key,) = coarse_keys([text])
    assert key == coarse._keys([normalise(text).replace("\x00", " ")])[0]


@given(st.lists(st.lists(PIECES, max_size=3).map("".join), max_size=12))
def test_repeats_are_all_texts_whose_normal_form_comes_twice(texts: list[str]) -> None:
    forms = [text_hash(text) for text in texts]
    places, hashes = repeats(texts)
    assert {k for k, form in enumerate(forms) if forms.count(form) > 1} <= set(places.tolist())
    assert hashes == [forms[k] for k in places.tolist()]


@pytest.mark.parametrize("phrase", BOILERPLATE.prefixes)
def test_every_prefix_of_the_boilerplate_is_taken_off_first(phrase: str) -> None:
    one, other = coarse_keys([f"{phrase} what is 2 + 2?", "What is 2+2"])
    assert one == other


@pytest.mark.parametrize("phrase", BOILERPLATE.suffixes)
def test_every_suffix_of_the_boilerplate_is_taken_off_first(phrase: str) -> None:
    one, other = coarse_keys([f"What is 2 + 2? {phrase}", "What is 2+2"])
    assert one == other


def test_other_letters_and_digits_have_other_keys() -> None:
    assert len(set(coarse_keys(["find x", "find y", "find x1", "find x12"]).tolist())) == 4


def test_blocks_give_what_one_block_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"number {k} of \\frac many" for k in range(40)]
    once = coarse_keys(texts)
    monkeypatch.setattr(coarse, "BLOCK", 50)
    assert np.array_equal(once, coarse_keys(texts))


def test_no_texts_have_no_keys() -> None:
    assert len(coarse_keys([])) == 0
