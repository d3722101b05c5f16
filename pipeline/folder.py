"""A published folder: which files are ours, and how a new one takes an old one's place.

The new folder is written beside the old one (`.1.new`), flushed, and takes its place by
renaming: a reader sees the old dataset or the new one, never a mixture. Between the two
renames there is for a moment none; where a run is killed there, the next one puts the old
folder back first. Two processes that publish to one folder at once are not kept apart.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from pipeline.errors import UserError, unwritable
from pipeline.facts import CONFIGS
from pipeline.original_files import FILES
from pipeline.store import UNWRITABLE

MARK = "ledger.json"  # the file by which a folder of ours is known
PUBLISHER = "build-dataset"
# Every file that this program writes is one of these.
FOLDERS = (*CONFIGS, "rl", "preference")
OURS = (
    *("README.md", MARK, "recipe.json", "plots/*.png"),
    *(f"{name}/*.parquet" for name in FOLDERS),
    *FILES,
)


@contextlib.contextmanager
def taking_the_place_of(to: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `to` when the block ends well.

    Raises UserError where `to` holds anything that this program did not publish, and
    StoreUnwritable where the disk can't be written.
    """
    new, old = to.parent / f".{to.name}.new", to.parent / f".{to.name}.old"
    with _writing(to):
        _recover(to, old)
        check_ours(to)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        try:
            yield new
            _flush(new)
            _swap(new, to, old)
        finally:
            shutil.rmtree(new, ignore_errors=True)


def check_ours(folder: Path) -> None:
    """Raise UserError where a folder is not empty and not, or not only, of our making."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file; name a folder to publish to")
    names = files_of(folder)
    if names and not _marked(folder):
        raise UserError(
            f"{folder}: is not empty and was not published by this program ({MARK} does not"
            " say so); choose another folder, or empty this one"
        )
    if strange := [name for name in names if not is_ours(name)]:
        raise UserError(
            f"{folder}: holds files that this program did not publish, such as {strange[0]};"
            " publishing would delete them: move them elsewhere, or choose another folder"
        )


def is_ours(name: str) -> bool:
    """Tell whether a path below a published folder is one that this program writes."""
    return any(fnmatch(name, pattern) for pattern in OURS)


def files_of(folder: Path) -> tuple[str, ...]:
    """Return the paths of all files below a folder, relative to it, in alphabetical order."""
    found = (path for path in folder.rglob("*") if not path.is_dir())
    return tuple(sorted(path.relative_to(folder).as_posix() for path in found))


def _marked(folder: Path) -> bool:
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return isinstance(mark, dict) and mark.get("published_by") == PUBLISHER


def _recover(to: Path, old: Path) -> None:
    """Put back what a run left that was killed between its two renames."""
    if old.exists() and not to.exists():
        old.rename(to)
    shutil.rmtree(old, ignore_errors=True)


def _swap(new: Path, to: Path, old: Path) -> None:
    if to.exists():
        to.rename(old)
    new.rename(to)
    _flush_path(to.parent)
    shutil.rmtree(old, ignore_errors=True)


def _flush(folder: Path) -> None:
    """Make sure that a folder's files are on the disk before they can be seen."""
    for path in [*folder.rglob("*"), folder]:
        _flush_path(path)


def _flush_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _writing(to: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {*UNWRITABLE, errno.EEXIST}:  # a file where a folder should be
            raise
        raise unwritable(
            error,
            f"{to}: cannot be written ({error.strerror}); free space or correct its"
            " permissions, or publish to another folder (--to); what was there is untouched",
        ) from error
