"""The filter of system calls, run here on paper: the kernel's virtual machine in a dozen lines."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.inside import seccomp, syscalls
from verifiers.inside.seccomp import ALLOW, AUDIT_ARCH, KILL, PID_MARK, Code, program

ARCHITECTURES = pytest.mark.parametrize("architecture", syscalls.ARCHITECTURES)
MASK = 0xFFFFFFFF


def answer(code: Code, architecture: int, number: int, *arguments: int) -> int:
    """Return what a filter says to a call."""
    data = {0: number, 4: architecture}
    data |= {16 + 8 * place: value & MASK for place, value in enumerate((*arguments, *[0] * 6))}
    register, place = 0, 0
    while True:
        operation, true, false, constant = code[place]
        place += 1
        if operation == seccomp.RETURN:
            return constant
        if operation == seccomp.LOAD:
            register = data[constant]
        elif operation == seccomp.AND:
            register &= constant
        elif operation == seccomp.JUMP:
            place += constant
        else:
            place += true if HOLDS[operation](register, constant) else false


HOLDS: dict[int, Callable[[int, int], bool]] = {
    seccomp.JUMP_EQUAL: lambda register, constant: register == constant,
    seccomp.JUMP_NOT_BELOW: lambda register, constant: register >= constant,
    seccomp.JUMP_ANY_BIT: lambda register, constant: bool(register & constant),
}
REFUSED = 0x00050000 | errno.EPERM


@cache
def code_of(architecture: str, forks: bool = True, alone: bool = False) -> Code:
    return program(architecture, forks, alone)


class Calls:
    """Asks the filter of an architecture by name."""

    def __init__(self, architecture: str, forks: bool = True, alone: bool = False) -> None:
        self._code = code_of(architecture, forks, alone)
        self._mark, self._numbers = AUDIT_ARCH[architecture], syscalls.numbers(architecture)

    def __call__(self, name: str, *arguments: int) -> int:
        return answer(self._code, self._mark, self._numbers[name], *arguments)


@ARCHITECTURES
@given(number=st.integers(0, MASK))
def test_only_calls_of_the_table_are_ever_allowed(architecture: str, number: int) -> None:
    code, mark = code_of(architecture), AUDIT_ARCH[architecture]
    if answer(code, mark, number, 0, 1) == ALLOW:
        assert number in syscalls.numbers(architecture).values()


@ARCHITECTURES
def test_every_call_of_the_table_can_be_made_somehow(architecture: str) -> None:
    calls = Calls(architecture)
    some = {
        "prctl": (15,),
        "ioctl": (0, 0x5401),
        "socketpair": (1, 1),
        "clone": (17,),
        "kill": (1,),
        "open": (0, 0),
        "openat": (0, 0, 0),
    }
    for name in syscalls.numbers(architecture):
        assert calls(name, *some.get(name, ())) == ALLOW, name


@ARCHITECTURES
@given(number=st.integers(0, MASK), mark=st.integers(0, MASK))
def test_call_of_another_architecture_kills(architecture: str, number: int, mark: int) -> None:
    if mark != AUDIT_ARCH[architecture]:
        assert answer(code_of(architecture), mark, number) == KILL


@ARCHITECTURES
@pytest.mark.parametrize("number", [syscalls.CLONE3, syscalls.LAST_KNOWN + 1, 5_000, 0x40000000])
def test_calls_that_a_library_does_without_are_unknown(architecture: str, number: int) -> None:
    found = answer(code_of(architecture), AUDIT_ARCH[architecture], number)
    assert found == 0x00050000 | errno.ENOSYS


@ARCHITECTURES
@pytest.mark.parametrize("forks", [True, False])
@given(flags=st.integers(0, MASK))
def test_no_clone_makes_a_namespace(architecture: str, forks: bool, flags: int) -> None:
    namespaces = 0x7E020000
    if flags & namespaces:
        assert Calls(architecture, forks)("clone", flags) == REFUSED


@ARCHITECTURES
@given(flags=st.integers(0, MASK))
def test_without_forks_only_threads_can_be_made(architecture: str, flags: int) -> None:
    calls = Calls(architecture, forks=False)
    if not flags & seccomp.CLONE_THREAD:
        assert calls("clone", flags) == REFUSED
    assert calls("clone", 0x3D0F00) == ALLOW  # what the C library asks for a thread


@ARCHITECTURES
@given(flags=st.integers(0, MASK))
def test_file_that_is_not_opened_for_writing_is_not_emptied(architecture: str, flags: int) -> None:
    refused = flags & os.O_TRUNC and flags & os.O_ACCMODE in (os.O_RDONLY, os.O_ACCMODE)
    allowed = 0x00050000 | errno.EACCES if refused else ALLOW
    assert Calls(architecture)("openat", 0, 0, flags) == allowed


def test_old_names_of_fork_are_refused_where_forks_are() -> None:
    calls = Calls("x86_64", forks=False)
    assert calls("fork") == calls("vfork") == REFUSED


@ARCHITECTURES
@given(pid=st.integers(-(2**31), 2**31 - 1), number=st.integers(1, 64))
def test_signals_go_to_oneself_where_no_namespace_holds_them(
    architecture: str, pid: int, number: int
) -> None:
    calls = Calls(architecture, forks=False, alone=True)
    wanted = ALLOW if pid == PID_MARK else REFUSED
    assert calls("kill", pid, number) == calls("tgkill", pid, pid, number) == wanted
    assert calls("kill", PID_MARK, number) == ALLOW


@ARCHITECTURES
@given(pid=st.integers(-(2**31), 2**31 - 1))
def test_signals_never_go_to_groups(architecture: str, pid: int) -> None:
    assert Calls(architecture)("kill", pid, 9) == (ALLOW if pid > 0 else REFUSED)


@ARCHITECTURES
@given(family=st.integers(0, 50), kind=st.integers(0, 10), flags=st.sampled_from([0, 0o2004000]))
def test_only_pairs_of_unix_streams_are_made(
    architecture: str, family: int, kind: int, flags: int
) -> None:
    wanted = ALLOW if (family, kind) == (1, 1) else REFUSED
    assert Calls(architecture)("socketpair", family, kind | flags) == wanted


@ARCHITECTURES
@pytest.mark.parametrize("command", [8, 10, 15])
def test_no_signal_is_bound_to_an_open_file(architecture: str, command: int) -> None:
    assert Calls(architecture)("fcntl", 0, command) == REFUSED


@ARCHITECTURES
@pytest.mark.parametrize("name", ["prlimit64", "sched_setaffinity"])
@given(pid=st.integers(1, 2**31 - 1))
def test_limits_and_processors_of_others_are_their_own(
    architecture: str, name: str, pid: int
) -> None:
    assert Calls(architecture)(name, pid) == REFUSED
    assert Calls(architecture)(name, 0) == ALLOW


@ARCHITECTURES
def test_modes_and_times_stay_without_a_read_only_root(architecture: str) -> None:
    calls = Calls(architecture, forks=False, alone=True)
    assert calls("fchmodat") == calls("utimensat") == 0x00050000  # succeeds, and nothing happens
    assert calls("truncate") == REFUSED


@ARCHITECTURES
def test_conditional_jumps_fit_into_eight_bits(architecture: str) -> None:
    for code in (code_of(architecture), code_of(architecture, False, True)):
        assert all(0 <= jump <= 255 for _, *jumps, _ in code for jump in jumps)
        assert len(code) < 4096  # the kernel's limit


@pytest.mark.parametrize(
    ("architecture", "header"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        ("aarch64", "/usr/include/asm-generic/unistd.h"),
    ],
)
def test_numbers_are_the_kernels(architecture: str, header: str) -> None:
    if not Path(header).exists():
        pytest.skip(f"{header} is not installed")
    found = re.findall(
        r"^#define __NR(?:3264)?_(\w+) +(\d+)", Path(header).read_text(), re.MULTILINE
    )
    known = {name: int(number) for name, number in found}
    other = {"newfstatat": "fstatat"}  # asm-generic's own name
    ours = syscalls.numbers(architecture)
    assert {name: known.get(name, known.get(other.get(name, ""))) for name in ours} == ours
