"""A pool of persistent worker processes that can be killed, for work that may never end.

Items go in, replies come out in the same order, a bounded number in flight::

    with Pool("verifiers.equality.compare:judge", workers=2, deadline_s=1.0) as pool:
        for reply in pool.map(pairs):
            print(reply.value if reply.failure is None else reply.failure)

An item whose worker is late, dies or runs out of memory is tried once more, alone, in a
fresh worker; then its reply carries the failure. Deadlines start when a worker picks the
item up, never while it imports. Workers ignore Ctrl-C and die with their parent.

Workers are fresh interpreters (never forks) that import the target by name, so the
parent may hold threads and models, and its `__main__` is never imported again. Nothing
here is a sandbox: a target that runs code of others needs one.
"""

from __future__ import annotations

import os
import pickle
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from verifiers.pool_dispatch import Dispatcher, Limits
from verifiers.pool_process import Job, Settings

Out_co = TypeVar("Out_co", covariant=True)


class PoolError(RuntimeError):
    """The pool can't work: its target can't be loaded, its workers can't start, or it is closed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one item.

    `failure` is None, or `timeout`, `crashed` (the worker died), `memory`, or `error` (the
    target raised; never retried). `detail` says more, for example `ValueError: …`.
    `seconds` is the wall time of all attempts in the worker.
    """

    value: Any
    failure: str | None
    detail: str
    seconds: float
    attempts: int


class Pool:
    """Worker processes for one target; safe to use from several threads at once.

    `target` is "module:function" or a picklable callable of an importable module.
    `deadline_s` is for one item and one attempt. `memory_mb` bounds a worker's address
    space. A worker is replaced after `recycle_after` items. `window` is how many items
    `map` takes ahead of the oldest reply it still owes (default: 64 for each worker).
    `startup_s` is how long a worker may take to import the target.
    """

    def __init__(
        self,
        target: str | Callable[[Any], Any],
        workers: int = 2,
        *,
        deadline_s: float = 5.0,
        memory_mb: int = 2048,
        recycle_after: int = 5000,
        window: int | None = None,
        startup_s: float = 120.0,
    ) -> None:
        self.window = 64 * workers if window is None else window
        for name, value in {
            "workers": workers,
            "recycle_after": recycle_after,
            "memory_mb": memory_mb,
            "window": self.window,
        }.items():
            if value < 1:
                raise ValueError(f"{name}: expected at least 1, got {value}")
        for name, seconds in {"deadline_s": deadline_s, "startup_s": startup_s}.items():
            if not seconds > 0:
                raise ValueError(f"{name}: expected more than 0 seconds, got {seconds}")
        settings = Settings(portable(target), memory_mb)
        self._pid = os.getpid()
        self._dispatcher = Dispatcher(
            settings, Limits(workers, deadline_s, recycle_after, startup_s)
        )
        self._dispatcher.start()
        self._finalizer = weakref.finalize(self, self._dispatcher.stop)

    def submit(self, item: Any) -> Ticket:
        """Hand over one item without waiting; raises PoolError where the pool is closed.

        Nothing bounds how many are handed over: `map` does, with its window.
        """
        if os.getpid() != self._pid:
            raise PoolError("this pool belongs to the process that forked this one: make another")
        job = Job(pickle.dumps(item, pickle.HIGHEST_PROTOCOL))
        if not self._dispatcher.submit(job):
            raise PoolError(self._dispatcher.error or "the pool is closed")
        return Ticket(job, self._dispatcher)

    def map(self, items: Iterable[Any]) -> Iterator[Reply]:
        """Yield one reply for each item, in order; items are taken as they are needed.

        Raises PoolError where no worker can be started or the pool is closed meanwhile.
        """
        return in_order(map(self.submit, items), self.window)

    def pids(self) -> tuple[int, ...]:
        """Return the process ids of the workers alive at the moment."""
        return self._dispatcher.pids()

    def close(self) -> None:
        """Kill the workers and wait until they are gone; may be called twice."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Ticket:
    """An item that was handed to a pool, and in time its reply."""

    __slots__ = ("_dispatcher", "_job")

    def __init__(self, job: Job, dispatcher: Dispatcher) -> None:
        self._job, self._dispatcher = job, dispatcher

    @property
    def done(self) -> bool:
        """Whether `result()` returns at once."""
        return self._job.done

    def cancel(self) -> None:
        """Give up on the reply; an item that has not begun never will."""
        self._job.cancelled = True

    def result(self) -> Reply:
        """Wait for the reply; raises PoolError where the pool ended before."""
        job = self._job
        job.wait()
        if job.failure == "lost":
            raise PoolError(self._dispatcher.error or "the pool was closed")
        if job.failure is None:
            return Reply(pickle.loads(job.body), None, "", job.seconds, job.attempts)
        return Reply(None, job.failure, job.body.decode(), job.seconds, job.attempts)


class Awaited(Protocol[Out_co]):
    """Something with a result to wait for: a `Ticket`, or what stands for one."""

    @property
    def done(self) -> bool:
        """Whether `result()` returns at once."""

    def cancel(self) -> None:
        """Give up on the result."""

    def result(self) -> Out_co:
        """Wait for the result."""


def in_order(tickets: Iterable[Awaited[Out_co]], window: int) -> Iterator[Out_co]:
    """Yield the results of tickets in order, taking at most `window` ahead of the oldest.

    What is left when the iterator is given up is cancelled.
    """
    waiting: deque[Awaited[Out_co]] = deque()
    try:
        for ticket in tickets:
            waiting.append(ticket)
            while waiting and (waiting[0].done or len(waiting) >= window):
                yield waiting[0].result()
                waiting.popleft()
        while waiting:
            yield waiting[0].result()
            waiting.popleft()
    finally:
        for ticket in waiting:
            ticket.cancel()


def portable(target: str | Callable[[Any], Any]) -> str | bytes:
    """Return a target in a form that another interpreter can load; raises TypeError."""
    if isinstance(target, str):
        module, _, name = target.partition(":")
        if not (module and name):
            raise TypeError(f"target: expected 'module:function', got {target!r}")
        return target
    if getattr(target, "__module__", None) == "__main__":
        raise TypeError(
            "target: a function of __main__ can't be imported by a worker: move it to a module"
        )
    try:
        return pickle.dumps(target)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(f"target: can't be pickled ({error}): name it 'module:function'") from error
