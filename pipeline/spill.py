"""Rows on their way from sources to shards: compressed JSON lines, one file a source and shard.

A line of `.staging/collect/gsm8k_train/part-00003.jsonl.zst`::

    {"id": "1c0f…", "question": {…}, "responses": [{"teacher": "…", "text": "…"}]}

An entry goes to the shard of its `id`. Each flush adds one zstd frame to each file, so that
no source is ever held in memory. Nothing here knows what an entry means.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

from pipeline.records import shard_of
from pipeline.store import Store

SPILL_BYTES = 32 << 20  # rows in memory before they go to disk, for all shards together
Entry = dict[str, Any]


def spill_path(store: Store, source: str, shard: int) -> Path:
    """Return the spill of one source for one shard."""
    return store.staging / "collect" / source / f"part-{shard:05d}.jsonl.zst"


class SpillWriter:
    """Appends entries to the spill files of one source, each flush one zstd frame a file."""

    def __init__(self, store: Store, source: str) -> None:
        self.store, self.source = store, source
        self.waiting: dict[int, list[bytes]] = {}
        self.bytes = 0

    def add(self, entry: Entry) -> None:
        """Add one entry; writes when enough are waiting."""
        line = json.dumps(entry).encode() + b"\n"
        self.waiting.setdefault(shard_of(entry["id"], self.store.shards), []).append(line)
        self.bytes += len(line)
        if self.bytes >= SPILL_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        squeeze = zstandard.ZstdCompressor(level=1)
        for shard, lines in self.waiting.items():
            with spill_path(self.store, self.source, shard).open("ab") as file:
                file.write(squeeze.compress(b"".join(lines)))
        self.waiting, self.bytes = {}, 0


def read_spill(path: Path) -> Iterator[Entry]:
    """Yield a spill file's entries; a shard without rows of a source has no file."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        frames = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        yield from (json.loads(line) for line in io.TextIOWrapper(frames, encoding="utf-8"))
