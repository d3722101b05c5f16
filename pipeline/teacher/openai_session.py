"""One conversation with the servers: a thread that asks, and one that keeps what arrives.

What comes out of `arrivals` is, in any order::

    (Ask(...), Reply(...))         a reply, which the keeper has already
    TeacherUnavailable("...")      the end: nothing more will come of asking
    None                           the threads are over

The asking thread never waits for a disk: a second one writes, what broke off too. Bounding how
much is submitted is the caller's business (pipeline/teacher/openai.py).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event, Thread, current_thread

from pipeline import logs
from pipeline.errors import BuildError, ConfigError
from pipeline.teacher.account import Account
from pipeline.teacher.base import Ask, Keeper, Reply
from pipeline.teacher.budget import Budget
from pipeline.teacher.delivery import Arrival
from pipeline.teacher.openai_fleet import Fleet
from pipeline.teacher.openai_http import Setup, Wire
from pipeline.teacher.openai_limit import Hunt
from pipeline.teacher.openai_metrics import Load
from pipeline.teacher.openai_retry import Pace
from pipeline.teacher.openai_server import Server
from pipeline.teacher.openai_urls import checked_urls, some_urls
from pipeline.teacher.openai_watch import Telling

# Cancelling takes milliseconds; only a name look-up, which cannot be cancelled, takes longer.
JOIN_S = 2.0
LOOK_S = 1.0  # between two looks at who is silent: a line of the log is no more precise


@dataclass(frozen=True, slots=True)
class Whole:
    """A reply whose last byte came at `at`, on a monotonic clock."""

    ask: Ask
    reply: Reply
    at: float


@dataclass(frozen=True, slots=True)
class Broken:
    """What had come of a reply that broke off, and why."""

    ask: Ask
    text: str
    why: str


Came = Whole | Broken | BaseException | None  # None is the end


class Session:
    """The threads; `start` them once, `submit` asks, take from `arrivals`, `stop` them."""

    def __init__(
        self,
        setup: Setup,
        *,
        keeper: Keeper | None = None,
        budget: Budget | None = None,
        pace: Pace | None = None,
        hunt: Hunt | None = None,
        telling: Telling | None = None,
        accounts: dict[str, Account] | None = None,
    ) -> None:
        self.arrivals: SimpleQueue[Arrival] = SimpleQueue()
        self.trouble = ""  # with the configuration that was read again
        self.silence = ""  # of all servers, where none answers
        self._setup, self._keeper, self._budget = setup, keeper or Keeper(), budget
        self._pace, self._hunt = pace or Pace(), hunt or Hunt()
        self._telling = telling or Telling()
        self._accounts = accounts if accounts is not None else {}
        self.kept_within_s = 0.0  # the longest that a reply waited until it was durable
        self._came: SimpleQueue[Came] = SimpleQueue()
        self._servers: list[Server] = []
        self._ready = Event()
        self._thread = Thread(target=self._run, name="teacher-requests", daemon=True)
        self._writer = Thread(target=self._write, name="teacher-journal", daemon=True)

    def start(self) -> None:
        """Start the threads and wait until asks are taken."""
        self._writer.start()
        self._thread.start()
        self._ready.wait()

    def submit(self, ask: Ask) -> None:
        """Hand over an ask, from any thread."""
        self._loop.call_soon_threadsafe(self._fleet.submit, ask)

    def servers(self) -> list[Server]:
        """Return the servers, to be looked at only."""
        return list(self._servers)

    def stop(self) -> None:
        """Cancel what is in flight and end the threads; what has arrived is kept first."""
        if self._thread.ident is None or not self._ready.wait(JOIN_S):
            return
        with suppress(RuntimeError, AttributeError):  # the loop is closed, or never came to be
            self._loop.call_soon_threadsafe(self._halt.set)
        for thread in (self._thread, self._writer):
            if current_thread() is not thread:  # a generator may be collected anywhere
                thread.join(JOIN_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._came.put(None)
            self._ready.set()

    def _write(self) -> None:
        """Keep what has come, then hand it on; an error of the keeper's comes instead of it.

        What comes while the disk writes is kept together the next time.
        """
        try:
            while (first := self._came.get()) is not None:
                batch = [first, *_waiting(self._came)]
                try:
                    self._keep([came for came in batch if isinstance(came, Whole)])
                    self._hand_on(batch)
                except BuildError as error:
                    self.arrivals.put(error)
        finally:
            self.arrivals.put(None)

    def _hand_on(self, batch: Sequence[Whole | Broken | BaseException]) -> None:
        """Give the caller what was kept, and only then write what broke off."""
        for came in batch:
            if isinstance(came, Whole):
                self.arrivals.put((came.ask, came.reply))
            elif isinstance(came, BaseException):
                self.arrivals.put(came)
        for came in batch:
            if isinstance(came, Broken):
                self._keeper.partial(came.ask, came.text, came.why)

    def _keep(self, whole: Sequence[Whole]) -> None:
        """Keep replies, and note how long the first of them has waited for it."""
        self._keeper.replies([(came.ask, came.reply) for came in whole])
        if whole:
            waited = time.monotonic() - min(came.at for came in whole)
            self.kept_within_s = max(self.kept_within_s, waited)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._halt = asyncio.Event()
        wire = Wire(self._setup)
        self._fleet = Fleet(
            self._setup,
            wire,
            lambda ask, reply: self._came.put(Whole(ask, reply, time.monotonic())),
            self._came.put,
            pace=self._pace,
            hunt=self._hunt,
            broken=lambda ask, text, why: self._came.put(Broken(ask, text, why)),
            budget=self._budget,
            accounts=self._accounts,
            telling=self._telling,
        )
        self._fleet.use(self._setup.endpoints, checked_urls(self._setup.endpoints))
        self._servers = self._fleet.servers
        self._ready.set()
        work = (self._halt.wait(), self._measure(wire), self._reread(), self._look())
        tasks = [asyncio.create_task(each) for each in work]
        done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        await self._fleet.stop()
        await wire.close()
        for task in done:
            task.result()  # raises what nobody foresaw

    async def _look(self) -> None:
        """Tell of servers that do not answer, and end when none has for too long."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self._fleet.look()
            self.silence = self._fleet.watch.silence

    async def _measure(self, wire: Wire) -> None:
        """Tell each server's limit, window by window, what it brought."""
        then = time.monotonic()
        while True:
            await asyncio.sleep(self._hunt.window_s)
            busy = [server for server in self._servers if server.in_flight]
            loads = await asyncio.gather(*(wire.load(server.url) for server in busy))
            now = time.monotonic()
            for server, load in zip(busy, loads, strict=True):
                rate = (server.account.chars - server.chars_before) / (now - then)
                full, floor = self._fullness(server, load)
                server.limit.window(rate, needed=server.wanted, full=full, now=now, floor=floor)
                server.load = load
            for server in self._servers:
                server.wanted, server.chars_before = False, server.account.chars
            then = now
            self._fleet.dispatch()

    def _fullness(self, server: Server, load: Load | None) -> tuple[bool, float]:
        """Tell whether a server is full, and how many requests it is known to run."""
        if load is None or server.in_flight > server.limit.room:
            return False, 1.0
        full = load.is_full(server.load, self._hunt.fullest, self._hunt.queue)
        overflows = load.overflows(server.load, self._hunt.fullest)
        return full, 1.0 if overflows else load.running

    async def _reread(self) -> None:
        """Follow the configuration's file: servers come and go while others work."""
        changed = self._setup.endpoints.changed_at()
        while True:
            await asyncio.sleep(self._setup.endpoints.reread_s)
            if (now := self._setup.endpoints.changed_at()) == changed:
                continue
            changed = now
            try:
                settings = self._setup.endpoints.again()
                self._fleet.use(settings, some_urls(settings, self._setup.teacher.name))
                self.trouble = ""
            except ConfigError as error:  # half written, say: what was there before still holds
                self.trouble = str(error).splitlines()[-1].strip()
                logs.event("configuration_not_followed", logging.WARNING, error=self.trouble)


def _waiting(queue: SimpleQueue[Came]) -> Iterator[Whole | Broken | BaseException]:
    """Yield what waits in a queue, but not its end, which is put back."""
    while not queue.empty():
        came = queue.get()
        if came is None:
            queue.put(None)
            return
        yield came
