"""Which of a proposer's replies can be read, what is used of them, and what it is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.acceptance import instrument
from pipeline.labelling.proposing import proposal, read_proposal, request_of, wants_proposal
from pipeline.recipe import Verify
from pipeline.recipe_proposer import Proposer
from pipeline.records import Message, Question
from pipeline.teacher.base import Reply

PROPOSER = Proposer(model="m", revision="1")
NO_COMMA = {"id": "punctuation:no_comma", "kwargs": {}}
REPLY = json.dumps({"constraints": [NO_COMMA]})


def question(text: str, kind: str = "instruction", **rest: Any) -> Question:
    turns = [Message("user", text)]
    return Question.new("s", turns, source_revision="1", licence="MIT", kind=kind, **rest)


@pytest.mark.parametrize(
    "text",
    [
        REPLY,
        f"```json\n{REPLY}\n```",
        f'<think>{{"constraints": []}}</think>So: {REPLY}',
        f'{{"constraints": []}} No, {REPLY}',
    ],
)
def test_a_proposal_is_read_wherever_it_stands(text: str) -> None:
    assert read_proposal(text, 3) == [NO_COMMA]


@pytest.mark.parametrize(
    "text", ["", "I can't help with that.", "[]", '{"constraints": "none"}', REPLY[:-3], "{" * 5000]
)
def test_what_has_no_list_of_constraints_is_no_proposal(text: str) -> None:
    assert read_proposal(text, 3) is None


def test_a_reply_that_proposes_too_much_is_not_believed() -> None:
    assert read_proposal(json.dumps({"constraints": [NO_COMMA] * 4}), 3) is None


def test_what_is_not_in_the_prompt_is_refused_and_the_rest_is_used_once() -> None:
    of = question("Write about tea without commas.")
    json_too = {"id": "detectable_format:json_format", "kwargs": {}}
    text = json.dumps({"constraints": [NO_COMMA, NO_COMMA, json_too, 7]})
    found = proposal(of, Reply(text, "stop"), PROPOSER)
    assert json.loads(found.constraints) == [NO_COMMA]
    assert [one["why"] for one in json.loads(found.refused)] == [
        "nothing in the prompt speaks of it",
        'constraints: expected objects {"id": "…", "kwargs": {…}}',
    ]
    assert (found.model, found.why) == ("m", "")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (None, "refused"),
        (Reply("Hm", "length"), "cut off"),
        (Reply("Sorry.", "stop"), "unreadable"),
    ],
)
def test_a_reply_that_is_none_says_why(reply: Reply | None, why: str) -> None:
    found = proposal(question("No commas."), reply, PROPOSER)
    assert (found.constraints, found.why) == ("[]", why)


def test_only_questions_of_its_kinds_without_constraints_are_asked_about() -> None:
    chat = Proposer(model="m", revision="1", kinds=("chat",))
    assert wants_proposal(question("Hi"), PROPOSER)
    assert not wants_proposal(question("Hi", constraints="[]"), PROPOSER)
    assert not wants_proposal(question("Hi", "math"), PROPOSER)
    assert [wants_proposal(question("Hi", "chat"), one) for one in (PROPOSER, chat)] == [
        False,
        True,
    ]


def test_a_chat_with_constraints_is_judged_by_them_unless_it_has_a_verifier() -> None:
    chat = question("No commas.", "chat", constraints=json.dumps([NO_COMMA]))
    assert instrument(chat, Verify()) == "instruction"
    assert instrument(question("Hi", "chat"), Verify()) == "none"


def test_the_request_lists_types_and_a_question_can_be_no_slot() -> None:
    request = request_of(PROPOSER, "Write {types} without commas.")
    (turn,) = request["messages"]
    assert "Write {types} without commas." in turn["content"]
    assert "- punctuation:no_comma()" in turn["content"]
    schema = request["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["constraints"]["maxItems"] == PROPOSER.most


def test_a_prompt_without_its_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="must contain"):
        Proposer(model="m", revision="1", prompt="{question}")
