"""Compiles C++ in a sandbox of its own, and keeps what it made.

::

    built = compiler.built("int main() {}")
    built.file        # a sealed memory file, or None where it does not compile
    built.error       # what the compiler says then: "main.cpp:3:5: error: …"

The compiler may read its own files and execute its own parts, and nothing else: `#include
"/etc/passwd"` finds nothing. Time, memory and the size of what it writes are bounded, so that
templates and constants without end are errors of the program. A compiler that crashes is no
such error (`SandboxFailure`).

The standard headers are compiled once for a process (2.4 s of CPU, 97 MiB on disk), for programs
that begin with `#include <bits/stdc++.h>`; others get what they include. Equal programs are
compiled once, as long as they are remembered (`code_cpp_memory.py`).
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
from collections.abc import Mapping
from threading import Event

from verifiers.code_cpp_memory import Built, Memory, MemoryFile
from verifiers.code_cpp_tools import RESULT, Tools
from verifiers.code_elf import HEAD, memory_mb
from verifiers.code_run import SandboxFailure
from verifiers.code_watch import Halt, Stream, Watch
from verifiers.inside.compiling import LATE, REFUSED
from verifiers.inside.seccomp import COMPILER
from verifiers.sandbox import MOUNTED, Profile, Sandbox
from verifiers.sandbox_child import Child, Job, Limits, Order, ZygoteLost, readable
from verifiers.sandbox_files import Stage
from verifiers.sandbox_pool import Zygotes
from verifiers.sandbox_root import Mount
from verifiers.sandbox_zygote import NotStarted, Zygote

HEADERS = "#include <bits/stdc++.h>\n"
PRECOMPILED = "bits/stdc++.h.gch"
# Programs of contests take 150 to 400 MiB; a guess with room.
MEMORY_MB = 2048
# What the compiler writes: text for the assembler, up to ten times the program. A guess.
FILE_MB, FOLDER_MB = 64, 256
HEADERS_FILE_MB, HEADERS_FOLDER_MB = 512, 600
HEADERS_SECONDS = 120.0  # 3 s here; a guess for a crowded machine
MOST_PRINTED, KEPT_TEXT, EXCERPT = 1 << 24, 16_000, 300
OUT_OF_MEMORY = re.compile("out of memory|memory exhausted|File too large|No space left")
# Of wall time the compiler gets so many times its CPU time, for machines with other work: what
# runs out of that says nothing about the program. A guess.
PATIENCE = 4.0
ATTEMPTS, PAUSE_SECONDS = 2, 0.2  # as for other programs (`code_local.py`)


class Compiler:
    """Compiles programs, several at once; `stopped` ends all of them."""

    def __init__(
        self, sandbox: Sandbox, tools: Tools, workers: int, seconds: float, stopped: Event
    ) -> None:
        self._tools, self._workers, self._seconds = tools, workers, seconds
        self._stopped = stopped
        self._stage = Stage({})
        self._extra: list[str] = []
        self._memory = Memory()
        self._profile = Profile(COMPILER, tools.mounts, tools.parts)
        self._zygotes = Zygotes(sandbox.shaped(self._profile), workers)
        self._sandbox = sandbox

    def precompile(self) -> None:
        """Compile the standard headers; raises SandboxFailure."""
        limits = Limits(
            MEMORY_MB, math.ceil(HEADERS_SECONDS), HEADERS_FILE_MB, HEADERS_FOLDER_MB, processes=8
        )
        job = {
            "source": HEADERS,
            "commands": self._tools.precompiling("result"),
            "result": "result",
        }
        made = self._run(job, limits, HEADERS_SECONDS)
        if made.file is None:
            raise SandboxFailure(f"the standard headers don't compile: {made.error}")
        path = self._stage.folder / PRECOMPILED
        path.parent.mkdir()
        path.parent.chmod(0o755)
        with path.open("wb") as file:
            place = 0
            while part := os.pread(made.file.fd, 1 << 20, place):
                place += file.write(part)
        path.chmod(0o644)
        self._use_headers(str(self._stage.folder))

    def _use_headers(self, folder: str) -> None:
        target = f"{MOUNTED}/headers"
        self._zygotes.close()
        self._extra = ["-I", target if self._sandbox.ground() is None else folder]
        mounts = (*self._profile.mounts, Mount(folder, target))
        shaped = self._sandbox.shaped(Profile(COMPILER, mounts, self._profile.executes))
        self._zygotes = Zygotes(shaped, self._workers)

    def built(self, source: str) -> Built:
        """Return a program, compiled now or before; raises SandboxFailure."""
        key = hashlib.sha256(f"{self._tools}\0{self._extra}\0{source}".encode("utf-8", "replace"))
        return self._memory.get(key.digest(), lambda: self._build(source))

    def _build(self, source: str) -> Built:
        limits = Limits(MEMORY_MB, math.ceil(self._seconds), FILE_MB, FOLDER_MB, processes=8)
        commands = self._tools.compiling(self._extra)
        job = {"source": source, "commands": commands, "result": RESULT}
        return self._run(job, limits, self._seconds)

    def _run(self, job: Mapping[str, object], limits: Limits, seconds: float) -> Built:
        """Run a compiler's commands; raises SandboxFailure."""
        why: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._stopped.wait(PAUSE_SECONDS)
            try:
                with self._zygotes.lease([]) as zygote:
                    return _compile(zygote, job, limits, seconds, self._stopped)
            except (ZygoteLost, NotStarted) as error:
                why = error
        raise SandboxFailure(str(why)) from why

    def close(self) -> None:
        """End its processes and forget its programs."""
        self._zygotes.close()
        self._memory.clear()


def _compile(
    zygote: Zygote, job: Mapping[str, object], limits: Limits, seconds: float, stopped: Event
) -> Built:
    result = MemoryFile()
    said = Stream(MOST_PRINTED, KEPT_TEXT)
    with Job(job) as given, Watch(zygote, limits, stopped) as watch:
        order = Order("compile", given.fd, limits, (result.fd,), reports=True)
        (child,) = zygote.start(order)
        watch.add(child, Stream(MOST_PRINTED, 0), said)
        watch.allow(PATIENCE * seconds)
        halted = _follow(watch, child)
    return _outcome(child, result, halted, said.text())


def _follow(watch: Watch, child: Child) -> str:
    """Wait for its end; returns the limit that it reached, if it did."""
    try:
        while child.exit is None:
            list(watch.wait())
        watch.drain()
    except Halt as halt:
        _end_commands(child)
        return halt.outcome
    return ""


def _end_commands(child: Child) -> None:
    """End what the child has started, too, before its folder is removed.

    What it starts in this very moment dies with it a little later (`PR_SET_PDEATHSIG`).
    """
    started = [fd for pid in child.descendants() if (fd := _held(pid)) is not None]
    child.signal()
    for fd in started:
        readable(fd, HEADERS_SECONDS)
        os.close(fd)


def _held(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        return os.pidfd_open(pid)
    return None


def _outcome(child: Child, result: MemoryFile, halted: str, said: str) -> Built:
    """Return what a compilation gave; raises SandboxFailure where that is not the program's."""
    code, cpu_ms = (0, 0) if child.exit is None else (child.exit.code, child.exit.cpu_ms)
    if not halted and code == 0:
        result.seal()
        size = os.fstat(result.fd).st_size
        return Built(result, size, memory_mb(os.pread(result.fd, HEAD, 0)), cpu_ms=cpu_ms)
    if halted == "time_limit":
        raise SandboxFailure("the compiler got no time: this machine has too much other work")
    if code == LATE:
        return Built(error="the compiler ran out of time", cpu_ms=cpu_ms)
    if halted or code == REFUSED or OUT_OF_MEMORY.search(said):
        text = excerpt(said) or halted or "the compiler refused it"
        return Built(error=text, cpu_ms=cpu_ms)
    raise SandboxFailure(f"the compiler crashed ({code}): {excerpt(said)}")


def excerpt(said: str) -> str:
    """Return the first errors among what a compiler said."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line or "undefined" in line]
    return " | ".join(errors or lines)[:EXCERPT]
