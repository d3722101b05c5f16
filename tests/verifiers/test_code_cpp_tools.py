"""The C++ compiler that is looked for, and the programs that are remembered."""

from __future__ import annotations

import shutil
import threading
import time

import pytest

from verifiers import code_cpp_tools
from verifiers.code_cpp_memory import Built, Memory, MemoryFile
from verifiers.code_cpp_open import NoCpp
from verifiers.code_cpp_tools import NoTools, find_tools


def test_compiler_of_another_kind_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_cpp_tools, "_ask", lambda *_: 'clang version 14\n "clang" "-cc1"')
    monkeypatch.setattr(shutil, "which", lambda *_: "/usr/bin/g++")
    with pytest.raises(NoTools, match="another way"):
        find_tools.__wrapped__()


def program(size: int) -> Built:
    return Built(MemoryFile(), size)


def test_memory_forgets_what_was_not_asked_for_lately() -> None:
    memory = Memory(most=10)
    first = memory.get(b"a", lambda: program(6))
    memory.get(b"b", lambda: program(4))
    assert memory.get(b"a", lambda: program(1)) is first
    memory.get(b"c", lambda: program(3))
    assert memory.get(b"a", lambda: program(1)) is first
    assert memory.get(b"b", lambda: program(2)).size == 2


def test_memory_has_two_who_ask_at_once_build_once() -> None:
    memory, built, begun = Memory(), [], threading.Event()

    def build() -> Built:
        begun.set()
        time.sleep(0.2)
        built.append(1)
        return program(1)

    other = threading.Thread(target=lambda: memory.get(b"a", build))
    other.start()
    begun.wait()
    memory.get(b"a", build)
    other.join()
    assert built == [1]


def test_memory_keeps_no_failure() -> None:
    memory = Memory()

    def fail() -> Built:
        raise NoCpp("x", "y")

    with pytest.raises(NoCpp):
        memory.get(b"a", fail)
    assert memory.get(b"a", lambda: program(1)).size == 1
