"""What verifiers share that ask a model: rows in order, many requests at once.

``class Opinion(AskedModel)`` writes a request for each row (`_prepare`) and reads the reply
(`_finding`); here they are asked, held back until their turn, and given back in order. How a
model is asked is the caller's business: an `Asker` is handed in.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, Self, TypeVar

from verifiers.base import BadInput, Outcome, Result, Row, Verifier, bad_input
from verifiers.judge_words import EXCERPT_CHARS
from verifiers.response import judged_text

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


Settings = TypeVar("Settings")


class AskedModel(Verifier, Generic[Settings]):
    """Judges answers by asking a model that is handed in as `ask`."""

    settings_type: type[Settings]

    def __init__(self, ask: Asker, settings: Settings, window: int = WINDOW) -> None:
        self._ask, self._settings, self._window = ask, settings, window

    @classmethod
    def create(cls, workers: int = 1, **settings: Any) -> Self:
        """Make the verifier; `ask` is an `Asker`, the others are those of `settings_type`.

        `workers` count for nothing: how many requests run at once is for `ask` to say.
        """
        if "ask" not in settings:
            raise TypeError(f"{cls.name}: needs `ask`, a way to ask a model")
        return cls(settings.pop("ask"), cls.settings_type(**settings))

    @abstractmethod
    def _prepare(self, case: Case, row: Row) -> Result | None:
        """Write a case's request, or return its result where there is nothing to ask."""

    @abstractmethod
    def _read(self, said: str, whole: bool, evidence: dict[str, Any]) -> Result | None:
        """Return what a reply comes to, None where it can't be read."""

    def results(self, rows: Iterable[Row]) -> Iterator[Result]:
        """Yield one result for each row, in order; raises what `ask` raises."""
        return self._in_order(map(self._begin, rows))

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
            case.result = bad_input(self.name, str(error))
        except Exception as error:  # noqa: BLE001 - the verifier boundary
            told = {"error": f"{type(error).__name__}: {error}"[:EXCERPT_CHARS]}
            case.result = Result(Outcome.UNVERIFIED, "crashed", self.name, evidence=told)
        if case.result is not None:
            case.close(case.result)
        return case

    def _finding(self, case: Case, reply: Reply) -> Result:
        evidence = {**case.evidence, "model": self._ask.model}
        if reply.failure:
            evidence["error"] = reply.failure[:EXCERPT_CHARS]
            return Result(Outcome.UNVERIFIED, "judge_unavailable", self.name, evidence=evidence)
        said = judged_text(reply.text)
        evidence["reply"] = (reply.text if said is None else said).strip()[-EXCERPT_CHARS:]
        found = None if said is None else self._read(said, reply.whole, evidence)
        if found is not None:
            return found
        evidence["cut_off"] = not reply.whole
        return Result(Outcome.UNVERIFIED, "judge_unreadable", self.name, evidence=evidence)


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
