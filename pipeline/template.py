"""A published conversation: the one template of its turns, and whether a response fits it.

    <think>Half of 7.</think>
    <answer>It is 3.5</answer>

No system turn, and no tag lost or doubled (DESIGN, section 9). Personal data is replaced by its
kind where the recipe says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.records import Example, Message, Question, Response
from verifiers.personal import masked
from verifiers.response import (
    ANSWER_CLOSE,
    ANSWER_OPEN,
    CLOSE,
    OPEN,
    TAGS,
    Parts,
    final_answer,
    split,
)


def messages(question: Question, response: Response) -> list[dict[str, Any]]:
    """Return the conversation as published (DESIGN, section 9): no system turn, no tag lost."""
    turns = [_turn(question, turn) for turn in question.prompt]
    parts = Parts("", response.think, response.answer)
    return [*turns, assistant_turn(parts, response.teacher)]


def _turn(question: Question, turn: Message) -> dict[str, Any]:
    if turn.role == "assistant":
        return assistant_turn(split(turn.content), question.source)
    info = {
        "source": question.source,
        "reference_answer": question.reference_answer,
        "test_case": question.test_cases,
        "think_content": None,
        "answer_content": None,
    }
    return {"role": "user", "content": turn.content, "info": info}


def assistant_turn(parts: Parts, source: str) -> dict[str, Any]:
    """Return an assistant's turn in the one template that all published ones have."""
    think, answer = (parts.think or "").strip(), final_answer(parts.answer or "")
    info = {
        "source": source,
        "reference_answer": None,
        "test_case": None,
        "think_content": think,
        "answer_content": answer,
    }
    content = f"{OPEN}{think}{CLOSE}\n{ANSWER_OPEN}{answer}{ANSWER_CLOSE}"
    return {"role": "assistant", "content": content, "info": info}


def without_personal_data(example: Example) -> Example:
    """Return a row whose turns name the kind of each e-mail address, key and so on instead.

    The reference and the tests in `info` stay: they are what a verdict was made with.
    """
    turns = [{**turn, "content": masked(turn["content"])} for turn in example.messages]
    for turn in turns:
        parts = {name: turn["info"][name] for name in ("think_content", "answer_content")}
        hidden = {name: text and masked(text) for name, text in parts.items()}
        turn["info"] = {**turn["info"], **hidden}
    return replace(example, messages=turns)


def fits_template(response: Response) -> bool:
    """Tell whether a response has both parts, and no tag inside them that would split it anew."""
    think, answer = (response.think or "").strip(), final_answer(response.answer or "")
    return bool(think and answer) and not any(
        tag in part for part in (think, answer) for tag in TAGS
    )
