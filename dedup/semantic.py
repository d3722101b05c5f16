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

from dedup.chunks import Chunks
from dedup.coarse import Keys, repeats
from dedup.confirm import Confirm, Spared
from dedup.greedy import keep_greedy, named, walk
from dedup.index import RECALL, Found, Near, Rows, Scores, Vectors, near_pairs

__all__ = [
    "THRESHOLD",
    "Chunks",
    "Confirm",
    "Deduplication",
    "Dropped",
    "Pairs",
    "deduplicate",
    "keep_greedy",
]

Cells = tuple[NDArray[np.float32], NDArray[np.int32]]
EVERYTHING = Confirm()
NOTHING: Found = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
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
    texts: Sequence[str | None]
    drops: list[Dropped]
    pairs: Pairs
    search: Near | None = None  # how near pairs were found, and how many of them
    searched: Rows | None = None  # the rows of the input that were compared, in that order

    @property
    def spared(self) -> dict[str, int]:
        """How many pairs reached the threshold and were kept apart, by reason."""
        counts = np.bincount(self.pairs.why, minlength=len(Spared))
        return {why.name.lower(): int(counts[why]) for why in Spared if why}

    def cells_of(self, rows: NDArray[np.bool_]) -> Cells | None:
        """Return the cells' centres and homes of some rows that were compared, to keep.

        None where the search had no cells. Rows that stay were always compared.
        """
        if self.search is None or self.search.cells is None or self.searched is None:
            return None
        centres, homes = self.search.cells
        place = np.full(len(rows), -1)
        place[self.searched] = np.arange(len(self.searched))
        return centres, homes[place[rows]]

    def pair_rows(self) -> Iterator[dict[str, Any]]:
        """Yield each pair as {id, of, score, reason}; reason exact, semantic or spared."""
        reasons = np.where(self.pairs.exact, "exact", "semantic")
        reasons = np.where(self.pairs.spared, "spared", reasons)
        columns = (self.pairs.i, self.pairs.j, self.pairs.score, reasons)
        for i, j, score, reason in zip(*(column.tolist() for column in columns), strict=True):
            yield {"id": self.ids[j], "of": self.ids[i], "score": score, "reason": reason}


@dataclass(frozen=True, slots=True)
class Table:
    """What is compared, as parallel columns; `numeric` marks rows whose numbers must agree.

    `keys` are the coarse keys of the texts, made here where they are not given.
    """

    ids: Sequence[str]
    texts: Sequence[str | None]
    vectors: Vectors | None
    numeric: NDArray[np.bool_]
    chunks: Chunks | None = None
    keys: Keys | None = None

    def __post_init__(self) -> None:
        rows = None if self.chunks is None else self.chunks.long
        columns = {
            "texts": self.texts, "vectors": self.vectors, "chunks": rows, "keys": self.keys
        }  # fmt: skip
        for name, column in columns.items():
            if column is not None and len(column) != len(self.ids):
                raise ValueError(
                    f"{name}: expected one for each of {len(self.ids)} ids, got {len(column)}"
                )


@dataclass(frozen=True, slots=True)
class Ranked:
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
    chunks: Chunks | None = None,
    keys: Keys | None = None,
) -> Deduplication:
    """Find the rows that repeat a better one, by text or by vector.

    The order is total: higher priority, then lower id (ids are unique; without priorities
    all are equal), so the result does not depend on the order of the rows. Without
    vectors only exact repeats are found, without texts only near ones; a row may lack its
    text (None). `numbers_must_agree` (for all rows, or one bool a row) spares a pair where
    either row is marked and the numerals or signs of their texts differ; `confirm` asks for
    more (`dedup.confirm`); no text has none of it. `recall` is what engine `cells` must reach.
    With `chunks`, rows that have some must agree over all of them; `keys` are the texts'
    coarse keys where they are known already.
    Raises ValueError where lengths differ, ids repeat or a priority is not a number.
    """
    texts = [None] * len(ids) if texts is None else texts
    numeric = np.broadcast_to(np.asarray(numbers_must_agree, np.bool_), len(ids))
    table = Table(ids, texts, vectors, numeric, chunks, keys)
    ranked = rank(table, total_order(ids, priorities))
    if vectors is None:
        return decided(table, ranked, NOTHING, threshold, confirm)
    leaders = np.flatnonzero(ranked.leads)
    searched = ranked.row[leaders]
    search = near_pairs(vectors[searched], threshold, engine=engine, recall=recall)
    found = (leaders[search.i], leaders[search.j], search.score)
    return decided(table, ranked, found, threshold, confirm, search, searched)


def decided(
    table: Table,
    ranked: Ranked,
    found: Found,
    threshold: float,
    confirm: Confirm,
    search: Near | None = None,
    searched: Rows | None = None,
) -> Deduplication:
    """Return what goes, given near pairs of leaders in ranks: better, worse, score."""
    near = _judged(found, table, ranked, confirm)
    if table.chunks is not None and table.vectors is not None:
        open_ = np.flatnonzero(near.why == 0)
        i, j = ranked.row[near.i[open_]], ranked.row[near.j[open_]]
        differ = ~table.chunks.agree(table.vectors, i, j, threshold)
        near.why[open_[differ]] = Spared.CHUNKS
    drops = _drops(table.ids, near, ranked)
    pairs = _by_row(_exact_pairs(ranked), near, ranked.row)
    return Deduplication(table.ids, table.texts, drops, pairs, search, searched)


def total_order(ids: Sequence[str], priorities: ArrayLike | None) -> Rows:
    """Return the rows from best to worst: higher priority, then lower id.

    Raises ValueError where ids repeat or a priority is not a number.
    """
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


def rank(table: Table, row: Rows) -> Ranked:
    """Return the rows in their order, with what they share with better ones."""
    keys = None if table.keys is None else table.keys[row]
    group = _groups([table.texts[at] for at in row.tolist()], keys)
    leader, numeric = group.copy(), table.numeric[row]
    if table.vectors is not None:
        vectors = table.vectors
        shared = np.flatnonzero(np.bincount(group, minlength=len(row))[group] > 1)
        alike = ((int(group[r]), vectors[row[r]].tobytes(), bool(numeric[r])) for r in shared)
        leader[shared] = shared[_firsts(alike)]
    return Ranked(row, numeric, group, leader)


def _groups(texts: list[str | None], keys: Keys | None) -> Rows:
    """Return for each text the first place of the same normal form; of None, its own."""
    group = np.arange(len(texts))
    there = np.array([at for at, text in enumerate(texts) if text is not None], np.int64)
    known = None if keys is None else keys[there]
    some, hashes = repeats([text for text in texts if text is not None], known)
    group[there[some]] = there[some][_firsts(hashes)]
    return group


def _firsts(keys: Iterable[Hashable]) -> Rows:
    """Return for each key the place where it came first."""
    seen: dict[Hashable, int] = {}
    return np.fromiter((seen.setdefault(key, at) for at, key in enumerate(keys)), np.int64)


def _judged(found: Found, table: Table, ranked: Ranked, confirm: Confirm) -> Pairs:
    """Return the pairs of leaders of different normal forms, in ranks, and why any is spared."""
    other = ranked.group[found[0]] != ranked.group[found[1]]
    better, worse, score = (column[other] for column in found)
    bound = ranked.numeric[better] | ranked.numeric[worse]
    ranks, places = np.unique(np.stack([better, worse]), return_inverse=True)
    those = [table.texts[row] or "" for row in ranked.row[ranks].tolist()]
    left, right = places.reshape(2, -1)
    why = confirm.spared(those, left, right, bound)
    return Pairs(better, worse, score, np.zeros(len(better), np.bool_), why)


def _exact_pairs(ranked: Ranked) -> Pairs:
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


def _drops(ids: Sequence[str], near: Pairs, ranked: Ranked) -> list[Dropped]:
    """Return what goes, in the order of the input, each with the kept row that it names."""
    of, score, exact = _names(near, ranked)
    gone = np.flatnonzero(of >= 0)
    gone = gone[np.argsort(ranked.row[gone])]
    columns = (ranked.row[gone], ranked.row[of[gone]], score[gone], exact[gone])
    return [
        Dropped(ids[row], ids[kept], value, "exact" if same else "semantic")
        for row, kept, value, same in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _names(near: Pairs, ranked: Ranked) -> tuple[Rows, NDArray[np.float64], NDArray[np.bool_]]:
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
