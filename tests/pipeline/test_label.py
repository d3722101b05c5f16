import json

import pytest

from pipeline.label import HEURISTIC, SOURCE, category, difficulty, label, language
from pipeline.records import DIFFICULTIES, Message, Question

LANGUAGES = ("en", "zh", "de", "fr", "es", "ru", "ja", "ko")


def question(text: str, kind: str = "math", **metadata: str) -> Question:
    return Question.new(
        "s",
        [Message("user", text)],
        source_revision="1",
        licence="MIT",
        kind=kind,
        metadata=json.dumps(metadata),
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("How many apples does she have left after lunch?", "en"),
        ("小明有五个苹果，吃了两个，还剩几个？", "zh"),
        ("Wie viele Äpfel bleiben nach dem Mittagessen übrig?", "de"),
        ("Solve $x^2 + \\frac{1}{2} = 3$ for the positive value of $x$.", "en"),
        ("计算 $\\int_0^1 x^2 dx$ 的值。", "zh"),
        ("```python\nfor value in values:\n    print(value)\n```\n这段代码输出什么？", "zh"),
        ("$$\\sum_{n=1}^\\infty \\frac{1}{n^2}$$", "und"),
        ("12 + 7 =", "und"),
        ("", "und"),
    ],
)
def test_the_language_is_that_of_the_prose(text: str, code: str) -> None:
    assert language(text, LANGUAGES) == code


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("math", "anything", "math"),
        ("code", "anything", "coding"),
        ("chat", "Write a short story about a clock.", "creative_writing"),
        ("chat", "Translate this sentence into French: …", "translation"),
        ("chat", "请把这句话翻译成英文", "translation"),
        ("chat", "Plan a trip of three days to Chengdu", "planning"),
        ("chat", "Why is the sky blue?", "information_seeking"),
        ("chat", "Hello there", "others"),
    ],
)
def test_the_category_follows_from_kind_and_wording(kind: str, text: str, expected: str) -> None:
    assert category(kind, text) == expected


def test_a_longer_harder_looking_question_is_not_easier() -> None:
    plain = difficulty(question("What is 2+2?"), 5)
    hard = "Let $a$, given $b$ such that $a^2=b$, suppose where $c$ if $d$, find \\frac{a}{b}."
    assert DIFFICULTIES.index(difficulty(question(hard), 300)) > DIFFICULTIES.index(plain)


def test_a_guess_says_that_it_is_one_and_a_sources_own_level_is_taken() -> None:
    assert label(question("2+2?"), 5, LANGUAGES).labeller == HEURISTIC
    given = label(question("2+2?", difficulty="very_hard"), 5, LANGUAGES)
    assert (given.difficulty, given.labeller) == ("very_hard", SOURCE)
    odd = label(question("2+2?", difficulty="9/10"), 5, LANGUAGES)
    assert odd.labeller == HEURISTIC
