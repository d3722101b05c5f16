"""Runs Python inside bubblewrap, with nothing to read, nowhere to write and no way out.

A process is started as ``Sandbox().start("programs", job, Limits(), [report_fd])``; what
`job` holds depends on the role (`verifiers/inside/`), for example
``{"sources": ["print(1)"], "inputs": [""], "seconds": 10, "output_bytes": 1000}``.

Covered: namespaces of its own for users, processes, network, IPC, host name and cgroups;
a read-only root with Python alone; a small memory disk as /tmp; an empty environment; an
unprivileged user who can't make further namespaces; limits on address space, CPU time,
file size, processes, open files, resident memory of all its processes together, output
and wall time; death with the process that started it. `probe()` in `sandbox_probe.py`
says whether all that holds on this machine.

Not covered: no filter of system calls, so the kernel's whole interface is in reach of an
exploit; programs can start programs (only Python is there to be started); memory held
through System V shared memory is not bounded, through memfd only by the number of open
files times their size. Timing on a shared machine is what it is.
"""

from __future__ import annotations

import compileall
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from verifiers.sandbox_root import (
    HERE,
    Mount,
    interpreter,
    library_arguments,
    mounts,
    root_arguments,
)

# Any user that owns nothing will do; this is nobody's number on Linux.
NOBODY = 65534
START = "import sys; sys.path += ['/sandbox', '/sandbox/packages']; " + (
    "from verifiers.inside import boot; boot.main()"
)
# The kernel takes a millisecond or two to end a namespace; a guess for a crowded machine.
TEARDOWN_SECONDS = 10.0
ENVIRONMENT = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one sandboxed process and all that it starts.

    Origins: memory and time are the contract's defaults; the rest are guesses: 499 of 500
    LeetCode and all HumanEval reference solutions pass with them (the one wants a package
    that was not there).
    """

    memory_mb: int = 1024
    cpu_seconds: int = 60
    file_mb: int = 16
    tmp_mb: int = 64
    processes: int = 32
    open_files: int = 64
    output_bytes: int = 16 * 1024 * 1024


class Child:
    """A sandboxed process as seen from outside; `output` is what it and its kin print."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def output(self) -> int:
        """The descriptor of everything written to standard output and error."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def kill(self) -> None:
        """End it and everything it started, at once, and wait until all of it is gone.

        The kernel ends the namespace after its first process; the output is open until then.
        """
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.set_blocking(self.output, True)
        deadline = time.monotonic() + TEARDOWN_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.output], [], [], left)[0] and not os.read(self.output, 1 << 20):
                break
        assert self._process.stdout is not None
        self._process.stdout.close()

    def resident_mb(self) -> int:
        """Return the resident memory of all its processes, in MiB."""
        pages = sum(_resident_pages(pid) for pid in _descendants(self._process.pid))
        return pages * os.sysconf("SC_PAGE_SIZE") // (1024 * 1024)


def _descendants(pid: int) -> list[int]:
    """Return the pids below a process; empty where the kernel does not list children."""
    found: list[int] = []
    pending = [pid]
    while pending:
        parent = pending.pop()
        try:
            listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        except OSError:
            continue
        found += map(int, listed)
        pending += map(int, listed)
    return found


def _resident_pages(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0


class Sandbox:
    """Knows how to start sandboxed processes on this machine.

    `packages` are the installed distributions that programs may import besides the
    standard library. Raises ValueError where one is not installed.
    """

    def __init__(self, packages: Sequence[str] = ("numpy",), as_nobody: bool | None = None) -> None:
        self._mounts = mounts(packages)
        self._as_nobody = os.geteuid() == 0 if as_nobody is None else as_nobody
        _compile_inside()

    def start(self, role: str, job: Any, limits: Limits, fds: Sequence[int]) -> Child:
        """Start a process in a role, `fds` passed on to it, its job on standard input."""
        settings = json.dumps({"role": role, "fds": list(fds), **asdict(limits)})
        given = os.memfd_create("job")
        try:
            with os.fdopen(os.dup(given), "wb") as file:
                file.write(json.dumps(job).encode("ascii"))
            os.lseek(given, 0, os.SEEK_SET)
            return Child(self._popen(self.command(settings, limits), given, fds))
        finally:
            os.close(given)

    def _popen(self, command: list[str], given: int, fds: Sequence[int]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=tuple(fds),
            env={},
            cwd="/",
            process_group=0,
        )

    def command(self, settings: str, limits: Limits) -> list[str]:
        """Return the command line that starts Python in the sandbox."""
        python = [interpreter(), "-S", "-s", "-P", "-X", "utf8", "-c", START, settings]
        if not self._as_nobody:
            return [
                tool("bwrap"),
                *_isolation(),
                *root_arguments(self._mounts, limits.tmp_mb),
                *python,
            ]
        staged = [Mount(f"/stage{k}", mount.target) for k, mount in enumerate(self._mounts)]
        inner = ["/bwrap", *_isolation(), *root_arguments(staged, limits.tmp_mb), *python]
        return [*_stage(self._mounts), *inner]


def _isolation() -> list[str]:
    """Return bubblewrap's arguments for namespaces, user and environment."""
    arguments = ["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    arguments += ["--unshare-uts", "--unshare-cgroup-try", "--disable-userns"]
    arguments += ["--uid", str(NOBODY), "--gid", str(NOBODY), "--cap-drop", "ALL"]
    arguments += ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"]
    for name, value in ENVIRONMENT.items():
        arguments += ["--setenv", name, value]
    return arguments


def _stage(mounted: Sequence[Mount]) -> list[str]:
    """Return the command that, as root, becomes nobody before the sandbox proper is made.

    The kernel does not limit root's number of processes, in no user namespace (measured:
    100 of 16 allowed), so a fork bomb would get through. An outer bubblewrap puts what is
    needed where nobody can read it (an interpreter under /root is not), `setpriv` drops
    the rest. The outer PID namespace ties the inner sandbox's life to ours, since a
    change of user clears the parent-death signal. It costs 6 to 9 ms of wall time.
    """
    arguments = [tool("bwrap"), *library_arguments(), "--unshare-pid", "--die-with-parent"]
    arguments += ["--dev-bind", "/dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    for name in ("bwrap", "setpriv"):
        arguments += ["--ro-bind", tool(name), f"/{name}"]
    for place, mount in enumerate(mounted):
        arguments += ["--ro-bind", mount.source, f"/stage{place}"]
    drop = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all"]
    return [*arguments, "/setpriv", *drop]


def find_tool(name: str) -> str | None:
    """Return the real path of a program, None where it is not installed."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/bin:/bin:/usr/sbin")
    return None if found is None else os.path.realpath(found)


@cache
def tool(name: str) -> str:
    """Return the real path of a program; raises FileNotFoundError."""
    found = find_tool(name)
    if found is None:
        raise FileNotFoundError(name)
    return found


@cache
def _compile_inside() -> None:
    """Leave bytecode beside the sources, where that is possible: 13 ms of CPU less a start."""
    compileall.compile_dir(str(HERE / "inside"), quiet=2)
