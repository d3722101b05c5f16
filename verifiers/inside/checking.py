"""The tests' process that stays: runs the simple tests of one program after the other.

Over its socket it gets four descriptors for each: the job, where to print, where to report, and
the socket to the solution's process. What simple tests are, and why nothing of them stays
behind, is said in `verifiers/code_simple.py`; what one job is, in `holder.py`. After anything
out of the ordinary the process outside ends this one and starts another.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys

from verifiers.inside import holder
from verifiers.inside.frames import Channel, read_job

OUT, ERR = 1, 2


def main(requests: int) -> None:
    """Run jobs until the other end is closed."""
    with socket.socket(fileno=requests) as control:
        while fds := socket.recv_fds(control, 1, 4)[1]:
            _check(*fds)


def _check(given: int, out: int, report: int, link: int) -> None:
    job = read_job(given)
    _print_to(out)
    sys.stdout = open(OUT, "w", encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    holder.main(Channel(-1, report), Channel(link, link), job)
    with contextlib.suppress(OSError):  # nobody may be reading any more
        sys.stdout.close()
    _print_to(os.open("/dev/null", os.O_WRONLY))
    os.close(report)
    os.close(link)


def _print_to(fd: int) -> None:
    for target in (OUT, ERR):
        os.dup2(fd, target)
    os.close(fd)
