"""Which rows of a set say what another row says already, and which row of a group stays.

Rows as parallel sequences, the better row having the higher priority, then the lower id::

    result = deduplicate(
        texts=["What is 2+2?", "what is 2 + 2 ?", "How much is two and two?"],
        vectors=vectors, priorities=[0, 1, 0], ids=["q1", "q2", "q3"],
    )
    result.drops   # [Dropped(id="q1", of="q2", score=1.0, reason="exact"), …]

Rows are walked from best to worst, and a row is dropped if and only if a better row that
was kept says the same: same normal form (`dedup.exact`), or a cosine at or above the
threshold. So no chains: every dropped row names a kept row that it pairs with itself. A
row that equals a dropped row in text, but is far from the row that the other was dropped
for, is kept, and the rest of its group is dropped for it.

Says nothing about pairs that the index did not find (`dedup.index`, engine `cells`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dedup.exact import numbers, text_hash
from dedup.index import BLOCK, Rows, Scores, Vectors, pairs_above

THRESHOLD = 0.9  # usual in published reasoning sets for MiniLM-class encoders; not calibrated here
CHUNK = 1_000_000  # pairs that are Python objects at a time


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of rows by their place in the input; `spared` marks those that the numbers kept apart.

    Of rows with one normal form only each row with the best of them is listed, score 1,
    `exact`. Of rows equal in text and vector only the best has semantic pairs.
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
    """A row that goes: `of` is a kept row, `reason` is "exact" (score 1) or "semantic"."""

    id: str
    of: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Deduplication:
    """What was dropped, in the order of the input, and every pair found."""

    ids: Sequence[str]
    drops: list[Dropped]
    pairs: Pairs

    @property
    def spared(self) -> int:
        """How many pairs reached the threshold and were kept apart by their numbers."""
        return int(self.pairs.spared.sum())

    def pair_rows(self) -> Iterator[dict[str, Any]]:
        """Yield each pair as {id, of, score, reason}; reason exact, semantic or spared."""
        pairs = self.pairs
        columns = (column.tolist() for column in (pairs.i, pairs.j, pairs.score))
        for i, j, score, exact, spared in zip(*columns, pairs.exact, pairs.spared, strict=True):
            reason = "exact" if exact else "spared" if spared else "semantic"
            yield {"id": self.ids[j], "of": self.ids[i], "score": score, "reason": reason}


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The rows from best to worst; every array speaks of ranks, 0 being the best row.

    `group` is the best rank of the same normal form, `leader` the best rank that also has
    the same vector and mark: what goes for the leader's pairs goes for its followers.
    """

    row: Rows
    numeric: NDArray[np.bool_]
    group: Rows
    leader: Rows


def keep_greedy(
    pairs: tuple[ArrayLike, ArrayLike, ArrayLike], order: ArrayLike
) -> dict[int, tuple[int, float]]:
    """Return for each dropped row the kept row it names and their score.

    `pairs` are rows i, rows j and scores, all at or above the threshold, in any order;
    `order` lists every row once, best first. A row is dropped if and only if it pairs with
    a better row that is kept; it names the one with the highest score, the better row
    where scores tie. Takes time in proportion to pairs, whatever their shape.
    """
    row = np.asarray(order, np.int64)
    rank = _inverse(row)
    i, j = (rank[np.asarray(column, np.int64)] for column in pairs[:2])
    better, worse = np.minimum(i, j), np.maximum(i, j)
    kept = _walk(better, worse, np.full(len(row), -1))
    at, of, score = _named(better, worse, np.asarray(pairs[2], np.float64), kept)
    named = zip(row[of].tolist(), score.tolist(), strict=True)
    return dict(zip(row[at].tolist(), named, strict=True))


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
    """Find the rows that repeat a better one: by text, or by vector.

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
    ranked = _ranked(texts, vectors, _total_order(ids, priorities), numbers_must_agree)
    near = _no_pairs()
    if vectors is not None:
        found = _near_pairs(vectors, ranked, threshold, engine, block)
        near = _judged(found, texts, ranked)
    pairs = _joined(_exact_pairs(ranked), near)
    return Deduplication(ids, _drops(ids, near, ranked), _by_row(pairs, ranked))


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
        raise ValueError(f"priorities: expected {len(ids)} numbers, got {priority!r:.80}")
    if priority.dtype.kind == "f" and np.isnan(priority).any():
        raise ValueError("priorities: expected numbers, got NaN; leave out what has no priority")
    # Ascending and read backwards: unsigned and large integers can't be negated.
    backwards = by_id[::-1]
    return backwards[np.argsort(priority[backwards], kind="stable")][::-1]


def _ranked(
    texts: Sequence[str | None],
    vectors: Vectors | None,
    row: Rows,
    numbers_must_agree: bool | ArrayLike,
) -> _Ranked:
    """Return the rows in order, with what they share with better rows."""
    numeric = np.broadcast_to(np.asarray(numbers_must_agree, np.bool_), len(row))[row]
    hashes = (texts[at] for at in row.tolist())
    group = _firsts(rank if text is None else text_hash(text) for rank, text in enumerate(hashes))
    leader = np.arange(len(row)) if vectors is not None else group
    shared = np.flatnonzero(np.bincount(group, minlength=len(row))[group] > 1)
    if vectors is not None:
        keys = ((group[r], vectors[row[r]].tobytes(), numeric[r]) for r in shared)
        leader[shared] = shared[_firsts(keys)]
    return _Ranked(row, numeric, group, leader)


def _firsts(keys: Iterable[Hashable]) -> Rows:
    """Return for each key the place where it came first."""
    seen: dict[Hashable, int] = {}
    return np.fromiter((seen.setdefault(key, at) for at, key in enumerate(keys)), np.int64)


def _exact_pairs(ranked: _Ranked) -> Pairs:
    """Return each row with the best row of the same normal form, in ranks."""
    worse = np.flatnonzero(ranked.group != np.arange(len(ranked.group)))
    yes = np.ones(len(worse), np.bool_)
    return Pairs(ranked.group[worse], worse, np.ones(len(worse), np.float32), yes, ~yes)


def _near_pairs(
    vectors: Vectors, ranked: _Ranked, threshold: float, engine: str, block: int
) -> tuple[Rows, Rows, Scores]:
    """Return the pairs of leaders that reach the threshold and differ in text, in ranks."""
    leaders = np.flatnonzero(ranked.leader == np.arange(len(ranked.leader)))
    ordered = vectors[ranked.row[leaders]]
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    for i, j, score in pairs_above(ordered, threshold, block=block, engine=engine):
        better, worse = leaders[i], leaders[j]
        other = ranked.group[better] != ranked.group[worse]
        found.append((better[other], worse[other], score[other]))
    better, worse, score = (np.concatenate(column) for column in zip(*found, strict=True))
    return better, worse, score


def _judged(
    found: tuple[Rows, Rows, Scores], texts: Sequence[str | None], ranked: _Ranked
) -> Pairs:
    """Return the pairs, those spared whose numerals differ where they must agree."""
    better, worse, score = found
    bound = ranked.numeric[better] | ranked.numeric[worse]
    rows = np.unique(np.concatenate([better[bound], worse[bound]]))
    held = _firsts(numbers(texts[ranked.row[r]] or "") for r in rows.tolist())
    spared = np.zeros(len(better), np.bool_)
    places = (np.searchsorted(rows, side[bound]) for side in (better, worse))
    left, right = (held[place] for place in places)
    spared[bound] = left != right
    return Pairs(better, worse, score, np.zeros(len(better), np.bool_), spared)


def _drops(ids: Sequence[str], near: Pairs, ranked: _Ranked) -> list[Dropped]:
    """Return the dropped rows in the order of the input, each with the kept row it names."""
    count = len(ranked.row)
    counted = ~near.spared
    better, worse, score = near.i[counted], near.j[counted], near.score[counted]
    follower = ranked.leader != np.arange(count)
    kept = _walk(better, worse, np.where(follower, -1, ranked.group)) & ~follower
    of, name_score = np.full(count, -1), np.zeros(count)
    at, name, named_score = _named(better, worse, score.astype(np.float64), kept)
    of[at], name_score[at] = name, named_score
    of, name_score = of[ranked.leader], name_score[ranked.leader]
    holder = np.full(count, count)
    holder[ranked.group[kept]] = np.flatnonzero(kept)
    holder = holder[ranked.group]
    exact = holder < np.arange(count)
    of, name_score = np.where(exact, holder, of), np.where(exact, 1.0, name_score)
    ...


def _walk(better: Rows, worse: Rows, group: Rows) -> NDArray[np.bool_]:
    """Return which ranks are kept, walking from best to worst.

    A rank goes where it pairs with a better one that is kept, or where its group (-1: none)
    has a kept rank already.
    """
    count = len(group)
    members = np.flatnonzero(group >= 0)
    better = np.concatenate([better, np.full(len(members), count)])
    worse = np.concatenate([worse, members])
    order = np.lexsort((better, worse))
    dropped, held = bytearray(count), set()
    for start in range(0, len(order), CHUNK):
        part = order[start : start + CHUNK]
        for a, b in zip(better[part].tolist(), worse[part].tolist(), strict=True):
            if a < count:
                if not dropped[a]:
                    dropped[b] = 1
            elif group[b] in held:
                dropped[b] = 1
            elif not dropped[b]:
                held.add(group[b])
    return np.frombuffer(dropped, np.uint8) == 0
