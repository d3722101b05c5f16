from __future__ import annotations

import pytest

from dedup.exact import normalise
from dedup.ngrams import longest_run, tokens


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
