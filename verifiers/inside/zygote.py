"""The zygote: a Python that has everything loaded and forks shut-in children for jobs.

Started once as ``python … -c "… zygote.main()" '{"control": 5, "tier": 1, …}'``. Over the
control socket it gets requests with descriptors attached, and never reads what those hold,
so that no child can find another's job in its memory. One request starts one child or several::

    [["holder", null, {"memory_mb": 2048, …}, 6], ["solution", null, {…}, 5]]
        + descriptors: job, stdin, stdout, stderr and the role's own, for each in turn

It answers ``["started"]`` with a pidfd of each, once they are shut in and before any of their
jobs is read, or ``["failed", "why"]``. Where a request has a number instead of null, it says
when that child has ended: ``["ended", number, exit code, CPU ms, peak MB]``.

Nothing of a program reaches this process: children can't see, signal or trace it. The loop is
written to touch little memory, since after each fork all that it touches is copied once more.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from verifiers.inside import boot, kernel
from verifiers.inside.isolation import Isolation, become
from verifiers.inside.warming import warm_up

MAX_REQUEST, MAX_FDS = 8192, 16
# What programs of the datasets import most, and what the roles need later. Not `threading`
# and `hashlib`: they make every fork 0.3 and 0.1 ms slower.
PRELOADED = (
    *("array", "bisect", "cmath", "collections", "contextlib", "copy", "dataclasses", "datetime"),
    *("decimal", "dis", "enum", "fractions", "functools", "heapq", "io", "itertools", "json"),
    *("math", "operator", "random", "re", "statistics", "string", "textwrap", "time", "types"),
    *("typing", "unicodedata"),
)
IN, OUT, ERR = 0, 1, 2
SHUT_IN = b"+"
Taken = tuple[str, list[int]]  # a child's role, its job and other descriptors


class Zygote:
    """Serves requests until the other end of the control socket is closed."""

    def __init__(self, control: socket.socket, isolation: Isolation) -> None:
        self._control, self._isolation = control, isolation
        self._self = os.pidfd_open(os.getpid())
        self._reported: dict[int, tuple[int, int]] = {}  # pidfd → pid, the request's number
        self._silent: list[int] = []  # pids

    def serve(self) -> Taken:
        """Serve; returns in children only, their role and descriptors."""
        requests = self._control.fileno()
        socket.send_fds(self._control, [b'["hello"]'], [self._self])
        while True:
            for ready in select.select([requests, *self._reported], [], [])[0]:
                if ready != requests:
                    self._report_end(ready)
                    continue
                taken = self._serve_request()
                if taken is not None:
                    return taken

    def _serve_request(self) -> Taken | None:
        """Fork the children of a request; returns in them their role, and None here."""
        data, fds, _, _ = socket.recv_fds(self._control, MAX_REQUEST, MAX_FDS)
        if not data:
            os._exit(0)
        self._silent = [pid for pid in self._silent if os.waitpid(pid, os.WNOHANG)[0] == 0]
        orders = json.loads(data)
        told, tell = os.pipe()
        pids: list[int] = []
        start = 0
        for order in orders:
            pid = self._fork()
            if pid == 0:
                return order[0], self._shut_in(order, fds[start : start + order[3]], tell)
            pids.append(pid)
            start += order[3]
        for fd in (*fds, tell):
            os.close(fd)
        self._answer(orders, pids, _read_all(told))
        return None

    def _fork(self) -> int:
        """Fork, in tier 1 as the first process of a PID namespace; gives -1 where that fails."""
        if self._isolation.tier != 1:
            return _try_fork()
        kernel.call(kernel.UNSHARE[kernel.ARCHITECTURE], kernel.CLONE_NEWPID)
        pid = _try_fork()
        if pid != 0:
            kernel.call(kernel.SETNS[kernel.ARCHITECTURE], self._self, kernel.CLONE_NEWPID)
        return pid

    def _shut_in(self, order: list[Any], fds: list[int], tell: int) -> list[int]:
        """In the child: keep the descriptors that it was given, and go into isolation."""
        try:
            self._control.detach()
            kernel.prctl(kernel.PR_SET_NAME, order[0].encode())  # for `ps`
            for target in (IN, OUT, ERR):
                os.dup2(fds[1 + target], target)
            kept = [fds[0], *fds[4:]]
            close_all_but(IN, OUT, ERR, tell, *kept)
            self._isolation.enter(order[2])
            os.write(tell, SHUT_IN)
            os.close(tell)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the child must not go on
            os.write(tell, f"{type(error).__name__}: {error}".encode())
            os._exit(1)
        return kept

    def _answer(self, orders: list[Any], pids: list[int], told: bytes) -> None:
        """Say that the children run, or why they do not, and then none of them."""
        if told != SHUT_IN * len(orders):
            for pid in pids:
                _end(pid)
            why = told.strip(SHUT_IN).decode("utf-8", "replace") or "a child could not be started"
            self._control.send(json.dumps(["failed", why]).encode())
            return
        pidfds = [os.pidfd_open(pid) for pid in pids]
        socket.send_fds(self._control, [b'["started"]'], pidfds)
        for order, pid, fd in zip(orders, pids, pidfds, strict=True):
            if order[1] is None:
                self._silent.append(pid)
                os.close(fd)
            else:
                self._reported[fd] = pid, order[1]

    def _report_end(self, fd: int) -> None:
        pid, number = self._reported.pop(fd)
        os.close(fd)
        _, status, used = os.wait4(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        cpu_ms = round((used.ru_utime + used.ru_stime) * 1000)
        message = ["ended", number, code, cpu_ms, used.ru_maxrss // 1024]
        self._control.send(json.dumps(message).encode())


def _try_fork() -> int:
    try:
        return os.fork()
    except OSError:
        return -1


def _end(pid: int) -> None:
    if pid > 0:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _read_all(fd: int) -> bytes:
    """Read until every child has written and closed its end."""
    found = b""
    while part := os.read(fd, MAX_REQUEST):
        found += part
    os.close(fd)
    return found


def close_all_but(*kept: int) -> None:
    """Close every descriptor that is not to be kept."""
    start = 0
    for fd in (*sorted(kept), 1 << 20):
        if start < fd:  # Python 3.11 closes every one for an empty range that begins with 0
            os.closerange(start, fd)
        start = fd + 1


def preload(packages: list[str]) -> None:
    """Load what programs use."""
    for name in PRELOADED:
        importlib.import_module(name)
    for name in packages:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    warm_up()


def main(settings: dict[str, Any]) -> None:
    """Serve until the supervisor is gone; in a child, do its job instead."""
    sys.argv = ["solution.py"]
    control = socket.socket(fileno=settings["control"])
    preload(settings["preload"])
    kept = 0
    if settings["become"] is not None:
        kept = become(settings["become"], settings["keep_reading"])
    if settings["tier"] != 1:
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)  # bubblewrap sees to it in tier 1
    isolation = Isolation(settings, kept)
    gc.collect()
    gc.freeze()  # no collection in a child touches what was there before
    try:
        taken = Zygote(control, isolation).serve()
    except OSError:
        os._exit(1)  # the supervisor is gone
    boot.take_up(*taken)
