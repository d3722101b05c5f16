"""Lets hostile programs loose in a sandbox and looks at what came of it.

`checks(zygote, ground)` gives what held, each with its name, such as
``{"reads nothing outside": True, "victim alive": True, …}``. Three children are started: one
that stands by, one that attacks it, the zygote, a process and a file of this machine, and
one that looks at what the second has left.
"""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any, Self

from verifiers.inside.frames import BrokenChannel, FrameBuffer
from verifiers.sandbox_child import Job, Limits, Order, readable
from verifiers.sandbox_files import SPARE_THREADS, Ground
from verifiers.sandbox_zygote import Zygote

LIMITS = Limits(memory_mb=256, cpu_seconds=20, tmp_mb=16, processes=8)
SECONDS = 20.0
SECRET = "planted"


class NoReport(Exception):
    """A prober did not report in time."""


class Prober:
    """A child in the role of the prober, and the pipe that it reports to."""

    def __init__(self, zygote: Zygote, job: dict[str, Any]) -> None:
        sizes = {name: getattr(LIMITS, name) for name in ("memory_mb", "tmp_mb", "processes")}
        self._buffer = FrameBuffer(max_json=1 << 16)
        self._messages: deque[Any] = deque()
        self._report, write_end = os.pipe()
        try:
            with Job({**sizes, "threads": 2 * SPARE_THREADS + 100, **job}) as given:
                (self.child,) = zygote.start(Order("probe", given.fd, LIMITS, (write_end,)))
        except BaseException:
            os.close(self._report)
            raise
        finally:
            os.close(write_end)

    def wait_for(self, kind: str) -> list[Any]:
        """Return the next message, which must be of a kind; raises NoReport."""
        deadline = time.monotonic() + SECONDS
        while not self._messages and readable(self._report, deadline - time.monotonic()):
            data = os.read(self._report, 1 << 16)
            if not data:
                break
            try:
                self._messages += self._buffer.feed(data)
            except BrokenChannel as error:
                raise NoReport(str(error)) from error
        if not self._messages or self._messages[0][0] != kind:
            raise NoReport(self._printed() or "the prober did not report")
        return list(self._messages.popleft())

    def report(self) -> dict[str, bool]:
        """Return what it reports; raises NoReport."""
        return dict(self.wait_for("probe")[1])

    def _printed(self) -> str:
        output = self.child.outputs[0]
        os.set_blocking(output, False)
        try:
            return os.read(output, 2000).decode("utf-8", "replace").strip()
        except BlockingIOError:
            return ""

    def is_silent(self) -> bool:
        """Say whether nothing that it started holds on to the report."""
        return readable(self._report, 0) and os.read(self._report, 1) == b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.kill()
        os.close(self._report)


class Outside:
    """What is planted on this machine: a secret in a folder, a port, a process."""

    def __init__(self) -> None:
        self._made = tempfile.TemporaryDirectory(prefix="sandbox-probe-")
        self._folder = Path(self._made.name)
        self._folder.chmod(0o777)
        self._secret = self._folder / "secret"
        self._secret.write_text(SECRET)
        self._secret.chmod(0o644)
        self._server = socket.socket()
        self._server.bind(("127.0.0.1", 0))
        self._server.listen()
        self._server.setblocking(False)
        self.victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self._before = self._state()

    def job(self) -> dict[str, Any]:
        """Return what the attacker is told."""
        port = self._server.getsockname()[1]
        return {"secret": str(self._secret), "folder": str(self._folder), "port": port}

    def _state(self) -> tuple[Any, ...]:
        found = self._secret.stat()
        nice = os.getpriority(os.PRIO_PROCESS, self.victim.pid)
        return self._secret.read_text(), stat.S_IMODE(found.st_mode), found.st_mtime_ns, nice

    def seen(self) -> dict[str, bool]:
        """Say what did not happen here."""
        return {
            "victim alive": self.victim.poll() is None,
            "nothing written here": [path.name for path in self._folder.iterdir()] == ["secret"],
            "nothing changed here": self._state() == self._before,
            "no connection here": not readable(self._server.fileno(), 0),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.victim.kill()
        self.victim.wait()
        self._server.close()
        self._made.cleanup()


def checks(zygote: Zygote, ground: Ground | None) -> dict[str, bool]:
    """Attack and say what held; raises NoReport, NotStarted or ZygoteLost.

    `ground` is where programs' files lie on this machine's disk.
    """
    with Outside() as outside, Prober(zygote, {"task": "wait"}) as onlooker:
        onlooker.report()
        targets = [outside.victim.pid, zygote.pid, onlooker.child.pid]
        readable = None if ground is None else str(ground.readable)
        job = {"task": "attack", "targets": targets, "readable": readable}
        with Prober(zygote, {**job, **outside.job()}) as attacker:
            found = attacker.report()
            attacker.wait_for("left")
            started = time.monotonic()
            attacker.child.kill()
            found |= {
                "dies when killed": time.monotonic() - started < 5,
                "nothing of it goes on": attacker.is_silent(),
                "others alive": not onlooker.child.has_ended() and not zygote.lost,
            }
        with Prober(zygote, {"task": "look"}) as next_one:
            return {**found, **outside.seen(), **next_one.report()}
