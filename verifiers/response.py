"""The grammar of a reasoning response: a think part, then an answer.

A response of an R1-class model looks like this (the first tag may be missing, since
chat templates write it into the prompt)::

    <think>
    12 pages yesterday, twice as many today ...
    </think>

    She should read \\boxed{42} pages.

or, with the prompt of AM-DeepSeek-R1-Distilled, ``<think>…</think> <answer>42</answer>``.

What follows the last ``</think>`` is the answer; a think part that was opened and never
closed leaves no answer. Nothing here looks at whether the answer is right.
"""

from __future__ import annotations

from dataclasses import dataclass

OPEN, CLOSE = "<think>", "</think>"
ANSWER_OPEN, ANSWER_CLOSE = "<answer>", "</answer>"
TAGS = (OPEN, CLOSE, ANSWER_OPEN, ANSWER_CLOSE)


@dataclass(frozen=True, slots=True)
class Parts:
    """A response taken apart; `join(parts)` is the response again, a missing first tag added.

    `before` is text in front of the first tag, `think` lies between the tags, and
    `answer` is everything after the last closing tag, `<answer>` tags included.
    """

    before: str
    think: str | None
    answer: str | None


def split(text: str) -> Parts:
    """Take a response apart in one pass.

    Without any tag all of it is answer; opened and never closed, there is no answer.
    """
    head, closed, answer = text.rpartition(CLOSE)
    if not closed:
        before, opened, think = text.partition(OPEN)
        return Parts(before, think, None) if opened else Parts("", None, text)
    before, opened, think = head.partition(OPEN)
    return Parts(before, think, answer) if opened else Parts("", head, answer)


def join(parts: Parts) -> str:
    """Put a response together again, always with its opening tag."""
    if parts.think is None:
        return parts.answer or ""
    opened = f"{parts.before}{OPEN}{parts.think}"
    return opened if parts.answer is None else f"{opened}{CLOSE}{parts.answer}"


def final_answer(answer: str) -> str:
    """Return the text inside the last `<answer>` pair, or all of it where there is none.

    An `<answer>` that is opened and not closed gives what follows it.
    """
    start = answer.rfind(ANSWER_OPEN)
    if start < 0:
        return answer.removesuffix(ANSWER_CLOSE).strip()
    return answer[start + len(ANSWER_OPEN) :].partition(ANSWER_CLOSE)[0].strip()


def judged_text(text: str) -> str | None:
    """Return what a verifier judges in a response, or None where it holds no answer."""
    answer = split(text).answer
    return None if answer is None else final_answer(answer)
