"""Which answers to a question are the same answer, found by the verifier, not by their text.

Three answers to one question, of which two are the same::

    [Answer(0, "q", "1/2", …), Answer(1, "q", "0.5", …), Answer(2, "q", "2", …)]
    {0: 0, 1: 0, 2: 1}          place → group, numbered within the question

All correct answers are one group: each of them equals the reference. Among the others each
is compared with the first of every group, as an answer with a reference, so that an
equality which does not carry over (a tolerance) is decided by the first that came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from verifiers import Outcome, Row, Verifier


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its place in some list, its question, its text, and its row for the verifier."""

    place: int
    question: str
    text: str
    correct: bool
    row: Row


@dataclass(slots=True)
class _Poll:
    """The answers to one question: groups made, and answers that are in none yet."""

    groups: dict[int, int] = field(default_factory=dict)
    made: int = 0
    open: list[Answer] = field(default_factory=list)

    def found(self, members: Iterable[Answer]) -> None:
        for answer in members:
            self.groups[answer.place] = self.made
        self.made += 1


def grouped(answers: Sequence[Answer], verifier: Verifier) -> dict[int, int]:
    """Return the group of every answer's place; all questions are compared at once, in waves."""
    polls: dict[str, _Poll] = {}
    for answer in answers:
        polls.setdefault(answer.question, _Poll()).open.append(answer)
    for poll in polls.values():
        if correct := [answer for answer in poll.open if answer.correct]:
            poll.found(correct)
            poll.open = [answer for answer in poll.open if not answer.correct]
    while waiting := [poll for poll in polls.values() if poll.open]:
        _wave(waiting, verifier)
    return {place: group for poll in polls.values() for place, group in poll.groups.items()}


def _wave(polls: list[_Poll], verifier: Verifier) -> None:
    """Make one more group of each poll: its first open answer, and all that are the same."""
    asked = [
        (number, answer)
        for number, poll in enumerate(polls)
        for answer in poll.open[1:]
        if answer.text != poll.open[0].text
    ]
    rows = (_compared(polls[number].open[0], answer) for number, answer in asked)
    results = verifier.results(rows)
    same = {
        answer.place
        for (_, answer), result in zip(asked, results, strict=True)
        if result.outcome == Outcome.CORRECT
    }
    for poll in polls:
        first = poll.open[0]
        members = [one for one in poll.open if one.text == first.text or one.place in same]
        poll.found(members)
        poll.open = [one for one in poll.open if one.place not in poll.groups]


def _compared(first: Answer, answer: Answer) -> dict[str, Any]:
    return {**answer.row, "reference_answer": first.text}
