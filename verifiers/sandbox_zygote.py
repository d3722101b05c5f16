"""The outside of a zygote: starts it, asks it for children, ends it.

The protocol is in `inside/zygote.py`. A zygote that does not answer, or is gone, raises
`ZygoteLost`, whoever asked; it is of no use any more. Programs can't bring that about: they
neither see nor reach it. `NotStarted` says that a child could not be shut in, and that
nothing of its job has run.

One thread at a time may use a zygote.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from verifiers.sandbox_child import (
    MB,
    PAGE,
    SIZE,
    TEARDOWN_SECONDS,
    Child,
    Exit,
    Order,
    ZygoteLost,
    pages_of,
    pid_of,
    readable,
)
from verifiers.sandbox_files import Ground

# A zygote starts in 0.2 s, a child in a millisecond; a guess for a crowded machine.
START_SECONDS = 30.0
GOODBYE_SECONDS = 2.0
# Where /proc hides a zygote's size: more than any has (106 MiB with numpy).
UNKNOWN_MB = 256
MAX_MESSAGE, MAX_FDS = 4096, 4


class NotStarted(Exception):
    """A child could not be shut in; nothing of its job has run."""


class Launched:
    """A process that was started to be a zygote, and what it prints about itself."""

    def __init__(self, command: Sequence[str], control: socket.socket, env: dict[str, str]) -> None:
        self._errors = os.memfd_create("errors")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            pass_fds=(control.fileno(),),
            env=env,
            cwd="/",
            process_group=0,
        )

    def errors(self) -> str:
        """Return the end of what it printed."""
        size = os.fstat(self._errors).st_size
        return os.pread(self._errors, 2000, max(size - 2000, 0)).decode("utf-8", "replace").strip()

    def end(self, seconds: float) -> None:
        """Wait until it has ended by itself, and kill it after so many seconds."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def close(self) -> None:
        """Give back the descriptor."""
        os.close(self._errors)


class Companion(Protocol):
    """A child that stays with a zygote from one lease to the next."""

    @property
    def pid(self) -> int:
        """Its first process here, 0 where that is gone."""

    def close(self) -> None:
        """End it."""


class Zygote:
    """A warm process that forks children; `ground` is there where their files lie on disk."""

    def __init__(
        self, tier: int, launched: Launched, control: socket.socket, ground: Ground | None
    ) -> None:
        self.tier = tier
        self._launched, self._control, self._ground = launched, control, ground
        self._before = {"processes_before": 0 if ground is None else ground.processes_before()}
        self._children: dict[int, Child] = {}
        self._nothing = os.open("/dev/null", os.O_RDONLY)
        self._pidfd = -1
        self._asking = False
        self._cpu = -1
        self.companion: Companion | None = None
        self.lost = False
        self.started = 0

    @property
    def pid(self) -> int:
        """Its process here, 0 where that is gone."""
        return pid_of(self._pidfd)

    @property
    def is_free(self) -> bool:
        """Whether it is there, and has nothing to do."""
        busy = len(self._children) > (self.companion is not None)
        return not (self.lost or self._asking or busy or readable(self._pidfd, 0))

    @property
    def control(self) -> int:
        """The descriptor on which there is something to `take`."""
        return self._control.fileno()

    def greet(self) -> None:
        """Wait until it is there; raises ZygoteLost."""
        self._pidfd = self._receive(START_SECONDS)[1][0]
        pid = self.pid
        size = pages_of(pid, SIZE) * PAGE // MB + 1
        self._before["memory_before_mb"] = size if size > 1 else UNKNOWN_MB
        with contextlib.suppress(OSError):  # whoever eats up the memory goes first
            Path(f"/proc/{pid}/oom_score_adj").write_text("1000")

    def run_on(self, cpu: int) -> None:
        """Have it, and what it starts from now on, run on one processor."""
        if cpu == self._cpu:
            return
        self._cpu = cpu
        for pid in (self.pid, self.companion.pid if self.companion else 0):
            with contextlib.suppress(OSError):  # gone, or bound elsewhere by whoever runs this
                if pid:
                    os.sched_setaffinity(pid, {cpu})

    def start(self, *orders: Order) -> list[Child]:
        """Start children and return once they are shut in, their jobs still unread.

        Raises NotStarted or ZygoteLost, and then none of them runs.
        """
        self.started += len(orders)
        children: list[Child] = []
        theirs: list[int] = []
        try:
            request, fds = self._request(orders, children, theirs)
            pidfds = self._ask(request, fds)
        except BaseException:
            for child in children:
                child.clear()
            raise
        finally:
            for fd in theirs:
                os.close(fd)
        for child, pidfd in zip(children, pidfds, strict=True):
            child.pidfd = pidfd
            self._children[id(child)] = child
        return children

    def _request(
        self, orders: Sequence[Order], children: list[Child], theirs: list[int]
    ) -> tuple[list[Any], list[int]]:
        """Return what is asked for; fills in children, and pipes to close here after that."""
        request: list[Any] = []
        fds: list[int] = []
        for order in orders:
            folder = None if self._ground is None else self._ground.folder()
            child = Child(self, order.reports, folder)
            children.append(child)
            pipes = [child.pipe() for _ in range(1 + order.reports)]
            theirs += pipes
            stdin = self._nothing if order.stdin is None else order.stdin
            given = (order.job, stdin, pipes[0], pipes[-1], *order.fds)
            limits = {**order.limits.most, **self._before, "folder": str(folder or "/tmp")}
            request.append([order.role, id(child) if order.reports else None, limits, len(given)])
            fds += given
        return request, fds

    def _ask(self, request: list[Any], fds: list[int]) -> list[int]:
        """Send a request and return the pidfds of its children; raises NotStarted or ZygoteLost."""
        self._asking = True
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], fds)
        except OSError as error:
            raise self._lose(str(error)) from error
        message, given = self._receive(START_SECONDS)
        while message[0] == "ended":
            self._note_end(message)
            message, given = self._receive(START_SECONDS)
        self._asking = False
        if message[0] == "failed":
            raise NotStarted(message[1])
        return given

    def take(self) -> None:
        """Take the next message, which is there already: a child has ended."""
        self._note_end(self._receive(0)[0])

    def wait_for(self, child: Child) -> None:
        """Wait for the report on a child that was killed; raises ZygoteLost."""
        deadline = time.monotonic() + TEARDOWN_SECONDS
        while child.exit is None:
            self._note_end(self._receive(deadline - time.monotonic())[0])

    def _note_end(self, message: list[Any]) -> None:
        _, number, *how = message
        self._children[number].exit = Exit(*how)

    def forget(self, child: Child) -> None:
        """Take a child off the list of those that run."""
        self._children.pop(id(child), None)

    def _receive(self, seconds: float) -> tuple[list[Any], list[int]]:
        """Wait for a message; raises ZygoteLost."""
        if self.lost or not readable(self.control, seconds):
            raise self._lose("no answer")
        try:
            data, fds, _, _ = socket.recv_fds(self._control, MAX_MESSAGE, MAX_FDS)
        except OSError as error:
            raise self._lose(str(error)) from error
        if not data:
            raise self._lose("it ended")
        return json.loads(data), fds

    def _lose(self, why: str) -> ZygoteLost:
        """Give it up: end it at once, and whatever it had started."""
        if not self.lost:
            self.lost = True
            self._launched.end(0)
            for child in self._children.values():
                child.signal()
                readable(child.pidfd, TEARDOWN_SECONDS)
        return ZygoteLost(f"{why}: {self._launched.errors()}".removesuffix(": "))

    def close(self) -> None:
        """End it; nothing that it started is left afterwards."""
        if self.companion is not None:
            self.companion.close()
        self._control.close()
        if not self.lost:
            self.lost = True
            self._launched.end(GOODBYE_SECONDS)
        if self._pidfd >= 0:
            readable(self._pidfd, TEARDOWN_SECONDS)
            os.close(self._pidfd)
        os.close(self._nothing)
        self._launched.close()
