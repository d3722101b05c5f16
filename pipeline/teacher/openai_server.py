"""What the fleet knows of one server, and of one ask on its way to one.

A server in the middle of a run: `Server(url="http://10.0.0.7:8000/v1", in_flight=212, …)` with a
limit of 230, no failures in a row, and an account of 8,120 requests. Only facts are here; what
follows from them is in openai_fleet.py.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from pipeline.teacher.account import Account
from pipeline.teacher.base import Ask
from pipeline.teacher.openai_limit import Limit
from pipeline.teacher.openai_metrics import Load
from pipeline.teacher.openai_retry import Endpoint


@dataclass(slots=True)
class Job:
    """An ask on its way: how often it was tried in vain, and how often that was its own fault."""

    ask: Ask
    tries: int = 0
    blamed: int = 0
    failed_at: float = 0.0
    avoid: Server | None = None  # where it failed last


@dataclass(eq=False, slots=True)
class Server:
    """One server: its health, its room and its account."""

    url: str
    health: Endpoint
    limit: Limit
    account: Account = field(default_factory=Account)
    in_flight: int = 0
    answered_at: float = 0.0  # the last time
    trouble: str = ""  # how a request failed last, until something is heard again
    heard_at: float = 0.0  # when a reply or more text came, or it was first given something to do
    heard_chars: int = 0  # how much text stood there then, without what broke off
    removed: bool = False  # from the configuration: it ends what it has begun
    wanted: bool = False  # more was to be sent than there was room for, in this window
    load: Load | None = None
    chars_before: int = 0  # that had arrived when the window began
    check: asyncio.Task[bool] | None = None  # the last one, whether it is alive
    checked_at: float = 0.0

    def sent(self, now: float) -> None:
        """Count a request; the silence of a server that had nothing to do begins with it."""
        if not self.in_flight and not self.trouble:
            self.heard_at, self.heard_chars = now, self.account.unbroken_chars
        self.in_flight += 1
        self.account.requests += 1

    def hear(self, now: float) -> bool:
        """Note whether anything came since the last time, and tell.

        Text that broke off takes itself away again, so that one who only ever sends half replies
        is silent.
        """
        chars = self.account.unbroken_chars
        if heard := self.answered_at > self.heard_at or chars > self.heard_chars:
            self.heard_at, self.heard_chars, self.trouble = now, chars, ""
        return heard

    def silent_s(self, now: float) -> float:
        """Return for how long nothing came, 0 for a server that has nothing to do."""
        return now - self.heard_at if self.in_flight or self.trouble else 0.0

    @property
    def fill(self) -> float:
        """The share of its room that is taken."""
        return self.in_flight / self.limit.room
