"""Which rows of a set repeat another row, in the same words or in nearly the same.

Rows as parallel sequences; the better row has the higher priority, then the lower id::

    result = deduplicate(
        texts=["What is 2+2?", "what is 2 + 2 ?", "How much is two and two?"],
        vectors=vectors, priorities=[0, 1, 0], ids=["q1", "q2", "q3"],
    )
    result.drops   # [Dropped(id="q1", of="q2", score=1.0, reason="exact"), …]

Two rows pair by one normal form (`dedup.exact`, score 1) or by a cosine at or above the
threshold; which of them stay, `dedup.greedy` says. Every dropped row names a kept row
that it pairs with itself: a row whose words equal those of a dropped row, but whose
vector is far from the row that the other one was dropped for, stays.

Says nothing about pairs that the index does not find (`dedup.index`, engine `cells`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dedup.exact import numbers, text_hash
from dedup.greedy import keep_greedy, named, walk
from dedup.index import BLOCK, Found, Rows, Scores, Vectors, pairs_above

__all__ = ["THRESHOLD", "Deduplication", "Dropped", "Pairs", "deduplicate", "keep_greedy"]

THRESHOLD = 0.9  # a guess that is usual for reasoning sets; not calibrated for an encoder


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of rows, `i` the better one; `spared` marks those that numbers kept apart.

    Of rows with one normal form, each is paired with the best of them (`exact`, score 1)
    and only the best of those that are equal in vector and mark too has pairs by vector.
    """

    i: Rows
    j: Rows
    score: Scores
    exact: NDArray[np.bool_]
    spared: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.i)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that goes: `of` is a kept row's id, `reason` "exact" (score 1) or "semantic"."""

    id: str
    of: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Deduplication:
    """What goes, in the order of the input, and every pair found, by rows of the input."""

    ids: Sequence[str]
    drops: list[Dropped]
    pairs: Pairs

    @property
    def spared(self) -> int:
        """How many pairs reached the threshold and were kept apart by their numbers."""
        return int(self.pairs.spared.sum())

    def pair_rows(self) -> Iterator[dict[str, Any]]:
        """Yield each pair as {id, of, score, reason}; reason exact, semantic or spared."""
        reasons = np.where(self.pairs.exact, "exact", "semantic")
        reasons = np.where(self.pairs.spared, "spared", reasons)
        columns = (self.pairs.i, self.pairs.j, self.pairs.score, reasons)
        for i, j, score, reason in zip(*(column.tolist() for column in columns), strict=True):
            yield {"id": self.ids[j], "of": self.ids[i], "score": score, "reason": reason}


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The rows from best to worst: `row` gives the input's row of each rank, best first.

    `group` is the best rank of the same normal form, `leader` the best rank that has the
    same vector and mark too. What goes for a leader's pairs goes for its followers.
    """

    row: Rows
    numeric: NDArray[np.bool_]
    group: Rows
    leader: Rows

    @property
    def leads(self) -> NDArray[np.bool_]:
        """Whether each rank is its own leader."""
        return np.equal(self.leader, np.arange(len(self.leader)))


def deduplicate(
    texts: Sequence[str | None] | None,
    vectors: Vectors | None,
    priorities: ArrayLike | None,
    ids: Sequence[str],
    threshold: float = THRESHOLD,
    numbers_must_agree: bool | ArrayLike = True,
    *,
    engine: str = "auto",
    block: int = BLOCK,
) -> Deduplication:
    """Find the rows that repeat a better one, by text or by vector.

    The order is total: higher priority, then lower id (ids are unique; without priorities
    all are equal), so the result does not depend on the order of the rows. Without
    vectors only exact repeats are found, without texts only near ones; a row may lack its
    text (None). `numbers_must_agree` (for all rows, or one bool a row) spares a pair where
    either row is marked and the numerals of their texts differ; no text has no numerals.
    Raises ValueError where lengths differ, ids repeat or a priority is not a number.
    """
    texts = [None] * len(ids) if texts is None else texts
    for name, column in (("texts", texts), ("vectors", vectors)):
        if column is not None and len(column) != len(ids):
            raise ValueError(f"{name}: expected one for each of {len(ids)} ids, got {len(column)}")
    numeric = np.broadcast_to(np.asarray(numbers_must_agree, np.bool_), len(ids))
    ranked = _ranked(texts, vectors, numeric, _total_order(ids, priorities))
    found = [] if vectors is None else _near_pairs(vectors, ranked, threshold, engine, block)
    near = _judged(found, texts, ranked)
    drops = _drops(ids, near, ranked)
    return Deduplication(ids, drops, _by_row(_exact_pairs(ranked), near, ranked.row))


def _total_order(ids: Sequence[str], priorities: ArrayLike | None) -> Rows:
    """Return the rows from best to worst: higher priority, then lower id."""
    by_id = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)
    for a, b in pairwise(by_id.tolist()):
        if ids[a] == ids[b]:
            raise ValueError(f"ids: expected each once, got {ids[a]!r} more than once")
    if priorities is None:
        return by_id
    priority = np.asarray(priorities)
    if priority.shape != (len(ids),) or priority.dtype.kind not in "biuf":
        raise ValueError(f"priorities: expected {len(ids)} numbers, got {priorities!r:.80}")
    if priority.dtype.kind == "f" and np.isnan(priority).any():
        raise ValueError("priorities: expected numbers, got NaN; give every row a number")
    # Ascending, then read backwards: unsigned and boolean priorities can't be negated.
    backwards = by_id[::-1]
    return backwards[np.argsort(priority[backwards], kind="stable")][::-1]


def _ranked(
    texts: Sequence[str | None], vectors: Vectors | None, numeric: NDArray[np.bool_], row: Rows
) -> _Ranked:
    """Return the rows in their order, with what they share with better ones."""
    in_order = (texts[at] for at in row.tolist())
    group = _firsts(rank if text is None else text_hash(text) for rank, text in enumerate(in_order))
    leader = group.copy()
    if vectors is not None:
        shared = np.flatnonzero(np.bincount(group, minlength=len(row))[group] > 1)
        keys = ((int(group[r]), vectors[row[r]].tobytes(), bool(numeric[row[r]])) for r in shared)
        leader[shared] = shared[_firsts(keys)]
    return _Ranked(row, numeric[row], group, leader)


def _firsts(keys: Iterable[Hashable]) -> Rows:
    """Return for each key the place where it came first."""
    seen: dict[Hashable, int] = {}
    return np.fromiter((seen.setdefault(key, at) for at, key in enumerate(keys)), np.int64)


def _near_pairs(
    vectors: Vectors, ranked: _Ranked, threshold: float, engine: str, block: int
) -> list[Found]:
    """Return the pairs of leaders of different normal forms at the threshold, in ranks."""
    leaders = np.flatnonzero(ranked.leads)
    found = []
    ordered = vectors[ranked.row[leaders]]
    for i, j, score in pairs_above(ordered, threshold, block=block, engine=engine):
        better, worse = leaders[i], leaders[j]
        other = ranked.group[better] != ranked.group[worse]
        found.append((better[other], worse[other], score[other]))
    return found


def _judged(found: list[Found], texts: Sequence[str | None], ranked: _Ranked) -> Pairs:
    """Return the pairs, those spared whose numerals differ where they must agree."""
    nothing = np.empty(0, np.int64)
    parts = [(nothing, nothing, nothing.astype(np.float32)), *found]
    better, worse, score = (np.concatenate(column) for column in zip(*parts, strict=True))
    bound = ranked.numeric[better] | ranked.numeric[worse]
    ranks, places = np.unique([better[bound], worse[bound]], return_inverse=True)
    held = _firsts(numbers(texts[row] or "") for row in ranked.row[ranks].tolist())
    left, right = held[places]
    spared = np.zeros(len(better), np.bool_)
    spared[bound] = left != right
    return Pairs(better, worse, score, np.zeros(len(better), np.bool_), spared)


def _exact_pairs(ranked: _Ranked) -> Pairs:
    """Return each rank with the best one of the same normal form."""
    worse = np.flatnonzero(ranked.group != np.arange(len(ranked.group)))
    yes = np.ones(len(worse), np.bool_)
    return Pairs(ranked.group[worse], worse, yes.astype(np.float32), yes, ~yes)


def _by_row(exact: Pairs, near: Pairs, row: Rows) -> Pairs:
    """Return all pairs by rows of the input, ordered by the worse row's rank."""
    columns = ("i", "j", "score", "exact", "spared")
    whole = [np.concatenate([getattr(exact, name), getattr(near, name)]) for name in columns]
    order = np.lexsort((whole[0], whole[1]))
    better, worse, score, is_exact, spared = (column[order] for column in whole)
    return Pairs(row[better], row[worse], score, is_exact, spared)


def _drops(ids: Sequence[str], near: Pairs, ranked: _Ranked) -> list[Dropped]:
    """Return what goes, in the order of the input, each with the kept row that it names."""
    of, score, exact = _names(near, ranked)
    gone = np.flatnonzero(of >= 0)
    gone = gone[np.argsort(ranked.row[gone])]
    columns = (ranked.row[gone], ranked.row[of[gone]], score[gone], exact[gone])
    return [
        Dropped(ids[row], ids[kept], value, "exact" if same else "semantic")
        for row, kept, value, same in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _names(near: Pairs, ranked: _Ranked) -> tuple[Rows, NDArray[np.float64], NDArray[np.bool_]]:
    """Return for each rank the kept rank it names (-1: it stays), their score, and if exact."""
    ranks = np.arange(len(ranked.row))
    counts = ~near.spared
    better, worse = near.i[counts], near.j[counts]
    kept = walk(better, worse, np.where(ranked.leads, ranked.group, -1)) & ranked.leads
    at, name, value = named(better, worse, near.score[counts].astype(np.float64), kept)
    of, score = np.full(len(ranks), -1), np.ones(len(ranks))
    of[at], score[at] = name, value
    of, score = of[ranked.leader], score[ranked.leader]
    # At most one row of a group stays; those behind it name it, whatever else they pair with.
    stays = np.full(len(ranks), len(ranks))
    stays[ranked.group[kept]] = ranks[kept]
    exact = stays[ranked.group] < ranks
    return np.where(exact, stays[ranked.group], of), np.where(exact, 1.0, score), exact
