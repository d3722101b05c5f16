"""Words are counted as whole words."""

from __future__ import annotations

from pipeline.evaluation.words import count


def test_capitals_and_punctuation_do_not_matter_and_other_words_do_not_count() -> None:
    text = "Wait, WAIT! But waiting, butter and unbut; maybe—therefore thereforely. but"
    assert count(text) == {"but": 2, "wait": 2, "maybe": 1, "therefore": 1}


def test_a_text_without_them_counts_nothing() -> None:
    assert count("") == {"but": 0, "wait": 0, "maybe": 0, "therefore": 0}
