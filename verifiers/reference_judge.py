"""Lets a model say whether an answer is the reference answer, where no rule can tell.

A row is ``{"id": "q1", "answer": "<think>…</think>Both roots are \\boxed{\\text{negative}}.",
"reference_answer": "x_1, x_2 < 0", "prompt": "What holds for the roots of …?"}``; `prompt` (text,
or a list of messages) may be missing. The model is shown the question, the reference and the
final answer, never the thinking, and says CORRECT, INCORRECT or UNSURE.

How it is asked is the caller's business: an `Asker` is handed in. `unverified` with
`judge_unreadable`, `judge_unsure`, `judge_unavailable`, `too_long` or `reference_unusable`.
A judge is a model: its `correct` is an opinion, and another model may have another.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol, Self

from verifiers.base import BadInput, Outcome, Result, Row, Verifier, bad_input, text_field
from verifiers.equality.extract import extract
from verifiers.judge_words import (
    CORRECT,
    EXCERPT_CHARS,
    INCORRECT,
    PROMPT,
    UNSURE,
    check_prompt,
    excerpt,
    fill,
    question_text,
    verdict_in,
)
from verifiers.response import final_answer, judged_text, split

NAME = "judge"
WINDOW = 8_192  # rows held at once; a guess: room for four servers with 1,024 requests each
Turns = tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the judge: the messages as they are to be sent."""

    number: int
    messages: Turns


@dataclass(frozen=True, slots=True)
class Reply:
    """What the judge said; `whole` is false where its tokens ran out, `failure` says why not."""

    text: str = ""
    whole: bool = True
    failure: str = ""


class Asker(Protocol):
    """A way to ask a model, many requests at once.

    Takes requests as fast as it has room for them, and gives each one back with its reply as
    it arrives, in any order. What it raises ends the judging. `model` is named in evidence.
    """

    @property
    def model(self) -> str:
        """The model's name."""

    def __call__(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
        """Yield every request with its reply."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the judge is shown, and how much of it; all lengths are guesses.

    `prompt` has the slots {question}, {reference} and {answer}, of which the last two are
    needed; each becomes a block between tags. A longer answer or reference is not judged, of
    a longer question the middle is left out, and `tail_chars` of the response's end are shown
    where no final answer is found in it.
    """

    prompt: str = PROMPT
    max_answer_chars: int = 4_000
    max_reference_chars: int = 8_000
    max_question_chars: int = 8_000
    tail_chars: int = 1_000

    def __post_init__(self) -> None:
        check_prompt(self.prompt)
        lengths = (self.max_answer_chars, self.max_reference_chars, self.max_question_chars)
        if min(*lengths, self.tail_chars) < 1:
            raise ValueError("max_…_chars, tail_chars: must be above 0")


@dataclass(slots=True)
class Case:
    """A row on its way: its result is there, or the judge has to be asked."""

    evidence: dict[str, Any]
    messages: Turns = ()
    result: Result | None = None
    first: Result | None = None  # what another verifier found, where there is one
    started: float = field(default_factory=time.perf_counter)

    def close(self, result: Result) -> None:
        """Give the case its result, beside what another verifier found."""
        result = replace(result, seconds=time.perf_counter() - self.started)
        self.result = result if self.first is None else merged(self.first, result)


class ReferenceJudge(Verifier):
    """Judges answers by asking a model that is handed in as `ask`."""

    name: ClassVar[str] = NAME

    def __init__(self, ask: Asker, settings: Settings, window: int = WINDOW) -> None:
        self._ask, self._settings, self._window = ask, settings, window

    @classmethod
    def create(cls, workers: int = 1, **settings: Any) -> Self:
        """Make the verifier; `ask` is an `Asker`, the others are those of `Settings`.

        `workers` count for nothing: how many requests run at once is for `ask` to say.
        """
        if "ask" not in settings:
            raise TypeError("judge: needs `ask`, a way to ask a model")
        return cls(settings.pop("ask"), Settings(**settings))

    def results(self, rows: Iterable[Row]) -> Iterator[Result]:
        """Yield one result for each row, in order; raises what `ask` raises."""
        return self._in_order(map(self._begin, rows))

    def after(
        self, found: Iterable[tuple[Row, Result]], doubtful: Callable[[Result], bool]
    ) -> Iterator[Result]:
        """Yield another verifier's results, in order, with the judge's on doubtful ones."""
        return self._in_order(self._second(row, first, doubtful) for row, first in found)

    def _second(self, row: Row, first: Result, doubtful: Callable[[Result], bool]) -> Case:
        if not doubtful(first):
            return Case({}, result=first)
        case = self._begin(row)
        case.first = first
        if case.result is not None:
            case.close(case.result)
        return case

    def _in_order(self, cases: Iterator[Case]) -> Iterator[Result]:
        """Ask for what needs asking; a new round of asking begins only where the window was full.

        The window is full when the oldest row waits for a reply and so many came after it.
        """
        window = Window(cases, self._window)
        while window.more:
            for request, reply in self._ask(window.requests()):
                case = window.open.pop(request.number)
                case.close(self._finding(case, reply))
                yield from window.ready()
            for case in window.unanswered():
                case.close(self._finding(case, Reply(failure="no reply came back")))
            yield from window.ready()

    def _begin(self, row: Row) -> Case:
        case = Case({})
        try:
            case.result = self._prepare(case, row)
        except BadInput as error:
            case.result = bad_input(NAME, str(error))
        except Exception as error:  # noqa: BLE001 - the verifier boundary
            told = {"error": f"{type(error).__name__}: {error}"[:EXCERPT_CHARS]}
            case.result = Result(Outcome.UNVERIFIED, "crashed", NAME, evidence=told)
        if case.result is not None:
            case.close(case.result)
        return case

    def _prepare(self, case: Case, row: Row) -> Result | None:
        """Write a case's request, or return its result where there is nothing to ask."""
        if not isinstance(row, Mapping):
            raise BadInput(f"row: expected an object, got {type(row).__name__}")
        reference, answer = text_field(row, "reference_answer"), text_field(row, "answer")
        question = question_text(row.get("prompt"))
        case.evidence["reference"] = excerpt(reference)
        if not reference.strip():
            return Result(Outcome.UNVERIFIED, "reference_unusable", NAME, evidence=case.evidence)
        said = split(answer).answer
        if said is None:
            return Result(Outcome.INCORRECT, "not_closed", NAME, evidence=case.evidence)
        shown, how = self._shown(final_answer(said))
        case.evidence |= {"extracted": excerpt(shown), "found_by": how}
        if not shown:
            return Result(Outcome.INCORRECT, "no_answer", NAME, evidence=case.evidence)
        limits = self._settings
        if len(shown) > limits.max_answer_chars or len(reference) > limits.max_reference_chars:
            return Result(Outcome.UNVERIFIED, "too_long", NAME, evidence=case.evidence)
        question = excerpt(question, limits.max_question_chars)
        case.messages = as_messages(limits.prompt, question, reference, shown)
        return None

    def _shown(self, answer: str) -> tuple[str, str]:
        """Return the final answer of an answer part, or else its end, and which it is."""
        found = extract(answer)
        if found is not None and found.text.strip():
            return found.text.strip(), found.how
        return answer[-self._settings.tail_chars :].strip(), "tail"

    def _finding(self, case: Case, reply: Reply) -> Result:
        evidence = {**case.evidence, "model": self._ask.model}
        if reply.failure:
            evidence["error"] = reply.failure[:EXCERPT_CHARS]
            return Result(Outcome.UNVERIFIED, "judge_unavailable", NAME, evidence=evidence)
        said = judged_text(reply.text)
        evidence["reply"] = (reply.text if said is None else said).strip()[-EXCERPT_CHARS:]
        word = verdict_in(said) if said is not None and reply.whole else None
        if word == CORRECT:
            return Result(Outcome.CORRECT, "judge_correct", NAME, evidence=evidence)
        if word == INCORRECT:
            return Result(Outcome.INCORRECT, "judge_incorrect", NAME, evidence=evidence)
        if word == UNSURE:
            return Result(Outcome.UNVERIFIED, "judge_unsure", NAME, evidence=evidence)
        evidence["cut_off"] = not reply.whole
        return Result(Outcome.UNVERIFIED, "judge_unreadable", NAME, evidence=evidence)


class Window:
    """The rows that are held at once: taken as there is room, given back in their order."""

    def __init__(self, cases: Iterator[Case], size: int) -> None:
        self._cases, self._size = cases, size
        self._held: deque[Case] = deque()
        self._number = 0
        self.open: dict[int, Case] = {}  # by the number of their request
        self.more = True

    def requests(self) -> Iterator[Request]:
        """Take rows until the window is full or there are none, and yield what to ask."""
        while len(self._held) < self._size:
            case = next(self._cases, None)
            if case is None:
                self.more = False
                return
            self._held.append(case)
            if case.result is None:
                self._number += 1
                self.open[self._number] = case
                yield Request(self._number, case.messages)

    def ready(self) -> Iterator[Result]:
        """Yield the results at the front of the window."""
        while self._held and self._held[0].result is not None:
            yield self._held[0].result
            self._held.popleft()

    def unanswered(self) -> Iterator[Case]:
        """Yield what was asked and has no reply, and ask it no more."""
        while self.open:
            yield self.open.popitem()[1]


def merged(first: Result, judged: Result) -> Result:
    """Return the judge's result where it decides, else the first; each tells of the other."""
    told, kept = (first, judged) if judged.outcome != Outcome.UNVERIFIED else (judged, first)
    beside = {"outcome": told.outcome.value, "reason": told.reason, "evidence": dict(told.evidence)}
    seconds = first.seconds + judged.seconds
    return replace(kept, evidence={**kept.evidence, told.verifier: beside}, seconds=seconds)


def as_messages(prompt: str, question: str, reference: str, answer: str) -> Turns:
    """Return what the judge is sent: one user turn, which every chat model understands."""
    values = {"question": question, "reference": reference, "answer": answer}
    return ({"role": "user", "content": fill(prompt, values)},)
