"""Which rows stay, given pairs of rows that say the same and an order of the rows.

Pairs as three arrays, and the rows from best to worst::

    keep_greedy(([0, 1], [1, 2], [0.95, 0.93]), order=[0, 1, 2])
    # {1: (0, 0.95)}: row 2 pairs only with row 1, which goes, so it stays

A row goes if and only if it pairs with a better row that stays. So no chains, and every
dropped row names a kept row that it pairs with itself. Connected components instead would
drop rows far below the threshold: 16 % of theirs, down to cosine 0.62 (docs/design.md, section 11).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rows = NDArray[np.int64]

CHUNK = 1_000_000  # pairs that are Python objects at a time


def keep_greedy(
    pairs: tuple[ArrayLike, ArrayLike, ArrayLike], order: ArrayLike
) -> dict[int, tuple[int, float]]:
    """Return for each dropped row the kept row that it names, and their score.

    `pairs` are rows i, rows j and scores, all at or above the threshold, in any order;
    `order` lists every row once, best first. A dropped row names the kept row with the
    highest score, the better row where scores tie. Takes time in proportion to the pairs,
    whatever their shape. Raises ValueError where `order` is not an order of the rows.
    """
    row = np.asarray(order, np.int64)
    if not np.array_equal(np.sort(row), np.arange(len(row))):
        raise ValueError(f"order: expected each of {len(row)} rows once")
    rank = np.empty_like(row)
    rank[row] = np.arange(len(row))
    i, j = (rank[np.asarray(column, np.int64)] for column in pairs[:2])
    better, worse = np.minimum(i, j), np.maximum(i, j)
    kept = walk(better, worse, np.full(len(row), -1))
    at, of, score = named(better, worse, np.asarray(pairs[2], np.float64), kept)
    names = zip(row[of].tolist(), score.tolist(), strict=True)
    return dict(zip(row[at].tolist(), names, strict=True))


def walk(better: Rows, worse: Rows, group: Rows) -> NDArray[np.bool_]:
    """Return which ranks stay, walking from the best rank, 0, to the worst.

    A rank goes where it pairs with a better one that stays, or where a rank of its group
    (-1: no group) stays already: a group is a clique of pairs that need not be listed.
    """
    count = len(group)
    members = np.flatnonzero(group >= 0)
    # A member asks for its group after its pairs: `count` sorts behind every better rank.
    better = np.concatenate([better, np.full(len(members), count)])
    worse = np.concatenate([worse, members])
    order = np.lexsort((better, worse))
    dropped, held = bytearray(count), bytearray(count)
    for start in range(0, len(order), CHUNK):
        part = order[start : start + CHUNK]
        asked = group[worse[part]].tolist()
        for a, b, g in zip(better[part].tolist(), worse[part].tolist(), asked, strict=True):
            if a < count:
                # Every pair of `a` as the worse one came before: its fate is known.
                if a != b and not dropped[a]:
                    dropped[b] = 1
            elif held[g]:
                dropped[b] = 1
            elif not dropped[b]:
                held[g] = 1
    return ~np.frombuffer(dropped, np.bool_)


def named(
    better: Rows, worse: Rows, score: NDArray[np.float64], kept: NDArray[np.bool_]
) -> tuple[Rows, Rows, NDArray[np.float64]]:
    """Return each dropped rank that pairs with a kept one, the best such one, their score."""
    naming = kept[better] & ~kept[worse]
    better, worse, score = better[naming], worse[naming], score[naming]
    order = np.lexsort((better, -score, worse))
    at, first = np.unique(worse[order], return_index=True)
    return at, better[order][first], score[order][first]
