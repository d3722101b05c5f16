"""Listens to sandboxed processes until they are done, and ends them at a limit.

Messages are those of `verifiers/inside/`, for example ``["begin", 0, "assert"]``.
`Halt` carries the outcome of a limit that was reached: `time_limit`, `memory_limit`,
`output_limit`, or `gone` when the reporting process ended without saying that it is done.
"""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

from verifiers.inside.frames import BrokenChannel, FrameBuffer, TooLarge
from verifiers.sandbox import Child, Limits

# 30 ms on an idle machine; a guess for a crowded one.
START_SECONDS = 30.0
# How often the memory of all processes is added up: 32 of them touching memory at full
# speed take up about 2 GB in that time on two cores. Short programs never pay for it.
LOOK_SECONDS = 0.25
KEPT_TEXT = 2_000
# A report names one test and a few short excerpts.
MAX_REPORT = 256 * 1024


class Halt(Exception):
    """A limit was reached, or the report ended."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Stopped(Exception):
    """Whoever wanted the answer does not want it any more."""


class Conversation:
    """A report to read, processes to watch, and a deadline that the reader moves."""

    def __init__(
        self, children: list[Child], report: int, limits: Limits, stopped: threading.Event
    ) -> None:
        self._stopped = stopped
        self._children, self._report, self._limits = children, report, limits
        self._buffer = FrameBuffer(MAX_REPORT, limits.output_bytes)
        self._printed: dict[int, int] = {}
        self._text = b""
        self._deadline = time.monotonic() + START_SECONDS
        self._next_look = time.monotonic() + LOOK_SECONDS
        self._done = False
        self._place: Any = None
        self.ready = False
        self.output = b""

    def allow(self, seconds: float) -> None:
        """Give the processes so much time from now."""
        self._deadline = time.monotonic() + seconds

    def place(self, sources: int) -> int:
        """Return the place of the source that was taken."""
        return self._place if type(self._place) is int and 0 <= self._place < sources else 0

    def text(self) -> str:
        """Return the beginning of what the processes printed."""
        return self._text.decode("utf-8", "replace").strip()

    def messages(self) -> Iterator[list[Any]]:
        """Yield messages until the one that says done; raises Halt."""
        self._printed = {child.output: 0 for child in self._children}
        with selectors.DefaultSelector() as selector:
            for fd in (self._report, *self._printed):
                os.set_blocking(fd, False)
                selector.register(fd, selectors.EVENT_READ)
            while not self._done:
                self._look_at_limits()
                wait = min(self._deadline - time.monotonic(), LOOK_SECONDS)
                for key, _ in selector.select(max(wait, 0)):
                    yield from self._read(selector, key.fd)

    def _look_at_limits(self) -> None:
        now = time.monotonic()
        if self._stopped.is_set():
            raise Stopped("the verifier was closed while this ran")
        if now > self._deadline:
            raise Halt("time_limit")
        if now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            if self.ready and self._children[-1].resident_mb() > self._limits.memory_mb:
                raise Halt("memory_limit")

    def _read(self, selector: selectors.BaseSelector, fd: int) -> Iterator[list[Any]]:
        try:
            data = os.read(fd, 1 << 18)
        except BlockingIOError:
            return
        if fd == self._report:
            yield from self._parse(data)
        elif data:
            self._count(fd, data)
        else:
            selector.unregister(fd)

    def _parse(self, data: bytes) -> Iterator[list[Any]]:
        if not data:
            raise Halt("gone")
        try:
            messages = self._buffer.feed(data)
        except TooLarge:
            raise Halt("output_limit") from None
        except BrokenChannel:
            raise Halt("runtime_error") from None
        for message in messages:
            if type(message) is bytes:
                self.output = message
                continue
            if type(message) is not list or not message:
                raise Halt("runtime_error")
            self.ready = self.ready or message[0] == "ready"
            if message[0] == "chosen" and self._place is None:
                self._place = message[-1]
            self._done = message[0] in ("done", "broken", "failed")
            yield message

    def _count(self, fd: int, data: bytes) -> None:
        self._text = (self._text + data)[:KEPT_TEXT]
        self._printed[fd] += len(data)
        if self._printed[fd] > self._limits.output_bytes:
            raise Halt("output_limit")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for child in self._children:
            child.kill()
        os.close(self._report)
