"""Files and folders that appear under their name as a whole, however their writer ends.

What is written lies beside its place, under a hidden name, until it is whole::

    with temporary_file(Path("out.jsonl")) as name:        # .out.jsonl.4711.tmp
        …
        name.replace("out.jsonl")

A writer that is killed leaves it behind; the next writer of that place removes it (`sweep`),
since it can take the lock that a living writer holds. What was just made and is not yet locked
would go too: its writer would then fail, loudly. Nothing is flushed to the disk: a machine
that loses its power can lose what it was told last.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

__all__ = ["replace_folder", "restore_folder", "sweep", "temporary_file", "temporary_folder"]


@contextlib.contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """Give the name of a file beside `path` that is locked as long as the block lasts."""
    name = _beside(path)
    with name.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield name
        finally:
            with contextlib.suppress(OSError):
                name.unlink(missing_ok=True)


@contextlib.contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Give the name of a folder beside `path` that is locked as long as the block lasts."""
    name = _beside(path)
    name.mkdir(parents=True)
    try:
        with _locked(name):
            yield name
    finally:
        shutil.rmtree(name, ignore_errors=True)


def sweep(path: Path) -> None:
    """Remove what writers of `path` that were killed have left: nobody holds its lock."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError), _locked(left, fcntl.LOCK_NB):
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()


def replace_folder(new: Path, place: Path) -> None:
    """Put a folder in the place of another one, or where nothing is.

    A folder can't be replaced in one step. Whoever is killed between the two leaves the old one
    aside, where `restore_folder` finds it.
    """
    with _locked(place.parent):
        if place.is_dir():
            place.rename(_aside(place))
        new.rename(place)
        shutil.rmtree(_aside(place), ignore_errors=True)


def restore_folder(place: Path) -> None:
    """Bring a folder back that a killed writer had put aside; call it before looking for one."""
    if not _aside(place).is_dir():
        return
    with _locked(place.parent):
        if place.exists():
            shutil.rmtree(_aside(place), ignore_errors=True)
        else:
            _aside(place).rename(place)


def _beside(path: Path) -> Path:
    return path.parent / f".{path.name}.{os.getpid()}.tmp"


def _aside(path: Path) -> Path:
    return path.parent / f".{path.name}.old"


@contextlib.contextmanager
def _locked(path: Path, how: int = 0) -> Iterator[None]:
    """Hold the lock of a file or folder; with LOCK_NB, raise OSError where another one does."""
    number = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(number)
