"""Rows within a cosine of each other by faiss, its index spread over all GPUs.

    index = flat_index(vectors)                      # float16 on the GPUs: 768 bytes a row
    rows, others = within(index, vectors[:4096], 0.9)

faiss searches for the k nearest, not for all within a distance, on GPUs. So each row is asked
for its `FIRST` nearest, and again for four times as many where the last of them is still
near enough, up to `MOST`, the bound of faiss on GPUs. A row that has more near ones than that
raises ValueError: engine `exact` has no such bound. Needs the package faiss-gpu in place of
faiss-cpu. The tests run the search on faiss-cpu's index, which has the same interface; the
copying to GPUs has not been run where this was written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Vectors = NDArray[np.float16] | NDArray[np.float32]

FIRST = 32  # guess: few questions have as many near-duplicates
MOST = 2_048  # faiss's own bound for k on a GPU
ADDED = 65_536  # rows handed over at a time, in fp32: 100 MB at d = 384


def flat_index(vectors: Vectors) -> Any:
    """Return an index of all rows on all GPUs; raises ValueError where faiss sees none."""
    import faiss

    if not getattr(faiss, "get_num_gpus", lambda: 0)():
        raise ValueError(
            "engine: faiss-gpu needs the package faiss-gpu and a GPU that it sees; take cells or"
            " exact, or install it in place of faiss-cpu"
        )
    options = faiss.GpuMultipleClonerOptions()
    options.useFloat16, options.shard = True, True
    empty = faiss.IndexFlatIP(vectors.shape[1])
    return filled(faiss.index_cpu_to_all_gpus(empty, co=options), vectors)


def filled(index: Any, vectors: Vectors) -> Any:
    """Return an index with all rows added to it."""
    for start in range(0, len(vectors), ADDED):
        index.add(np.ascontiguousarray(vectors[start : start + ADDED], np.float32))
    return index


def within(index: Any, rows: Vectors, threshold: float) -> tuple[Rows, Rows]:
    """Return (row, row of the index) wherever the inner product reaches the threshold."""
    asked, wanted = np.arange(len(rows)), FIRST
    found: list[tuple[Rows, Rows]] = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    while len(asked):
        count = min(wanted, index.ntotal, MOST)
        scores, others = index.search(np.ascontiguousarray(rows[asked], np.float32), count)
        near = (scores >= threshold) & (others >= 0)
        full = near[:, -1] & (count < index.ntotal)
        if count == MOST and full.any():
            raise ValueError(
                f"engine: faiss-gpu finds at most {MOST} rows near to one, and row"
                f" {int(asked[full][0])} of a block has more; take cells or exact"
            )
        at, column = np.nonzero(near & ~full[:, None])
        found.append((asked[at], others[at, column].astype(np.int64)))
        asked, wanted = asked[full], 4 * wanted
    left, right = (np.concatenate(part) for part in zip(*found, strict=True))
    return left, right
