"""The tables `vectors` and `chunks` as numpy arrays and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.store import Store

if TYPE_CHECKING:
    from dedup.chunks import Chunks

Array = np.ndarray[Any, Any]


def read_vectors(store: Store, shard: int) -> Array:
    """Return a shard's vectors, float16 (n, d), in order of id."""
    return matrix(store.read("vectors", shard, ["vector"]).column("vector").combine_chunks())


def read_chunks(store: Store, shard: int, ids: list[str]) -> tuple[Array, Array]:
    """Return the place among a shard's ids of each chunk, ascending, and the chunks' vectors."""
    table = store.read("chunks", shard)
    place = {id: at for at, id in enumerate(ids)}
    owner = np.array([place[id] for id in table.column("id").to_pylist()], np.int64)
    return owner, matrix(table.column("vector").combine_chunks())


def chunks_of(parts: list[tuple[Array, Array]], counts: list[int]) -> Chunks | None:
    """Return the chunks of parts one after the other, each of so many rows; None where none is."""
    from dedup.chunks import Chunks

    before = np.cumsum([0, *counts])
    owners = [owner + start for (owner, _), start in zip(parts, before[:-1], strict=True)]
    if not sum(map(len, owners)):
        return None
    vectors = np.concatenate([vectors for _, vectors in parts])
    return Chunks.of(np.concatenate(owners), vectors, int(before[-1]))


def matrix(column: pa.FixedSizeListArray) -> Array:
    """Return a column of vectors as an array, float16 (n, d)."""
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float16).reshape(len(column), column.type.list_size)


def column(vectors: Array) -> pa.FixedSizeListArray:
    """Return vectors (n, d) as a column of float16."""
    flat = pa.array(np.ascontiguousarray(vectors, np.float16).reshape(-1), pa.float16())
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
