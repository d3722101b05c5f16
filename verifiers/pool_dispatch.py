"""The thread that owns a pool's workers: hands out jobs, keeps deadlines, replaces the dead.

It is a thread of its own for two reasons. A deadline holds also while nobody asks for
the next result; and on Linux a worker is killed when the *thread* that started it ends,
so workers must not be children of a thread that a caller may let go.

Jobs that a dead worker held and had not begun go back to the head of the queue. The
one that ran is tried once more, alone, by a worker that has done nothing else before.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Literal

from verifiers.pool_process import Job, Settings, Worker
from verifiers.pool_worker import Tag

AHEAD_S = 0.02  # how much work a worker holds: covers the parent's reaction time of 1 to 5 ms
BATCH = 64  # most items in a batch: with 1 ms and more an item AHEAD_S decides
SMOOTHING = 0.1  # weight of the newest item in the mean time of an item; a guess
STILLBORN = 3  # so many workers in a row that die before they are ready break the pool
ATTEMPTS = 2
REAP_S = 0.05

Failure = Literal["timeout", "crashed", "memory", "error", "lost"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many workers, and what they may take: times in seconds, `recycle_after` in items."""

    workers: int
    deadline_s: float
    recycle_after: int
    startup_s: float


class Dispatcher(threading.Thread):
    """Runs until `stop()` or until no worker can be started; then all jobs are lost."""

    def __init__(self, settings: Settings, limits: Limits) -> None:
        super().__init__(name="verifiers-pool", daemon=True)
        self._settings, self._limits = settings, limits
        self._lock = threading.Lock()
        self._pending: deque[Job] = deque()
        self._solo: deque[Job] = deque()
        self._workers: list[Worker] = []
        self._dying: list[subprocess.Popen[bytes]] = []
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._hungry = self._stopping = False
        self._ended = False
        self._stillborn = 0
        self._mean_s = AHEAD_S
        self.error: str | None = None

    # Called from other threads

    def submit(self, job: Job) -> bool:
        """Queue a job; False where the dispatcher has ended."""
        with self._lock:
            if self._ended:
                return False
            self._pending.append(job)
            if self._hungry:
                self._hungry = False
                self._wake()
        return True

    def stop(self) -> None:
        """Kill all workers and end; returns when they are gone."""
        with self._lock:
            if not self._ended:
                self._stopping = True
                self._wake()
        if threading.current_thread() is not self:  # the garbage collector may call from there
            self.join()

    def pids(self) -> tuple[int, ...]:
        """Return the process ids of the workers alive at the moment."""
        return tuple(worker.process.pid for worker in list(self._workers))

    def _wake(self) -> None:
        os.write(self._wake_write, b"x")

    # The thread itself

    def run(self) -> None:
        """Serve until stopped; whatever ends it, no job is left waiting and no process alive."""
        try:
            while not self._stopping and self.error is None:
                self._turn()
        finally:
            self._end()

    def _turn(self) -> None:
        self._replace_workers()
        self._hungry = True
        for worker in self._workers:
            self._feed(worker)
        if self._pending:  # nobody has room: the next reply wakes this thread, not the next job
            self._hungry = False
        for key, events in self._selector.select(self._patience()):
            if key.data is None:
                os.read(self._wake_read, 4096)
            elif key.data in self._workers:
                self._attend(key.data, events)
        self._keep_deadlines()
        self._reap()

    def _replace_workers(self) -> None:
        if not (self._workers or self._pending or self._solo):
            return  # nothing is started before there is something to do
        while len(self._workers) < self._limits.workers:
            try:
                worker = Worker(self._settings)
            except OSError as error:
                self.error = f"no process can be started: {error}"
                return
            self._workers.append(worker)
            self._selector.register(worker.stdout, selectors.EVENT_READ, worker)
            self._watch_output(worker)

    def _watch_output(self, worker: Worker) -> None:
        watched = worker.stdin in self._selector.get_map()
        if worker.outbox and not watched:
            self._selector.register(worker.stdin, selectors.EVENT_WRITE, worker)
        elif watched and not worker.outbox:
            self._selector.unregister(worker.stdin)

    # Handing out

    def _feed(self, worker: Worker) -> None:
        jobs = self._take_for(worker)
        if jobs:
            worker.send(jobs)
            self._watch_output(worker)

    def _take_for(self, worker: Worker) -> list[Job]:
        if not worker.ready or worker.solo or worker.retired:
            return []
        if worker.served == 0 and not worker.batches and (job := self._take_solo()):
            worker.solo = True
            return [job]
        return self._take(self._room(worker))

    def _take_solo(self) -> Job | None:
        while self._solo:
            job = self._solo.popleft()
            if not job.cancelled:
                return job
        return None

    def _room(self, worker: Worker) -> int:
        """Return how many more jobs a worker should hold: AHEAD_S of work, fairly shared."""
        held = worker.outstanding
        ahead = max(1, min(BATCH, int(AHEAD_S / self._mean_s)))
        if held > ahead // 2 or worker.served + held >= self._limits.recycle_after:
            return 0
        share = -(-len(self._pending) // self._limits.workers)
        left = self._limits.recycle_after - worker.served - held
        return min(ahead - held, share, left)

    def _take(self, count: int) -> list[Job]:
        jobs: list[Job] = []
        while self._pending and len(jobs) < count:
            job = self._pending.popleft()
            if not job.cancelled:
                jobs.append(job)
        return jobs

    # Listening

    def _attend(self, worker: Worker, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            worker.flush()
            self._watch_output(worker)
        if events & selectors.EVENT_READ:
            replies = worker.receive()
            if replies is None:
                self._buried(worker)
                return
            for tag, seconds, body in replies:
                self._reply(worker, tag, seconds, body)

    def _reply(self, worker: Worker, tag: Tag, seconds: float, body: bytes) -> None:
        if tag == Tag.READY:
            worker.ready, self._stillborn = True, 0
        elif tag == Tag.START:
            worker.started()
        elif tag == Tag.BROKEN:
            self.error = f"the target can't be loaded: {body.decode()}"
        elif not worker.retired:
            self._outcome(worker, worker.finished(), tag, seconds, body)

    def _outcome(self, worker: Worker, job: Job, tag: Tag, seconds: float, body: bytes) -> None:
        self._mean_s += SMOOTHING * (seconds - self._mean_s)
        if tag == Tag.MEMORY:
            self._remove(worker)
            self._failed(job, "memory", body.decode(), seconds)
        elif seconds > self._limits.deadline_s:
            # It ended before this thread looked: what counts is the time, not the luck.
            self._remove(worker)
            self._failed(job, "timeout", self._late(), seconds)
        else:
            job.seconds += seconds
            job.attempts += 1
            job.finish("error" if tag == Tag.ERROR else None, body)
            if worker.served >= self._limits.recycle_after:
                self._remove(worker)

    # Ends of workers and jobs

    def _failed(self, job: Job, failure: Failure, detail: str, seconds: float) -> None:
        job.seconds += seconds
        job.attempts += 1
        if job.attempts < ATTEMPTS and not job.cancelled:
            self._solo.append(job)
        else:
            job.finish(failure, detail.encode())

    def _buried(self, worker: Worker) -> None:
        """Deal with a worker that closed its stdout of its own accord."""
        words = worker.last_words()
        if not worker.ready:
            self._count_stillborn(words)
        running = worker.leftovers()
        if running:  # where none was picked up, the first one is suspected all the same
            job = running.pop(0)
            self._failed(job, "crashed", words, time.monotonic() - worker.since)
        self._pending.extendleft(reversed(running))
        self._remove(worker)

    def _count_stillborn(self, words: str) -> None:
        self._stillborn += 1
        if self._stillborn >= STILLBORN:
            self.error = f"{STILLBORN} workers in a row died while starting; the last one {words}"

    def _remove(self, worker: Worker) -> None:
        """Kill a worker; what it had not begun goes back to the head of the queue."""
        self._pending.extendleft(reversed(worker.leftovers()))
        self._selector.unregister(worker.stdout)
        if worker.stdin in self._selector.get_map():
            self._selector.unregister(worker.stdin)
        worker.retired = True
        self._workers.remove(worker)
        worker.kill()
        self._dying.append(worker.process)

    # Time

    def _late(self) -> str:
        return f"no answer within {self._limits.deadline_s:g} s"

    def _allowance(self, worker: Worker) -> float | None:
        """Return how long a worker may stay silent, counted from `since`; None for ever."""
        if not worker.ready:
            return self._limits.startup_s
        if worker.running:
            return self._limits.deadline_s
        return self._limits.startup_s if worker.batches else None

    def _patience(self) -> float | None:
        now = time.monotonic()
        waits = [REAP_S] if self._dying else []
        for worker in self._workers:
            allowance = self._allowance(worker)
            if allowance is not None:
                waits.append(max(0.0, worker.since + allowance - now))
        return min(waits, default=None)

    def _keep_deadlines(self) -> None:
        now = time.monotonic()
        for worker in list(self._workers):
            allowance = self._allowance(worker)
            if allowance is not None and now - worker.since > allowance:
                self._overdue(worker, now - worker.since)

    def _overdue(self, worker: Worker, seconds: float) -> None:
        if not worker.ready:
            self._count_stillborn("took too long")
        elif worker.running:
            job = worker.batches[0].popleft()
            self._failed(job, "timeout", self._late(), seconds)
        self._remove(worker)

    def _reap(self) -> None:
        self._dying = [process for process in self._dying if process.poll() is None]

    def _end(self) -> None:
        with self._lock:
            self._ended = True
        for worker in list(self._workers):
            self._remove(worker)
        for process in self._dying:
            process.wait()
        for job in (*self._pending, *self._solo):
            job.finish("lost", b"")
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
