"""The ledger: every question collected is published, dropped with a reason, or pending.

Counted by id, one shard in memory at a time. A question that several stages dropped is
counted where it left first; `show` lists all of its drops.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from pipeline.errors import LedgerBroken, LedgerOpen
from pipeline.published import removed_ids
from pipeline.store import Store

# In the order in which questions leave.
DROP_TABLES = ("refused", "duplicates", "contaminated", "left_out", "unselected", "removed")
STAGE_OF_TABLE = {
    "refused": "collect",
    "duplicates": "deduplicate",
    "contaminated": "decontaminate",
    "left_out": "choose",
    "unselected": "select",
    "removed": "publish",
}


@dataclass(slots=True)
class Ledger:
    """Counts of questions: `dropped` by (stage, reason), all of them by source beside it.

    `complete` says that the sources have been collected to the end. `removed` counts those that
    left for nothing else, by why their removal was asked for.
    """

    complete: bool = False
    rows_read: int = 0
    repeated: int = 0
    collected: int = 0
    published: int = 0
    pending: int = 0
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_source: dict[str, Counter[str]] = field(default_factory=dict)
    removed: Counter[str] = field(default_factory=Counter)
    conflicts: list[str] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Whether every collected question is in exactly one place."""
        accounted = self.published + self.pending + self.dropped.total()
        return not self.conflicts and accounted == self.collected

    def check(self) -> None:
        """Raise LedgerBroken where it does not balance, LedgerOpen while any is pending."""
        if not self.balanced:
            raise LedgerBroken(
                f"the ledger does not balance: {self.collected} collected, {self.published}"
                f" published, {self.dropped.total()} dropped, {self.pending} pending;"
                f" both published and dropped: {self.conflicts[:5]}"
            )
        if not self.complete:
            raise LedgerOpen("not all questions are collected; run it first (build-dataset run)")
        if self.pending:
            raise LedgerOpen(
                f"{self.pending} of {self.collected} questions are pending; finish the run"
                " (build-dataset run), or publish all the same with --allow-open"
            )


def read_ledger(store: Store) -> Ledger:
    """Count all questions of a version, in the state in which it is."""
    ledger = Ledger(complete=store.complete("questions"))
    for shard in range(store.shards):
        _count_shard(store, shard, ledger)
    stages = list(STAGE_OF_TABLE.values())
    order = sorted(ledger.dropped, key=lambda left: (stages.index(left[0]), left[1]))
    ledger.dropped = Counter({left: ledger.dropped[left] for left in order})
    ledger.by_source = dict(sorted(ledger.by_source.items()))
    ledger.removed = Counter({why: ledger.removed[why] for why in sorted(ledger.removed)})
    return ledger


def _count_shard(store: Store, shard: int, ledger: Ledger) -> None:
    manifest = store.manifest("questions", shard)
    if manifest is None:
        return
    ledger.rows_read += manifest.counts.get("rows_read", 0)
    ledger.repeated += manifest.counts.get("repeated", 0)
    sources = dict(_columns(store, "questions", shard, "id", "source"))
    left = dict(_first_drops(store, shard))
    for id, (stage, reason, source) in left.items():
        sources.setdefault(id, source)
        ledger.dropped[(stage, reason)] += 1
        _source(ledger, sources[id])[f"{stage}/{reason}"] += 1
    published = set(chain.from_iterable(_columns(store, "examples", shard, "id")))
    published -= removed_ids(store, shard)
    for id, evidence in _columns(store, "removed", shard, "id", "evidence"):
        if left[id][1] == "removed":  # by choose already, or at last
            ledger.removed[json.loads(evidence)["why"]] += 1
    for id, source in sources.items():
        _source(ledger, source)["collected"] += 1
        ledger.collected += 1
        if id in published:
            ledger.published += 1
            _source(ledger, source)["published"] += 1
        elif id not in left:
            ledger.pending += 1
            _source(ledger, source)["pending"] += 1
    ledger.conflicts += sorted(published & left.keys()) + sorted(published - sources.keys())


def _first_drops(store: Store, shard: int) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Yield (id, (stage, reason, source)) of each dropped id, where it left first."""
    seen: set[str] = set()
    for table in DROP_TABLES:
        for id, reason, of in _columns(store, table, shard, "id", "reason", "of"):
            if id not in seen:
                seen.add(id)
                # A refused row has no question; its source stands in `of`.
                yield id, (STAGE_OF_TABLE[table], reason, of if table == "refused" else "")


def _columns(store: Store, table: str, shard: int, *columns: str) -> Iterator[tuple[Any, ...]]:
    if store.manifest(table, shard) is None:
        return
    rows = store.read(table, shard, list(columns))
    yield from zip(*(rows.column(name).to_pylist() for name in columns), strict=True)


def _source(ledger: Ledger, name: str) -> Counter[str]:
    return ledger.by_source.setdefault(name, Counter())
