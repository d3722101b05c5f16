"""What a batch repeats, given rows that were kept before and stay, whatever comes.

Kept rows as an index and a way to look some of them up, the batch as `deduplicate` takes it::

    kept = Kept(stored, keys, look_up)
    deduplicate_after(kept, texts, vectors, None, ids).drops      # rows of the batch alone

The result is that of `deduplicate` over all rows, earlier and new, in the order "earlier
rows before all others, each set in its own order", as far as that drops rows of the batch:
what was kept is kept whatever is worse than it, what was dropped then stands in nobody's
way, and so nothing but the kept rows need be looked at. Both find the same pairs with engine
`exact`; with `cells` each misses its own few, and says how many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dedup.chunks import Chunks
from dedup.coarse import Keys, coarse_keys
from dedup.confirm import Confirm
from dedup.index import RECALL, Found, Near, Rows, Vectors, near_pairs
from dedup.semantic import (
    EVERYTHING,
    NOTHING,
    THRESHOLD,
    Deduplication,
    Ranked,
    Table,
    decided,
    rank,
    total_order,
)
from dedup.stored import Stored, joined


@dataclass(frozen=True, slots=True)
class LookedUp:
    """Kept rows that may pair with the batch, as parallel columns."""

    ids: Sequence[str]
    texts: Sequence[str | None]
    numeric: NDArray[np.bool_]
    priorities: ArrayLike | None = None
    chunks: Chunks | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows that were kept before: n vectors or none, n coarse keys, and a way to see the rest.

    `keys` are the `dedup.coarse.coarse_keys` of their texts; a row without text has any key
    and the text None.
    """

    stored: Stored | None
    keys: Keys
    look_up: Callable[[Rows], LookedUp]


def deduplicate_after(
    kept: Kept,
    texts: Sequence[str | None] | None,
    vectors: Vectors | None,
    priorities: ArrayLike | None,
    ids: Sequence[str],
    threshold: float = THRESHOLD,
    numbers_must_agree: bool | ArrayLike = True,
    *,
    engine: str = "auto",
    recall: float = RECALL,
    confirm: Confirm = EVERYTHING,
    chunks: Chunks | None = None,
) -> Deduplication:
    """Find the rows of a batch that repeat a kept row or a better one of the batch.

    Arguments are those of `deduplicate`. `pairs` of the result are by rows of `ids`: first
    the kept rows that were looked up, then the batch. Raises ValueError as `deduplicate`
    does, and where an id of the batch is a kept row's.
    """
    if (vectors is None) != (kept.stored is None):
        raise ValueError("vectors: give them for the kept rows and the batch, or for neither")
    texts = [None] * len(ids) if texts is None else texts
    search = None
    if vectors is not None and kept.stored is not None:
        search = kept.stored.near(vectors, threshold, engine=engine, recall=recall)
    rows = _touched(kept.keys, texts, search)
    seen = kept.look_up(rows)
    numeric = np.broadcast_to(np.asarray(numbers_must_agree, np.bool_), len(ids))
    batch = Table(ids, texts, vectors, numeric, chunks)
    table = _together(seen, _vectors_of(kept, rows), batch)
    order = _order(seen, ids, priorities)
    ranked = rank(table, order)
    if search is None or vectors is None:
        return decided(table, ranked, NOTHING, threshold, confirm)
    among = _among(ranked, table, len(rows), threshold, engine, recall)
    across = _across(ranked, order, search, rows)
    return decided(table, ranked, joined([among, across]), threshold, confirm, search)


def _touched(keys: Keys, texts: Sequence[str | None], search: Near | None) -> Rows:
    """Return the kept rows that may pair with a row of the batch, ascending."""
    mine = coarse_keys([text for text in texts if text is not None])
    same = np.flatnonzero(np.isin(keys, mine))
    near = search.i if search is not None else np.empty(0, np.int64)
    return np.union1d(same, near).astype(np.int64)


def _vectors_of(kept: Kept, rows: Rows) -> Vectors | None:
    return None if kept.stored is None else kept.stored.vectors[rows]


def _together(seen: LookedUp, vectors: Vectors | None, batch: Table) -> Table:
    """Return the kept rows that were looked up, and the batch behind them, as one table."""
    both = None
    if vectors is not None and batch.vectors is not None:
        kind = batch.vectors.dtype
        both = np.concatenate([vectors.astype(kind), batch.vectors])
    return Table(
        [*seen.ids, *batch.ids],
        [*seen.texts, *batch.texts],
        both,
        np.concatenate([seen.numeric, batch.numeric]),
        joined_chunks(seen.chunks, len(seen.ids), batch.chunks, len(batch.ids)),
    )


def joined_chunks(
    first: Chunks | None, rows: int, second: Chunks | None, more: int
) -> Chunks | None:
    """Return the chunks of two sets of rows, one behind the other; None where neither has any."""
    if first is None and second is None:
        return None
    some = next(chunks for chunks in (first, second) if chunks is not None)
    nothing = some.vectors[:0]
    left = first or Chunks(nothing, np.zeros(rows + 1, np.int64))
    right = second or Chunks(nothing, np.zeros(more + 1, np.int64))
    starts = np.concatenate([left.starts, right.starts[1:] + left.starts[-1]])
    return Chunks(np.concatenate([left.vectors, right.vectors]), starts)


def _order(seen: LookedUp, ids: Sequence[str], priorities: ArrayLike | None) -> Rows:
    """Return the rows from best to worst: kept ones first, each set in its own order."""
    if twice := set(seen.ids) & set(ids):
        raise ValueError(f"ids: {min(twice)!r} is a kept row's already; leave it out of the batch")
    first = total_order(seen.ids, seen.priorities)
    return np.concatenate([first, total_order(ids, priorities) + len(seen.ids)])


def _among(
    ranked: Ranked, table: Table, kept: int, threshold: float, engine: str, recall: float
) -> Found:
    """Return the near pairs of leaders in the batch, in ranks."""
    assert table.vectors is not None
    leaders = np.flatnonzero(ranked.leads & (np.arange(len(ranked.row)) >= kept))
    vectors = table.vectors[ranked.row[leaders]]
    search = near_pairs(vectors, threshold, engine=engine, recall=recall)
    return leaders[search.i], leaders[search.j], search.score


def _across(ranked: Ranked, order: Rows, search: Near, rows: Rows) -> Found:
    """Return the near pairs of a kept row and a leader in the batch, in ranks."""
    rank_of = np.empty_like(order)
    rank_of[order] = np.arange(len(order))
    better = rank_of[np.searchsorted(rows, search.i)]
    worse = rank_of[search.j + len(rows)]
    leads = ranked.leads[worse]
    return better[leads], worse[leads], search.score[leads]
