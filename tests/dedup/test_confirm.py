from __future__ import annotations

import numpy as np
import pytest

from dedup.confirm import Confirm, Spared, is_foreign

SETTING = (
    "Exactly six rugs will be made from cloth of three colours that no other rug has, and each"
    " rug is either plain or woven from all three colours, while peach and yellow are never used"
    " together in a rug, nor white with forest, as the weaver told her helpers in the morning."
)


def why(one: str, other: str, marked: bool = True, confirm: Confirm = Confirm()) -> Spared:  # noqa: B008
    pair = np.array([0]), np.array([1])
    return Spared(int(confirm.spared([one, other], *pair, np.array([marked]))[0]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Add 16 to 4.", "Add 25 to 4."),
        ("Evaluate log_36 6", "Evaluate log_6 36"),
        ("Let k < 0 and f(x) = x^k.", "Let k > 0 and f(x) = x^k."),
        ("If x - y = 6, what is x?", "If x - y = 6, what is y?"),
        ("at least 8 of 10 flips", "exactly 8 of 10 flips"),
        ("the boxes are distinguishable", "the boxes are not distinguishable"),
        ("five houses and 2 keys", "four houses and 2 keys"),
    ],
)
def test_other_numbers_signs_or_turns_make_another_question(one: str, other: str) -> None:
    assert why(one, other) == Spared.NUMBERS
    assert why(one, other, marked=False) == Spared.NOT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Find the sum of 3 and 4.", "What do you get when you add 3 and 4?"),
        (r"Let $p_{}$ be 5 and q be 2.", "Let p be 5 and q be 2."),
        ("He had three coins and 2 notes.", "He had 3 coins and 2 notes."),
    ],
)
def test_the_same_in_other_words_is_confirmed(one: str, other: str) -> None:
    assert why(one, other) == Spared.NOT


def test_unlike_texts_in_unknown_letters_are_kept_apart() -> None:
    assert why("列出气候变化的三个危险。", "给出三个标点符号的例子。") == Spared.LETTERS
    assert why("描述泰姬陵的建筑风格。", "请描述泰姬陵的建筑风格。") == Spared.NOT
    free = Confirm(letters=False)
    assert why("列出气候变化的三个危险。", "给出三个标点符号的例子。", confirm=free) == Spared.NOT


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("plain words", False),
        ("naïve café", False),
        (r"angle α and β of the triangle", False),
        ("求和", True),
        ("Что это?", True),
        ("the word 猫 means cat in that language", False),
        ("", False),
    ],
)
def test_a_text_is_foreign_by_its_share_of_unknown_letters(text: str, foreign: bool) -> None:
    assert is_foreign(text) is foreign


def test_two_questions_about_one_setting_are_kept_apart() -> None:
    one = f"{SETTING} Which colour may the second rug then not have at all?"
    other = f"{SETTING} Suppose peach goes first: who of them has finished by noon?"
    assert why(one, other, marked=False) == Spared.SETTING
    assert why(one, other, marked=False, confirm=Confirm(setting=False)) == Spared.NOT


def test_a_copy_with_an_addition_at_its_end_is_no_other_question() -> None:
    one = f"{SETTING} Which colour may the second rug then not have at all?"
    assert why(one, f"{one} Explain every step that you take on the way.", False) == Spared.NOT


def test_other_words_in_front_of_the_setting_are_no_other_question() -> None:
    one = f"Please think about this task before you reply to me: {SETTING}"
    other = f"A student sends the following riddle that nobody in class solved: {SETTING}"
    assert why(one, other, marked=False) == Spared.NOT


def test_no_pairs_have_no_reasons() -> None:
    nothing = np.empty(0, np.int64)
    assert len(Confirm().spared([], nothing, nothing, np.empty(0, np.bool_))) == 0


TOOLS = (
    "You may use these tools, each by its name and with an input that is a query in plain words:"
    " wikipedia looks up a topic, weather tells the weather of a place. "
)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Tell me about the city of Paris.", "Tell me about the life of Albert Einstein.", True),
        ("What is the weather in New York City today?", "What is the weather in Paris?", True),
        ("Who found penicillin, and when?", "Who was Ada Lovelace?", True),
        ("Tell me about Paris.", "Tell me about Rome.", True),
        ("Tell me about Paris.", "Tell me about Paris", False),
        ("Tell me what $x$ is in $xy=1$ and compute $xy$.",
         "Tell me what $x$ is in $xy=1$ and compute $x y$.", False),
        ("Tell me all about the city of Paris.", "tell me all about  the city of PARIS", False),
        ("Name a river of France that flows into the sea.",
         "Name one river of France that flows into the sea.", False),
    ],
)  # fmt: skip
def test_one_prompt_filled_in_twice_is_two_questions(one: str, other: str, expected: bool) -> None:
    found = why(TOOLS + one, TOOLS + other, marked=False)
    assert found == (Spared.SETTING if expected else Spared.NOT)


def test_without_a_long_beginning_in_common_other_words_are_a_paraphrase() -> None:
    one, other = "Tell me about the city of Paris.", "Tell me about the life of Albert Einstein."
    assert why(one, other, marked=False) == Spared.NOT
