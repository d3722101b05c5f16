"""How a file takes its place or leaves it under a lease, which may have been lost by then.

    retire(Path(".../labels/part-00001.json"), lease)                   what is outdated
    take_place(Path("….tmp"), Path(".../labels/part-00001.json"), lease)   what was made anew

A worker may be paused for any time between looking at its lease and what it does next, and another
one has then taken over. Neither function destroys what that one wrote. Between two renamings in
`retire` it may be missing for a moment, and for good if the worker is killed just there.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from pipeline.errors import LeaseLost
from pipeline.leases import Lease


def take_place(temporary: Path, path: Path, fence: Lease) -> None:
    """Give a file its name; raises LeaseLost where there is one or the lease is not held."""
    fence.check()
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise _lost(path) from None


def retire(path: Path, fence: Lease) -> None:
    """Delete an outdated file; raises LeaseLost where another worker has replaced it.

    It is taken aside first, looked at, and put back if it is no longer the one that was there
    while the lease was held.
    """
    before = _identity(path)
    fence.check()
    aside = temporary_name(path)
    if before is None:
        return
    with contextlib.suppress(FileNotFoundError):  # who took over has deleted it
        path.rename(aside)
        if _identity(aside) != before:
            _put_back(aside, path)
            raise _lost(path)
        aside.unlink()


def _put_back(aside: Path, path: Path) -> None:
    with contextlib.suppress(FileExistsError):  # there is a newer one by now
        os.link(aside, path)
    aside.unlink()


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Return what tells a file from another one of its name, None where there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def temporary_name(path: Path) -> Path:
    """Return a new name beside a file; machines that share it may have processes of one number."""
    return path.parent / f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp"


def _lost(path: Path) -> LeaseLost:
    return LeaseLost(f"{path}: another worker has written it; what it wrote stands")
