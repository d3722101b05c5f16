"""Compiles one program: the role of a child in a sandbox that may execute a compiler's parts.

Its job is ``{"source": "int main() {}", "commands": [["/usr/…/cc1plus", …], …], "result":
"main"}``. The commands run one after the other in the child's own folder, which is where they
read and write; the result is copied into a memory file whose descriptor the child was given.
The exit code says how it ended; what the commands print goes to standard error.
"""

from __future__ import annotations

import os
import resource
import signal
from typing import Any

from verifiers.inside import kernel

REFUSED, CRASHED, LATE = 1, 3, 4
NEARLY = 0.25  # seconds by which the kernel's count of CPU time may be behind; a guess
SOURCE = "main.cpp"
NOT_EXECUTED = 127
STEP = 1 << 20


def compile_program(job: dict[str, Any], result: int) -> int:
    """Run the commands and hand over the result; returns an exit code."""
    os.dup2(2, 1)
    with open(SOURCE, "w", encoding="utf-8", errors="surrogatepass") as file:  # noqa: PTH123
        file.write(job["source"])
    for command in job["commands"]:
        code, spent = _run(command)
        if code < 0 and spent >= resource.getrlimit(resource.RLIMIT_CPU)[0] - NEARLY:
            return LATE
        if code != 0:
            return REFUSED if code == 1 else CRASHED
    _copy(job["result"], result)
    return 0


def _run(command: list[str]) -> tuple[int, float]:
    """Run a command; returns its exit code, a signal's number negative, and its CPU seconds."""
    own = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == own:
                os.execve(command[0], command, {"LC_ALL": "C"})
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        finally:
            os._exit(NOT_EXECUTED)
    _, status, used = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime


def _copy(name: str, result: int) -> None:
    with open(name, "rb") as file:  # noqa: PTH123
        while data := file.read(STEP):
            view = memoryview(data)
            while view:
                view = view[os.write(result, view) :]
