"""System calls that Python has no function for, by their numbers.

``call(444, 0, 0, 1)`` is ``landlock_create_ruleset(NULL, 0, 1)``. Numbers and constants are
the kernel's; where architectures differ there is one for each.
"""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache
from typing import Any

Argument = int | bytes
ARCHITECTURE = {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
PRCTL = {"x86_64": 157, "aarch64": 167}
CAPSET = {"x86_64": 126, "aarch64": 91}
UNSHARE = {"x86_64": 272, "aarch64": 97}
SETNS = {"x86_64": 308, "aarch64": 268}
MOUNT = {"x86_64": 165, "aarch64": 40}

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS = 1, 4, 8
PR_SET_NAME, PR_SET_NO_NEW_PRIVS = 15, 38
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x00020000, 0x10000000, 0x20000000
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE = 2, 4, 0x4000, 0x40000


@cache
def _library() -> tuple[Any, Any]:
    """Return the C library's `syscall` and where it leaves its error numbers.

    Prepared so that a call makes no objects and touches little memory: what a forked child
    touches is copied, and the first use of ctypes' buffers costs 100 pages.
    """
    library = ctypes.PyDLL(None)
    library.syscall.restype = ctypes.c_long
    library.syscall.argtypes = [ctypes.c_long, *[ctypes.c_void_p] * 6]
    library.__errno_location.restype = ctypes.POINTER(ctypes.c_int)
    return library.syscall, library.__errno_location


def call(
    number: int,
    a: Argument = 0,
    b: Argument = 0,
    c: Argument = 0,
    d: Argument = 0,
    e: Argument = 0,
) -> int:
    """Make a system call, bytes standing for their address; raises OSError."""
    syscall, error_at = _library()
    result: int = syscall(number, a, b, c, d, e, 0)
    if result < 0:
        error = error_at().contents.value
        raise OSError(error, f"system call {number}: {os.strerror(error)}")
    return result


def prctl(option: int, value: Argument) -> None:
    """Set a property of this process; raises OSError."""
    call(PRCTL[ARCHITECTURE], option, value)


def buffer(data: bytes) -> Any:
    """Return memory with some bytes, which stays where it is as long as the object is held."""
    return ctypes.create_string_buffer(data, len(data))


def address(held: Any) -> int:
    """Return the address of a buffer."""
    return ctypes.addressof(held)
