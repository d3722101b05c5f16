"""Where 64-bit hashes stand among millions of known ones, several times as fast as by bisection.

Known hashes, sorted and distinct, and some that are asked for::

    known = Lookup(np.array([3, 1 << 40, 1 << 63], np.uint64))
    known.places(np.array([1 << 63, 7], np.uint64))       # [2, -1]

Where most of those asked for are unknown, `Sieve` lets few of them through, for a tenth of the
cost. The leading bits of a hash say where its like begin, about one to a bucket, so that a look
costs one or two reads of memory instead of twenty. Hashes must be spread evenly over all 64
bits, as those of `dedup.quick` are: others are found too, but slowly.
"""

from __future__ import annotations

import numpy as np

from dedup.quick import Hashes, Rows

__all__ = ["Lookup", "Sieve"]


class Lookup:
    """Sorted distinct hashes, made ready to be looked for."""

    def __init__(self, hashes: Hashes) -> None:
        self.hash = hashes
        self._bits = max(len(hashes).bit_length() - 1, 1)
        edges = np.arange(1, 1 << self._bits, dtype=np.uint64) << np.uint64(64 - self._bits)
        inside = np.searchsorted(hashes, edges)
        # Two columns side by side: both ends of a bucket come with one read of memory.
        starts, ends = np.append(0, inside), np.append(inside, len(hashes))
        self._bounds = np.stack([starts, ends], axis=1).astype(np.int32)

    def __len__(self) -> int:
        return len(self.hash)

    def places(self, hashes: Hashes) -> Rows:
        """Return the place of each hash among the known ones, -1 where it is none."""
        found = np.full(len(hashes), -1)
        bounds = self._bounds[leading(hashes, self._bits)]
        open_ = np.flatnonzero(bounds[:, 0] < bounds[:, 1])
        at, end, wanted = bounds[open_, 0].astype(np.int64), bounds[open_, 1], hashes[open_]
        while len(open_):
            same = self.hash[at] == wanted
            found[open_[same]] = at[same]
            at += 1
            left = np.flatnonzero(~same & (at < end))
            open_, at, end, wanted = open_[left], at[left], end[left], wanted[left]
        return found


class Sieve:
    """A bit for each value that the leading bits of a hash can have, set where one is known."""

    def __init__(self, hashes: Hashes, bits: int) -> None:
        self._bits = bits
        known = np.zeros(1 << bits, np.bool_)
        known[leading(hashes, bits)] = True
        # Packed, since 2^24 bits lie in a cache of two megabytes and as many bytes don't.
        self._known = np.packbits(known, bitorder="little")

    def passed(self, hashes: Hashes) -> Rows:
        """Return the places of hashes that may be known: all that are, and few others."""
        bit = leading(hashes, self._bits)
        mask = np.left_shift(np.uint8(1), (bit & 7).astype(np.uint8))
        return np.flatnonzero(self._known[bit >> 3] & mask)


def leading(hashes: Hashes, bits: int) -> Rows:
    """Return the leading bits of hashes, as numbers."""
    return (hashes >> np.uint64(64 - bits)).view(np.int64)
