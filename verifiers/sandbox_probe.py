"""Says whether the sandbox really holds on this machine, by trying to get out of it.

``probe()`` gives, where everything held::

    Probe(tier=1, reason="", remedy="", checks={"reads nothing outside": True, …})

and otherwise tier None with a reason (`bwrap_missing`, `bwrap_too_old`,
`namespaces_forbidden`, `leaks`) and what to do about it. Tier 1 is bubblewrap's
namespaces. A good report says that these attempts failed here today, not that none could
succeed.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from verifiers.inside.frames import BrokenChannel, FrameBuffer
from verifiers.sandbox import Child, Limits, Sandbox, find_tool

INSTALL = "install bubblewrap 0.8 or newer (apt install bubblewrap, dnf install bubblewrap)"
ALLOW = (
    "allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces>0; in Docker "
    "--security-opt seccomp=unconfined), or run as root where bubblewrap may mount"
)
PROBE_LIMITS = Limits(memory_mb=256, cpu_seconds=20, tmp_mb=16, processes=8)
PROBE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found; `sandbox` starts processes in the way that held."""

    tier: int | None
    reason: str = ""
    remedy: str = ""
    detail: str = ""
    checks: Mapping[str, bool] = field(default_factory=dict)
    sandbox: Sandbox | None = None

    def evidence(self) -> dict[str, Any]:
        """Return what a verdict says of a sandbox that is not there."""
        return {"tier": self.tier, "why": self.reason, "remedy": self.remedy, "detail": self.detail}


@cache
def probe(packages: tuple[str, ...] = ("numpy",)) -> Probe:
    """Try the ways of starting a sandbox and return the first that holds; once a process."""
    version = bubblewrap_version()
    if version is None:
        return Probe(None, "bwrap_missing", INSTALL)
    if version < (0, 8):
        return Probe(None, "bwrap_too_old", INSTALL, f"bubblewrap {version[0]}.{version[1]}")
    ways = (True, False) if os.geteuid() == 0 else (False,)
    found = [attempt(Sandbox(packages, as_nobody=way)) for way in ways if _possible(way)]
    return next((one for one in found if one.tier is not None), found[0])


def bubblewrap_version() -> tuple[int, int] | None:
    """Return the version of the installed bubblewrap, None where there is none."""
    path = find_tool("bwrap")
    if path is None:
        return None
    shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)\.(\d+)", shown)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _possible(as_nobody: bool) -> bool:
    return not as_nobody or find_tool("setpriv") is not None


def attempt(sandbox: Sandbox) -> Probe:
    """Run the hostile program in a sandbox and weigh its report against what is seen here."""
    with tempfile.TemporaryDirectory(prefix="sandbox-probe-") as name, socket.socket() as server:
        folder = Path(name)
        folder.chmod(0o777)
        secret = folder / "secret"
        secret.write_text("planted")
        secret.chmod(0o644)
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        job = {
            "secret": str(secret),
            "folder": name,
            "port": server.getsockname()[1],
            "sleep": True,
        }
        return _weigh(sandbox, job, folder, server)


def _weigh(sandbox: Sandbox, job: dict[str, Any], folder: Path, server: socket.socket) -> Probe:
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        reported, output, died = _report(sandbox, {**job, "pid": victim.pid})
        seen = {
            "victim alive": victim.poll() is None,
            "nothing written here": [path.name for path in folder.iterdir()] == ["secret"],
            "no connection here": not _was_called(server),
            "dies when killed": died,
        }
    finally:
        victim.kill()
        victim.wait()
    if reported is None:
        return Probe(None, "namespaces_forbidden", ALLOW, output[-300:])
    checks = {**reported, **seen}
    failed = [name for name, held in checks.items() if held is not True]
    if failed:
        return Probe(None, "leaks", ALLOW, f"did not hold: {', '.join(failed)}", checks)
    return Probe(1, checks=checks, sandbox=sandbox)


def _was_called(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def _report(sandbox: Sandbox, job: dict[str, Any]) -> tuple[dict[str, bool] | None, str, bool]:
    """Return the report of the program inside, what it printed, and whether it can be ended."""
    limits = PROBE_LIMITS
    sizes = {"memory_mb": limits.memory_mb, "tmp_mb": limits.tmp_mb, "processes": limits.processes}
    read_end, write_end = os.pipe()
    try:
        child = sandbox.start("probe", {**job, **sizes}, limits, [write_end])
        os.close(write_end)
        messages = _messages(read_end, child)
    finally:
        os.close(read_end)
    return messages


def _messages(read_end: int, child: Child) -> tuple[dict[str, bool] | None, str, bool]:
    os.set_blocking(read_end, False)
    os.set_blocking(child.output, False)
    buffer, output, found = FrameBuffer(max_json=1 << 16), b"", None
    deadline = time.monotonic() + PROBE_SECONDS
    while found is None and time.monotonic() < deadline:
        time.sleep(0.005)
        output += _available(child.output) or b""
        data = _available(read_end)
        if data == b"":
            break
        found = _probe_message(buffer, data or b"")
    started = time.monotonic()
    child.kill()
    return found, output.decode("utf-8", "replace"), time.monotonic() - started < 5


def _available(fd: int) -> bytes | None:
    """Return what can be read now: None where nothing is there yet, empty at the end."""
    try:
        return os.read(fd, 1 << 16)
    except BlockingIOError:
        return None


def _probe_message(buffer: FrameBuffer, data: bytes) -> dict[str, bool] | None:
    try:
        messages: Sequence[Any] = buffer.feed(data)
    except BrokenChannel:
        return None
    found = [message[1] for message in messages if message[0] == "probe"]
    return dict(found[0]) if found else None
