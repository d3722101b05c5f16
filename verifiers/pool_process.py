"""One worker process as its parent sees it: started, fed, read and killed.

A worker holds batches of jobs; the first job of the first batch is the one that runs.
Pipes are non-blocking, so that a worker that doesn't read can't hold up its parent.

Nothing here is safe to call from two threads: `verifiers.pool_dispatch` owns all workers.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from queue import SimpleQueue

from verifiers.pool_worker import REPLY, Tag, frame

# The parent's import path goes along as arguments: its `__main__` is never imported.
BOOT = "import sys; sys.path[:] = sys.argv[1:]; from verifiers.pool_worker import main; main()"
# One worker is one core; a fixed hash seed makes the order of sets the same in every run.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
READ_BYTES = 1 << 18


class Job:
    """One item on its way: `payload` goes in; `failure`, `body` and `seconds` come out."""

    __slots__ = (
        "_signal",
        "attempts",
        "body",
        "cancelled",
        "done",
        "failure",
        "payload",
        "seconds",
    )

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self._signal: SimpleQueue[None] = SimpleQueue()
        self.done = False
        self.cancelled = False
        self.failure: str | None = None
        self.body = b""
        self.seconds = 0.0
        self.attempts = 0

    def finish(self, failure: str | None, body: bytes) -> None:
        """Store the outcome and wake whoever waits for it."""
        self.failure, self.body, self.done = failure, body, True
        self._signal.put(None)

    def wait(self) -> None:
        """Return when the job is finished."""
        while not self.done:
            self._signal.get()


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker is started with; `target` is `module:function` or a pickled callable."""

    target: str | bytes
    memory_mb: int

    def start(self) -> subprocess.Popen[bytes]:
        """Start a process; it reads its settings from its stdin."""
        return subprocess.Popen(
            [sys.executable, "-c", BOOT, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, **ENVIRONMENT},
        )

    def first_frame(self) -> bytes:
        """Return the frame that tells a worker what it is to do."""
        fields = {"target": self.target, "memory_mb": self.memory_mb, "parent": os.getpid()}
        return frame(pickle.dumps(fields))


class Worker:
    """A worker process; `since` is when it was born, or when its running job was picked up."""

    def __init__(self, settings: Settings) -> None:
        self.process = settings.start()
        assert self.process.stdin and self.process.stdout
        self.stdin, self.stdout = self.process.stdin.fileno(), self.process.stdout.fileno()
        os.set_blocking(self.stdin, False)
        os.set_blocking(self.stdout, False)
        self.batches: deque[deque[Job]] = deque()
        self.ready = self.running = self.solo = self.retired = False
        self.served = 0
        self.since = time.monotonic()
        self._inbox = bytearray()
        self.outbox = bytearray(settings.first_frame())
        self.flush()

    @property
    def outstanding(self) -> int:
        """How many jobs it holds."""
        return sum(map(len, self.batches))

    def send(self, jobs: list[Job]) -> None:
        """Hand it a batch."""
        if not self.batches:
            self.since = time.monotonic()
        self.batches.append(deque(jobs))
        self.outbox += frame(pickle.dumps([job.payload for job in jobs], pickle.HIGHEST_PROTOCOL))
        self.flush()

    def flush(self) -> None:
        """Write as much as the pipe takes; a broken pipe shows on the reading side."""
        try:
            while self.outbox:
                del self.outbox[: os.write(self.stdin, self.outbox)]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.outbox.clear()

    def receive(self) -> Iterator[tuple[Tag, float, bytes]] | None:
        """Return the replies that have arrived, or None at the end of the stream."""
        try:
            data = os.read(self.stdout, READ_BYTES)
        except BlockingIOError:
            return iter(())
        self._inbox += data
        return self._replies() if data else None

    def _replies(self) -> Iterator[tuple[Tag, float, bytes]]:
        while len(self._inbox) >= REPLY.size:
            length, tag, seconds = REPLY.unpack_from(self._inbox)
            end = REPLY.size + length
            if len(self._inbox) < end:
                return
            body = bytes(self._inbox[REPLY.size : end])
            del self._inbox[:end]
            yield Tag(tag), seconds, body

    def started(self) -> None:
        """Note that the first batch was picked up: its first job runs from now on."""
        self.running, self.since = True, time.monotonic()

    def finished(self) -> Job:
        """Take the running job off; the next of its batch runs from now on."""
        job = self.batches[0].popleft()
        self.served += 1
        self.since = time.monotonic()
        if not self.batches[0]:
            self.batches.popleft()
            self.running = self.solo = False
        return job

    def leftovers(self) -> list[Job]:
        """Take all jobs that it holds, the running one first."""
        jobs = [job for batch in self.batches for job in batch]
        self.batches.clear()
        return jobs

    def kill(self) -> None:
        """Send SIGKILL and close the pipes; `process.poll()` tells when it is gone."""
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def last_words(self) -> str:
        """Say how a process ended that has closed its stdout; waits for it, at most a second."""
        try:
            status = self.process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return "closed its output and went on"
        return f"killed by signal {-status}" if status < 0 else f"left with exit status {status}"
