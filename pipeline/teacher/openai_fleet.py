"""Shares asks among servers, tries again what failed, and tells who is to blame.

The life of an ask whose first server is restarting, in a fleet of two::

    ready → sent to a → connection refused → 0.5 s → ready → sent to b → reply → delivered

An ask goes to the open server with the largest share of its room free, so that a fast server
takes more than a slow one, and a long answer holds up nothing but its own place. A failure
counts against the ask itself only if the server has answered something else since the ask's
failure before; otherwise against the servers, which have `patience_s` to answer anything again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from pipeline.config import Endpoints
from pipeline.errors import BuildError, TeacherUnavailable
from pipeline.teacher.account import Account
from pipeline.teacher.base import Ask, Reply
from pipeline.teacher.budget import Budget, Tokens
from pipeline.teacher.openai_http import Passing, Setup, Wire
from pipeline.teacher.openai_limit import Hunt, Limit
from pipeline.teacher.openai_retry import Endpoint, Pace, wait_for
from pipeline.teacher.openai_server import Job, Server
from pipeline.teacher.openai_watch import REMEDY, Telling, Watch, is_over, told_of

TOO_MUCH = {"429", "503", "500", "502", "504", "silence"}  # failures of a server with too much


class Fleet:
    """All servers and everything that waits for one; lives in one event loop."""

    def __init__(
        self,
        setup: Setup,
        wire: Wire,
        deliver: Callable[[Ask, Reply], None],
        fail: Callable[[BaseException], None],
        *,
        pace: Pace,
        hunt: Hunt,
        broken: Callable[[Ask, str, str], None],
        budget: Budget | None,
        accounts: dict[str, Account],
        telling: Telling,
    ) -> None:
        self.servers: list[Server] = []
        self.watch = Watch(pace, telling)
        self._setup, self._wire, self._deliver, self._fail = setup, wire, deliver, fail
        self._pace, self._hunt, self._broken, self._budget = pace, hunt, broken, budget
        self._accounts = accounts
        self._ready: deque[Job] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake: asyncio.TimerHandle | None = None
        self._answered_at = time.monotonic()
        self._stopped = False

    def use(self, settings: Endpoints, urls: Sequence[str]) -> None:
        """Ask these servers from now on; those not among them end what they have begun."""
        self._setup.endpoints = settings
        known = {server.url: server for server in self.servers}
        for url in urls:
            if url not in known:
                limit = Limit(settings.start, settings.concurrency, self._hunt)
                account = self._accounts.setdefault(url, Account())
                self.servers.append(Server(url, Endpoint(url), limit, account))
        for server in self.servers:
            server.removed = server.url not in urls
            server.limit.set_most(settings.concurrency)
        self.dispatch()

    def submit(self, ask: Ask) -> None:
        """Take an ask."""
        self._ready.append(Job(ask))
        self.dispatch()

    async def look(self) -> None:
        """Tell of servers that do not answer; end the asking when none has for `patience_s`.

        Without any patience an ask's retries decide alone.
        """
        now, patience_s = time.monotonic(), self._setup.endpoints.patience_s
        servers = self._active()
        self.watch.look(servers, patience_s, now)
        if not patience_s or self._stopped or not is_over(servers, patience_s, now):
            return
        if not any([await self._is_alive(server) for server in servers]):
            said = told_of(self._setup.teacher.name, servers, time.monotonic())
            self._stopped = True
            self._fail(TeacherUnavailable(said))

    async def stop(self) -> None:
        """Give up everything in flight."""
        self._stopped = True
        if self._wake is not None:
            self._wake.cancel()
        checks = [server.check for server in self.servers if server.check is not None]
        for task in (*self._tasks, *checks):
            task.cancel()
        await asyncio.gather(*self._tasks, *checks, return_exceptions=True)

    def dispatch(self) -> None:
        """Send what is ready to the servers that have room."""
        while self._ready and not self._stopped:
            server = self._free_server(self._ready[0])
            if server is None or not self._affords(self._ready[0]):
                return
            self._send(self._ready.popleft(), server)

    def _free_server(self, job: Job) -> Server | None:
        """Return the server to ask; None while all are full or resting, which wakes up later."""
        now, pace = time.monotonic(), self._pace
        active = self._active()
        healths = [server.health for server in active]
        waits = {s: wait_for(s.health, healths, pace, now) for s in active}
        open_ones = [server for server in active if not waits[server]]
        free = [server for server in open_ones if server.in_flight < server.limit.room]
        if not free:
            for server in open_ones:
                server.wanted = True
            self._wake_up_in(min([pace.first_s, *filter(None, waits.values())]))
            return None
        elsewhere = [server for server in free if server is not job.avoid]
        return min(elsewhere or free, key=lambda server: server.fill)

    def _active(self) -> list[Server]:
        return [server for server in self.servers if not server.removed]

    def _wake_up_in(self, seconds: float) -> None:
        if self._wake is None or self._wake.when() < self._loop_time():
            self._wake = asyncio.get_running_loop().call_later(seconds, self.dispatch)

    def _loop_time(self) -> float:
        return asyncio.get_running_loop().time()

    def _affords(self, job: Job) -> bool:
        """Set aside what a job may cost; without anything in flight the cap is the end."""
        if self._budget is None:
            return True
        chars = sum(map(len, _texts(job.ask.request)))
        if self._budget.promise(job.ask.key, chars, self._setup.sampling.max_tokens):
            return True
        if not self._tasks:
            self._stopped = True
            self._fail(self._budget.reached())
        return False

    def _settle(self, ask: Ask, reply: Reply | None, chars: int) -> None:
        """Put what a request cost in the place of what was set aside for it."""
        if self._budget is None:
            return
        cost = None
        if reply is not None and reply.response_tokens is not None:
            cost = Tokens(reply.prompt_tokens or 0, reply.response_tokens)
        self._budget.settle(ask.key, cost, chars)

    def _send(self, job: Job, server: Server) -> None:
        server.sent(time.monotonic())
        server.health.probing = server.health.is_sick(self._pace)
        task = asyncio.get_running_loop().create_task(self._take(job, server))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Let a task go; what it raised that nobody foresaw ends the run instead of an ask."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)
        self.dispatch()

    async def _take(self, job: Job, server: Server) -> None:
        sent_at = time.monotonic()
        job.failed_at = job.failed_at or sent_at
        try:
            reply = await self._wire.ask(server.url, job.ask, server.account)
        except Passing as failure:
            self._settle(job.ask, None, len(failure.partial))
            self._note(job, server, failure, sent_at)
            await self._again(job, server, failure)
        except BuildError as error:
            server.account.broke("fatal", 0)
            self._fail(error)
        else:
            self._answered(job, server, reply)
            await self._wire.freed(job.ask)  # its place is taken until then
        finally:
            server.in_flight -= 1
            server.health.probing = False

    def _answered(self, job: Job, server: Server, reply: Reply) -> None:
        self._answered_at = server.answered_at = time.monotonic()
        server.health.succeeded()
        server.limit.succeeded()
        server.account.ended(reply, len(reply.text))
        self._settle(job.ask, reply, len(reply.text))
        self._deliver(job.ask, reply)

    def _note(self, job: Job, server: Server, failure: Passing, sent_at: float) -> None:
        """Write a failure down in every book that it concerns."""
        now = time.monotonic()
        server.account.broke(failure.kind, len(failure.partial))
        server.trouble = str(failure)
        if failure.partial:
            why = f"{failure.kind}: {server.url} ({failure})"
            self._broken(job.ask, failure.partial, why)
        if failure.kind in TOO_MUCH:
            server.limit.failed(now, sent_at)
        if failure.wait_s is not None:
            wait = min(failure.wait_s, self._setup.endpoints.timeout_s)
            server.health.asked_to_wait(wait, now)
        elif not failure.is_busy:
            server.health.failed(self._pace, now)
        job.tries += 1
        if not failure.is_busy and server.answered_at > job.failed_at:
            job.blamed += 1
        job.failed_at, job.avoid = now, server

    async def _again(self, job: Job, server: Server, failure: Passing) -> None:
        """Ask once more after a while; with its retries spent, find out who is to blame."""
        if job.blamed > self._setup.endpoints.retries:
            self._give_up_on(job, server, failure)
            return
        if job.tries > self._setup.endpoints.retries:
            alive = await self._is_alive(server)
            silent = time.monotonic() - self._heard_at()
            if not alive and silent >= self._setup.endpoints.patience_s:
                self._fail(self._nobody(job, server, failure))
                return
        loop = asyncio.get_running_loop()
        loop.call_later(self._pace.back_off(job.tries), partial(self._ready_again, job))

    def _heard_at(self) -> float:
        """Return when a reply, or more text of one, came last."""
        return max(self._answered_at, *(server.heard_at for server in self.servers))

    def _ready_again(self, job: Job) -> None:
        self._ready.appendleft(job)  # it has waited longest
        self.dispatch()

    async def _is_alive(self, server: Server) -> bool:
        """Tell whether a server generates; asked at most once in `first_s`, for all who ask."""
        now = time.monotonic()
        stale = now - server.checked_at >= self._pace.first_s
        if server.check is None or (server.check.done() and stale):
            server.checked_at = now
            server.account.checks += 1
            asking = self._wire.is_alive(server.url)
            server.check = asyncio.create_task(asking)
        alive = await asyncio.shield(server.check)
        if alive:
            server.answered_at = max(server.answered_at, server.checked_at)
            self._answered_at = max(self._answered_at, server.checked_at)
        return alive

    def _give_up_on(self, job: Job, server: Server, failure: Passing) -> None:
        name = self._setup.teacher.name
        said = f"{name}: no reply in {job.tries} tries, the last at {server.url} ({failure})"
        limit = self._setup.sampling.max_tokens
        self._deliver(job.ask, Reply("", "error", max_tokens=limit, error=said))

    def _nobody(self, job: Job, server: Server, failure: Passing) -> TeacherUnavailable:
        return TeacherUnavailable(
            f"teacher {self._setup.teacher.name}: no reply after {job.tries} tries, the last one at"
            f" {server.url} ({failure}); {REMEDY}"
        )


def _texts(request: Mapping[str, object]) -> list[str]:
    """Return the texts of a request."""
    messages = request.get("messages")
    if isinstance(messages, list):
        return [str(message.get("content", "")) for message in messages]
    return [str(request.get("prompt", ""))]
