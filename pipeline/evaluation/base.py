"""What a benchmark is: where its rows come from, and what becomes of a row.

A benchmark is a file in `pipeline/evaluation/benchmarks/` with one subclass of `Benchmark`;
the file's name is the one by which a configuration asks for it::

    [[evaluation.benchmarks]]
    benchmark = "aime24"
    path = "$REAL_DATA/benchmarks/aime24.parquet"    # without it, the Hub

Its questions are `Question` records like those of a dataset, judged by the same verifiers.
It is not checked whether a file of one's own holds the benchmark that its name promises.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, ClassVar

from pydantic import Field, field_validator

from pipeline.config import NAME_PATTERN
from pipeline.errors import SourceError
from pipeline.evaluation.reading import Hub, Located, locate, rows_of
from pipeline.recipe import Sampling
from pipeline.records import Message, Question, canonical_json, content_hash
from pipeline.sources.base import Options
from pipeline.teacher.prompts import fill

MAX_SAMPLES = 1_000  # a round's attempts are numbered below it (pipeline/evaluation/asking.py)
SAMPLES = "responses to each question in each round"
PROMPT = "what is asked; must contain {question}"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """A benchmark's row, read: `key` names it, `slots` fill the prompt.

    Of `reference_answer`, `test_cases` and `constraints` there is the one that its verifier
    needs, in the form of the `verify` command, or none: then answers stay unverified.
    """

    key: str
    slots: Mapping[str, str]
    reference_answer: str | None = None
    test_cases: list[dict[str, Any]] | None = None
    constraints: list[dict[str, Any]] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Benchmark(Options):
    """Options of one benchmark; all but `path` decide what is measured.

    `votes` says that answers can be compared with each other, so that there is a majority;
    `trainable`, that its questions may become training data; `settings` are the verifier's.
    """

    title: ClassVar[str]
    kind: ClassVar[str]
    verifier: ClassVar[str]
    licence: ClassVar[str]
    hub: ClassVar[Hub | None] = None
    votes: ClassVar[bool] = True
    trainable: ClassVar[bool] = False
    settings: ClassVar[Mapping[str, Any]] = {}

    benchmark: str = Field(description="which: a file's name in pipeline/evaluation/benchmarks/")
    name: str | None = Field(
        None, pattern=NAME_PATTERN, description="in tables and folders; the file's where missing"
    )
    path: str | None = Field(
        None, min_length=1, description=".jsonl, .csv or .parquet; the Hub where missing"
    )
    revision: str = Field(
        "unpinned", min_length=1, description="the Hub's commit; which one was read is recorded"
    )
    samples: int = Field(ge=1, le=MAX_SAMPLES, description=SAMPLES)
    sampling: Sampling = Sampling()
    limit: int | None = Field(None, ge=1, description="only the first so many questions")
    prompt: str = Field(min_length=1, description=PROMPT)

    @field_validator("prompt")
    @classmethod
    def _asks(cls, prompt: str) -> str:
        if "{question}" not in prompt:
            raise ValueError("must contain {question}")
        return prompt

    def verified_by(self) -> str:
        """Return the name of the verifier that judges the answers."""
        return self.verifier

    @abstractmethod
    def item(self, row: Row, place: str, seed: int) -> Item | None:
        """Read a row, None for one that is left out; raises KeyError, TypeError or ValueError."""

    @property
    def label(self) -> str:
        """The name in folders and files."""
        return self.name or self.benchmark

    @property
    def heading(self) -> str:
        """The name for readers: the title, unless the configuration names it otherwise."""
        return self.name or self.title

    def identity(self) -> dict[str, Any]:
        """Return what decides the questions: neither where the file lies nor the sampling."""
        return self.model_dump(mode="json", exclude={"path", "samples", "sampling"})

    def located(self) -> Located:
        """Return the files, fetched from the Hub where no path is given."""
        return locate(self.path, self.hub and replace(self.hub, revision=self.revision))

    def questions(self, located: Located, seed: int) -> Iterator[Question]:
        """Yield the questions in the files' order; raises SourceError naming a bad row."""
        yield from islice(self._questions(located, seed), self.limit)

    def _questions(self, located: Located, seed: int) -> Iterator[Question]:
        seen: dict[str, str] = {}
        for file in located.files:
            for place, row in rows_of(file):
                item = self._read(row, place, seed)
                if item is None:
                    continue
                if (before := seen.setdefault(item.key, place)) != place:
                    raise SourceError(f"{place}: {item.key!r} is the item of {before} too")
                yield self._question(item, place, located.revision)

    def _read(self, row: Row, place: str, seed: int) -> Item | None:
        try:
            return self.item(row, place, seed)
        except KeyError as error:
            wrong = f"column {error} is missing"
        except (TypeError, ValueError) as error:
            wrong = str(error)
        have = ", ".join(sorted(map(str, row)))  # csv calls what has no head None
        raise SourceError(f"{place}: is no row of {self.title}: {wrong} (columns: {have})")

    def _question(self, item: Item, place: str, revision: str) -> Question:
        turns = (Message("user", fill(self.prompt, item.slots)),)
        return Question(
            id=content_hash([self.label, item.key, turns[0].content]),
            source=self.label,
            source_revision=revision,
            licence=self.licence,
            prompt=turns,
            kind=self.kind,
            reference_answer=item.reference_answer,
            test_cases=_json(item.test_cases),
            constraints=_json(item.constraints),
            metadata=canonical_json({"item": item.key, **item.metadata}),
            origins=(place,),
        )


def _json(value: list[dict[str, Any]] | None) -> str | None:
    return canonical_json(value) if value else None


def text(row: Row, *columns: str) -> str:
    """Return the first of some columns that is there, as text; raises KeyError or TypeError."""
    for column in columns:
        value = row.get(column)
        if isinstance(value, str):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        if value is not None:
            raise TypeError(f"{column}: must be text, got {type(value).__name__}")
    raise KeyError(" or ".join(columns))


def key_of(row: Row, place: str, *columns: str) -> str:
    """Return what names a row: the first column that is there, else its number in the file."""
    for column in columns:
        if row.get(column) is not None:
            return str(row[column])
    return place.rpartition("#")[2]


def available_benchmarks() -> dict[str, type[Benchmark]]:
    """Return every benchmark by its file's name, in alphabetical order."""
    package = importlib.import_module("pipeline.evaluation.benchmarks")
    found: dict[str, type[Benchmark]] = {}
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        module: Any = importlib.import_module(f"{package.__name__}.{name}")
        for value in vars(module).values():
            local = isinstance(value, type) and value.__module__ == module.__name__
            if local and issubclass(value, Benchmark):
                found[name] = value
    return found
