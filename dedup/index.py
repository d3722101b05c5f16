"""Pairs of unit vectors whose cosine reaches a threshold, and how many of them were missed.

A float16 or float32 array (or memory map) of n rows, each of length 1 or zero::

    for i, j, score in pairs_above(vectors, 0.9):     # arrays of one block, i < j
        ...
    near = near_pairs(vectors, 0.9)                   # all at once, with an estimate
    near.recall, near.checked                         # 0.9996, of 2,143 pairs in a sample

Engines, by name: `exact` compares every row with every other one, by torch on a GPU where
there is one; `faiss-gpu` does the same by faiss on all GPUs (`dedup.gpu`); `cells` compares a
row with those of the same and of near k-means cells (`dedup.cells`) and so misses pairs that a
border parts; `auto` is `exact` up to `EXACT_ROWS` rows. Each engine proposes candidates by
products in half precision; what is yielded is scored again in fp32 on the vectors as given,
row by row, so a score depends on its two rows alone.

`exact` gives one result under any order of the rows. `cells` has the same cells under any
order; candidates at the very edge of the slack could differ, pairs at the threshold don't.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float16] | NDArray[np.float32]
Rows = NDArray[np.int64]
Scores = NDArray[np.float32]
Found = tuple[Rows, Rows, Scores]
Candidates = Iterator[tuple[Rows, Rows]]

BLOCK = 4_096  # rows compared at a time; 4,096 x 384 in bf16 are 3 MB
EXACT_ROWS = 30_000  # two seconds on two cores; above it cells are faster than all pairs
GUESTS = 5  # cells besides its own in which a row is compared (docs/log.md)
RECALL = 0.995  # below it the cells are widened; the least that is promised at a cosine of 0.9
CHECKED = 2_000  # rows whose pairs are all looked for, to estimate the recall; 3 s of 1.4 M rows
WIDEST = 32  # cells; if these do not reach the recall, all pairs are compared
RESCORED = 16_384  # pairs scored again at a time: 2 x 25 MB at d = 384
SMALLEST = 1e-6  # products are compared by their bits, which order only those above zero


@dataclass(frozen=True, slots=True)
class Near:
    """Pairs i < j of rows, ordered by (j, i), and how they were found.

    `recall` is the share found of the `checked` pairs that a sample of rows has; 1 where
    the engine is exact or the sample has no pair. `guests` is how many cells besides its
    own each row was compared in, `widened` whether these had to be more than at first.
    `cells` are the cells' centres and those of each row, to keep (`dedup.stored`).
    """

    i: Rows
    j: Rows
    score: Scores
    engine: str
    recall: float = 1.0
    checked: int = 0
    guests: int = 0
    widened: bool = False
    cells: tuple[NDArray[np.float32], NDArray[np.int32]] | None = None


def near_pairs(
    vectors: Vectors, threshold: float, *, engine: str = "auto", recall: float = RECALL
) -> Near:
    """Return all pairs i < j whose inner product is at least `threshold`.

    Where a sample says that `cells` finds fewer than `recall` of them, each row is compared
    in twice as many cells, and in the end with all others.
    """
    _check(vectors, threshold, BLOCK)
    name = _engine(engine, len(vectors))
    guests = GUESTS
    while name == "cells" and guests <= WIDEST:
        cells = _cells(vectors, guests)
        found = _whole(vectors, _within(vectors, cells[1], threshold), threshold)
        share, checked = _recall(vectors, found, threshold)
        if share >= recall:
            return Near(*found, name, share, checked, guests, guests > GUESTS, cells)
        guests *= 2
    every = "exact" if name == "cells" else name
    found = _whole(vectors, ENGINES[every](vectors, threshold, BLOCK), threshold)
    return Near(*found, every, widened=name == "cells")


def _whole(vectors: Vectors, candidates: Candidates, threshold: float) -> Found:
    """Return what is scored of all candidates, as three arrays."""
    nothing = np.empty(0, np.int64)
    parts = [(nothing, nothing, nothing.astype(np.float32))]
    for i, j in candidates:
        parts += scored(vectors, vectors, i, j, threshold)
    i, j, score = (np.concatenate(column) for column in zip(*parts, strict=True))
    return i, j, score


def _recall(vectors: Vectors, found: Found, threshold: float) -> tuple[float, int]:
    """Return which share of the pairs of a sample of rows was found, and how many these are."""
    from dedup.cells import sample

    rows = sample(vectors, CHECKED)
    truth = [np.empty(0, np.int64)]
    for left, right, _ in hits_above(vectors[rows], vectors, threshold):
        one, other = rows[left], right
        proper = one != other
        low, high = np.minimum(one, other)[proper], np.maximum(one, other)[proper]
        truth.append(high * len(vectors) + low)
    there = np.unique(np.concatenate(truth))
    held = np.isin(there, found[1] * len(vectors) + found[0])
    return (float(held.mean()) if len(there) else 1.0), len(there)


def pairs_above(
    vectors: Vectors, threshold: float, *, block: int = BLOCK, engine: str = "auto"
) -> Iterator[Found]:
    """Yield every pair i < j of rows whose inner product is at least `threshold`, once.

    `threshold` lies above 0, up to 1, so a zero row is in no pair. Pairs are ordered by
    (j, i). Memory: the rows in fp32, one block's candidates, and with `cells` 8 bytes a
    pair. Raises ValueError on an unknown engine and on rows that are not unit vectors.
    """
    _check(vectors, threshold, block)
    propose = ENGINES[_engine(engine, len(vectors))]
    for i, j in propose(vectors, threshold, block):
        yield from scored(vectors, vectors, i, j, threshold)


def hits_above(
    queries: Vectors, base: Vectors, threshold: float, *, block: int = BLOCK
) -> Iterator[Found]:
    """Yield (query, base row, score) wherever the inner product is at least `threshold`.

    Exact; ordered by query, then base row. Memory: the base in fp32 and one block's
    candidates. Raises ValueError where dimensions differ or rows are not unit vectors.
    """
    _check(queries, threshold, block)
    _check(base, threshold, block)
    if queries.shape[1] != base.shape[1]:
        raise ValueError(f"queries: dimension {queries.shape[1]}, but base has {base.shape[1]}")
    yield from checked_hits(queries, base, threshold, block)


def checked_hits(
    queries: Vectors, base: Vectors, threshold: float, block: int = BLOCK
) -> Iterator[Found]:
    """Yield what `hits_above` does, of arguments that were looked at before."""
    from dedup.matmul import near, tensor

    whole = tensor(base)
    for start in range(0, len(queries), block):
        rows = tensor(queries, slice(start, start + block))
        found = list(near(rows, whole, slack(threshold)))
        if found:
            at, base_row = (np.concatenate(column) for column in zip(*found, strict=True))
            order = np.lexsort((base_row, at))
            yield from scored(queries, base, at[order] + start, base_row[order], threshold)


def _all_pairs(vectors: Vectors, threshold: float, block: int) -> Candidates:
    """Propose pairs by comparing each block with itself and all before it."""
    from dedup.matmul import near, tensor

    whole = tensor(vectors)
    for start in range(0, len(vectors), block):
        last = min(start + block, len(vectors))
        found = list(near(whole[start:last], whole[:last], slack(threshold)))
        if found:
            j, i = (np.concatenate(column) for column in zip(*found, strict=True))
            yield _in_order(i, j + start)


def _cell_pairs(vectors: Vectors, threshold: float, block: int) -> Candidates:
    """Propose pairs whose rows share a cell, or one of which is a guest in the other's."""
    if len(vectors) > 1:
        yield from _within(vectors, _cells(vectors, GUESTS)[1], threshold)


def _cells(vectors: Vectors, guests: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return the centres of cells, and each row's home and the cells where it is a guest."""
    from dedup.cells import Cells

    if not len(vectors):
        return np.empty((0, vectors.shape[1]), np.float32), np.empty((0, 1), np.int32)
    cells = Cells.train(vectors)
    return cells.centres, cells.nearest(vectors, guests)


def _within(vectors: Vectors, homes: NDArray[np.int32], threshold: float) -> Candidates:
    """Propose pairs by their cells.

    A pair may be found from both sides, so all are collected before the first is given.
    """
    from dedup.cells import joined

    found = [np.empty(0, np.int64)]
    for left, right in joined(vectors, homes, slack(threshold)):
        i, j = np.minimum(left, right), np.maximum(left, right)
        found.append((j * len(vectors) + i)[i < j])
    j, i = np.divmod(np.unique(np.concatenate(found)), max(len(vectors), 1))
    for start in range(0, len(i), RESCORED):
        yield i[start : start + RESCORED], j[start : start + RESCORED]


def _faiss_pairs(vectors: Vectors, threshold: float, block: int) -> Candidates:
    """Propose pairs by comparing each block with all rows, by faiss on all GPUs."""
    from dedup.gpu import flat_index, within

    index = flat_index(vectors)
    for start in range(0, len(vectors), block):
        j, i = within(index, vectors[start : start + block], slack(threshold))
        if len(j):
            yield _in_order(i, j + start)


def slack(threshold: float) -> float:
    """Return the threshold for candidates, below the one for pairs."""
    from dedup.matmul import SLACK

    return max(threshold - SLACK, SMALLEST)


ENGINES: dict[str, Callable[[Vectors, float, int], Candidates]] = {
    "exact": _all_pairs,
    "cells": _cell_pairs,
    "faiss-gpu": _faiss_pairs,
}


def _engine(name: str, rows: int) -> str:
    """Return an engine's own name; raises ValueError naming those that there are."""
    if name == "auto":
        name = "exact" if rows <= EXACT_ROWS else "cells"
    if name not in ENGINES:
        raise ValueError(f"engine: expected auto or one of {', '.join(ENGINES)}, got {name!r}")
    return name


def _blocks(vectors: Vectors, block: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield each block's first row and its rows in fp32."""
    for start in range(0, len(vectors), block):
        yield start, np.ascontiguousarray(vectors[start : start + block], np.float32)


def _in_order(i: Rows, j: Rows) -> tuple[Rows, Rows]:
    """Return the pairs with i < j, ordered by (j, i)."""
    proper = i < j
    i, j = i[proper], j[proper]
    order = np.lexsort((i, j))
    return i[order], j[order]


def scored(left: Vectors, right: Vectors, i: Rows, j: Rows, threshold: float) -> Iterator[Found]:
    """Yield the pairs that reach the threshold on the vectors as given, summed in fp32."""
    for a, b in pairwise([*range(0, len(i), RESCORED), len(i)]):
        rows, others = i[a:b], j[a:b]
        score = np.einsum(
            "nd,nd->n", left[rows].astype(np.float32), right[others].astype(np.float32)
        )
        kept = score >= np.float32(threshold)
        if kept.any():
            yield rows[kept], others[kept], score[kept]


def _check(vectors: Vectors, threshold: float, block: int) -> None:
    """Raise ValueError where the arguments of a search are not what they must be."""
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold: expected above 0 and at most 1, got {threshold}")
    if block < 1:
        raise ValueError(f"block: expected at least 1 row, got {block}")
    check_vectors(vectors)


def check_vectors(vectors: Vectors) -> None:
    """Raise ValueError where rows are not unit vectors, or zero, in a float that is known."""
    if vectors.ndim != 2 or vectors.dtype not in (np.float16, np.float32):
        raise ValueError(
            f"vectors: expected float16 or float32 (n, d), got {vectors.dtype} {vectors.shape}"
        )
    for start, rows in _blocks(vectors, BLOCK):
        length = np.linalg.norm(rows, axis=1)
        wrong = np.flatnonzero(~((np.abs(length - 1) < 0.01) | (length == 0)))
        if len(wrong):
            raise ValueError(
                f"vectors: row {start + wrong[0]} has length {length[wrong[0]]:.3g}; "
                "expected 1 (normalise it) or 0 (no text)"
            )
