"""Draws the questions for testing, so that none of them is near one for training.

    split = split_of(config, store)
    split.test          frozenset({"1c0f…", …})       of questions, published or not

Questions at or above `recipe.publish.split.cosine` are near, also those that deduplicate kept
apart for their numbers or letters. Groups are connected components of near pairs; a group's
lowest id decides, hashed with the seed, on which side all of it is. So an added question moves
none but those of the groups that it joins, and a removed one none at all.

Takes part: every question that was not dropped before select, so that all exports agree. Of a
text longer than the encoder's window only its beginning is compared. Holds their vectors
(0.8 KB each) and what `dedup.index.near_pairs` needs.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.config import Config
from pipeline.errors import UserError
from pipeline.recipe import Recipe
from pipeline.recipe_publish import Split as Setting
from pipeline.scan import rows
from pipeline.store import Store
from pipeline.vectors import matrix

Array = np.ndarray[Any, Any]
LEFT_BEFORE = ("duplicates", "contaminated", "left_out")


@dataclass(frozen=True, slots=True)
class Split:
    """The ids for testing, and what they were drawn from; `largest` is a group's size."""

    test: frozenset[str]
    questions: int
    groups: int
    largest: int
    test_groups: int


def split_of(config: Config, store: Store) -> Split:
    """Draw the questions for testing; raises UserError where there are no vectors."""
    setting = config.recipe.publish.split
    assert setting is not None
    ids, vectors = _compared(store)
    groups = Groups(len(ids))
    _join(groups, ids, vectors, config.recipe, setting)
    roots = [groups.root(row) for row in range(len(ids))]
    sizes = Counter(roots)
    mine = {root for root in sizes if is_test(ids[root], setting)}
    test = frozenset(id for id, root in zip(ids, roots, strict=True) if root in mine)
    return Split(test, len(ids), len(sizes), max(sizes.values(), default=0), len(mine))


def is_test(lowest: str, setting: Setting) -> bool:
    """Tell whether the group with this lowest id is for testing."""
    # A hash of its own: that of choose would put more of what it took on one side.
    told = f"split/{setting.seed}/{lowest}".encode()
    number = int.from_bytes(hashlib.blake2b(told, digest_size=8).digest())
    return number < setting.share * 2**64


class Groups:
    """Disjoint sets of rows; a set's root is its lowest row."""

    def __init__(self, rows: int) -> None:
        self.parent = list(range(rows))

    def root(self, row: int) -> int:
        """Return the lowest row of a row's set."""
        while self.parent[row] != row:
            self.parent[row] = row = self.parent[self.parent[row]]
        return row

    def join(self, left: int, right: int) -> None:
        """Make one set of two."""
        low, high = sorted((self.root(left), self.root(right)))
        self.parent[high] = low


def _compared(store: Store) -> tuple[list[str], Array]:
    """Return the ids that take part, ascending, and their vectors."""
    ids: list[str] = []
    parts: list[Array] = []
    for shard in range(store.shards):
        if store.manifest("vectors", shard) is None:
            raise UserError(
                f"recipe.publish.split: {store.name} {store.version} has no vectors of shard"
                f" {shard}, by which near questions are found; run it first, or leave split out"
            )
        table = store.read("vectors", shard, ["id", "vector"])
        gone = {row["id"] for name in LEFT_BEFORE for row in rows(store, name, shard, ["id"])}
        every = table.column("id").to_pylist()
        stay = np.array([id not in gone for id in every], np.bool_)
        ids += [id for id in every if id not in gone]
        if len(every):
            parts.append(matrix(table.column("vector").combine_chunks())[stay])
    return ids, np.concatenate(parts) if parts else np.empty((0, 1), np.float16)


def _join(groups: Groups, ids: list[str], vectors: Array, recipe: Recipe, setting: Setting) -> None:
    """Join all near questions, as far as that matters: none is left across the two sides."""
    from dedup.index import near_pairs

    if len(ids) < 2:
        return
    how = recipe.deduplicate
    near = near_pairs(vectors, setting.cosine, engine=how.engine, recall=how.recall)
    _join_all(groups, zip(near.i.tolist(), near.j.tolist(), strict=True))
    if near.engine == "exact":
        return
    # Cells miss a few pairs in a thousand. Those across the border are looked for exactly,
    # until there are none: what is joined may bring others over.
    while crossing := list(_crossing(groups, ids, vectors, setting)):
        _join_all(groups, crossing)


def _crossing(
    groups: Groups, ids: list[str], vectors: Array, setting: Setting
) -> Iterable[tuple[int, int]]:
    """Return the near pairs of which one is for testing and the other is not."""
    from dedup.index import hits_above

    side = np.array([is_test(ids[groups.root(row)], setting) for row in range(len(ids))], np.bool_)
    test, train = np.flatnonzero(side), np.flatnonzero(~side)
    if not len(test) or not len(train):
        return
    for left, right, _ in hits_above(vectors[test], vectors[train], setting.cosine):
        yield from zip(test[left].tolist(), train[right].tolist(), strict=True)


def _join_all(groups: Groups, pairs: Iterable[tuple[int, int]]) -> None:
    for left, right in pairs:
        groups.join(left, right)
