"""Reads a version's tables in small pieces, for everything that looks at a whole version.

    for row in rows(store, "labels", 3, ["id", "category"]): ...      {"id": "30ab…", …}

A shard that does not exist (yet) has no rows: a report may look at a run that goes on.
Whoever needs whole tables asks the ledger or `Store.complete` first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import CorruptShard
from pipeline.store import Store

BATCH_ROWS = 1_024  # of 16 KB each: 16 MB; a row group more is in memory while it is read


def batches(
    store: Store, table: str, shard: int, columns: list[str] | None = None
) -> Iterator[pa.Table]:
    """Yield a shard's rows in order, at most BATCH_ROWS at a time; raises CorruptShard."""
    if store.manifest(table, shard) is None:
        return
    path = store.path(table, shard)
    try:
        with store.opened(table, shard) as opened, pq.ParquetFile(opened) as file:
            # One group at a time: over all, the reader keeps those that it has passed (measured:
            # 388 MiB in place of 116 for a file of 350 MB).
            for group in range(file.num_row_groups):
                for batch in file.iter_batches(BATCH_ROWS, [group], columns):
                    yield pa.Table.from_batches([batch])
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptShard(
            f"{path}: is missing or cannot be read ({error}); delete it with its .json"
            " and run again"
        ) from None


def rows(
    store: Store, table: str, shard: int, columns: list[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield a shard's rows as dictionaries."""
    for batch in batches(store, table, shard, columns):
        yield from batch.to_pylist()


def rounds(store: Store, table: str) -> list[int]:
    """Return the rounds that a table (`responses`, `verdicts`) has, in order."""
    return store.rounds(table)


def round_rows(
    store: Store, table: str, shard: int, columns: list[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield a shard's rows of all rounds, one round after the other."""
    for number in rounds(store, table):
        yield from rows(store, f"{table}/round={number:02d}", shard, columns)
