"""The teacher behind URLs: any server that speaks OpenAI's API, any number of them.

The part of a configuration that it reads::

    [runtime.endpoints]
    urls = ["http://10.0.0.7:8000/v1", "http://10.0.0.8:8000/v1"]
    api_key_env = "TEACHER_KEY"
    concurrency = 64

A reply is asked for again only if it did not arrive whole. Two requests for one ask can
happen (a connection cut on the way back); two replies to one ask cannot. Answers are not
streamed, so nothing of a reply that is cut off on the way is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from queue import Empty

import httpx

from pipeline.config import Endpoints
from pipeline.errors import BuildError, ConfigError
from pipeline.recipe import Sampling, Teacher
from pipeline.teacher.base import Ask, Client, Reply
from pipeline.teacher.openai_retry import Pace
from pipeline.teacher.openai_session import Arrival, Session, Setup

# Asks admitted for each request that may be in flight: enough that no server idles while the
# consumer makes a reply durable. A guess.
LOOK_AHEAD = 2
# So many refusals without one success mean that the configuration is at fault. A guess.
REFUSALS = 10


class OpenAIClient(Client):
    """Asks OpenAI-compatible servers; raises ConfigError for settings that cannot work."""

    def __init__(
        self,
        teacher: Teacher,
        sampling: Sampling,
        endpoints: Endpoints,
        *,
        pace: Pace | None = None,
    ) -> None:
        urls = tuple(dict.fromkeys(map(_checked_url, range(len(endpoints.urls)), endpoints.urls)))
        if not urls:
            raise ConfigError(
                f"runtime.endpoints.urls: is empty, and teacher {teacher.name} is asked over HTTP;"
                ' name its server, such as urls = ["http://127.0.0.1:8000/v1"]'
            )
        key = _read_key(endpoints.api_key_env)
        self._setup = Setup(teacher, sampling, endpoints, urls, key, pace or Pace())
        self._sessions: list[Session] = []

    def replies(self, asks: Iterable[Ask]) -> Iterator[tuple[Ask, Reply]]:
        """Yield each ask with its reply as it arrives; `asks` is pulled in this thread.

        At most LOOK_AHEAD × concurrency × URLs asks are taken and not yet yielded.
        Refused requests are held back until another one succeeds or all are done.
        """
        session = Session(self._setup)
        self._sessions.append(session)
        try:
            session.start()
            yield from _Delivery(session, iter(asks), self._room()).run()
        finally:
            session.stop()
            self._sessions.remove(session)

    def close(self) -> None:
        """End all requests in flight, within seconds; `replies` that still run end with it."""
        for session in tuple(self._sessions):
            session.stop()

    def _room(self) -> int:
        return LOOK_AHEAD * self._setup.endpoints.concurrency * len(self._setup.urls)


class _Delivery:
    """Moves asks into a session and replies out of it, in the consumer's thread."""

    def __init__(self, session: Session, asks: Iterator[Ask], room: int) -> None:
        self.session, self.asks, self.room = session, asks, room
        self.more = True
        self.open = 0
        self.succeeded = False
        self.held: list[tuple[Ask, Reply]] = []

    def run(self) -> Iterator[tuple[Ask, Reply]]:
        """Yield until every ask is answered, or what had arrived when the session failed."""
        while self._admit():
            arrival = self.session.arrivals.get()
            if not isinstance(arrival, tuple):
                yield from self._fail(arrival)
            elif self._is_believed(arrival):
                yield from self._release(arrival)
            elif len(self.held) >= REFUSALS:
                yield from self._fail(_all_refused(self.held))
        yield from self.held

    def _admit(self) -> bool:
        """Submit asks while there is room and nothing has arrived; tell whether more will."""
        while self.more and self.open < self.room and self.session.arrivals.empty():
            ask = next(self.asks, None)
            if ask is None:
                self.more = False
            else:
                self.session.submit(ask)
                self.open += 1
        return self.more or self.open > 0

    def _is_believed(self, arrival: tuple[Ask, Reply]) -> bool:
        """Count an arrival; hold it back if it is a refusal and nothing has succeeded yet."""
        self.open -= 1
        self.succeeded = self.succeeded or arrival[1].finish_reason != "error"
        if not self.succeeded:
            self.held.append(arrival)
        return self.succeeded

    def _release(self, arrival: tuple[Ask, Reply]) -> Iterator[tuple[Ask, Reply]]:
        held, self.held = self.held, []
        yield from held
        yield arrival

    def _fail(self, arrival: BuildError | None) -> Iterator[tuple[Ask, Reply]]:
        """Stop asking, yield every reply that has arrived, then raise.

        Refusals that no success vouches for are kept back: they are asked again next time.
        """
        self.session.stop()
        for arrived in _drain(self.session):
            if self._is_believed(arrived):
                yield from self._release(arrived)
        if arrival is None:
            raise RuntimeError("the thread that asks the teacher has ended; was the client closed?")
        raise arrival


def _drain(session: Session) -> Iterator[tuple[Ask, Reply]]:
    while True:
        try:
            arrival: Arrival = session.arrivals.get_nowait()
        except Empty:
            return
        if isinstance(arrival, tuple):
            yield arrival


def _all_refused(held: list[tuple[Ask, Reply]]) -> ConfigError:
    return ConfigError(
        f"recipe.teacher: the server refused all of the first {len(held)} requests, the last one"
        f" with {held[-1][1].error}; put the setting right that it names (style, sampling,"
        " template) or serve the model with other options"
    )


def _checked_url(index: int, url: str) -> str:
    """Return a base URL without its last slash; errors never show what may be a password."""
    wrong = f"runtime.endpoints.urls[{index}]:"
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        raise ConfigError(f"{wrong} is not a URL; write http://HOST:PORT/v1") from None
    if "@" in url or parts.query or parts.fragment:
        raise ConfigError(
            f"{wrong} carries a name, password, query or fragment; leave it out, and put the key"
            " into the variable that api_key_env names"
        )
    if parts.scheme not in ("http", "https") or not parts.host:
        raise ConfigError(f"{wrong} must begin with http:// or https:// and a host, got {url!r}")
    return url.rstrip("/")


def _read_key(name: str) -> str:
    """Return the key in a variable, "" where it is not set; never shows it."""
    key = os.environ.get(name, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(
            f"runtime.endpoints.api_key_env: the variable {name} holds characters that no HTTP"
            " header can carry; set it to the key alone"
        )
    return key
