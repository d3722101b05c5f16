"""Replies of real models' templates as text with its tags, and how often a question is asked."""

from __future__ import annotations

import pytest

from pipeline.asking import attempts_for, reply_text
from pipeline.recipe import Distill, Teacher
from pipeline.teacher.base import Reply
from verifiers.response import split

NAMES = {"name": "t", "model": "t", "revision": "1", "engine": "openai"}
# How the reply of a model arrives → its thinking and its answer.
CASES = {
    "R1, its template has written <think>": ("Hm, 6·7.\n</think>\n\n42", "Hm, 6·7.\n", "\n\n42"),
    "R1 as its API sends it": ("<think>\nHm.\n</think>\n\n42", "\nHm.\n", "\n\n42"),
    "R1 with a reasoning parser": ("<think>\nHm.\n</think>\n42", "\nHm.\n", "\n42"),
    "R1 without thinking": ("<think>\n\n</think>\n\n42", "\n\n", "\n\n42"),
    "QwQ, cut off": ("Okay, so 6·7 is", "\nOkay, so 6·7 is", None),
    "QwQ, ended without </think>": ("It is \\boxed{42}", "\nIt is \\boxed{42}", None),
    "Qwen3": ("<think>\nHm.\n</think>\n\n\\boxed{42}", "\nHm.\n", "\n\n\\boxed{42}"),
    "Qwen3, told not to think": ("<think>\n\n</think>\n\n42", "\n\n", "\n\n42"),
    "cut off after an opening tag": ("<think>\nHm, 6", "\nHm, 6", None),
    "cut off by a parser": ("<think>\nHm, \\boxed{42}", "\nHm, \\boxed{42}", None),
    "blank before the tag": ("\n<think>Hm", "Hm", None),
    "the tag is talked about": (
        "<think>I end with </think>. So.</think>42", "I end with </think>. So.", "42",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_thinking_and_answer_are_told_apart(name: str) -> None:
    text, think, answer = CASES[name]
    parts = split(reply_text(Teacher(**NAMES), Reply(text, "stop", max_tokens=9)))  # type: ignore[arg-type]
    assert (parts.think, parts.answer) == (think, answer)


def test_a_teacher_that_does_not_think_is_taken_at_its_word() -> None:
    teacher = Teacher(**NAMES, thinks=False)  # type: ignore[arg-type]
    assert reply_text(teacher, Reply("42", "stop", max_tokens=9)) == "42"


def test_a_continued_prompt_gets_its_beginning_back() -> None:
    teacher = Teacher(**NAMES, style="completion", reply_prefix="<think>")  # type: ignore[arg-type]
    assert (
        reply_text(teacher, Reply(" hm</think>42", "stop", max_tokens=9)) == "<think> hm</think>42"
    )


def test_a_refused_request_has_no_text() -> None:
    teacher = Teacher(**NAMES, reply_prefix="<think>")  # type: ignore[arg-type]
    assert reply_text(teacher, Reply("", "error", max_tokens=9, error="too long")) == ""


@pytest.mark.parametrize(
    ("rate", "attempts"), [(None, 2), (0.0, 8), (0.5, 5), (1.0, 2), (0.25, 6), (0.75, 4)]
)
def test_the_lower_the_pass_rate_the_more_attempts(rate: float | None, attempts: int) -> None:
    assert attempts_for(Distill(attempts=2, most_attempts=8), rate) == attempts


def test_without_more_attempts_all_questions_get_as_many() -> None:
    assert attempts_for(Distill(attempts=3), 0.0) == 3


def test_fewer_at_most_than_at_least_is_refused() -> None:
    with pytest.raises(ValueError, match="most_attempts"):
        Distill(attempts=3, most_attempts=2)
