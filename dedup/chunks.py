"""Whether two long texts agree all the way: every chunk of each is near to one of the other.

Vectors of chunks, those of row k at `starts[k]:starts[k + 1]`, none for a text that an
encoder sees whole (`dedup.encoder.Embedded`)::

    chunks = Chunks.of(embedded.owner, embedded.chunks, len(texts))
    chunks.agree(vectors, i, j, 0.9)        # for pairs of rows: does every part have its like?

The mean of many chunks hides the one that differs: two long texts that share all but their
last page are near by their means. A row without chunks is compared as one chunk. Where a
chunk begins depends on what stands before it, so a copy behind a long introduction of its
own has chunks cut elsewhere, and is held against the threshold `SHIFTED` lower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dedup.index import Rows, Vectors

SHIFTED = 0.05  # below the threshold of whole texts; measured in docs/log.md


@dataclass(frozen=True, slots=True)
class Chunks:
    """Unit vectors of chunks, row by row."""

    vectors: NDArray[np.float16]
    starts: Rows

    @classmethod
    def of(cls, owner: Rows, vectors: NDArray[np.float16], rows: int) -> Self:
        """Take chunks with the row of each, ascending, of so many rows."""
        return cls(vectors, np.searchsorted(owner, np.arange(rows + 1)).astype(np.int64))

    @property
    def long(self) -> NDArray[np.bool_]:
        """Which rows have chunks."""
        return np.diff(self.starts) > 0

    def agree(self, whole: Vectors, i: Rows, j: Rows, threshold: float) -> NDArray[np.bool_]:
        """Return which pairs agree over all chunks; pairs of short rows do without a look."""
        agreed = np.ones(len(i), np.bool_)
        for at in np.flatnonzero(self.long[i] | self.long[j]).tolist():
            products = self._of(whole, int(i[at])) @ self._of(whole, int(j[at])).T
            least = min(products.max(axis=0).min(), products.max(axis=1).min())
            agreed[at] = least >= threshold - SHIFTED
        return agreed

    def _of(self, whole: Vectors, row: int) -> NDArray[np.float32]:
        first, last = self.starts[row], self.starts[row + 1]
        rows = self.vectors[first:last] if last > first else whole[row : row + 1]
        return np.asarray(rows, np.float32)
