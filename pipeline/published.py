"""The rows that are published: the table `examples` without what was removed.

    for row in published_rows(store, 3, ["id", "round"]): ...      {"id": "30ab…", "round": 1}

The table `removed` (pipeline/removals.py) is written by publish, and is absent where nothing
is to be removed. Other readers of `examples` would show rows that must not be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.scan import batches
from pipeline.store import Store

REMOVED = "removed"


def removed_ids(store: Store, shard: int) -> set[str]:
    """Return the ids of a shard's questions of which nothing may be published."""
    found = (batch.column("id").to_pylist() for batch in batches(store, REMOVED, shard, ["id"]))
    return {id for ids in found for id in ids}


def published_batches(
    store: Store, shard: int, columns: list[str] | None = None
) -> Iterator[pa.Table]:
    """Yield a shard's published rows in order, some columns of them; raises CorruptShard."""
    removed = pa.array(sorted(removed_ids(store, shard)), pa.string())
    if not len(removed):
        yield from batches(store, "examples", shard, columns)
        return
    for batch in batches(store, "examples", shard, columns and [*columns, "id"]):
        kept = batch.filter(pc.invert(pc.is_in(batch.column("id"), removed)))
        yield kept.select(columns) if columns else kept


def published_rows(
    store: Store, shard: int, columns: list[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield a shard's published rows as dictionaries."""
    for batch in published_batches(store, shard, columns):
        yield from batch.to_pylist()
