"""An index of vectors that stays on disk, so that a batch is compared without the work again.

Built once for n unit vectors, kept, and asked about the rows of later batches::

    stored = Stored.build(vectors)                     # 35 s for 1.4 M x 384
    stored.save(Path("index"))                         # vectors.npy, cells.npz
    found = Stored.load(Path("index")).near(batch, 0.9)
    found.i, found.j, found.score                      # row of the index, row of the batch

The vectors are kept as they were given, float16 or float32, in the order that they had; with
`save_cells` and `vectors=` they may lie elsewhere, in a table say. A file that
doesn't fit its vectors is an error; that the vectors are the same ones is taken on trust.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dedup.index import (
    CHECKED,
    GUESTS,
    RECALL,
    WIDEST,
    Candidates,
    Found,
    Near,
    Vectors,
    check_vectors,
    checked_hits,
    scored,
    slack,
)

VECTORS, CELLS = "vectors.npy", "cells.npz"
OUTGROWN = 3  # beyond this many times the rows a cell should have, searching gets slow (guess)
SAMPLED = 50  # of so many rows of a batch, one is compared with all rows of the index (guess)
EXACT_PRODUCTS = 30_000 * 30_000  # up to so many products all are made: two seconds


@dataclass(frozen=True, slots=True)
class Stored:
    """Unit vectors (n, d), the centres of their cells, and the cells in which each row is."""

    vectors: Vectors
    centres: NDArray[np.float32]
    homes: NDArray[np.int32]

    @classmethod
    def build(cls, vectors: Vectors) -> Self:
        """Train cells and find each row's; raises ValueError for rows of another length than 1."""
        from dedup.cells import Cells

        check_vectors(vectors)
        if not len(vectors):
            nothing = np.empty((0, 1), np.int32)
            return cls(vectors, np.empty((0, vectors.shape[1]), np.float32), nothing)
        cells = Cells.train(vectors)
        return cls(vectors, cells.centres, cells.nearest(vectors))

    @classmethod
    def load(cls, folder: Path, vectors: Vectors | None = None) -> Self:
        """Read an index, its vectors as a memory map; raises ValueError where they don't fit."""
        if vectors is None:
            vectors = np.load(folder / VECTORS, mmap_mode="r")
        with np.load(folder / CELLS) as file:
            centres, homes = file["centres"], file["homes"].astype(np.int32)
        if len(homes) != len(vectors) or centres.shape[1] != vectors.shape[1]:
            raise ValueError(
                f"index: {folder / CELLS} is of {len(homes)} x {centres.shape[1]} vectors, and"
                f" there are {len(vectors)} x {vectors.shape[1]}; delete it and build it again"
            )
        return cls(vectors, centres, homes)

    def extended(self, vectors: Vectors) -> Self:
        """Return an index with further rows behind these."""
        both = np.concatenate([self.vectors, vectors.astype(self.vectors.dtype)])
        cells = self.cells_with(vectors)
        return self.build(both) if cells is None else type(self)(both, *cells)

    def cells_with(self, vectors: Vectors) -> tuple[NDArray[np.float32], NDArray[np.int32]] | None:
        """Return centres and homes with those of further rows behind, in the cells that there are.

        None where there are `OUTGROWN` times the rows that the cells fit: train them anew.
        """
        from dedup.cells import ROWS_PER_CELL, Cells

        rows = len(self.vectors) + len(vectors)
        if not len(self.centres) or rows > OUTGROWN * ROWS_PER_CELL * len(self.centres):
            return None
        homes = Cells(self.centres).nearest(vectors, self.homes.shape[1] - 1)
        return self.centres, np.concatenate([self.homes, homes])

    def save(self, folder: Path) -> None:
        """Write the index into a folder, vectors and all."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / VECTORS, self.vectors)
        save_cells(folder, self.centres, self.homes)

    def near(
        self, batch: Vectors, threshold: float, *, engine: str = "auto", recall: float = RECALL
    ) -> Near:
        """Return (row of the index, row of the batch) wherever the cosine reaches the threshold.

        Engines, recall and widening are those of `dedup.index.near_pairs`; only the batch's
        rows are widened, each into more cells. Ordered by (j, i).
        """
        check_vectors(batch)
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold: expected above 0 and at most 1, got {threshold}")
        if batch.shape[1] != self.vectors.shape[1]:
            raise ValueError(
                f"vectors: expected {self.vectors.shape[1]} numbers a row as the index has, got"
                f" {batch.shape[1]}"
            )
        few = len(batch) * len(self.vectors) <= EXACT_PRODUCTS
        exact = engine in ("exact", "faiss-gpu") or (engine == "auto" and few)
        guests = GUESTS
        while not exact and guests <= WIDEST:
            found = self._scored(batch, self._candidates(batch, threshold, guests), threshold)
            share, checked = self._recall(batch, found, threshold)
            if share >= recall:
                return Near(*found, "cells", share, checked, guests, guests > GUESTS)
            guests *= 2
        parts = list(checked_hits(batch, self.vectors, threshold))
        j, i, score = joined(parts)
        return Near(i, j, score, "exact", widened=not exact)

    def _candidates(self, batch: Vectors, threshold: float, guests: int) -> Candidates:
        """Yield (row of the index, row of the batch) that may be near; some come twice."""
        from dedup.cells import Cells, across

        if len(self.vectors) and len(batch):
            visited = Cells(self.centres).nearest(batch, guests)
            yield from across(self.vectors, self.homes, batch, visited, slack(threshold))

    def _scored(self, batch: Vectors, candidates: Candidates, threshold: float) -> Found:
        """Return each pair once, scored, ordered by (j, i)."""
        count = max(len(self.vectors), 1)
        keys = [np.empty(0, np.int64), *(j * count + i for i, j in candidates)]
        j, i = np.divmod(np.unique(np.concatenate(keys)), count)
        return joined(list(scored(self.vectors, batch, i, j, threshold)))

    def _recall(self, batch: Vectors, found: Found, threshold: float) -> tuple[float, int]:
        """Return which share of the pairs of a sample of the batch was found, and their number."""
        from dedup.cells import sample

        rows = sample(batch, max(CHECKED // 4, min(CHECKED, len(batch) // SAMPLED)))
        at, i, _ = joined(list(checked_hits(batch[rows], self.vectors, threshold)))
        there = rows[at] * len(self.vectors) + i
        held = np.isin(there, found[1] * len(self.vectors) + found[0])
        return (float(held.mean()) if len(there) else 1.0), len(there)


def save_cells(folder: Path, centres: NDArray[np.float32], homes: NDArray[np.int32]) -> None:
    """Write what an index is besides its vectors, which lie elsewhere."""
    small = np.uint16 if len(centres) <= 1 << 16 else np.int32
    np.savez(folder / CELLS, centres=centres, homes=homes.astype(small))


def joined(
    parts: list[Found],
) -> Found:
    """Return parts of pairs as three arrays."""
    nothing = np.empty(0, np.int64)
    whole = [(nothing, nothing, nothing.astype(np.float32)), *parts]
    one, other, score = (np.concatenate(column) for column in zip(*whole, strict=True))
    return one, other, score
