"""A filter of system calls, as a program of the kernel's small virtual machine (BPF).

``Filter("x86_64", program("x86_64", forks=True)).install()`` leaves this process, its threads
and whatever it starts with the calls of `syscalls.py` and these arguments:

- `clone` makes no namespace, and without `forks` only threads; `socketpair` makes streams
  of Unix sockets only, whose ends can't be connected to anything else;
- `prctl`, `ioctl` and `fcntl` do what Python and the C library need and nothing more;
- `open` takes no truncation of what is not opened for writing; limits and affinity are the
  process's own; signals go to single processes, and where
  the filter alone keeps them in, to oneself.

Anything else fails with an ordinary error (EPERM; ENOSYS for calls that this table does not
know). Only a call in another architecture's numbers kills, since it would get past the table.

Registers are 64 bits wide and a filter looks at 32: of all the arguments looked at here the
kernel itself takes no more.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable

from verifiers.inside import kernel, syscalls

# seccomp's answers and the architectures' marks (linux/seccomp.h, linux/audit.h).
ALLOW, KILL = 0x7FFF0000, 0x80000000
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SECCOMP_CALL = {"x86_64": 317, "aarch64": 277}
SET_FILTER, ALL_THREADS = 1, 1
X32_CALLS = 0x40000000
NUMBER_AT, ARCHITECTURE_AT = 0, 4

# Instructions (linux/bpf_common.h).
LOAD, JUMP, JUMP_EQUAL, JUMP_NOT_BELOW, JUMP_ANY_BIT = 0x20, 0x05, 0x15, 0x35, 0x45
AND, RETURN = 0x54, 0x06
FURTHEST = 255  # a conditional jump has eight bits

# clone: the namespaces, and what makes a child traced or somebody else's.
CLONE_REFUSED = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000  # mount, cgroup, UTS, IPC
CLONE_REFUSED |= 0x10000000 | 0x20000000 | 0x40000000  # user, PID, network
CLONE_REFUSED |= 0x00002000 | 0x00008000  # CLONE_PTRACE, CLONE_PARENT
CLONE_THREAD = 0x00010000
UNIX, STREAM, SOCKET_FLAGS = 1, 1, 0o2000000 | 0o4000
# prctl: names of threads and of memory, and reading two states.
PRCTL_ALLOWED = (15, 16, 0x53564D41, 3, 39)
PR_SET_PDEATHSIG, AT_EMPTY_PATH = 1, 0x1000
PYTHON, COMPILER, NATIVE = "python", "compiler", "native"
EXECUTES = (COMPILER, NATIVE)
# ioctl: is it a terminal, how wide, what is there to read, blocking, close on exec.
IOCTL_ALLOWED = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# fcntl: signals by open file to any process (F_SETOWN, F_SETSIG, F_SETOWN_EX), leases, notices.
FCNTL_REFUSED = (8, 10, 15, 1024, 1026)
# open: with these flags and without a right to write, older kernels' Landlock lets a file that
# may be read be emptied.
ACCESS_MODE, WRITE_ONLY, READ_AND_WRITE, TRUNCATE = 3, os.O_WRONLY, os.O_RDWR, os.O_TRUNC
# Stands for the pid of the process that installs the filter, which only that one knows.
PID_MARK = 0x7FFFABCD
# Without a read-only root these would change files that can only be read. They succeed without
# effect, since `shutil.copy` and the like take an error for a failed copy.
CHANGES_FILES = ("chmod", "fchmod", "fchmodat", "utime", "utimes", "futimesat", "utimensat")

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant
Code = list[Instruction]


def _refuse(error: int) -> int:
    return 0x00050000 | error


def _return(answer: int) -> Code:
    return [(RETURN, 0, 0, answer)]


def _load_argument(place: int) -> Instruction:
    return (LOAD, 0, 0, 16 + 8 * place)


def _one_of(place: int, values: Iterable[int], error: int = errno.EPERM) -> Code:
    """Allow a call whose argument is one of some values."""
    values = list(values)
    tests = [(JUMP_EQUAL, len(values) - k, 0, value) for k, value in enumerate(values)]
    return [_load_argument(place), *tests, *_return(_refuse(error)), *_return(ALLOW)]


def _none_of(place: int, values: Iterable[int]) -> Code:
    """Allow a call whose argument is none of some values."""
    values = list(values)
    tests = [(JUMP_EQUAL, len(values) - k, 0, value) for k, value in enumerate(values)]
    return [_load_argument(place), *tests, *_return(ALLOW), *_return(_refuse(errno.EPERM))]


def _one_process() -> Code:
    """Allow signals to a single process, none to a group or to all: the sender is among those."""
    tests = [(JUMP_EQUAL, 2, 0, 0), (JUMP_ANY_BIT, 1, 0, 1 << 31)]
    return [_load_argument(0), *tests, *_return(ALLOW), *_return(_refuse(errno.EPERM))]


def _opening(place: int) -> Code:
    """Allow truncation with a right to write only."""
    modes = [(AND, 0, 0, ACCESS_MODE), (JUMP_EQUAL, 1, 0, WRITE_ONLY)]
    writing = [*modes, (JUMP_EQUAL, 0, 1, READ_AND_WRITE)]
    ends = [*_return(ALLOW), *_return(_refuse(errno.EACCES))]
    return [_load_argument(place), (JUMP_ANY_BIT, 0, 3, TRUNCATE), *writing, *ends]


def _clone(forks: bool) -> Code:
    wanted = (JUMP_ANY_BIT, 0, 1, 0xFFFFFFFF if forks else CLONE_THREAD)
    refused = (JUMP_ANY_BIT, 2, 0, CLONE_REFUSED)
    ends = [*_return(ALLOW), *_return(_refuse(errno.EPERM))]
    return [_load_argument(0), refused, wanted, *ends]


def _socketpair() -> Code:
    refused = _return(_refuse(errno.EPERM))
    unix = [_load_argument(0), (JUMP_EQUAL, 0, 4, UNIX)]
    bare = [_load_argument(1), (AND, 0, 0, 0xFFFFFFFF ^ SOCKET_FLAGS)]
    return [*unix, *bare, (JUMP_EQUAL, 0, 1, STREAM), *_return(ALLOW), *refused]


def _rules(forks: bool, alone: bool, kind: str) -> dict[str, Code]:
    """Return the code for calls whose arguments matter."""
    dies = [PR_SET_PDEATHSIG] if kind == COMPILER else []
    rules = {
        "clone": _clone(forks),
        "socketpair": _socketpair(),
        "prctl": _one_of(0, [*PRCTL_ALLOWED, *dies]),
        "ioctl": _one_of(1, IOCTL_ALLOWED, errno.ENOTTY),
        "fcntl": _none_of(1, FCNTL_REFUSED),
        "prlimit64": _one_of(0, [0]),
        "sched_setaffinity": _one_of(0, [0]),
        "kill": _one_process(),
        "open": _opening(1),
        "openat": _opening(2),
    }
    if not forks:
        rules |= {name: _return(_refuse(errno.EPERM)) for name in ("fork", "vfork")}
    if alone:
        rules |= {name: _one_of(0, [PID_MARK]) for name in ("kill", "tgkill")}
        rules |= dict.fromkeys(CHANGES_FILES, _return(_refuse(0)))
        rules["truncate"] = _return(_refuse(errno.EPERM))  # older kernels' Landlock lets it pass
    return rules


def _answers(architecture: str, rules: dict[str, Code], kind: str) -> dict[int, Code]:
    """Return the code for every call number up to the first that is not known."""
    answers = dict.fromkeys(range(syscalls.LAST_KNOWN + 1), _return(_refuse(errno.EPERM)))
    for name, number in syscalls.numbers(architecture).items():
        answers[number] = rules.get(name, _return(ALLOW))
    for number in syscalls.ATTRIBUTES[architecture]:
        answers[number] = _return(_refuse(errno.ENOTSUP))
    if kind == COMPILER:
        answers[syscalls.EXECVE[architecture]] = _return(ALLOW)
    elif kind == NATIVE:
        answers[syscalls.EXECVEAT[architecture]] = _one_of(4, [AT_EMPTY_PATH])
    answers[syscalls.CLONE3] = _return(_refuse(errno.ENOSYS))
    answers[syscalls.LAST_KNOWN + 1] = _return(_refuse(errno.ENOSYS))
    return answers


def _tree(segments: list[tuple[int, Code]]) -> Code:
    """Return a binary search over segments, each from its first number to the next one's."""
    if len(segments) == 1:
        return segments[0][1]
    middle = len(segments) // 2
    below, above = _tree(segments[:middle]), _tree(segments[middle:])
    first = segments[middle][0]
    if len(below) <= FURTHEST:
        return [(JUMP_NOT_BELOW, len(below), 0, first), *below, *above]
    skip = [(JUMP_NOT_BELOW, 0, 1, first), (JUMP, 0, 0, len(below))]
    return [*skip, *below, *above]


def program(architecture: str, forks: bool, alone: bool = False, kind: str = PYTHON) -> Code:
    """Return the filter; `alone` says that no namespaces hold signals and changes to files."""
    answers = _answers(architecture, _rules(forks, alone, kind), kind)
    segments: list[tuple[int, Code]] = []
    for number, code in sorted(answers.items()):
        if not segments or segments[-1][1] != code:
            segments.append((number, code))
    segments.append((X32_CALLS, _return(_refuse(errno.ENOSYS))))
    right_architecture = (JUMP_EQUAL, 1, 0, AUDIT_ARCH[architecture])
    head = [(LOAD, 0, 0, ARCHITECTURE_AT), right_architecture, *_return(KILL)]
    return [*head, (LOAD, 0, 0, NUMBER_AT), *_tree(segments)]


def _pack(code: Code) -> bytes:
    """Return a program as the kernel takes it (struct sock_filter)."""
    return b"".join(struct.pack("<HBBI", *step) for step in code)


class Filter:
    """A filter in memory, ready for children to put themselves under."""

    def __init__(self, architecture: str, code: Code) -> None:
        packed = _pack(code)
        self._number = SECCOMP_CALL[architecture]
        self._code = kernel.buffer(packed)
        self._head = struct.pack("<HxxxxxxQ", len(code), kernel.address(self._code))
        self._pids = [8 * place + 4 for place, step in enumerate(code) if step[3] == PID_MARK]

    def install(self) -> None:
        """Put this process under the filter for good; raises OSError.

        It must have given up new privileges before.
        """
        own = struct.pack("<I", os.getpid())
        for place in self._pids:
            self._code[place : place + 4] = own
        kernel.call(self._number, SET_FILTER, ALL_THREADS, self._head)
