"""Listens to sandboxed children until they are done, and ends them at a limit.

`Watch` waits on what children print, on the tests' report and on the zygote, all at once.
`Halt` carries the outcome of a limit that was reached: `time_limit`, `memory_limit`,
`output_limit`, `disk_limit`, `runtime_error` for a broken report, or `gone` when the reporting
process ended without saying that it is done.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import threading
import time
from collections.abc import Iterator
from typing import Any, Self

from verifiers.inside.frames import BrokenChannel, FrameBuffer, TooLarge
from verifiers.sandbox_child import Child, Limits
from verifiers.sandbox_files import size_mb
from verifiers.sandbox_zygote import Zygote

# 1 ms on an idle machine; a guess for a crowded one.
START_SECONDS = 30.0
# How often memory and disk are added up: 32 processes touching memory at full speed take up
# about 2 GB in that time on two cores. Short programs never pay for it.
LOOK_SECONDS = 0.25
KEPT_TEXT = 2_000
# A report names one test and a few short excerpts.
MAX_REPORT = 256 * 1024


class Halt(Exception):
    """A limit was reached, or the report ended."""

    def __init__(self, outcome: str, text: str = "") -> None:
        super().__init__(outcome)
        self.outcome, self.text = outcome, text


class Stopped(Exception):
    """Whoever wanted the answer does not want it any more."""


class Stream:
    """What comes out of one descriptor: all of it up to a cap, or only its beginning."""

    def __init__(self, cap: int, kept: int) -> None:
        self._cap, self._kept = cap, kept
        self.data = bytearray()
        self.size = 0

    def feed(self, part: bytes) -> None:
        """Take what was read; raises Halt beyond the cap."""
        self.size += len(part)
        self.data += part[: self._kept - len(self.data)]
        if self.size > self._cap:
            raise Halt("output_limit")

    def text(self) -> str:
        """Return what was kept as text."""
        return self.data.decode("utf-8", "replace")


class Watch:
    """Children of one zygote, their outputs, and a deadline that can be moved.

    Limits on memory and disk are the last child's: the program's. All children are gone
    when the context ends.
    """

    def __init__(self, zygote: Zygote, limits: Limits, stopped: threading.Event) -> None:
        self._zygote, self._limits, self._stopped = zygote, limits, stopped
        self.children: list[Child] = []
        self._streams: dict[int, Stream] = {}
        self._poll = select.poll()
        self._poll.register(zygote.control, select.POLLIN)
        self._deadline = time.monotonic() + START_SECONDS
        self._next_look = time.monotonic() + LOOK_SECONDS

    def add(self, child: Child, *streams: Stream) -> None:
        """Watch a child, with a stream for each of its outputs."""
        self.children.append(child)
        for fd, stream in zip(child.outputs, streams, strict=True):
            self.collect(fd, stream)

    def collect(self, fd: int, stream: Stream) -> None:
        """Have a stream take what comes out of a descriptor."""
        self.listen(fd)
        self._streams[fd] = stream

    def listen(self, fd: int) -> None:
        """Wait for a descriptor of the caller's, too."""
        os.set_blocking(fd, False)
        self._poll.register(fd, select.POLLIN)

    def allow(self, seconds: float) -> None:
        """Give the children so much time from now."""
        self._deadline = time.monotonic() + seconds

    def wait(self) -> Iterator[int]:
        """Wait for something to happen, once; yields the caller's descriptors that are ready.

        Raises Halt at a limit, Stopped, or ZygoteLost.
        """
        self._look_at_limits()
        seconds = max(min(self._deadline - time.monotonic(), LOOK_SECONDS), 0)
        ready = [fd for fd, _ in self._poll.poll(math.ceil(seconds * 1000))]
        for fd in ready:
            if fd in self._streams:
                self._read(fd)
            elif fd != self._zygote.control:
                yield fd
        if self._zygote.control in ready:
            self._zygote.take()

    def drain(self) -> None:
        """Read what is left in the outputs of children that are gone."""
        for fd in tuple(self._streams):
            while self._read(fd):
                pass

    def _look_at_limits(self) -> None:
        now = time.monotonic()
        if self._stopped.is_set():
            raise Stopped("the verifier was closed while this ran")
        if now > self._deadline:
            raise Halt("time_limit")
        if now >= self._next_look and self.children:
            self._next_look = now + LOOK_SECONDS
            self._look_at_sizes(self.children[-1])

    def _look_at_sizes(self, child: Child) -> None:
        if child.resident_mb() > self._limits.memory_mb:
            raise Halt("memory_limit")
        if child.folder is not None and size_mb(child.folder) > self._limits.tmp_mb:
            raise Halt("disk_limit", "No space left on device")

    def _read(self, fd: int) -> bool:
        """Read what is there; says whether there may be more."""
        try:
            part = os.read(fd, 1 << 18)
        except BlockingIOError:
            return False
        if part:
            self._streams[fd].feed(part)
        else:
            self._poll.unregister(fd)
            del self._streams[fd]
        return bool(part)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            child.kill()


class Report:
    """The messages of the tests' process, read from a pipe; whatever is wrong with them, halts."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._buffer = FrameBuffer(MAX_REPORT)
        self.ready = False

    def messages(self, watch: Watch) -> Iterator[list[Any]]:
        """Yield messages until the one that says done; raises what `Watch.wait` raises."""
        watch.listen(self._fd)
        done = False
        while not done:
            for _ in watch.wait():
                for message in self._read():
                    self.ready = self.ready or message[0] == "ready"
                    done = message[0] in ("done", "broken", "failed")
                    yield message

    def _read(self) -> list[list[Any]]:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._fd, 1 << 18)
            if not data:
                raise Halt("gone")
            return self._parse(data)
        return []

    def _parse(self, data: bytes) -> list[list[Any]]:
        try:
            messages = self._buffer.feed(data)
        except TooLarge:
            raise Halt("output_limit") from None
        except BrokenChannel:
            raise Halt("runtime_error") from None
        if not all(type(message) is list and message for message in messages):
            raise Halt("runtime_error")
        return messages
