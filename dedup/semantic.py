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

How many pairs the index is likely to have missed (`dedup.index`, engine `cells`) is in
`search`; the others of a pair that looks alike and is not are in `pairs`, with the reason.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dedup.coarse import repeats
from dedup.confirm import Confirm, Spared
from dedup.greedy import keep_greedy, named, walk
from dedup.index import RECALL, Near, Rows, Scores, Vectors, near_pairs

__all__ = [
    "THRESHOLD",
    "Confirm",
    "Deduplication",
    "Dropped",
    "Pairs",
    "deduplicate",
    "keep_greedy",
]

EVERYTHING = Confirm()
THRESHOLD = 0.9  # a guess that is usual for reasoning sets; not calibrated for an encoder


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of rows, `i` the better one; `why` says why a pair is kept apart (`Spared`).

    Of rows with one normal form, each is paired with the best of them (`exact`, score 1)
    and only the best of those that are equal in vector and mark too has pairs by vector.
    """

    i: Rows
    j: Rows
    score: Scores
    exact: NDArray[np.bool_]
    why: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.i)

    @property
    def spared(self) -> NDArray[np.bool_]:
        """Which pairs are kept apart although their vectors are near."""
        return self.why > 0


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
    search: Near | None = None  # how near pairs were found, and how many of them

    @property
    def spared(self) -> dict[str, int]:
        """How many pairs reached the threshold and were kept apart, by reason."""
        counts = np.bincount(self.pairs.why, minlength=len(Spared))
        return {why.name.lower(): int(counts[why]) for why in Spared if why}

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
    recall: float = RECALL,
    confirm: Confirm = EVERYTHING,
) -> Deduplication:
    """Find the rows that repeat a better one, by text or by vector.

    The order is total: higher priority, then lower id (ids are unique; without priorities
    all are equal), so the result does not depend on the order of the rows. Without
    vectors only exact repeats are found, without texts only near ones; a row may lack its
    text (None). `numbers_must_agree` (for all rows, or one bool a row) spares a pair where
    either row is marked and the numerals or signs of their texts differ; `confirm` asks for
    more (`dedup.confirm`); no text has none of it. `recall` is what engine `cells` must reach.
    Raises ValueError where lengths differ, ids repeat or a priority is not a number.
    """
    texts = [None] * len(ids) if texts is None else texts
    for name, column in (("texts", texts), ("vectors", vectors)):
        if column is not None and len(column) != len(ids):
            raise ValueError(f"{name}: expected one for each of {len(ids)} ids, got {len(column)}")
    numeric = np.broadcast_to(np.asarray(numbers_must_agree, np.bool_), len(ids))
    ranked = _ranked(texts, vectors, numeric, _total_order(ids, priorities))
    search = None
    if vectors is not None:
        leaders = np.flatnonzero(ranked.leads)
        ordered = vectors[ranked.row[leaders]]
        search = near_pairs(ordered, threshold, engine=engine, recall=recall)
    near = _judged(search, texts, ranked, confirm)
    drops = _drops(ids, near, ranked)
    return Deduplication(ids, drops, _by_row(_exact_pairs(ranked), near, ranked.row), search)


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
    group = _groups([texts[at] for at in row.tolist()])
    leader = group.copy()
    if vectors is not None:
        shared = np.flatnonzero(np.bincount(group, minlength=len(row))[group] > 1)
        keys = ((int(group[r]), vectors[row[r]].tobytes(), bool(numeric[row[r]])) for r in shared)
        leader[shared] = shared[_firsts(keys)]
    return _Ranked(row, numeric[row], group, leader)


def _groups(texts: list[str | None]) -> Rows:
    """Return for each text the first place of the same normal form; of None, its own."""
    group = np.arange(len(texts))
    there = np.array([at for at, text in enumerate(texts) if text is not None], np.int64)
    some, hashes = repeats([text for text in texts if text is not None])
    group[there[some]] = there[some][_firsts(hashes)]
    return group


def _firsts(keys: Iterable[Hashable]) -> Rows:
    """Return for each key the place where it came first."""
    seen: dict[Hashable, int] = {}
    return np.fromiter((seen.setdefault(key, at) for at, key in enumerate(keys)), np.int64)


def _judged(
    search: Near | None, texts: Sequence[str | None], ranked: _Ranked, confirm: Confirm
) -> Pairs:
    """Return the pairs of leaders of different normal forms, in ranks, and why any is spared."""
    nothing = np.empty(0, np.int64)
    i, j = (search.i, search.j) if search else (nothing, nothing)
    leaders = np.flatnonzero(ranked.leads)
    better, worse = leaders[i], leaders[j]
    other = ranked.group[better] != ranked.group[worse]
    better, worse = better[other], worse[other]
    score = search.score[other] if search else nothing.astype(np.float32)
    bound = ranked.numeric[better] | ranked.numeric[worse]
    ranks, places = np.unique(np.stack([better, worse]), return_inverse=True)
    those = [texts[row] or "" for row in ranked.row[ranks].tolist()]
    left, right = places.reshape(2, -1)
    why = confirm.spared(those, left, right, bound)
    return Pairs(better, worse, score, np.zeros(len(better), np.bool_), why)


def _exact_pairs(ranked: _Ranked) -> Pairs:
    """Return each rank with the best one of the same normal form."""
    worse = np.flatnonzero(ranked.group != np.arange(len(ranked.group)))
    yes = np.ones(len(worse), np.bool_)
    none = np.zeros(len(worse), np.uint8)
    return Pairs(ranked.group[worse], worse, yes.astype(np.float32), yes, none)


def _by_row(exact: Pairs, near: Pairs, row: Rows) -> Pairs:
    """Return all pairs by rows of the input, ordered by the worse row's rank."""
    columns = ("i", "j", "score", "exact", "why")
    whole = [np.concatenate([getattr(exact, name), getattr(near, name)]) for name in columns]
    order = np.lexsort((whole[0], whole[1]))
    better, worse, score, is_exact, why = (column[order] for column in whole)
    return Pairs(row[better], row[worse], score, is_exact, why)


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
