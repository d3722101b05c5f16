"""What every verifier takes and gives: a row in, a result with one of three outcomes out.

A row is the JSON object of the `verify` command, for example::

    {"id": "q1", "answer": "<think>2+2</think>4", "reference_answer": "4"}

Guarantees nothing about how a verdict is reached; each verifier's module says that.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self

Row = Mapping[str, Any]


class Outcome(StrEnum):
    """`UNVERIFIED` says that the instrument could not tell; it is never counted as wrong."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Result:
    """One verifier's finding about one answer.

    `reason` is machine readable (snake case), `score` lies between 0 and 1 where there
    is one, `seconds` is wall time spent on the row, queueing and imports not included.
    """

    outcome: Outcome
    reason: str
    verifier: str
    score: float | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


class BadInput(ValueError):
    """A row lacks what its verifier needs; the verdict is `unverified`, reason `bad_input`."""


class Verifier(ABC):
    """An instrument that judges answers. Subclasses are found by their `name`.

    `settings` that a verifier does not know are an error: an option that does nothing
    would be a silent fallback.
    """

    name: ClassVar[str]

    @classmethod
    @abstractmethod
    def create(cls, workers: int = 1, **settings: Any) -> Self:
        """Make the verifier with `workers` processes; raises TypeError on unknown settings."""

    @abstractmethod
    def results(self, rows: Iterable[Row]) -> Iterator[Result]:
        """Yield one result for each row, in the order of the rows, holding a bounded window."""

    def close(self) -> None:  # noqa: B027 - most verifiers hold nothing to close
        """Give back processes and files; the verifier can't be used afterwards."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def bad_input(verifier: str, message: str) -> Result:
    """Return the result for a row that lacks what the verifier needs."""
    return Result(Outcome.UNVERIFIED, "bad_input", verifier, evidence={"error": message})


def prompt_text(prompt: Any) -> str:
    """Return the user's words in a prompt: a string, a list of messages, or nothing."""
    if prompt is None or isinstance(prompt, str):
        return prompt or ""
    if not isinstance(prompt, list):
        raise BadInput(f"prompt: expected a string or a list, got {type(prompt).__name__}")
    texts = []
    for turn in prompt:
        if not (isinstance(turn, Mapping) and isinstance(turn.get("content"), str)):
            raise BadInput("prompt: expected messages with a role and a string as content")
        if turn.get("role") == "user":
            texts.append(turn["content"])
    return "\n\n".join(texts)


def text_field(row: Row, name: str) -> str:
    """Return a row's field that must be a string; raises BadInput naming field and type."""
    value = row.get(name)
    if not isinstance(value, str):
        raise BadInput(f"{name}: expected a string, got {type(value).__name__}")
    return value


def available() -> dict[str, type[Verifier]]:
    """Return every verifier of this package by its name, in alphabetical order.

    A verifier is a subclass of `Verifier` with a `name`, in any module here; modules
    are light to import, what is heavy is imported when a verifier is created.
    """
    package = importlib.import_module("verifiers")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"verifiers.{module.name}")
    found = {cls.name: cls for cls in _below(Verifier) if hasattr(cls, "name")}
    return dict(sorted(found.items()))


def _below(cls: Any) -> Iterator[type[Verifier]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _below(sub)
