"""Content hashes of input files, remembered by size and time of change.

A source of several gigabytes is hashed once, not at every start.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.store import replacing, sha256, writing


@dataclass(slots=True)
class FileHashes:
    """sha256 of files, kept in `memory` (a JSON file) between runs."""

    memory: Path
    _known: dict[str, list[object]] = field(default_factory=dict)
    _loaded: bool = False

    def of(self, path: Path) -> str:
        """Return a file's sha256; reads it only where size or time of change are new."""
        self._load()
        stat = path.stat()
        name, mark = str(path.resolve()), [stat.st_size, stat.st_mtime_ns]
        known = self._known.get(name)
        if known is None or known[:2] != mark:
            self._known[name] = [*mark, sha256(path)]
            self._save()
        return str(self._known[name][2])

    def _load(self) -> None:
        if not self._loaded and self.memory.is_file():
            try:
                self._known = json.loads(self.memory.read_text(encoding="utf-8"))
            except ValueError:
                self._known = {}  # a memory that can't be read only costs time
        self._loaded = True

    def _save(self) -> None:
        with writing(self.memory.parent):
            self.memory.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.memory) as file:
                file.write(json.dumps(self._known).encode())
