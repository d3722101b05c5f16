"""Names the limit of the sandbox that an exception of a program tells of, if it tells of one.

``limit_of(OSError(errno.EMFILE, "Too many open files"))`` is ``"open_files_limit"``.

A program may raise the like of it itself, or catch the real one and go on; so this only says why a
program that has failed did fail.
"""

from __future__ import annotations

import errno
import sys
from typing import Any

LIMITS = {
    errno.ENOMEM: "memory_limit",
    errno.EAGAIN: "process_limit",
    errno.EFBIG: "file_limit",
    errno.ENOSPC: "disk_limit",
    errno.EMFILE: "open_files_limit",
}
# The exit codes by which a child says so; 121 says that its program did not compile.
EXITS = {
    "memory_limit": 122,
    "process_limit": 123,
    "file_limit": 124,
    "disk_limit": 125,
    "open_files_limit": 126,
}


def limit_of(error: BaseException) -> str:
    """Return the outcome that an exception stands for, empty where it is any other."""
    if isinstance(error, MemoryError):
        return "memory_limit"
    if isinstance(error, OSError) and type(error.errno) is int:
        return LIMITS.get(error.errno, "")
    return "process_limit" if _starts_a_thread(error) else ""


def _starts_a_thread(error: BaseException) -> bool:
    """Say whether it was raised by `Thread.start`: that error is a RuntimeError like any other."""
    threading: Any = sys.modules.get("threading")
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    if threading is None or step is None or not isinstance(error, RuntimeError):
        return False
    return bool(step.tb_frame.f_code is threading.Thread.start.__code__)
