"""Asks the judge's servers what verifiers/reference_judge.py wants to know.

The parts of a configuration that it reads::

    [recipe.verify.judge]
    model = "Qwen/Qwen2.5-7B-Instruct"
    revision = "a09a35458c702b33eeacc393d103063234e8bc28"

    [runtime.judge]
    urls = ["http://10.0.0.9:8000/v1"]

A reply is in the journal before it counts and is never asked for again. A request that fails
for good while the servers answer others is `judge_unavailable`; servers that answer nothing
end a run, which goes on from there the next time. What the judge says is taken as it comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pipeline.acceptance import ASKS_THE_JUDGE, JUDGE, QUALITY, REWARD
from pipeline.config import Config, Runtime
from pipeline.errors import ConfigError, TeacherUnavailable, Unavailable
from pipeline.recipe import Judge, Quality, Teacher
from pipeline.recipe_judges import Asked
from pipeline.records import content_hash
from pipeline.teacher import open_client
from pipeline.teacher.base import Ask, Client, ask_key
from pipeline.teacher.base import Reply as Answer
from pipeline.teacher.journal import Journal
from pipeline.teacher.keeping import JournalKeeper
from verifiers import Outcome, Result
from verifiers.asked_model import Reply, Request
from verifiers.quality_judge import QualityJudge
from verifiers.quality_judge import Settings as Grading
from verifiers.reference_judge import ReferenceJudge, Settings

LOOK_UP = 64  # requests looked up in the journal at once; a guess


def doubtful(result: Result, judge: Judge) -> bool:
    """Tell whether the judge is asked about what a verifier found."""
    if result.verifier not in ASKS_THE_JUDGE or result.outcome == Outcome.CORRECT:
        return False
    unread = result.reason == "different" and result.evidence.get("remark") in judge.remarks
    return unread or result.reason in judge.reasons


def to_be_graded(result: Result, quality: Quality) -> bool:
    """Tell whether the model that grades is asked about what the reward model found."""
    wanted = Outcome.CORRECT if quality.asks == "approved" else Outcome.UNVERIFIED
    return result.verifier == REWARD and result.outcome == wanted


def check_judges(config: Config) -> None:
    """Raise ConfigError where a judge has no server, or a server no judge, or a URL is none."""
    for name in (JUDGE, QUALITY):
        asked: Asked | None = getattr(config.recipe.verify, name)
        urls: tuple[str, ...] = getattr(config.runtime, name).urls
        if asked is None and urls:
            raise ConfigError(
                f"runtime.{name}.urls: names a server, and there is no [recipe.verify.{name}]; add"
                " it with model and revision, or remove the URLs"
            )
        if asked is not None and not urls:
            raise ConfigError(
                f"runtime.{name}.urls: is empty, and {asked.model} is to judge; name its server,"
                f' such as urls = ["http://127.0.0.1:8001/v1"], or remove [recipe.verify.{name}]'
            )
        if asked is not None:
            with judge_client(asked, config.runtime, name):
                pass


@contextmanager
def open_judge(
    judge: Judge, runtime: Runtime, folder: Path, *, outlive: bool = False
) -> Iterator[ReferenceJudge]:
    """Give the verifier that asks a judge, its replies kept in a journal below `folder`.

    With `outlive`, what servers that went down did not answer is `judge_unavailable`; else
    TeacherUnavailable is raised.
    """
    settings = Settings(**judge.judging())
    with Journal(folder) as journal, judge_client(judge, runtime) as client:
        yield ReferenceJudge(Bench(judge, client, journal, outlive=outlive), settings)


@contextmanager
def open_quality(
    quality: Quality, runtime: Runtime, folder: Path, *, outlive: bool = False
) -> Iterator[QualityJudge]:
    """Give the verifier that has a model grade answers, as `open_judge` does."""
    settings = Grading(**quality.grading())
    with Journal(folder) as journal, judge_client(quality, runtime, QUALITY) as client:
        bench = Bench(quality, client, journal, name=QUALITY, outlive=outlive)
        yield QualityJudge(bench, settings)


@contextmanager
def judge_client(judge: Asked, runtime: Runtime, name: str = JUDGE) -> Iterator[Client]:
    """Give the client for a model's servers; raises ConfigError for settings that can't work."""
    as_teachers = runtime.model_copy(update={"endpoints": getattr(runtime, name)})
    try:
        client = open_client(as_teacher(judge), judge.sampling, as_teachers)
    except (ConfigError, Unavailable) as error:
        raise type(error)(blamed(name, judge.model, error)) from error
    with client:
        yield client


def as_teacher(judge: Asked) -> Teacher:
    """Return a model that is asked about answers as the client takes it."""
    return Teacher(name=judge.model, model=judge.model, revision=judge.revision, engine="openai")


def blamed(name: str, model: str, error: Exception) -> str:
    """Return an error of the client's as the judge's, whose settings have other names."""
    return f"{name} {model} ([recipe.verify.{name}], [runtime.{name}]): {error}"


class Bench:
    """An `Asker` whose every reply is kept; `client` and `journal` are the caller's to close."""

    def __init__(
        self,
        judge: Asked,
        client: Client,
        journal: Journal,
        *,
        name: str = JUDGE,
        outlive: bool = False,
    ) -> None:
        """Ask nothing yet; `name` is the model's part in the configuration."""
        self.judge, self.client, self.journal, self.outlive = judge, client, journal, outlive
        self.name = name
        self.teacher = as_teacher(judge)
        self.failed: dict[str, str] = {}  # keys that the servers never answer, and why
        self.down = ""  # why nothing is asked any more

    @property
    def model(self) -> str:
        """The judge's name."""
        return self.judge.model

    def __call__(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Reply]]:
        """Yield every request with its reply, those that the journal holds without asking."""
        known: deque[tuple[Request, Reply]] = deque()
        waiting: dict[str, list[Request]] = {}
        for key, answer in self._answers(self._asks(iter(requests), known, waiting), waiting):
            if answer.finish_reason == "error":
                self.failed[key] = answer.error
            for request in waiting.pop(key):
                yield request, as_reply(answer)
            yield from _drained(known)
        yield from _drained(known)

    def _asks(
        self,
        requests: Iterator[Request],
        known: deque[tuple[Request, Reply]],
        waiting: dict[str, list[Request]],
    ) -> Iterator[Ask]:
        """Yield what has to be asked, once for equal requests; other replies go to `known`."""
        while batch := list(islice(requests, LOOK_UP)):
            asks = [(request, self._ask(request)) for request in batch]
            kept = self.journal.get([ask.key for _, ask in asks], self.judge.sampling.max_tokens)
            new: list[Ask] = []
            for request, ask in asks:  # all of them before the first yield, while `kept` is true
                if ask.key in waiting:
                    waiting[ask.key].append(request)
                elif ask.key in kept:
                    known.append((request, as_reply(kept[ask.key])))
                elif failure := self.failed.get(ask.key) or self.down:
                    known.append((request, Reply(failure=failure)))
                else:
                    waiting[ask.key] = [request]
                    new.append(ask)
            yield from (ask for ask in new if ask.key in waiting)  # not those given up meanwhile

    def _ask(self, request: Request) -> Ask:
        body = self._body(request)
        key = ask_key(self.teacher, self.judge.sampling, body, 0)
        return Ask(content_hash(body), 0, body, key)

    def _body(self, request: Request) -> dict[str, Any]:
        """Return a request as the client takes it."""
        return {"messages": [dict(turn) for turn in request.messages]}

    def _answers(
        self, asks: Iterator[Ask], waiting: Mapping[str, list[Request]]
    ) -> Iterator[tuple[str, Answer]]:
        """Yield answers by their keys until there is nothing to ask; starts nothing if so.

        A request that fails alone has an answer of the client's that says so.
        """
        keeper = JournalKeeper(self.journal, self.judge.model)
        for first in asks:
            try:
                for ask, answer in self.client.replies(chain([first], asks), keeper):
                    yield ask.key, answer
            except (ConfigError, Unavailable) as error:
                raise type(error)(blamed(self.name, self.judge.model, error)) from error
            except TeacherUnavailable as error:
                if not self.outlive:
                    raise TeacherUnavailable(blamed(self.name, self.judge.model, error)) from error
                self.down = blamed(self.name, self.judge.model, error)
                for key in list(waiting):
                    yield key, Answer("", "error", error=self.down)


def as_reply(answer: Answer) -> Reply:
    """Return what a server sent in the judge's terms."""
    if answer.finish_reason == "error":
        return Reply(failure=answer.error or "no reply")
    return Reply(answer.text, whole=answer.finish_reason != "length")


def _drained(known: deque[tuple[Request, Reply]]) -> Iterator[tuple[Request, Reply]]:
    while known:
        yield known.popleft()
