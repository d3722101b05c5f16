"""Runs Python shut in: nothing to read, nowhere to write, no way out; and started warm.

``Namespaces().launch(["numpy"])`` starts a zygote (`inside/zygote.py`), a Python with
everything loaded that forks a child for each program, and one for its tests. Two ways:

- `Namespaces`, tier 1: bubblewrap makes namespaces for users, processes, network, IPC, host
  name and cgroups, with a root that holds Python alone; each child gets a PID and a mount
  namespace of its own within, a fresh memory disk as /tmp, Landlock and a filter of system
  calls on top.
- `Confined`, tier 2, where namespaces are refused (inside ordinary containers): Landlock,
  the filter and limits alone. A child may start threads but no processes, so that killing
  it kills all of it. Its files lie in a folder on disk that is removed after it.

Covered in both: files of this machine can't be read or written; no sockets but pairs, no
programs, no namespaces, no tracing; nothing can be signalled but the child's own processes;
an unprivileged user, an empty environment, no descriptors but its own; limits on address
space, CPU time, file size, processes, open files, resident memory, disk, output and wall
time; death with the process that started it. `sandbox_probe.py` says which holds here.

Not covered: a hole in those parts of the kernel that the filter leaves open, and what can
be learnt from timing. In tier 2 a program can also see that a file exists, its size and its
times, but not what it holds; and the disk space it uses is looked at four times a second,
so that it may for a moment be more than allowed, and without what is open and unlinked. Root's
child is nobody; where nobody can't read the interpreter, it keeps a capability to read (where
that is not to be had, to read and write), which Landlock bounds.
"""

from __future__ import annotations

import compileall
import json
import os
import shutil
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self

from verifiers.inside import landlock
from verifiers.inside.seccomp import PYTHON
from verifiers.sandbox_child import ZygoteLost
from verifiers.sandbox_files import Ground, Stage
from verifiers.sandbox_root import (
    HERE,
    Mount,
    interpreter,
    library_arguments,
    mounts,
    open_to_all,
    readable_paths,
    root_arguments,
)
from verifiers.sandbox_zygote import Launched, Zygote

# Any user that owns nothing will do; this is nobody's number on Linux.
NOBODY = 65534
START = (
    "import json, sys; settings = json.loads(sys.argv[1]); sys.path += settings['path']; "
    "from verifiers.inside import zygote; zygote.main(settings)"
)
ENVIRONMENT = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
MOUNTED = "/sandbox"


@dataclass(frozen=True, slots=True)
class Profile:
    """What a sandbox is for: Python, a compiler, or what that has made (`inside/seccomp.py`).

    `mounts` may be read besides, `executes` are the files that a compiler may execute.
    """

    kind: str = PYTHON
    mounts: tuple[Mount, ...] = ()
    executes: tuple[str, ...] = ()


class Sandbox(ABC):
    """Knows how to start zygotes on this machine.

    `packages` are the installed distributions that programs may import besides the
    standard library. Raises ValueError where one is not installed.
    """

    tier: ClassVar[int]

    def __init__(self, packages: Sequence[str] = ("numpy",)) -> None:
        self._mounts = mounts(packages)
        self._profile = Profile()
        _compile_inside()

    def shaped(self, profile: Profile) -> Self:
        """Return this sandbox for what else than Python it is to run."""
        made = copy(self)
        made._mounts = [*self._mounts, *profile.mounts]
        made._profile = profile
        return made

    @abstractmethod
    def command(self, settings: dict[str, Any]) -> list[str]:
        """Return the command line that starts a zygote with some settings."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return what a zygote must know of how it is shut in."""

    def environment(self) -> dict[str, str]:
        """Return the environment of the command."""
        return {}

    def ground(self) -> Ground | None:
        """Return where programs' files lie, None where they have memory disks."""
        return None

    def launch(self, preload: Sequence[str]) -> Zygote:
        """Start a zygote that has some modules loaded; raises ZygoteLost."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        own = {"control": theirs.fileno(), "preload": list(preload), "supervisor": os.getpid()}
        own |= {"tier": self.tier, "landlock": landlock.version()}
        own |= {"kind": self._profile.kind, "executes": list(self._profile.executes)}
        with theirs:
            try:
                command = self.command(own | self.settings())
                launched = Launched(command, theirs, self.environment())
            except OSError as error:
                ours.close()
                raise ZygoteLost(str(error)) from error
        zygote = Zygote(self.tier, launched, ours, self.ground())
        try:
            zygote.greet()
        except BaseException:
            zygote.close()
            raise
        return zygote


class Namespaces(Sandbox):
    """Tier 1. `as_nobody` is how root starts it, since the kernel lets root start processes
    without limit.
    """

    tier = 1

    def __init__(self, packages: Sequence[str] = ("numpy",), as_nobody: bool | None = None) -> None:
        super().__init__(packages)
        self._as_nobody = os.geteuid() == 0 if as_nobody is None else as_nobody

    def settings(self) -> dict[str, Any]:
        """Return that all of the root may be read: it holds nothing else."""
        path = [MOUNTED, f"{MOUNTED}/packages"]
        return {"path": path, "reads": ["/"], "become": None, "keep_reading": False}

    def command(self, settings: dict[str, Any]) -> list[str]:
        """Return bubblewrap's command line."""
        size = 1  # nothing is written on the zygote's own memory disk
        python = python_command(settings)
        if not self._as_nobody:
            arguments = root_arguments(self._mounts, size)
            return [tool("bwrap"), *_isolation(), *arguments, *python]
        staged = [Mount(f"/stage{k}", mount.target) for k, mount in enumerate(self._mounts)]
        inner = ["/bwrap", *_isolation(), *root_arguments(staged, size), *python]
        return [*_stage(self._mounts), *inner]


class Confined(Sandbox):
    """Tier 2, and tier 0: the same with whatever of it the kernel has, for who asked for that."""

    tier = 2

    def __init__(self, packages: Sequence[str] = ("numpy",)) -> None:
        super().__init__(packages)
        self._user = NOBODY if os.geteuid() == 0 else None
        links = {mount.target: mount.source for mount in self._mounts}
        self._stage = Stage({t: s for t, s in links.items() if t.startswith(f"{MOUNTED}/")})

    def settings(self) -> dict[str, Any]:
        """Return what may be read, and who to become."""
        root = f"{self._stage.folder}{MOUNTED}"
        reads = readable_paths(self._mounts)
        hidden = self._user is not None and not all(map(open_to_all, [root, *reads]))
        return {
            "path": [root, f"{root}/packages"],
            "reads": [root, *reads],
            "become": self._user,
            "keep_reading": hidden,
        }

    def command(self, settings: dict[str, Any]) -> list[str]:
        """Return Python's command line."""
        return python_command(settings)

    def environment(self) -> dict[str, str]:
        """Return what programs see, since nothing clears it on the way."""
        return ENVIRONMENT

    def ground(self) -> Ground:
        """Return the folder below which each program gets its own."""
        return Ground(self._stage, self._user)


class Unsafe(Confined):
    """Tier 0: not shown to hold; for who would rather run programs so than not at all."""

    tier = 0


def python_command(settings: dict[str, Any]) -> list[str]:
    """Return the command line that starts Python as a zygote."""
    return [interpreter(), "-S", "-s", "-P", "-X", "utf8", "-c", START, json.dumps(settings)]


def _isolation() -> list[str]:
    """Return bubblewrap's arguments for namespaces, user and environment.

    CAP_SYS_ADMIN is within the new user namespace only: the zygote makes each child's
    namespaces with it, children lose it. (`--disable-userns` would put the zygote in a
    second user namespace, where it has no say over its own PID namespace.)
    """
    arguments = ["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    arguments += ["--unshare-uts", "--unshare-cgroup-try"]
    arguments += ["--uid", str(NOBODY), "--gid", str(NOBODY)]
    arguments += ["--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN"]
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
    change of user clears the parent-death signal.
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
    """Return the real path of a program, None where PATH does not lead to it."""
    found = shutil.which(name)
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
