"""Landlock: which files this process may open, and whom it may reach, from now on.

``restrict(ruleset([("/usr/lib", READ), ("/tmp", WHOLE_FOLDER)], 7), 7)`` leaves it those, no TCP,
and no signals or abstract sockets to anybody outside. What the kernel is too old for is left out;
`version()` says which Landlock it has, 0 for none:

    1 files; 2 links between folders; 3 truncation; 4 TCP; 5 devices' ioctl; 6 signals and
    abstract sockets; 7 no entries in the audit log

It says nothing about looking at files (stat, readlink), their modes and times, nor about
other kinds of sockets: namespaces or the filter of system calls must.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable

from verifiers.inside import kernel

CREATE, ADD_RULE, RESTRICT = 444, 445, 446  # the same on every architecture
ASK_VERSION, BENEATH, SILENT = 1, 1, 1

# linux/landlock.h
EXECUTE_FILE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
MAKE_FIFO, MAKE_SYM, REFER, TRUNCATE = 1 << 10, 1 << 12, 1 << 13, 1 << 14
FILES_BY_VERSION = (0, (1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1, (1 << 15) - 1, (1 << 16) - 1)
BIND_AND_CONNECT = 3
ABSTRACT_AND_SIGNALS = 3

READ = READ_FILE | READ_DIR
WRITE = WRITE_FILE | READ_FILE
EXECUTE = EXECUTE_FILE | READ_FILE
WHOLE_FOLDER = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG
WHOLE_FOLDER |= MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE

Rule = tuple[str, int]  # a path, and what may be done with it and below


def version() -> int:
    """Return which Landlock this kernel has, 0 where it has none or may not be asked."""
    try:
        return kernel.call(CREATE, 0, 0, ASK_VERSION)
    except OSError:
        return 0


def ruleset(rules: Iterable[Rule], known: int) -> int:
    """Return a descriptor of rules; raises OSError.

    `known` is the kernel's `version()`, at least 1. A path that is not there is left out.
    """
    files = FILES_BY_VERSION[min(known, len(FILES_BY_VERSION) - 1)]
    net = BIND_AND_CONNECT if known >= 4 else 0
    scopes = ABSTRACT_AND_SIGNALS if known >= 6 else 0
    made = kernel.call(CREATE, struct.pack("<QQQ", files, net, scopes), 24, 0)
    for path, rights in rules:
        _add(made, path, rights & files)
    return made


def restrict(made: int, known: int) -> None:
    """Put this thread, and all that comes of it, under rules for good; raises OSError.

    New privileges must have been given up (`no_new_privs`).
    """
    kernel.call(RESTRICT, made, SILENT if known >= 7 else 0)
    os.close(made)


def _add(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        kernel.call(ADD_RULE, ruleset, BENEATH, struct.pack("<Qi", rights, place), 0)
    finally:
        os.close(place)
