"""Becomes a compiled program: the role of a child for each input of a test in C++.

The program is a memory file, whose descriptor the child was given; its job is
``{"memory_mb": 256}``. The file is executed by its descriptor alone, which closes with that, as
do all others but the standard ones. So nothing of the zygote is left, and no other program can
be started: no file here may be executed, and memory files can't be made (`seccomp.py`).

What went wrong before the program began is written to a descriptor that it never sees.
"""

from __future__ import annotations

import ctypes
import os
import resource
from typing import Any, NoReturn

from verifiers.inside import kernel, syscalls
from verifiers.inside.seccomp import AT_EMPTY_PATH

MB = 1024 * 1024
FAILED = 1


def start(job: dict[str, Any], program: int, told: int) -> NoReturn:
    """Execute the program; returns never, tells the error number where it can't."""
    try:
        _grow_stack(job["memory_mb"] * MB)
        for fd in (program, told):
            os.set_inheritable(fd, False)
        arguments = (ctypes.c_char_p * 2)(b"solution", None)
        nothing = (ctypes.c_char_p * 1)(None)
        number = syscalls.EXECVEAT[kernel.ARCHITECTURE]
        where = ctypes.cast(arguments, ctypes.c_void_p).value or 0
        empty = ctypes.cast(nothing, ctypes.c_void_p).value or 0
        kernel.call(number, program, b"", where, empty, AT_EMPTY_PATH)
    except OSError as error:
        os.write(told, str(error.errno).encode())
    os._exit(FAILED)


def _grow_stack(size: int) -> None:
    """Let the stack grow as far as memory goes, as judges of contests do."""
    most = resource.getrlimit(resource.RLIMIT_STACK)[1]
    least = size if most == resource.RLIM_INFINITY else min(size, most)
    resource.setrlimit(resource.RLIMIT_STACK, (least, most))
