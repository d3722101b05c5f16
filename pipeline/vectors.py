"""The `vectors` table as numpy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.store import Store


def read_vectors(store: Store, shard: int) -> np.ndarray[Any, Any]:
    """Return a shard's vectors, float16 (n, d), in order of id."""
    column = store.read("vectors", shard, ["vector"]).column("vector").combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float16).reshape(len(column), column.type.list_size)
