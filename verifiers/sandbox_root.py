"""What a sandboxed program finds below `/`: Python, its libraries, and nothing else.

For an interpreter under ``/opt/python3.11`` the arguments for bubblewrap are, in short::

    --ro-bind /usr/lib /usr/lib --symlink usr/lib /lib --ro-bind /opt/python3.11/lib …
    --ro-bind …/verifiers/inside /sandbox/verifiers/inside --size 67108864 --tmpfs /tmp
    --dev-bind /dev/null /dev/null --remount-ro /

There is no /proc, no /sys, no /etc, no home, no shell and none of /usr/bin. Libraries
under /usr/lib are readable in full: that a machine has them is no secret kept here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

# The loader, libc and what Python's own extension modules link against.
LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
HERE = Path(__file__).resolve().parent
PACKAGES = "/sandbox/packages"


@dataclass(frozen=True, slots=True)
class Mount:
    """A path of this machine that the program sees, read-only, at `target`."""

    source: str
    target: str


def interpreter() -> str:
    """Return the real path of the running interpreter's executable."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def _interpreter_mounts() -> Iterator[Mount]:
    executable = interpreter()
    yield Mount(executable, executable)
    for name in ("lib", "lib64"):
        folder = Path(sys.base_prefix, name).resolve()
        if folder.is_dir() and str(folder) not in LIBRARIES:
            yield Mount(str(folder), str(Path(sys.base_prefix, name)))


def _package_mounts(packages: Iterable[str]) -> Iterator[Mount]:
    """Yield the folders of installed packages; raises ValueError naming one that is not."""
    for package in packages:
        try:
            distribution = metadata.distribution(package)
        except metadata.PackageNotFoundError:
            raise ValueError(
                f"packages: {package!r} is not installed here; install it or leave it out"
            ) from None
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}
        for top in sorted(tops - {"__pycache__"}):
            path = Path(str(distribution.locate_file(top)))
            if not top.endswith((".dist-info", ".pth")) and path.exists():
                yield Mount(str(path), f"{PACKAGES}/{top}")


def mounts(packages: Iterable[str]) -> list[Mount]:
    """Return what the program may read besides the system's libraries."""
    inside = HERE / "inside"
    own = [
        Mount(str(inside), "/sandbox/verifiers/inside"),
        Mount(str(inside / "pytest_shim.py"), "/sandbox/pytest.py"),
    ]
    return [*_interpreter_mounts(), *_package_mounts(packages), *own]


def readable_paths(mounted: Iterable[Mount]) -> list[str]:
    """Return what may be read where there are no mounts: the same files at their own places."""
    libraries = [*LIBRARIES, "/etc/ld.so.cache", *DEVICES]
    return [path for path in (*libraries, *(one.source for one in mounted)) if Path(path).exists()]


def open_to_all(path: str) -> bool:
    """Say whether any user may read a path: it and every folder above it."""
    place = Path(path).resolve()
    above = all(folder.stat().st_mode & 0o001 for folder in place.parents)
    return above and bool(place.stat().st_mode & 0o004)


def importable(packages: Iterable[str]) -> list[str]:
    """Return the modules that some installed packages bring; raises ValueError as `mounts`."""
    names = (Path(mount.target).name.partition(".") for mount in _package_mounts(packages))
    return [name for name, _, suffix in names if suffix in ("", "py") and name.isidentifier()]


def library_arguments() -> list[str]:
    """Return bubblewrap's arguments for the system's libraries, links kept as links.

    bubblewrap makes missing parents readable to their maker alone, hence the folders.
    """
    arguments: list[str] = []
    for folder in ("/usr", "/usr/local", "/etc"):
        arguments += ["--perms", "0755", "--dir", folder]
    for folder in LIBRARIES:
        path = Path(folder)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), folder]
        elif path.is_dir():
            arguments += ["--ro-bind", folder, folder]
    return [*arguments, "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]


def root_arguments(mounted: Iterable[Mount], tmp_mb: int) -> list[str]:
    """Return bubblewrap's arguments that build the root; nothing is writable but /tmp."""
    arguments = library_arguments()
    for mount in mounted:
        arguments += ["--ro-bind", mount.source, mount.target]
    for device in DEVICES:
        arguments += ["--dev-bind-try", device, device]
    arguments += ["--size", str(tmp_mb * 1024 * 1024), "--tmpfs", "/tmp"]
    return [*arguments, "--remount-ro", "/", "--chdir", "/tmp"]
