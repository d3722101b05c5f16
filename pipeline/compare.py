"""What differs between two versions: published rows added, removed and changed, by id.

    compare_versions(new, old).changed      {"1c0f…": ("attempt", "messages")}   (the first few)

Both versions are read once, in the order of ids, whatever their numbers of shards; a
shard's worth of drops is in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from pipeline.ledger import DROP_TABLES, STAGE_OF_TABLE
from pipeline.published import published_rows
from pipeline.records import shard_of
from pipeline.scan import rows
from pipeline.store import Store

SHOWN = 50  # ids of each kind that are kept to be shown
Group = tuple[str, list[dict[str, Any]]]  # an id and its published rows


@dataclass(slots=True)
class Moves:
    """Questions of one source by what became of their rows."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    same: int = 0


@dataclass(slots=True)
class Differences:
    """Counts of questions by what became of their rows, with the first ids of each kind.

    `columns` counts in how many changed questions a column differs; `gone` counts the
    removed ones by where the new version has them, `came` the added ones by where the old one had
    them; `by_source` counts all of them by source.
    """

    same: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0
    columns: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    came: Counter[str] = field(default_factory=Counter)
    by_source: dict[str, Moves] = field(default_factory=dict)
    added_ids: dict[str, str] = field(default_factory=dict)
    removed_ids: dict[str, str] = field(default_factory=dict)
    changed_ids: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def source(self, rows: list[dict[str, Any]]) -> Moves:
        """Return the counts of the source of a question's rows."""
        return self.by_source.setdefault(rows[0]["source"], Moves())

    def add(self, id: str, rows: list[dict[str, Any]], where: str) -> None:
        """Count a question that only the new version publishes."""
        self.added += 1
        self.came[where] += 1
        self.source(rows).added += 1
        if self.added <= SHOWN:
            self.added_ids[id] = where

    def remove(self, id: str, rows: list[dict[str, Any]], where: str) -> None:
        """Count a question that only the old version publishes."""
        self.removed += 1
        self.gone[where] += 1
        self.source(rows).removed += 1
        if self.removed <= SHOWN:
            self.removed_ids[id] = where

    def pair(self, id: str, new: list[dict[str, Any]], old: list[dict[str, Any]]) -> None:
        """Count a question that both publish."""
        if new == old:
            self.same += 1
            self.source(new).same += 1
            return
        columns = _differing(new, old)
        self.changed += 1
        self.columns.update(columns)
        self.source(new).changed += 1
        if self.changed <= SHOWN:
            self.changed_ids[id] = columns


def compare_versions(new: Store, old: Store) -> Differences:
    """Return how the published rows of `new` differ from those of `old`.

    A column that one version's release did not write yet counts as differing from a value.
    """
    found, now, before = Differences(), _Whereabouts(new), _Whereabouts(old)
    mine, theirs = published(new), published(old)
    left, right = next(mine, None), next(theirs, None)
    while left or right:
        if left and right and left[0] == right[0]:
            found.pair(left[0], left[1], right[1])
            left, right = next(mine, None), next(theirs, None)
        elif left and (not right or left[0] < right[0]):
            found.add(*left, before.of(left[0]))
            left = next(mine, None)
        elif right:
            found.remove(*right, now.of(right[0]))
            right = next(theirs, None)
    found.by_source = dict(sorted(found.by_source.items()))
    return found


def published(store: Store) -> Iterator[Group]:
    """Yield each published question's id with its rows, in the order of ids."""
    for shard in range(store.shards):
        for id, group in groupby(published_rows(store, shard), key=lambda row: row["id"]):
            yield id, list(group)


def _differing(new: list[dict[str, Any]], old: list[dict[str, Any]]) -> tuple[str, ...]:
    if len(new) != len(old):
        return ("number of rows",)
    pairs = list(zip(new, old, strict=True))
    names = dict.fromkeys([*new[0], *old[0]])
    return tuple(n for n in names if any(mine.get(n) != other.get(n) for mine, other in pairs))


class _Whereabouts:
    """Says where a version has a question that it does not publish; one shard in memory."""

    def __init__(self, store: Store) -> None:
        self.store, self.shard = store, -1
        self.places: dict[str, str] = {}

    def of(self, id: str) -> str:
        """Return stage and reason of its drop, `pending`, or `not collected`."""
        shard = shard_of(id, self.store.shards)
        if shard != self.shard:
            self.shard, self.places = shard, self._read(shard)
        return self.places.get(id, "not collected")

    def _read(self, shard: int) -> dict[str, str]:
        places = {row["id"]: "pending" for row in rows(self.store, "questions", shard, ["id"])}
        for table in reversed(DROP_TABLES):  # the first to drop a question has the last word
            for row in rows(self.store, table, shard, ["id", "reason"]):
                places[row["id"]] = f"{STAGE_OF_TABLE[table]}: {row['reason']}"
        return places
