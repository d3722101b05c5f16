"""Asks a served model one thing about each question, and keeps every reply for ever.

    Asked(config, "labeller", "recipe.label.model", model, config.runtime.labeller, request_of)

A reply is in the data folder's journal before it counts, under the hash of what was asked, so
that no version ever asks again. Servers that answer nothing raise TeacherUnavailable, which
ends the run; it goes on from there the next time. A single request that is refused for good
isn't kept: a later run asks again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Protocol

from pipeline.config import Config, Endpoints
from pipeline.errors import ConfigError, TeacherUnavailable, Unavailable
from pipeline.progress import Meter
from pipeline.recipe import Sampling, Teacher
from pipeline.records import Question
from pipeline.teacher import open_client
from pipeline.teacher.base import Ask, Client, Reply, ask_key
from pipeline.teacher.journal import Journal
from pipeline.teacher.keeping import JournalKeeper

LOOK_UP = 500  # asks looked up in the journal at once: as many as it takes in one query


class Model(Protocol):
    """What the recipe says of a model that is asked about questions."""

    @property
    def model(self) -> str:
        """As the server knows it."""

    @property
    def revision(self) -> str:
        """Of its weights."""

    @property
    def sampling(self) -> Sampling:
        """How it samples."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A model, where it is served, and what it is asked; `name` and `table` are for errors."""

    config: Config
    name: str
    table: str
    model: Model
    served: Endpoints
    request: Callable[[Question], dict[str, Any]]

    @property
    def teacher(self) -> Teacher:
        """The model as the client takes it."""
        model = self.model
        return Teacher(
            name=model.model, model=model.model, revision=model.revision, engine="openai"
        )

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Give the client for the servers; raises ConfigError for settings that fail."""
        runtime = self.config.runtime.model_copy(update={"endpoints": self.served})
        with self.blamed():
            client = open_client(self.teacher, self.model.sampling, runtime)
        with client:
            yield client

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Say that an error of the client's is this model's, whose settings have other names."""
        try:
            yield
        except (ConfigError, Unavailable, TeacherUnavailable) as error:
            where = f"([{self.table}], [runtime.{self.name}])"
            raise type(error)(f"{self.name} {self.model.model} {where}: {error}") from error

    def ask(self, question: Question) -> Ask:
        """Return the request about one question."""
        request = self.request(question)
        key = ask_key(self.teacher, self.model.sampling, request, 0)
        return Ask(question.id, 0, request, key)

    def ask_all(self, journal: Journal, questions: Iterable[Question], progress: Meter) -> None:
        """Have a reply in the journal to every question, as far as the servers reply."""
        missing = self._missing(journal, iter(questions), progress)
        first = next(missing, None)
        if first is None:
            return
        keeper = JournalKeeper(journal, self.model.model)
        with self.client() as client, self.blamed():
            client.on_tick = lambda: progress.advance(0, client.note())
            for _ in client.replies(chain([first], missing), keeper):
                progress.advance(1)

    def _missing(
        self, journal: Journal, questions: Iterator[Question], progress: Meter
    ) -> Iterator[Ask]:
        """Yield what the journal lacks, equal requests once."""
        sent: set[str] = set()
        while batch := list(islice(questions, LOOK_UP)):
            asks = [self.ask(question) for question in batch]
            known = journal.known([ask.key for ask in asks], self.model.sampling.max_tokens)
            new = {ask.key: ask for ask in asks if ask.key not in known and ask.key not in sent}
            sent |= new.keys()
            progress.advance(len(asks) - len(new))
            yield from new.values()

    def replies(self, journal: Journal, questions: Sequence[Question]) -> dict[str, Reply | None]:
        """Return what the journal holds about each question, by id."""
        keys = {question.id: self.ask(question).key for question in questions}
        found = journal.get(list(keys.values()), self.model.sampling.max_tokens)
        return {id: found.get(key) for id, key in keys.items()}


def check_served(
    name: str, table: str, model: Model | None, served: Endpoints, purpose: str
) -> None:
    """Raise ConfigError where a model has no server, or a server no model."""
    if model is None and served.urls:
        raise ConfigError(
            f"runtime.{name}.urls: names a server, and there is no [{table}]; add it with model and"
            " revision, or remove the URLs"
        )
    if model is not None and not served.urls:
        raise ConfigError(
            f"runtime.{name}.urls: is empty, and {model.model} is to {purpose}; name its server,"
            f' such as urls = ["http://127.0.0.1:8002/v1"], or remove [{table}]'
        )
