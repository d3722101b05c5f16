"""Writes the request for a question: chat messages, or raw text after worked examples.

A chat teacher is sent::

    {"messages": [{"role": "system", "content": "…"}, {"role": "user", "content": "2 + 2?"}]}

and a completion teacher ``{"prompt": "Question: …\\n\\nQuestion: 2 + 2?\\n<think>"}``, which
is `shots`, then `template` with the question in it. `system` is for chat only. In raw text
a prompt of one user turn is that turn; any other is written as lines ``User: …``,
``Assistant: …`` and ``System: …``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.recipe import Teacher
from pipeline.records import Message
from verifiers.response import final_answer, split

SPEAKERS = {"user": "User", "assistant": "Assistant", "system": "System"}


def build_request(
    teacher: Teacher, turns: Sequence[Message], again: tuple[str, str] | None = None
) -> dict[str, Any]:
    """Return the request exactly as it is sent; what assistant turns thought is left out.

    `again` is a template with {question} and {answer}, and the answer part of the last
    response (what stands after its thinking, with or without `<answer>` tags).
    """
    sent = [Message(turn.role, without_thinking(turn)) for turn in turns]
    if again is not None:
        sent = _asked_again(sent, *again)
    if teacher.style == "completion":
        return {"prompt": teacher.shots + fill(teacher.template, {"question": as_text(sent)})}
    if teacher.system and not any(turn.role == "system" for turn in sent):
        sent = [Message("system", teacher.system), *sent]
    return {"messages": [{"role": turn.role, "content": turn.content} for turn in sent]}


def _asked_again(turns: Sequence[Message], template: str, answer: str) -> list[Message]:
    """Return the turns with the last question asked again beside the answer it got."""
    last = max(index for index, turn in enumerate(turns) if turn.role == "user")
    slots = {"question": turns[last].content, "answer": final_answer(answer)}
    return [*turns[:last], Message("user", fill(template, slots)), *turns[last + 1 :]]


def without_thinking(turn: Message) -> str:
    """Return a turn's content, an assistant's without what it thought."""
    if turn.role != "assistant":
        return turn.content
    return final_answer(split(turn.content).answer or "")


def fill(template: str, slots: Mapping[str, str]) -> str:
    """Put each value into its {slot} in one pass, so that braces in the values mean nothing."""
    names = "|".join(map(re.escape, slots))
    return re.sub(rf"\{{({names})\}}", lambda match: slots[match[1]], template)


def as_text(turns: Sequence[Message]) -> str:
    """Return a conversation as text: a single user turn bare, others with their speaker."""
    if len(turns) == 1 and turns[0].role == "user":
        return turns[0].content
    return "\n".join(f"{SPEAKERS[turn.role]}: {turn.content}" for turn in turns)
