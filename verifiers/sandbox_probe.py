"""Says which sandbox really holds on this machine, by trying to get out of each.

``probe()`` gives, where everything held::

    Probe(tier=1, reason="", remedy="", checks={"reads nothing outside": True, …})

Tier 1 is bubblewrap's namespaces with Landlock and a filter of system calls, tier 2 the last
two without namespaces (`sandbox.py`). Where neither holds the tier is None, with the
reason of the first (`interpreter_in_tmp`, `bwrap_missing`, `bwrap_too_old`,
`namespaces_forbidden`, `landlock_missing`, `leaks`, `machine_unsupported`) and what to do
about it. A good report says that these attempts failed here today, not that none could succeed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from verifiers.inside import kernel, landlock, syscalls
from verifiers.sandbox import Confined, Namespaces, Sandbox, Unsafe, find_tool
from verifiers.sandbox_child import ZygoteLost
from verifiers.sandbox_prober import NoReport, checks
from verifiers.sandbox_root import interpreter
from verifiers.sandbox_zygote import NotStarted

INSTALL = "install bubblewrap 0.8 or newer (apt install bubblewrap, dnf install bubblewrap)"
ALLOW = (
    "allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces>0; in Docker "
    "--security-opt seccomp=unconfined), or run as root where bubblewrap may mount"
)
ENABLE = "a kernel with Landlock (5.13 or newer, lsm=…,landlock) on x86_64 or aarch64 is needed"
MOVE = "install Python elsewhere: in tier 1 programs have a /tmp of their own"
LINUX = "Linux on x86_64 or aarch64 is needed; a container or a virtual machine will do"


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found; `sandbox` starts zygotes in the way that held."""

    tier: int | None
    reason: str = ""
    remedy: str = ""
    detail: str = ""
    checks: Mapping[str, bool] = field(default_factory=dict)
    sandbox: Sandbox | None = None
    landlock: int = 0

    def evidence(self) -> dict[str, Any]:
        """Return what a verdict says of a sandbox that is not there."""
        return {"tier": self.tier, "why": self.reason, "remedy": self.remedy, "detail": self.detail}


@cache
def probe(packages: tuple[str, ...] = ("numpy",), tier: int = 0) -> Probe:
    """Try the ways of starting a sandbox and return the first that holds; once a process.

    With `tier` 1 or 2 only the ways of that tier are tried.
    """
    if sys.platform != "linux" or kernel.ARCHITECTURE not in syscalls.ARCHITECTURES:
        return Probe(None, "machine_unsupported", LINUX, f"{sys.platform}, {kernel.ARCHITECTURE}")
    tried: list[Probe] = []
    for found in _attempts(packages, tier):
        if found.tier is not None:
            return found
        tried.append(found)
    details = [f"{one.reason}: {one.detail}".removesuffix(": ") for one in tried[1:]]
    return replace(tried[0], detail="; ".join(filter(None, [tried[0].detail, *details])))


def without(packages: tuple[str, ...], found: Probe) -> Probe:
    """Return what runs programs although nothing holds, for those who ask for it by name."""
    return replace(found, tier=0, sandbox=Unsafe(packages))


def _attempts(packages: tuple[str, ...], tier: int) -> Iterator[Probe]:
    """Yield what every way gives, best first."""
    if tier in (0, 1):
        lacking = _lacking()
        if lacking is not None:
            yield lacking
        else:
            ways = (True, False) if os.geteuid() == 0 else (False,)
            for way in ways:
                if not way or find_tool("setpriv") is not None:
                    yield attempt(Namespaces(packages, as_nobody=way))
    if tier in (0, 2):
        if landlock.version() == 0:
            yield Probe(None, "landlock_missing", ENABLE)
        else:
            yield attempt(Confined(packages))


def _lacking() -> Probe | None:
    """Return what keeps bubblewrap from being tried, if anything does."""
    if Path(interpreter()).is_relative_to("/tmp"):
        return Probe(None, "interpreter_in_tmp", MOVE, interpreter())
    version = bubblewrap_version()
    if version is None:
        return Probe(None, "bwrap_missing", INSTALL)
    if version < (0, 8):
        return Probe(None, "bwrap_too_old", INSTALL, f"bubblewrap {version[0]}.{version[1]}")
    return None


def bubblewrap_version() -> tuple[int, int] | None:
    """Return the version of the installed bubblewrap, None where there is none."""
    path = find_tool("bwrap")
    if path is None:
        return None
    shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)\.(\d+)", shown)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def attempt(sandbox: Sandbox) -> Probe:
    """Run hostile programs in a sandbox and weigh their report against what is seen here."""
    try:
        zygote = sandbox.launch([])
    except ZygoteLost as error:
        return _refused(sandbox, str(error))
    try:
        held = checks(zygote, sandbox.ground())
    except (ZygoteLost, NotStarted, NoReport) as error:
        return _refused(sandbox, str(error))
    finally:
        zygote.close()
    failed = [name for name, holds in held.items() if holds is not True]
    if failed:
        return Probe(None, "leaks", ALLOW, f"did not hold: {', '.join(failed)}", held)
    return Probe(sandbox.tier, checks=held, sandbox=sandbox, landlock=landlock.version())


def _refused(sandbox: Sandbox, why: str) -> Probe:
    """Return what is to say of a sandbox that does not even start."""
    if sandbox.tier == 1:
        return Probe(None, "namespaces_forbidden", ALLOW, why[-300:])
    return Probe(None, "landlock_missing", ENABLE, why[-300:])
