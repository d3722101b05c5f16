"""One conversation with the servers: a thread with its own event loop that asks and retries.

Workers, `concurrency` of them for each URL, take asks from one queue, so that a fast server
takes more of them than a slow one and a long answer holds up nothing but its worker. What
comes out of `arrivals` is, in any order::

    (Ask(...), Reply(...))         a reply
    TeacherUnavailable("...")      the end: nothing more will come of asking
    None                           the thread is over

Bounding how much is submitted is the caller's business (pipeline/teacher/openai.py).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event, Thread, current_thread

import httpx

from pipeline.config import Endpoints
from pipeline.errors import BuildError, TeacherUnavailable, Unavailable
from pipeline.recipe import Sampling, Teacher
from pipeline.teacher.base import Ask, Reply
from pipeline.teacher.openai_protocol import (
    Malformed,
    body_of,
    path_of,
    reply_of,
    server_message,
)
from pipeline.teacher.openai_retry import (
    REFUSED,
    Endpoint,
    Pace,
    is_passing,
    remedy,
    retry_after,
    wait_for,
)

Arrival = tuple[Ask, Reply] | BuildError | None
# Cancelling takes milliseconds; only a name look-up, which cannot be cancelled, takes longer.
JOIN_S = 2.0


@dataclass(frozen=True, slots=True, repr=False)  # a repr would show the key
class Setup:
    """What a session needs to know; the key is sent, and never shown."""

    teacher: Teacher
    sampling: Sampling
    endpoints: Endpoints
    urls: tuple[str, ...]
    key: str
    pace: Pace

    def headers(self) -> Mapping[str, str]:
        """Return the headers of every request."""
        own = {"Content-Type": "application/json"}
        return {**own, "Authorization": f"Bearer {self.key}"} if self.key else own

    def hide_key(self, text: str) -> str:
        """Return a server's text without the key, which some servers repeat in errors."""
        return text.replace(self.key, "[key]") if self.key else text


@dataclass(slots=True)
class Job:
    """An ask on its way, and how often it was tried in vain."""

    ask: Ask
    tries: int = 0


class Passing(Exception):
    """No reply this time, in a way that may pass; `wait_s` is what the server asks for."""

    def __init__(self, what: str, wait_s: float | None = None) -> None:
        super().__init__(what)
        self.wait_s = wait_s


class Session:
    """The thread; `start` it once, `submit` asks, take from `arrivals`, `stop` it."""

    def __init__(self, setup: Setup) -> None:
        self.arrivals: SimpleQueue[Arrival] = SimpleQueue()
        self._setup = setup
        self._endpoints = [Endpoint(url) for url in setup.urls]
        self._ready = Event()
        self._thread = Thread(target=self._run, name="teacher-requests", daemon=True)

    def start(self) -> None:
        """Start the thread and wait until it takes asks."""
        self._thread.start()
        self._ready.wait()

    def submit(self, ask: Ask) -> None:
        """Hand over an ask, from any thread."""
        self._loop.call_soon_threadsafe(self._jobs.put_nowait, Job(ask))

    def stop(self) -> None:
        """Cancel what is in flight and end the thread; what has arrived stays in `arrivals`."""
        if self._thread.ident is None or not self._ready.wait(JOIN_S):
            return
        with suppress(RuntimeError, AttributeError):  # the loop is closed, or never came to be
            self._loop.call_soon_threadsafe(self._halt.set)
        if current_thread() is not self._thread:  # a generator may be collected anywhere
            self._thread.join(JOIN_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self.arrivals.put(None)
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._halt = asyncio.Event()
        self._tls = httpx.create_ssl_context()
        async with asyncio.TaskGroup() as group:
            workers = [
                group.create_task(self._work(endpoint))
                for _ in range(self._setup.endpoints.concurrency)
                for endpoint in self._endpoints  # in turn: idle workers are served in this order
            ]
            self._ready.set()
            await self._halt.wait()
            for worker in workers:
                worker.cancel()

    def _client(self) -> httpx.AsyncClient:
        """Return a client for one worker, and so for one connection.

        httpx's pool looks at every connection for every request: 2,500 replies of 2 s, 500 in
        flight, took 84 s through one client for all and 12 s through one for each worker (on
        2 busy cores; 10 s is what the server allows).
        """
        return httpx.AsyncClient(
            headers=self._setup.headers(),
            timeout=httpx.Timeout(None, connect=self._setup.endpoints.connect_timeout_s),
            verify=self._tls,
        )

    async def _work(self, endpoint: Endpoint) -> None:
        """Ask one thing after the other at an endpoint, as long as it is well."""
        async with self._client() as http:
            while True:
                await self._until_open(endpoint)
                job = await self._jobs.get()
                if self._wait(endpoint):  # it fell ill while this worker was idle
                    self._jobs.put_nowait(job)
                else:
                    await self._take(http, endpoint, job)

    async def _until_open(self, endpoint: Endpoint) -> None:
        while wait := self._wait(endpoint):
            await asyncio.sleep(min(wait, self._setup.pace.first_s))  # the others may fall ill

    def _wait(self, endpoint: Endpoint) -> float:
        return wait_for(endpoint, self._endpoints, self._setup.pace, time.monotonic())

    async def _take(self, http: httpx.AsyncClient, endpoint: Endpoint, job: Job) -> None:
        endpoint.probing = endpoint.is_sick(self._setup.pace)
        try:
            reply = await self._ask(http, endpoint, job.ask)
        except Passing as failure:
            self._again(endpoint, job, failure)
        except BuildError as error:
            self.arrivals.put(error)
        else:
            endpoint.succeeded()
            self.arrivals.put((job.ask, reply))
        finally:
            endpoint.probing = False

    def _again(self, endpoint: Endpoint, job: Job, failure: Passing) -> None:
        """Ask once more after a while, or give up where all retries are spent."""
        job.tries += 1
        settings = self._setup.endpoints
        if failure.wait_s is None:
            endpoint.failed(self._setup.pace, time.monotonic())
        else:  # at most as long as an answer may take
            wait = min(failure.wait_s, settings.timeout_s)
            endpoint.asked_to_wait(wait, time.monotonic())
        if job.tries > settings.retries:
            self.arrivals.put(self._given_up(endpoint, job, failure))
        else:
            self._loop.call_later(self._setup.pace.back_off(job.tries), self._jobs.put_nowait, job)

    def _given_up(self, endpoint: Endpoint, job: Job, failure: Passing) -> TeacherUnavailable:
        return TeacherUnavailable(
            f"teacher {self._setup.teacher.name}: no reply after {job.tries} tries, the last one at"
            f" {endpoint.url} ({failure}); see to the server, or raise runtime.endpoints.retries,"
            " and run again: replies that arrived are kept"
        )

    async def _ask(self, http: httpx.AsyncClient, endpoint: Endpoint, ask: Ask) -> Reply:
        """Send one request and read the answer; raises Passing, Unavailable."""
        answer = await self._post(http, endpoint.url + path_of(ask.request), ask)
        status = answer.status_code
        if status == 200:
            return self._read(answer)
        said = self._setup.hide_key(server_message(answer.content))
        if status in REFUSED:
            limit = self._setup.sampling.max_tokens
            return Reply("", "error", max_tokens=limit, error=f"status {status}: {said}")
        if is_passing(status):
            wait_s = retry_after(answer.headers.get("Retry-After"))
            raise Passing(f"status {status}: {said}", wait_s)
        cure = remedy(status, self._setup.endpoints.api_key_env)
        raise Unavailable(f"{answer.url} answers with status {status}: {said}; {cure}")

    async def _post(self, http: httpx.AsyncClient, url: str, ask: Ask) -> httpx.Response:
        body = json.dumps(body_of(self._setup.teacher, self._setup.sampling, ask))
        limit = self._setup.endpoints.timeout_s
        try:
            async with asyncio.timeout(limit):
                return await http.post(url, content=body.encode("ascii"))
        except TimeoutError:
            raise Passing(f"no answer within {limit:g} s (timeout_s)") from None
        except httpx.RequestError as error:
            raise Passing(f"{type(error).__name__} {error}".strip()) from None

    def _read(self, answer: httpx.Response) -> Reply:
        try:
            return reply_of(answer.content, self._setup.sampling.max_tokens)
        except Malformed as error:
            raise Passing(self._setup.hide_key(str(error))) from None
