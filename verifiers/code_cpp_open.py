"""Makes ready what C++ needs, when the first program comes, or says why it can't be had.

::

    without g++:             NoCpp("no_compiler", "no g++ here: install g++ (…)")
    without Landlock:        NoCpp("language_unsupported", "C++ needs Landlock …")
    an attempt succeeded:    NoCpp("language_unsupported", "did not hold: executes a program")

Takes some four seconds, for the standard headers and the attempts.
"""

from __future__ import annotations

import threading
from threading import Event

from verifiers.code_cpp import Cpp
from verifiers.code_cpp_build import Compiler
from verifiers.code_cpp_probe import leaks
from verifiers.code_cpp_tools import INSTALL, NoTools, find_tools
from verifiers.inside import landlock
from verifiers.inside.seccomp import NATIVE
from verifiers.sandbox import Profile, Sandbox
from verifiers.sandbox_pool import Zygotes

NEEDS_TIER = "C++ runs in a sandbox of tier 1 or 2 only, since nothing else keeps it from programs"
NEEDS_LANDLOCK = "C++ needs a kernel with Landlock (5.13 or newer), which keeps it from programs"


class NoCpp(Exception):
    """C++ can't be run here; `reason` is a verdict's, the text says why."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class CppTools:
    """All that runs C++ in one sandbox; several threads may ask."""

    def __init__(
        self, sandbox: Sandbox, workers: int, seconds: float, most_output: int, stopped: Event
    ) -> None:
        self._sandbox, self._workers, self._seconds = sandbox, workers, seconds
        self._most_output, self._stopped = most_output, stopped
        self._lock = threading.Lock()
        self._made: tuple[Compiler, Zygotes] | None = None
        self._refused: NoCpp | None = None

    def runner(self, checkers: Zygotes) -> Cpp:
        """Return what runs C++; raises NoCpp, and SandboxFailure where another try may help."""
        with self._lock:
            if self._refused is not None:
                raise self._refused
            try:
                self._made = self._made or self._make()
            except NoCpp as error:
                self._refused = error
                raise
        compiler, zygotes = self._made
        return Cpp(compiler, zygotes, checkers, self._most_output, self._stopped)

    def _make(self) -> tuple[Compiler, Zygotes]:
        if self._sandbox.tier not in (1, 2):
            raise NoCpp("language_unsupported", NEEDS_TIER)
        if landlock.version() == 0:
            raise NoCpp("language_unsupported", NEEDS_LANDLOCK)
        try:
            tools = find_tools()
        except NoTools as error:
            raise NoCpp("no_compiler", str(error)) from error
        given = (self._workers, self._seconds, self._stopped)
        compiler = Compiler(self._sandbox, tools, *given)
        zygotes = Zygotes(self._sandbox.shaped(Profile(NATIVE)), self._workers)
        try:
            compiler.precompile()
            _check(compiler)
            found = leaks(Cpp(compiler, zygotes, zygotes, 1 << 20, self._stopped), compiler, tools)
        except BaseException:
            _close(compiler, zygotes)
            raise
        if found:
            _close(compiler, zygotes)
            raise NoCpp("language_unsupported", f"did not hold: {', '.join(found)}")
        return compiler, zygotes

    def close(self) -> None:
        """Give back all processes and files."""
        with self._lock:
            if self._made is not None:
                _close(*self._made)


def _check(compiler: Compiler) -> None:
    """Raise NoCpp where the simplest program is not made, for want of static libraries, say."""
    built = compiler.built("int main() {}\n")
    if built.file is None:
        raise NoCpp("no_compiler", f"g++ makes no static program ({built.error}): {INSTALL}")


def _close(compiler: Compiler, zygotes: Zygotes) -> None:
    compiler.close()
    zygotes.close()
