"""Tries to get out of the sandbox and reports what held.

It gets ``{"secret": "/tmp/x/secret", "folder": "/tmp/x", "port": 40001, "pid": 1234}`` and
reports ``["probe", {"reads nothing outside": true, "no network": true, …}]``. The process
outside believes a good report only together with what it sees itself: nothing written, no
connection, the victim alive.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from verifiers.inside.frames import Channel

CLONE_NEWUSER = 0x10000000
MB = 1024 * 1024
# PWD is bubblewrap's, LC_CTYPE Python's own doing, the others are set for every program.
KNOWN_VARIABLES = {"PYTHONHASHSEED", "OPENBLAS_NUM_THREADS", "PWD", "LC_CTYPE"}


def _fails(*calls: Callable[[], object]) -> bool:
    """Say whether every call is refused."""
    for call in calls:
        try:
            call()
        except (OSError, MemoryError):
            continue
        return False
    return True


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 64)
    finally:
        os.close(fd)


def _read_by_link(path: str) -> bytes:
    link = f"/tmp/link{time.monotonic_ns()}"
    os.symlink(path, link)  # noqa: PTH211
    return _read(link)


def _create(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))


def _connect(port: int) -> None:
    with socket.socket() as one:
        one.settimeout(1)
        one.connect(("127.0.0.1", port))


def _new_user_namespace() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


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
        return error.errno == errno.EAGAIN
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return False


def _disk_is_bounded(limit_mb: int) -> bool:
    """Write files until refused, at most twice what the memory disk may hold."""
    block = bytes(MB)
    paths = [f"/tmp/fill{place}" for place in range(2 * limit_mb)]
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


def _writable_outside_tmp() -> list[str]:
    """Return folders other than /tmp in which a file could be made; none is made.

    Where the sandbox does not hold, these are the machine's own folders.
    """
    found = []
    for folder, folders, _ in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if name != "tmp"]
        if folder.count("/") >= 3:
            folders.clear()
        if os.access(folder, os.W_OK):
            found.append(folder)
    return found


def checks(job: dict[str, Any]) -> dict[str, bool]:
    """Try everything; True means that the sandbox held."""
    secret, folder = job["secret"], job["folder"]
    return {
        "reads nothing outside": _fails(lambda: _read(secret), lambda: _read_by_link(secret)),
        "writes nothing outside": _fails(lambda: _create(f"{folder}/escaped")),
        "root is read-only": not _writable_outside_tmp(),
        "no network": _fails(lambda: _connect(job["port"])),
        "no foreign processes": _fails(lambda: os.kill(job["pid"], 0)),
        "no new user namespace": _fails(_new_user_namespace),
        "unprivileged": os.getuid() != 0 and _fails(lambda: os.setuid(0)),
        "processes limited": _forks_are_bounded(job["processes"]),
        "memory limited": _fails(lambda: bytearray(2 * job["memory_mb"] * MB)),
        "disk limited": _disk_is_bounded(job["tmp_mb"]),
        "empty environment": not set(os.environ) - KNOWN_VARIABLES,
    }


def main(report: Channel, job: dict[str, Any]) -> None:
    """Report the checks, then sleep until the deadline ends it."""
    report.send(["ready"])
    report.send(["probe", checks(job)])
    if job["sleep"]:
        time.sleep(600)
