"""Cuts the examples into the published Parquet files, one pass, a row group in memory.

    published/quickstart/1/distilled/train-00000-of-00004.parquet

How many files a config has follows from its size and `publish.file_mb`; which file a row
goes to follows from its id alone. So a changed row changes one file, and an added row
does, until the number of files changes. Nothing in a file depends on when or where it
was written.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.card_header import TEST, TRAIN, Part, SplitFiles
from pipeline.errors import CorruptShard, StaleTable
from pipeline.facts import CONFIGS
from pipeline.published import published_batches
from pipeline.records import Example, shard_of
from pipeline.store import ROW_GROUP_BYTES, Store

MB = 1_000_000


def write_parts(
    store: Store, folder: Path, file_mb: int, test: Set[str] = frozenset()
) -> tuple[Part, ...]:
    """Write the files of every config that has rows below `folder`; returns the configs.

    Rows of the ids in `test` are a split of that name. Raises StaleTable where the examples were
    written by an earlier release, with other columns.
    """
    check_columns(store)
    sizes = stored_bytes(store, test)
    writers = {
        (name, split): PartWriter(folder, name, split, files_for(sizes[name, split], file_mb))
        for name in CONFIGS
        for split in (TRAIN, TEST)
        if (name, split) in sizes
    }
    for shard in range(store.shards):
        for batch in published_batches(store, shard):
            came_along = pc.equal(batch.column("round"), 0)
            for name, mask in zip(CONFIGS, (came_along, pc.invert(came_along)), strict=True):
                for split, rows in by_split(batch.filter(mask), test):
                    writers[name, split].add(rows)
    return as_parts({key: writer.close() for key, writer in writers.items()})


def check_columns(store: Store) -> None:
    """Raise StaleTable where the examples lack a column that is published now."""
    for shard in range(store.shards):
        if store.manifest("examples", shard) is None:
            continue
        with store.opened("examples", shard) as file:
            there = set(pq.read_schema(file).names)
        if missing := [name for name in Example.SCHEMA.names if name not in there]:
            raise StaleTable(
                f"table examples of {store.name} {store.version} was written by an earlier release,"
                f" without {', '.join(missing)}; build it again (build-dataset run … --rebuild"
                " examples), which asks no teacher"
            )


def as_parts(written: Mapping[tuple[str, str], SplitFiles]) -> tuple[Part, ...]:
    """Return the configs of which splits were written, by (config, split)."""
    names = dict.fromkeys(name for name, _ in written)
    return tuple(Part(n, tuple(s for (of, _), s in written.items() if of == n)) for n in names)


def files_for(size: float, file_mb: int) -> int:
    """Return into how many files so many bytes are cut."""
    return max(1, round(size / (file_mb * MB)))


def by_split(rows: pa.Table, test: Set[str]) -> Iterator[tuple[str, pa.Table]]:
    """Yield the rows of each split that has any, in their order."""
    asked = pa.array([id in test for id in rows.column("id").to_pylist()], pa.bool_())
    for split, mask in ((TRAIN, pc.invert(asked)), (TEST, asked)):
        if (mine := rows.filter(mask)).num_rows:
            yield split, mine


def stored_bytes(store: Store, test: Set[str] = frozenset()) -> dict[tuple[str, str], int]:
    """Return about how many bytes each config's rows take when compressed, by split.

    The files of the store are compressed in the same way; a shard's bytes are shared out
    by the number of rows. A split without rows is not in it.
    """
    sizes: Counter[tuple[str, str]] = Counter()
    for shard in range(store.shards):
        rows: Counter[tuple[str, str]] = Counter()
        for batch in published_batches(store, shard, ["round", "id"]):
            columns = (batch.column(name).to_pylist() for name in ("round", "id"))
            for number, id in zip(*columns, strict=True):
                rows[CONFIGS[number > 0], TEST if id in test else TRAIN] += 1
        for key, count in rows.items():
            sizes[key] += size_of(store, shard) * count // rows.total()
    return dict(sizes)


def size_of(store: Store, shard: int) -> int:
    """Return how many bytes a shard of the examples has."""
    with store.opened("examples", shard) as file:
        return os.fstat(file.fileno()).st_size


class PartWriter:
    """Writes a split of a config, whose rows come in the order of their ids, into its files."""

    def __init__(
        self, folder: Path, name: str, split: str, files: int, schema: pa.Schema = Example.SCHEMA
    ) -> None:
        self.folder, self.name, self.split, self.files = folder, name, split, files
        self.schema = schema
        self.paths: list[str] = []
        self.writer: pq.ParquetWriter | None = None
        self.waiting: list[pa.Table] = []
        self.waiting_bytes = self.rows = self.memory = self.download = 0
        self.last_id = ""
        (folder / name).mkdir(parents=True, exist_ok=True)

    def add(self, rows: pa.Table) -> None:
        """Add rows; raises CorruptShard where they are out of order."""
        ids = rows.column("id").to_pylist()
        if ids != sorted(ids) or ids[0] < self.last_id:
            raise CorruptShard(
                f"{self.name}: rows around id {ids[0]} are not sorted by id; build the tables"
                " that it comes from again (--rebuild)"
            )
        self.last_id = ids[-1]
        places = [shard_of(id, self.files) for id in ids]
        for place in sorted(set(places)):
            self._move_to(place)
            self._take(rows.slice(places.index(place), places.count(place)))

    def close(self) -> SplitFiles:
        """Finish all files and return what the split consists of."""
        self._move_to(self.files - 1)
        self._finish()
        return SplitFiles(self.split, self.rows, self.memory, self.download, tuple(self.paths))

    def _move_to(self, place: int) -> None:
        """Open file number `place`, finishing those before it; one may stay without rows."""
        while self.writer is None or len(self.paths) <= place:
            self._finish()
            name = f"{self.name}/{self.split}-{len(self.paths):05d}-of-{self.files:05d}.parquet"
            self.paths.append(name)
            self.writer = pq.ParquetWriter(
                self.folder / name,
                self.schema,
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
            group = pa.concat_tables(self.waiting).cast(self.schema)
            self.writer.write_table(group, row_group_size=group.num_rows)
        self.waiting, self.waiting_bytes = [], 0

    def _finish(self) -> None:
        """Close the file that is open."""
        self._flush()
        if self.writer is not None:
            self.writer.close()
            self.download += (self.folder / self.paths[-1]).stat().st_size
            self.writer = None
