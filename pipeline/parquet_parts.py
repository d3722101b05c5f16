"""Cuts the examples into the published Parquet files, one pass, a row group in memory.

    published/quickstart/1/distilled/train-00000-of-00004.parquet

How many files a config has follows from its size and `publish.file_mb`; which file a row
goes to follows from its id alone. So a changed row changes one file, and an added row
does, until the number of files changes. Nothing in a file depends on when or where it
was written.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.card_header import SPLIT, Part
from pipeline.errors import CorruptShard
from pipeline.facts import CONFIGS
from pipeline.records import Example, shard_of
from pipeline.scan import batches
from pipeline.store import ROW_GROUP_BYTES, Store

MB = 1_000_000


def write_parts(store: Store, folder: Path, file_mb: int) -> tuple[Part, ...]:
    """Write the files of every config that has rows below `folder`; returns the configs."""
    sizes = stored_bytes(store)
    writers = {
        name: PartWriter(folder, name, max(1, round(sizes[name] / (file_mb * MB))))
        for name in CONFIGS
        if name in sizes
    }
    for shard in range(store.shards):
        for batch in batches(store, "examples", shard):
            came_along = pc.equal(batch.column("round"), 0)
            for name, mask in zip(CONFIGS, (came_along, pc.invert(came_along)), strict=True):
                rows = batch.filter(mask)
                if rows.num_rows:
                    writers[name].add(rows)
    return tuple(writer.close() for writer in writers.values())


def stored_bytes(store: Store) -> dict[str, int]:
    """Return about how many bytes each config's rows take when compressed.

    The files of the store are compressed in the same way; a shard's bytes are shared out
    by the number of rows. A config without rows is not in it.
    """
    sizes: Counter[str] = Counter()
    for shard in range(store.shards):
        rows: Counter[str] = Counter()
        for batch in batches(store, "examples", shard, ["round"]):
            rows.update(CONFIGS[number > 0] for number in batch.column("round").to_pylist())
        for name, count in rows.items():
            sizes[name] += store.path("examples", shard).stat().st_size * count // rows.total()
    return dict(sizes)


class PartWriter:
    """Writes one config's rows, which come in the order of their ids, into its files."""

    def __init__(self, folder: Path, name: str, files: int) -> None:
        self.folder, self.name, self.files = folder, name, files
        self.paths: list[str] = []
        self.writer: pq.ParquetWriter | None = None
        self.waiting: list[pa.Table] = []
        self.waiting_bytes = self.rows = self.memory = self.download = 0
        self.last_id = ""
        (folder / name).mkdir(parents=True)

    def add(self, rows: pa.Table) -> None:
        """Add rows; raises CorruptShard where they are out of order."""
        ids = rows.column("id").to_pylist()
        if ids != sorted(ids) or ids[0] < self.last_id:
            raise CorruptShard(
                f"examples: rows around id {ids[0]} are not sorted by id; build the table"
                " again (--rebuild examples)"
            )
        self.last_id = ids[-1]
        places = [shard_of(id, self.files) for id in ids]
        for place in sorted(set(places)):
            self._move_to(place)
            self._take(rows.slice(places.index(place), places.count(place)))

    def close(self) -> Part:
        """Finish all files and return what the config consists of."""
        self._move_to(self.files - 1)
        self._finish()
        return Part(self.name, self.rows, self.memory, self.download, tuple(self.paths))

    def _move_to(self, place: int) -> None:
        """Open file number `place`, finishing those before it; one may stay without rows."""
        while self.writer is None or len(self.paths) <= place:
            self._finish()
            name = f"{self.name}/{SPLIT}-{len(self.paths):05d}-of-{self.files:05d}.parquet"
            self.paths.append(name)
            self.writer = pq.ParquetWriter(
                self.folder / name,
                Example.SCHEMA,
                compression="zstd",
                use_content_defined_chunking=True,
                write_page_index=True,
            )

    def _take(self, rows: pa.Table) -> None:
        self.waiting.append(rows)
        self.waiting_bytes += rows.nbytes
        self.rows += rows.num_rows
        self.memory += rows.nbytes
        if self.waiting_bytes >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Write what is waiting as one row group."""
        if self.waiting and self.writer:
            group = pa.concat_tables(self.waiting).cast(Example.SCHEMA)
            self.writer.write_table(group, row_group_size=group.num_rows)
        self.waiting, self.waiting_bytes = [], 0

    def _finish(self) -> None:
        """Close the file that is open."""
        self._flush()
        if self.writer is not None:
            self.writer.close()
            self.download += (self.folder / self.paths[-1]).stat().st_size
            self.writer = None
