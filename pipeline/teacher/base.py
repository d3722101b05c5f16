"""What a teacher is asked and what it replies, independent of where it runs.

An ask carries the request exactly as it is sent, either `{"messages": [...]}` or
`{"prompt": "…"}`, and the key under which its reply is kept for ever.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pipeline.recipe import Sampling, Teacher
from pipeline.records import content_hash


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for one reply to question `id`; `temperature` where it isn't the teacher's."""

    id: str
    attempt: int
    request: Mapping[str, Any]
    key: str
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, as it came (a `reply_prefix` is put in front later).

    `finish_reason` is "stop", "length" (cut off at `max_tokens`) or "error" (the server
    refuses this one request for good; `error` says why, and it is not kept).
    """

    text: str
    finish_reason: str
    prompt_tokens: int | None = None
    response_tokens: int | None = None
    max_tokens: int = 0
    error: str = ""


class Keeper:
    """Makes what arrives durable, in a thread that asks nothing; this one keeps nothing.

    What its methods raise ends the client: a reply that cannot be kept must not be paid for.
    """

    def replies(self, arrived: Sequence[tuple[Ask, Reply]]) -> None:
        """Keep what arrived together, refusals among it; returns when all of it is kept."""

    def partial(self, ask: Ask, text: str, why: str) -> None:
        """Keep what had come of a reply whose connection broke, for a person to look at."""


class Client(ABC):
    """A running teacher.

    `on_tick`, where it is set, is called about once a second while `replies` waits.
    """

    on_tick: Callable[[], None] | None = None

    @abstractmethod
    def replies(
        self, asks: Iterable[Ask], keeper: Keeper | None = None
    ) -> Iterator[tuple[Ask, Reply]]:
        """Yield each ask with its reply as it arrives, in any order; a keeper has it before.

        Takes asks only as fast as there is room for them. Raises TeacherUnavailable when
        the servers stay silent in spite of all patience, BudgetSpent at a cap, and
        Unavailable or ConfigError when asking again cannot help (no such model, key refused).
        """

    def note(self) -> str:
        """Return what a person wants to see while it runs, in a few words."""
        return ""

    def account(self) -> list[dict[str, Any]]:
        """Return what was sent to each server and what came back, since the client began."""
        return []

    def close(self) -> None:  # noqa: B027 - a client may hold nothing
        """Give back connections and memory; requests in flight are given up."""

    def __enter__(self) -> Self:
        OPEN.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        OPEN.remove(self)
        self.close()


OPEN: list[Client] = []  # those that are running now, for metrics


def sampling_of(sampling: Sampling, ask: Ask) -> Sampling:
    """Return how an ask is sampled: as the teacher is, or at a temperature of its own."""
    if ask.temperature is None or ask.temperature == sampling.temperature:
        return sampling
    return sampling.model_copy(update={"temperature": ask.temperature})


def ask_key(teacher: Teacher, sampling: Sampling, request: Mapping[str, Any], attempt: int) -> str:
    """Return the key of a reply: the hash of all that decides it but `max_tokens`."""
    return content_hash(
        {
            "request": request,
            "model": teacher.model,
            "revision": teacher.revision,
            "sampling": sampling.model_dump(mode="json", exclude={"max_tokens"}),
            "attempt": attempt,
        }
    )
