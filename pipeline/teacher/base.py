"""What a teacher is asked and what it replies, independent of where it runs.

An ask carries the request exactly as it is sent, either `{"messages": [...]}` or
`{"prompt": "…"}`, and the key under which its reply is kept for ever.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pipeline.recipe import Sampling, Teacher
from pipeline.records import content_hash


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for one reply to question `id`."""

    id: str
    attempt: int
    request: Mapping[str, Any]
    key: str


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


class Client(ABC):
    """A running teacher."""

    @abstractmethod
    def replies(self, asks: Iterable[Ask]) -> Iterator[tuple[Ask, Reply]]:
        """Yield each ask with its reply as it arrives, in any order.

        Takes asks only as fast as there is room for them. Raises TeacherUnavailable when
        the servers stay silent in spite of all retries, and Unavailable or ConfigError when
        asking again cannot help (no such model, key refused).
        """

    def close(self) -> None:  # noqa: B027 - a client may hold nothing
        """Give back connections and memory; requests in flight are given up."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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
