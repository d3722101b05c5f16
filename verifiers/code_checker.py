"""A child for the simple tests of one program after the other, which stays with its zygote.

``Checker.of(zygote).give(tests, out, report, link)`` has it run the tests of one program; what
it reports and prints comes as from a child of the program's own (`code_calls.py`). Whoever
sees something out of the ordinary, such as a limit that was reached, closes it; the next
program gets a new one.
"""

from __future__ import annotations

import socket
from typing import Self

from verifiers.sandbox_child import Job, Limits, Order, ZygoteLost
from verifiers.sandbox_zygote import Zygote

# It holds what the solution returned, at most one message of 16 MiB, and compares it; numbers
# take up to eight times their JSON. A guess with room.
HOLDER_MEMORY_MB = 2048
# So many programs' tests run in one; a guess, that bounds what nobody has thought of.
MOST_JOBS = 200
LIMITS = Limits(HOLDER_MEMORY_MB, cpu_seconds=3600, processes=8)


class Checker:
    """The tests' process of a zygote; one thread at a time may use it."""

    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._jobs = 0
        with theirs, Job({}) as job:
            (self._child,) = zygote.start(Order("checker", job.fd, LIMITS, (theirs.fileno(),)))

    @classmethod
    def of(cls, zygote: Zygote) -> Self:
        """Return the one of a zygote, a new one where it has none; raises as `Zygote.start`."""
        if not isinstance(zygote.companion, cls):
            zygote.companion = cls(zygote)
        return zygote.companion

    @property
    def pid(self) -> int:
        """Its process here, 0 where that is gone."""
        return self._child.pid

    @property
    def is_spent(self) -> bool:
        """Whether it has run as many jobs as one should."""
        return self._jobs >= MOST_JOBS

    def give(self, *fds: int) -> None:
        """Give it a job: the tests, where to print, where to report, and the solution's socket."""
        self._jobs += 1
        try:
            socket.send_fds(self._requests, [b"."], fds)
        except OSError as error:
            raise ZygoteLost(f"the tests' process is gone: {error}") from error

    def close(self) -> None:
        """End it."""
        self._zygote.companion = None
        self._requests.close()
        self._child.kill()
