"""What publishing would change, file by file, for a dry run.

plan(new_folder, published)     [Change("replace", "README.md", 8123), …]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.folder import files_of
from pipeline.store import sha256


@dataclass(frozen=True, slots=True)
class Change:
    """One file that would change; `bytes` is its new size, of a removed one the old."""

    action: Literal["add", "replace", "remove"]
    path: str
    bytes: int


def plan(folder: Path, to: Path) -> list[Change]:
    """Return what would change in the folder `to` if it became `folder`, ordered by path.

    The card is always among it: its last section says when it was made.
    """
    old = {name: (to / name).stat().st_size for name in files_of(to)}
    return compare(folder, old, lambda name: sha256(folder / name) == sha256(to / name))


def compare(folder: Path, old: Mapping[str, int], same: Callable[[str], bool]) -> list[Change]:
    """Return what makes `old` (sizes by path) equal to `folder`.

    `same` tells whether a file of equal size has equal content; it is asked for no other.
    """
    new = {name: (folder / name).stat().st_size for name in files_of(folder)}
    found: list[Change] = []
    for name in sorted({*new, *old}):
        if name not in old:
            found.append(Change("add", name, new[name]))
        elif name not in new:
            found.append(Change("remove", name, old[name]))
        elif new[name] != old[name] or not same(name):
            found.append(Change("replace", name, new[name]))
    return found
