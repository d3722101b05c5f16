"""Folders for programs' files where there is no private memory disk: made, measured, removed.

A program may leave behind whatever it likes, such as a thousand folders one in the other, a
path too long to be named, or files that nobody may read. Measuring stops at a number of
entries; removing takes any of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import secrets
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path

# A folder with more entries counts as full: as many as the memory disk of tier 1 may hold.
MAX_ENTRIES = 8_192
PREFIX = "build-dataset-sandbox-"
FULL_MB = 1 << 20
# What else a user may start while programs run; a guess. A program may make so many threads.
SPARE_THREADS = 500
MAX_PATH = 3_000  # the kernel takes 4,095 bytes


class Stage:
    """A folder with links to what programs import, and one for their files, while it is held.

    Its maker holds a lock on it, which ends with the maker, so that the next one can remove
    what a killed one left.
    """

    def __init__(self, links: Mapping[str, str]) -> None:
        _sweep()
        self.folder, lock = _locked()
        self.files = self.folder / "files"
        self.files.mkdir()
        self.readable = self.folder / "sandbox" / "readable"  # for attempts to change it
        self.readable.parent.mkdir()
        self.readable.write_text("here")
        for target, source in links.items():
            place = self.folder / target.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(source)
        for made in (self.folder, *self.folder.rglob("*")):  # whatever the umask is
            if made.is_dir() and not made.is_symlink():
                made.chmod(0o755)
        weakref.finalize(self, _end, self.folder, lock, os.getpid())


def _locked() -> tuple[Path, int]:
    """Make a folder and lock it, again where another process was quicker and has removed it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _end(folder: Path, lock: int, maker: int) -> None:
    """Remove a stage, then give its lock back; a forked copy of its maker leaves it alone."""
    if os.getpid() == maker:
        remove(folder)
        os.close(lock)


def _sweep() -> None:
    """Remove the stages of this user whose makers are gone.

    A link to elsewhere, which anybody may have put there, can't be opened as a folder.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # somebody else's, held, or being removed
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(lock).st_uid == os.geteuid():
                    remove(folder)
            finally:
                os.close(lock)


class Ground:
    """Where the folders of programs lie, and whose they are: another user's, where root runs."""

    def __init__(self, stage: Stage, owner: int | None) -> None:
        self._stage, self._owner = stage, owner
        self.readable = stage.readable

    def folder(self) -> Path:
        """Make an empty folder for one program."""
        made = Path(tempfile.mkdtemp(dir=self._stage.files))
        if self._owner is not None:
            os.chown(made, self._owner, self._owner)
        return made

    def processes_before(self) -> int:
        """Return how many threads the kernel may count with a program's own, roughly.

        It counts by user, and other work of this user's comes and goes.
        """
        user = os.geteuid() if self._owner is None else self._owner
        return sum(map(_threads, _processes_of(user))) + SPARE_THREADS


def _processes_of(user: int) -> Iterator[Path]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == user:
                yield folder


def _threads(folder: Path) -> int:
    try:
        return len(list((folder / "task").iterdir()))
    except OSError:
        return 0


def size_mb(folder: Path) -> int:
    """Return the disk space of all files below a folder, in MiB, rounded down."""
    blocks, entries, pending = 0, 0, [str(folder)]
    while pending:
        for entry in _entries(pending.pop()):
            with contextlib.suppress(FileNotFoundError):
                blocks += entry.stat(follow_symlinks=False).st_blocks
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
            entries += 1
        if entries > MAX_ENTRIES or len(max(pending, key=len, default="")) > MAX_PATH:
            return FULL_MB
    return blocks * 512 // (1024 * 1024)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """Return some entries of a folder of a program that still runs and may do anything."""
    try:
        with os.scandir(folder) as found:
            return list(itertools.islice(found, MAX_ENTRIES + 1))
    except (FileNotFoundError, PermissionError, NotADirectoryError):
        return []


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, however deep; nothing may run in it any more.

    Folders inside are first moved up to the top, so that no path becomes too long.
    """
    prefix, moved = f"{folder}/{secrets.token_hex(8)}-", 0
    pending = [str(folder)]
    while pending:
        current = pending.pop()
        for entry in list(os.scandir(current)):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)  # noqa: PTH108
                continue
            os.chmod(entry.path, 0o700)  # noqa: PTH101 - the program may have locked it
            os.rename(entry.path, f"{prefix}{moved}")  # noqa: PTH104
            pending.append(f"{prefix}{moved}")
            moved += 1
        if current != str(folder):
            os.rmdir(current)  # noqa: PTH106
    folder.rmdir()
