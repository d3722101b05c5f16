"""A sandboxed process as seen from outside: what is asked for, its limits, its end.

::

    with Job({"source": "print(1)"}) as job:
        (child,) = zygote.start(Order("program", job.fd, Limits(), reports=True))
    …                                    # read child.outputs until they are closed
    child.kill()                         # ends all that it started; child.exit is there then
"""

from __future__ import annotations

import contextlib
import json
import operator
import os
import select
import signal
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from verifiers.sandbox_files import remove

if TYPE_CHECKING:
    from verifiers.sandbox_zygote import Zygote

# The kernel takes a millisecond or two to end a namespace; a guess for a crowded machine.
TEARDOWN_SECONDS = 10.0
MB = 1024 * 1024


class ZygoteLost(Exception):
    """The zygote is gone or does not answer, or a child of ours is gone that should not be."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one sandboxed process and all that it starts.

    Origins: memory and time are the contract's defaults; the rest are guesses: 499 of 500
    LeetCode and all HumanEval reference solutions pass with them (the one wants a package
    that was not there).
    """

    memory_mb: int = 1024
    cpu_seconds: int = 60
    file_mb: int = 16
    tmp_mb: int = 64
    processes: int = 32
    open_files: int = 64
    output_bytes: int = 16 * MB

    @property
    def most(self) -> dict[str, int]:
        """The limits by name, as the child gets them."""
        return dict(zip(NAMES, LIMITS(self), strict=True))


NAMES = tuple(field.name for field in fields(Limits))
LIMITS = operator.attrgetter(*NAMES)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended: a negative code is a signal's; CPU time of all it waited for included."""

    code: int
    cpu_ms: int
    peak_mb: int


class Job:
    """A job in memory that only the process which gets its descriptor can read."""

    def __init__(self, job: Any) -> None:
        self.fd = in_memory(json.dumps(job).encode("ascii"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)


def in_memory(data: bytes) -> int:
    """Return a descriptor from which some bytes can be read."""
    fd = os.memfd_create("job")
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


@dataclass(frozen=True, slots=True)
class Order:
    """A child to be started: its role, its job's descriptor, and those of its own.

    With `reports`, its exit is told and its standard error comes apart; else nobody asks.
    """

    role: str
    job: int
    limits: Limits
    fds: tuple[int, ...] = ()
    stdin: int | None = None
    reports: bool = False


class Child:
    """A sandboxed process as seen from outside; `outputs` are the descriptors it prints to.

    `folder` is where its files are, if that lies on this machine's disk, else None.
    """

    def __init__(self, zygote: Zygote, reports: bool, folder: Path | None) -> None:
        self._zygote, self.reports, self.folder = zygote, reports, folder
        self.outputs: list[int] = []
        self.pidfd = -1
        self.exit: Exit | None = None

    def pipe(self) -> int:
        """Make a pipe for what it prints; returns the end that is the child's."""
        read_end, write_end = os.pipe()
        self.outputs.append(read_end)
        return write_end

    def kill(self) -> None:
        """End it and everything it started, at once, and wait until all of it is gone."""
        if self.pidfd >= 0:
            if self.exit is None:
                self.signal()
                readable(self.pidfd, TEARDOWN_SECONDS)
            if self.reports:
                with contextlib.suppress(ZygoteLost):
                    self._zygote.wait_for(self)
            self._zygote.forget(self)
            os.close(self.pidfd)
            self.pidfd = -1
        self.clear()

    def clear(self) -> None:
        """Give back what it has here; nothing of it runs any more."""
        for fd in self.outputs:
            os.close(fd)
        self.outputs = []
        if self.folder is not None:
            remove(self.folder)
            self.folder = None

    def signal(self) -> None:
        """Send SIGKILL, which nothing escapes: a PID namespace ends with its first process.

        In tier 2 that is the only one; in tier 0 it may have others in its session.
        """
        with contextlib.suppress(ProcessLookupError):
            if self._zygote.tier == 0 and (first := self.pid):
                os.killpg(first, signal.SIGKILL)
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Its first process here, 0 where that is gone."""
        return pid_of(self.pidfd)

    def has_ended(self) -> bool:
        """Say whether its first process is gone, whatever the zygote has said."""
        return readable(self.pidfd, 0)

    def resident_mb(self) -> int:
        """Return the resident memory of all its processes, in MiB."""
        first = self.pid
        pages = sum(pages_of(pid, RESIDENT) for pid in (first, *_descendants(first)))
        return pages * PAGE // MB

    def descendants(self) -> list[int]:
        """Return the pids here of what it has started and what still runs."""
        return _descendants(self.pid)


def readable(fd: int, seconds: float) -> bool:
    """Wait until there is something to read; says whether there is."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(max(seconds, 0) * 1000))


def pid_of(pidfd: int) -> int:
    """Return the pid of a process here, 0 where it is gone."""
    lines = Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines()
    found = next(line for line in lines if line.startswith("Pid:"))
    return max(int(found.split()[1]), 0)


SIZE, RESIDENT = 0, 1  # columns of statm
PAGE = os.sysconf("SC_PAGE_SIZE")


def pages_of(pid: int, column: int) -> int:
    """Return a process's `SIZE` or `RESIDENT` memory, in pages."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[column])
    except (OSError, IndexError):
        return 0


def _descendants(pid: int) -> list[int]:
    """Return the pids below a process; empty where the kernel does not list children."""
    found: list[int] = []
    pending = [pid]
    while pending:
        parent = pending.pop()
        try:
            listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        except OSError:
            continue
        found += map(int, listed)
        pending += map(int, listed)
    return found
