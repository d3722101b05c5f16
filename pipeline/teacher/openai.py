"""The teacher behind URLs: any server that speaks OpenAI's API, any number of them.

The part of a configuration that it reads::

    [runtime.endpoints]
    urls = ["http://10.0.0.7:8000/v1", "http://10.0.0.8:8000/v1"]
    api_key_env = "TEACHER_KEY"
    concurrency = 64

A reply is asked for again only if it did not arrive whole. Two requests for one ask can
happen (a connection cut on the way back); two replies to one ask cannot. How many requests
each server gets at once is found while it runs (openai_limit.py); servers that are added to
the file or removed from it during a run count at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.config import Endpoints
from pipeline.recipe import Sampling, Teacher
from pipeline.teacher.account import Account
from pipeline.teacher.base import Ask, Client, Keeper, Reply
from pipeline.teacher.budget import Budget
from pipeline.teacher.delivery import LOOK_AHEAD, Delivery
from pipeline.teacher.openai_http import Setup
from pipeline.teacher.openai_limit import Hunt
from pipeline.teacher.openai_protocol import Generating
from pipeline.teacher.openai_retry import Pace
from pipeline.teacher.openai_session import Session
from pipeline.teacher.openai_urls import read_key, some_urls
from pipeline.teacher.openai_watch import Telling

FEW = 4  # servers whose rates fit into a line


class OpenAIClient(Client):
    """Asks OpenAI-compatible servers; raises ConfigError for settings that cannot work."""

    def __init__(
        self,
        teacher: Teacher,
        sampling: Sampling,
        endpoints: Endpoints,
        *,
        pace: Pace | None = None,
        hunt: Hunt | None = None,
        telling: Telling | None = None,
        budget: Budget | None = None,
        room: int | None = None,
        protocol: Generating | None = None,
    ) -> None:
        """Connect to nothing yet; `room` bounds the asks that are taken and not yet yielded."""
        some_urls(endpoints, teacher.name)
        key = read_key(endpoints.api_key_env)
        self._setup = Setup(teacher, sampling, endpoints, key, protocol or Generating())
        self._pace, self._hunt, self._telling = pace, hunt, telling
        self._budget, self._bound = budget, room
        self._sessions: list[Session] = []
        self._accounts: dict[str, Account] = {}

    def replies(
        self, asks: Iterable[Ask], keeper: Keeper | None = None
    ) -> Iterator[tuple[Ask, Reply]]:
        """Yield each ask with its reply as it arrives; `asks` is pulled in this thread.

        At most LOOK_AHEAD × concurrency × URLs asks are taken and not yet yielded.
        Refused requests are held back until another one succeeds or all are done.
        """
        session = Session(
            self._setup,
            keeper=keeper,
            budget=self._budget,
            pace=self._pace,
            hunt=self._hunt,
            telling=self._telling,
            accounts=self._accounts,
        )
        self._sessions.append(session)
        try:
            session.start()
            yield from Delivery(session, iter(asks), self._room, self._tick).run()
        finally:
            session.stop()
            self._sessions.remove(session)

    def close(self) -> None:
        """End all requests in flight, within seconds; `replies` that still run end with it."""
        for session in tuple(self._sessions):
            session.stop()

    def note(self) -> str:
        """Return requests in flight and tokens a second, of each server where there are few."""
        servers = [server for session in self._sessions for server in session.servers()]
        rates = [server.account.tokens_a_second() for server in servers]
        flying = sum(server.in_flight for server in servers)
        each = ", ".join(f"{rate:,.0f}" for rate in rates) if 1 < len(rates) <= FEW else ""
        said = [s for session in self._sessions for s in (session.silence, session.trouble) if s]
        rate = f"{flying:,} in flight, {sum(rates):,.0f} tokens/s{f' ({each})' if each else ''}"
        return "; ".join([rate, *said])

    def received(self) -> int:
        """Return how many characters have arrived, those of unfinished replies included."""
        return sum(account.chars for account in list(self._accounts.values()))

    def kept_within_s(self) -> float:
        """Return the longest that a reply has waited from its last byte until it was durable."""
        return max((session.kept_within_s for session in self._sessions), default=0.0)

    def account(self) -> list[dict[str, Any]]:
        """Return what was sent to each server and what came back."""
        return [account.line(url) for url, account in sorted(dict(self._accounts).items())]

    def _room(self) -> int:
        if self._bound is not None:
            return self._bound
        servers = max(1, len(self._setup.endpoints.urls))
        return LOOK_AHEAD * self._setup.endpoints.concurrency * servers

    def _tick(self) -> None:
        if self.on_tick is not None:
            self.on_tick()
