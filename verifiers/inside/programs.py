"""Runs a whole program once for each input, in a fresh child, and reports what it printed.

It gets ``{"sources": ["print(int(input()) + 1)"], "inputs": ["1\\n", "5\\n"]}`` and reports::

    b"2\\n"
    ["end", 0, {"exit": 0, "killed": "", "err": "", "ms": 9, "cpu_ms": 8, "mb": 11}]

What ought to be printed is not here; it is compared outside. The program shares this
sandbox and could stop this process or forge its reports; it gains nothing by that, since
only the right output passes.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
import types
from collections.abc import Callable
from typing import Any

from verifiers.inside.choosing import first_that_compiles
from verifiers.inside.frames import Channel

SYNTAX_EXIT, MEMORY_EXIT = 121, 122
MAX_ERRORS = 4_000


class Streams:
    """Collects a child's output up to a cap while it runs."""

    def __init__(self, out: int, err: int, cap: int) -> None:
        self._caps = {out: cap, err: MAX_ERRORS}
        self.data = {out: bytearray(), err: bytearray()}
        self.open = {out, err}
        self._out = out
        self.overflown = False

    def read(self, fd: int) -> None:
        """Take what is there; beyond the cap it is dropped."""
        part = os.read(fd, 1 << 16)
        if not part:
            self.open.discard(fd)
            return
        room = self._caps[fd] - len(self.data[fd])
        self.data[fd] += part[:room]
        self.overflown = self.overflown or (fd == self._out and len(part) > room)


class Runner:
    """Runs one program's inputs one after the other."""

    def __init__(self, report: Channel, job: dict[str, Any]) -> None:
        self._report = report
        self._sources: list[str] = job["sources"]
        self._source = ""
        self._inputs: list[str] = job["inputs"]
        self._seconds: float = job["seconds"]
        self._cap: int = job["output_bytes"]

    def run(self) -> None:
        """Run until the inputs are done or one run was out of time."""
        self._report.send(["ready"])
        place = first_that_compiles(self._sources)
        self._source = self._sources[place]
        self._report.send(["chosen", place])
        for place, text in enumerate(self._inputs):
            self._report.send(["begin", place, "input"])
            out, found = self._run(text)
            self._report.send_bytes(out)
            self._report.send(["end", place, found])
            if found["killed"] == "time_limit":
                break
        self._report.send(["done"])

    def _run(self, text: str) -> tuple[bytes, dict[str, Any]]:
        """Run the program once and return what it printed and what happened."""
        started = time.perf_counter()
        pid, out, err = start_child(lambda: execute(self._source), text)
        streams = Streams(out, err, self._cap)
        killed = self._watch(pid, streams, started + self._seconds)
        _, status, usage = os.wait4(pid, 0)
        os.close(out)
        os.close(err)
        return bytes(streams.data[out]), {
            "exit": os.waitstatus_to_exitcode(status),
            "killed": killed,
            "err": streams.data[err].decode("utf-8", "replace"),
            "ms": round((time.perf_counter() - started) * 1000),
            "cpu_ms": round((usage.ru_utime + usage.ru_stime) * 1000),
            "mb": usage.ru_maxrss // 1024,
        }

    def _watch(self, pid: int, streams: Streams, deadline: float) -> str:
        """Read until the child ends; kill it, and all it started, at a limit."""
        gone = os.pidfd_open(pid)
        killed = ""
        try:
            while not killed:
                left = deadline - time.perf_counter()
                ready = select.select([gone, *streams.open], [], [], max(left, 0))[0]
                for fd in streams.open.intersection(ready):
                    streams.read(fd)
                if gone in ready:
                    break
                killed = "output_limit" if streams.overflown else "" if left > 0 else "time_limit"
        finally:
            kill_everything_else()
            os.close(gone)
        while streams.open:
            for fd in tuple(streams.open):
                streams.read(fd)
        return killed or ("output_limit" if streams.overflown else "")


def kill_everything_else() -> None:
    """Kill every process of the sandbox but this one and the namespace's first."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return


def start_child(run: Callable[[], int], text: str) -> tuple[int, int, int]:
    """Fork a child with `text` as its standard input; return its pid and its output pipes."""
    out, child_out = os.pipe()
    err, child_err = os.pipe()
    given = os.memfd_create("input")
    with open(given, "wb", closefd=False) as file:
        file.write(text.encode("utf-8", "surrogatepass"))
    os.lseek(given, 0, os.SEEK_SET)
    pid = os.fork()
    if pid == 0:
        for target, fd in enumerate((given, child_out, child_err)):
            os.dup2(fd, target)
        os.closerange(3, 1 << 10)
        os._exit(run())
    for fd in (given, child_out, child_err):
        os.close(fd)
    return pid, out, err


def execute(source: str) -> int:
    """Run a program as `__main__` and return its exit code, everything printed flushed."""
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.argv = ["solution.py"]
    code = _run_main(source)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    return code


def _run_main(source: str) -> int:
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    try:
        compiled = compile(source, "solution.py", "exec", dont_inherit=True)
    except MemoryError:
        return MEMORY_EXIT
    except (SyntaxError, ValueError, RecursionError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return SYNTAX_EXIT
    try:
        exec(compiled, vars(module))
        _finish()
    except SystemExit as error:
        return _exit_code(error)
    except MemoryError:
        return MEMORY_EXIT
    except BaseException:  # noqa: BLE001 - the program's own end, whatever it is
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _finish() -> None:
    """Do what Python does at its end: wait for threads, call what `atexit` holds."""
    import atexit

    threading: Any = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    atexit._run_exitfuncs()


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def main(report: Channel, job: dict[str, Any]) -> None:
    """Run the program of a job on all its inputs."""
    Runner(report, job).run()
