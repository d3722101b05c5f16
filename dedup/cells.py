"""Near rows among millions: k-means cells, products inside each, with guests from near cells.

Rows are unit vectors, float16 or float32, in memory or in a memory map::

    cells = Cells.train(vectors)
    homes = cells.nearest(vectors)                    # (n, 1 + GUESTS), the nearest first
    for left, right in joined(vectors, homes, 0.9):   # candidates: places of two rows
        ...

A row is at home in the cell of its nearest centre, and a guest in the next ones. Two rows
are compared where one is at home and the other at home or a guest, so a pair is missed
only where each one's home is none of the other's nearest cells. The centres depend on the
set of rows alone, not on their order. On 1.4 M x 384 rows see docs/log.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from dedup.matmul import device, kind, near, tensor

Rows = NDArray[np.int64]
Homes = NDArray[np.int32]
Vectors = NDArray[np.float16] | NDArray[np.float32]

GUESTS = 5  # cells besides its own in which a row is compared; measured in docs/log.md
ROWS_PER_CELL = 700  # guess: training and comparing take about as long at 1.4 M rows
TRAINING_ROWS_PER_CELL = 48  # faiss asks for 39 or more
ROUNDS = 6  # of k-means; more change recall by less than 0.0005 (guess)
SEED = 1234
ASSIGNED = 16_384  # rows compared with all centres at a time


@dataclass(frozen=True, slots=True)
class Cells:
    """The centres of cells, (k, d) unit vectors."""

    centres: NDArray[np.float32]

    @classmethod
    def train(cls, vectors: Vectors, rows_per_cell: int = ROWS_PER_CELL) -> Self:
        """Find centres for about `rows_per_cell` rows each, by k-means on a sample of rows."""
        import faiss

        count = max(1, len(vectors) // rows_per_cell)
        chosen = sample(vectors, count * TRAINING_ROWS_PER_CELL)
        rows = np.ascontiguousarray(vectors[chosen], np.float32)
        if count == 1:  # no need to train, and faiss would warn of too few rows
            return cls(rows.mean(axis=0, keepdims=True))
        means = faiss.Kmeans(
            rows.shape[1], count, niter=ROUNDS, seed=SEED, spherical=True, verbose=False
        )
        means.train(rows)
        return cls(np.asarray(means.centroids, np.float32))

    def nearest(self, vectors: Vectors, guests: int = GUESTS) -> Homes:
        """Return for each row its home and the cells in which it is a guest, (n, 1 + guests)."""
        centres = torch.from_numpy(self.centres).to(device(), kind())
        count = min(1 + guests, len(centres))
        found = np.empty((len(vectors), count), np.int32)
        for start in range(0, len(vectors), ASSIGNED):
            rows = tensor(vectors, slice(start, start + ASSIGNED))
            best = torch.topk(rows @ centres.T, count, dim=1).indices
            found[start : start + len(rows)] = best.cpu().numpy()
        return found


def joined(vectors: Vectors, homes: Homes, threshold: float) -> Iterator[tuple[Rows, Rows]]:
    """Yield candidates among one set of rows, (row, other row); some come twice."""
    visits = _Visits(homes)
    rows = tensor(vectors, visits.by_home)
    for cell in range(visits.cells):
        first, last = visits.at_home(cell)
        members, guests = rows[first:last], visits.guests(cell)
        for others, places in (
            (members, visits.by_home[first:last]),
            (rows.index_select(0, _on(rows, visits.place_of[guests])), guests),
        ):
            for left, right in near(members, others, threshold):
                yield visits.by_home[left + first], places[right]


def across(
    vectors: Vectors, homes: Homes, batch: Vectors, visited: Homes, threshold: float
) -> Iterator[tuple[Rows, Rows]]:
    """Yield candidates between two sets of rows, (row, batch row); some come twice.

    `homes` and `visited` are the cells of either set, by the same centres.
    """
    mine, theirs = _Visits(homes), _Visits(visited)
    rows, others = tensor(vectors, mine.by_home), tensor(batch, theirs.by_home)
    for cell in range(min(mine.cells, theirs.cells)):
        (first, last), (begin, end) = mine.at_home(cell), theirs.at_home(cell)
        here, there = mine.by_home[first:last], theirs.by_home[begin:end]
        guests, visitors = mine.guests(cell), theirs.guests(cell)
        at_home = rows[first:last]
        for left, left_places, right, right_places in (
            (at_home, here, others[begin:end], there),
            (
                rows.index_select(0, _on(rows, mine.place_of[guests])),
                guests,
                others[begin:end],
                there,
            ),
            (at_home, here, others.index_select(0, _on(rows, theirs.place_of[visitors])), visitors),
        ):
            for i, j in near(left, right, threshold):
                yield left_places[i], right_places[j]


class _Visits:
    """Which rows are at home and which are guests in each cell."""

    def __init__(self, homes: Homes) -> None:
        self.cells = int(homes.max(initial=-1)) + 1  # cells beyond it have no row
        self.by_home = np.argsort(homes[:, 0], kind="stable").astype(np.int64)
        self.place_of = np.empty_like(self.by_home)
        self.place_of[self.by_home] = np.arange(len(homes))
        self._home_bounds = _bounds(homes[self.by_home, 0], self.cells)
        visited = homes[:, 1:].ravel()
        order = np.argsort(visited, kind="stable")
        self._visitors: Rows = order // max(homes.shape[1] - 1, 1)
        self._guest_bounds = _bounds(visited[order], self.cells)

    def at_home(self, cell: int) -> tuple[int, int]:
        """Return the range of `by_home` that is at home in a cell."""
        return int(self._home_bounds[cell]), int(self._home_bounds[cell + 1])

    def guests(self, cell: int) -> Rows:
        """Return the rows that are guests in a cell."""
        return self._visitors[self._guest_bounds[cell] : self._guest_bounds[cell + 1]]


def _bounds(ordered: NDArray[Any], cells: int) -> Rows:
    """Return where each cell's entries start in an ordered array, and where the last ends."""
    return np.asarray(np.searchsorted(ordered, np.arange(cells + 1)), np.int64)


def _on(rows: torch.Tensor, places: Rows) -> torch.Tensor:
    """Return places where the rows are."""
    return torch.from_numpy(places).to(rows.device)


def sample(vectors: Vectors, size: int) -> Rows:
    """Return `size` rows or all, chosen and ordered by what they hold, not by where they are."""
    if len(vectors) == 0:
        return np.empty(0, np.int64)
    words = np.dtype(np.uint16) if vectors.dtype == np.float16 else np.dtype(np.uint32)
    odd = np.random.default_rng(SEED).integers(0, 1 << 63, vectors.shape[1], np.uint64) * 2 + 1
    keys = np.empty(len(vectors), np.uint64)
    for start in range(0, len(vectors), ASSIGNED):
        part = np.ascontiguousarray(vectors[start : start + ASSIGNED]).view(words)
        keys[start : start + len(part)] = part.astype(np.uint64) @ odd
    keys ^= keys >> np.uint64(29)
    keys *= np.uint64(0x9E3779B97F4A7C15)
    size = min(size, len(keys))
    chosen = np.argpartition(keys, size - 1)[:size]
    return np.asarray(chosen[np.argsort(keys[chosen], kind="stable")], np.int64)
