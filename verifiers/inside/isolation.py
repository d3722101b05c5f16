"""Shuts a forked child in, before it reads its job: limits, mounts, capabilities, Landlock, filter.

The process that forks prepares ``Isolation(settings)`` once; each child calls ``enter``. Its
settings, as they come on the command line, are for example::

    {"tier": 1, "reads": ["/"], "landlock": 7}

Tier 1 stands on the namespaces that bubblewrap made and adds, for each child, a PID
namespace (the child is its first process, so that its end is the end of all it started), a
mount namespace and a fresh memory disk as /tmp. Tier 2 has none of that: no processes may be
started, signals go to oneself alone, and only Landlock keeps files apart. Tier 0 is tier 2
with whatever of it the kernel has.

Nothing can execute anything, but in the sandboxes of compilers and of compiled programs
(`kind`). Those rest on Landlock in both tiers: a compiler executes its own parts (`executes`)
and nothing else, a compiled program nothing that is a file.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import struct
from typing import Any

from verifiers.inside import kernel, landlock, seccomp

MB = 1024 * 1024
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
CAPABILITIES_VERSION = 0x20080522
# Capabilities to read past permissions; containers often have the second alone, which is to
# write, too. Landlock bounds both.
DAC_READ_SEARCH, DAC_OVERRIDE = 1 << 2, 1 << 1
# Other processes that the kernel counts with a child's own: bubblewrap's, the zygote, the
# other child of the same question.
COUNTED_WITH = 3
INODES = 8_192  # on the memory disk; a guess: more files than a program of tests makes


class Isolation:
    """What is the same for all children of one zygote; they have some capabilities `kept`."""

    def __init__(self, settings: dict[str, Any], kept: int) -> None:
        self.tier: int = settings["tier"]
        self.landlock: int = settings["landlock"]
        self._kept = kept
        reads = [(path, _reading(path)) for path in settings["reads"]]
        reads += [(path, landlock.EXECUTE) for path in settings["executes"]]
        self._zygote = os.getpid()
        namespaces = self.tier == 1
        kind = settings["kind"]
        forks = namespaces or kind == seccomp.COMPILER
        code = seccomp.program(kernel.ARCHITECTURE, forks, not namespaces, kind)
        self._filter = seccomp.Filter(kernel.ARCHITECTURE, code)
        # The root of tier 1 has no other devices, and each rule costs three system calls.
        devices = ("/dev",) if namespaces else DEVICES
        self._rules = [*reads, *((path, landlock.WRITE) for path in devices)]

    def enter(self, limits: dict[str, Any]) -> None:
        """Shut this process in for good; raises OSError. Tier 0 leaves out what can't be had."""
        os.setsid()
        if self.tier == 1:
            _private_tmp(limits["tmp_mb"])
        os.chdir(limits["folder"])
        set_limits(limits)
        set_capabilities(self._kept)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        self._die_with_zygote()
        if self.tier == 0:
            with contextlib.suppress(OSError):
                self._bound(limits["folder"])
            with contextlib.suppress(OSError):
                self._filter.install()
            return
        self._bound(limits["folder"])
        self._filter.install()

    def _bound(self, folder: str) -> None:
        if self.landlock:
            landlock.restrict(self._ruleset(folder), self.landlock)

    def _ruleset(self, folder: str) -> int:
        return landlock.ruleset([*self._rules, (folder, landlock.WHOLE_FOLDER)], self.landlock)

    def _die_with_zygote(self) -> None:
        """See to it that a zygote that is killed takes this process along."""
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        if self.tier != 1 and os.getppid() != self._zygote:
            raise OSError("the zygote is gone")


def set_limits(limits: dict[str, Any]) -> None:
    """Set limits that can't be raised again; memory comes on top of what was inherited."""
    processes = limits["processes"] + limits["processes_before"] + COUNTED_WITH
    most = {
        resource.RLIMIT_AS: (limits["memory_mb"] + limits["memory_before_mb"]) * MB,
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_FSIZE: limits["file_mb"] * MB,
        resource.RLIMIT_NPROC: processes,
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_CORE: 0,
    }
    for which, value in most.items():
        least = within(value, resource.getrlimit(which)[1])
        resource.setrlimit(which, (least, least))


def within(value: int, inherited: int) -> int:
    """Return a limit that may be set where a lower one may have been inherited."""
    return value if inherited == resource.RLIM_INFINITY else min(value, inherited)


def _reading(path: str) -> int:
    return landlock.READ if os.path.isdir(path) else landlock.READ_FILE  # noqa: PTH112


def _private_tmp(size_mb: int) -> None:
    """Leave the zygote's mounts to the zygote and put a memory disk of its own on /tmp."""
    kernel.call(kernel.UNSHARE[kernel.ARCHITECTURE], kernel.CLONE_NEWNS)
    mount = kernel.MOUNT[kernel.ARCHITECTURE]
    kernel.call(mount, b"none", b"/", b"", kernel.MS_REC | kernel.MS_PRIVATE, b"")
    options = b"size=%d,nr_inodes=%d,mode=0700" % (size_mb * MB, INODES)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.call(mount, b"tmpfs", b"/tmp", b"tmpfs", flags, options)


def set_capabilities(kept: int) -> None:
    """Give up every capability but those kept; raises OSError."""
    head = struct.pack("<Ii", CAPABILITIES_VERSION, 0)
    sets = struct.pack("<6I", kept, kept, *[0] * 4)
    kernel.call(kernel.CAPSET[kernel.ARCHITECTURE], head, sets)


def become(user: int, keep_reading: bool) -> int:
    """Become another user for good and return the capabilities that are left; only root can.

    With `keep_reading` that is one to read past permissions: root's own interpreter may lie
    where nobody else can read it.
    """
    kernel.prctl(kernel.PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    kept = DAC_READ_SEARCH if keep_reading else 0
    try:
        set_capabilities(kept)
    except PermissionError:
        kept = DAC_OVERRIDE
        set_capabilities(kept)
    return kept
