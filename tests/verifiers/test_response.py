import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.response import Parts, final_answer, join, judged_text, split


@pytest.mark.parametrize(
    ("text", "think", "answer"),
    [
        ("<think>a</think>b", "a", "b"),
        ("a</think>b", "a", "b"),  # R1's template writes the first tag into the prompt
        ("just an answer", None, "just an answer"),
        ("<think>never closed", "never closed", None),
        ("<think></think>", "", ""),
        ("<think>a</think>b</think>c", "a</think>b", "c"),
        ("", None, ""),
    ],
)
def test_split_finds_think_and_answer(text: str, think: str | None, answer: str | None) -> None:
    parts = split(text)
    assert (parts.think, parts.answer) == (think, answer)


def test_text_before_the_first_tag_is_no_thinking() -> None:
    assert split("Sure!\n<think>a</think>b") == Parts("Sure!\n", "a", "b")


@given(st.lists(st.sampled_from(["<think>", "</think>", "<answer>", "</answer>", "x", "\n", "思"])))
def test_join_undoes_split_but_for_a_missing_first_tag(pieces: list[str]) -> None:
    text = "".join(pieces)
    again = join(split(text))
    assert again in (text, f"<think>{text}")
    assert join(split(again)) == again


@pytest.mark.parametrize(
    ("answer", "final"),
    [
        ("<answer> 42 </answer>", "42"),
        ("\n\n<answer>42</answer>\nbye", "42"),
        ("<answer>1</answer> no, <answer>2</answer>", "2"),
        ("<answer>42", "42"),
        ("plain", "plain"),
        ("42</answer>", "42"),
    ],
)
def test_final_answer_is_what_the_last_tags_hold(answer: str, final: str) -> None:
    assert final_answer(answer) == final


def test_a_response_that_never_stops_thinking_has_no_judged_text() -> None:
    assert judged_text("<think>the answer is 42") is None
