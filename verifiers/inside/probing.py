"""Tries to get out of the sandbox and reports what held.

It gets ``{"secret": "/tmp/x/secret", "folder": "/tmp/x", "port": 40001, "targets": [1234, …],
"task": "attack", …}`` and reports ``["probe", {"reads nothing outside": true, …}]``. The
targets are processes that the prober must not reach: one of the machine's, the zygote, and
another child of it. With the task `wait` it only stands still, as that other child; with `look`
it reports what a program before it has left.

The process outside believes a good report only together with what it sees itself: nothing
written or changed, no connection, the targets alive, nothing left after the end.
"""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import errno
import os
import resource
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from verifiers.inside.frames import Channel

CLONE_NEWUSER, PTRACE_SEIZE = 0x10000000, 0x4206
MB = 1024 * 1024
# PWD is bubblewrap's, LC_CTYPE Python's own doing, the others are set for every program.
KNOWN_VARIABLES = {"PYTHONHASHSEED", "OPENBLAS_NUM_THREADS", "PWD", "LC_CTYPE"}
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET)
FOLDERS = ("/", "/dev", "/dev/shm", "/etc", "/home", "/root", "/run", "/usr/lib", "/var/tmp")
_libc = ctypes.CDLL(None, use_errno=True)


def _fails(*calls: Callable[[], object]) -> bool:
    """Say whether every call is refused."""
    for call in calls:
        try:
            call()
        except (OSError, MemoryError):
            continue
        return False
    return True


def _c(name: str, *arguments: int) -> None:
    """Call a function of the C library that returns -1 where it fails."""
    if getattr(_libc, name)(*map(ctypes.c_long, arguments)) == -1:
        raise OSError(ctypes.get_errno(), name)


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 64)
    finally:
        os.close(fd)


def _read_by_link(path: str, link: Callable[[str, str], None]) -> bytes:
    name = f"link{time.monotonic_ns()}"
    link(path, name)
    return _read(name)


def _create(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))


def _unnamed_file(folder: str) -> None:
    """Make a file that has no name, so that nothing is left where it can be made."""
    os.close(os.open(folder, os.O_WRONLY | os.O_TMPFILE))


def _connect(port: int) -> None:
    with socket.socket() as one:
        one.settimeout(1)
        one.connect(("127.0.0.1", port))


def _forks_are_bounded(limit: int) -> bool:
    """Fork idle children until refused, at most ten more than may be."""
    children: list[int] = []
    try:
        for _ in range(limit + 10):
            pid = os.fork()
            if pid == 0:
                time.sleep(60)
                os._exit(0)
            children.append(pid)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EPERM)
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return False


def _threads_are_bounded(limit: int) -> bool:
    """Start idle threads with small stacks until refused."""
    over = _thread.allocate_lock()
    over.acquire()
    _thread.stack_size(32 * 1024)
    try:
        for _ in range(limit):
            _thread.start_new_thread(over.acquire, ())
    except (RuntimeError, MemoryError):
        return True
    finally:
        _thread.stack_size(0)
    return False


def _disk_is_bounded(limit_mb: int) -> bool:
    """Write files until refused, at most twice what the memory disk may hold."""
    block = bytes(MB)
    paths = [f"fill{place}" for place in range(2 * limit_mb)]
    try:
        for path in paths:
            with open(path, "wb") as file:  # noqa: PTH123 - pathlib would be imported for it
                file.write(block)
    except OSError as error:
        return error.errno == errno.ENOSPC
    finally:
        for path in filter(os.path.exists, paths):
            os.unlink(path)  # noqa: PTH108
    return False


def _attacks(pid: int) -> bool:
    """Say whether nothing can be done to a process: signals, limits, tracing, its memory."""
    low = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    return _fails(
        lambda: os.kill(pid, signal.SIGKILL),
        lambda: os.pidfd_open(pid),
        lambda: resource.prlimit(pid, resource.RLIMIT_CORE, low),
        lambda: _c("setpriority", 0, pid, 19),
        lambda: _c("ptrace", PTRACE_SEIZE, pid, 0, 0),
        lambda: _c("process_vm_readv", pid, 0, 0, 0, 0, 0),
        lambda: _read(f"/proc/{pid}/mem"),
        lambda: _read(f"/proc/{pid}/environ"),
    )


def _is_refused_by_filter(path: str) -> bool:
    """Say whether executing is refused before anybody looks whether there is such a file."""
    try:
        os.execv(path, [path])
    except OSError as error:
        return error.errno == errno.EPERM


def _unchangeable(path: str) -> bool:
    """Say whether neither a file's mode nor its times change, whatever the calls claim."""
    if not os.path.exists(path):  # noqa: PTH110
        return True
    before = os.stat(path)  # noqa: PTH116
    _fails(lambda: os.chmod(path, 0o600))  # noqa: PTH101
    _fails(lambda: os.utime(path, (1, 1)))
    after = os.stat(path)  # noqa: PTH116
    return (before.st_mode, before.st_mtime) == (after.st_mode, after.st_mtime)


def _keeps_its_content(path: str) -> bool:
    """Say whether a file that may be read, and perhaps is this user's, can't be cut off."""
    _fails(lambda: os.truncate(path, 0))
    for mode in (os.O_RDONLY, os.O_ACCMODE):
        _fails(lambda mode=mode: os.close(os.open(path, mode | os.O_TRUNC)))  # type: ignore[misc]
    return os.stat(path).st_size > 0  # noqa: PTH116


def files(job: dict[str, Any]) -> dict[str, bool]:
    """Try to read and to change what is outside."""
    secret, folder = job["secret"], job["folder"]
    writable = [place for place in FOLDERS if not _fails(partial(_unnamed_file, place))]
    if job["readable"] is None:
        own = {"disk limited": _disk_is_bounded(job["tmp_mb"])}
    else:
        own = {"empties nothing": _keeps_its_content(job["readable"])}
    return own | {
        "reads nothing outside": _fails(
            lambda: _read(secret),
            lambda: _read_by_link(secret, os.symlink),
            lambda: _read_by_link(secret, os.link),
        ),
        "writes nothing outside": _fails(lambda: _create(f"{folder}/escaped")),
        "changes no modes or times": _unchangeable(secret),
        "root is read-only": not writable,
    }


def others(job: dict[str, Any]) -> dict[str, bool]:
    """Try to reach other processes and machines."""
    return {
        "no network": _fails(lambda: _connect(job["port"])),
        "no sockets": all(_fails(partial(socket.socket, family, 2)) for family in FAMILIES),
        "no foreign processes": all(map(_attacks, job["targets"])),
        "no signals to all": _fails(lambda: os.kill(-1, 0)),
    }


def powers(job: dict[str, Any]) -> dict[str, bool]:
    """Try to become more than this process is, and to take more than it may."""
    return {
        "no new user namespace": _fails(lambda: _c("unshare", CLONE_NEWUSER)),
        "no mounts": _fails(lambda: _c("mount", 0, 0, 0, 0, 0)),
        "no programs": _is_refused_by_filter("/no/such/program"),
        "unprivileged": os.getuid() != 0 and _fails(lambda: os.setuid(0)),
        "processes limited": _forks_are_bounded(job["processes"]),
        "threads limited": _threads_are_bounded(job["threads"]),
        "memory limited": _fails(lambda: bytearray(2 * job["memory_mb"] * MB)),
        "empty environment": not set(os.environ) - KNOWN_VARIABLES,
    }


def _leave_traces() -> None:
    """Leave a file, and where that is possible a process in a session of its own."""
    with contextlib.suppress(OSError):
        _create("left")
    with contextlib.suppress(OSError):
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
            os._exit(0)


def main(report: Channel, job: dict[str, Any]) -> None:
    """Do the job's task, report, then sleep until the deadline ends it."""
    if job["task"] == "attack":
        report.send(["probe", {**files(job), **others(job), **powers(job)}])
        _leave_traces()
        report.send(["left"])
    elif job["task"] == "look":
        report.send(["probe", {"nothing left for the next": os.listdir() == []}])  # noqa: PTH208
    else:
        report.send(["probe", {}])
    time.sleep(600)
