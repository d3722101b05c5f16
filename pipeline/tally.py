"""Counts what is in a version's tables, one shard at a time; pipeline/facts.py reads it.

    tally = count_all(store)
    tally.rows_by["category"]["math"]       1204
    tally.rounds[1]["gained"]               87

Holds counters only: its size follows from how many sources, reasons and different lengths
there are, never from how many rows.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.acceptance import Finding, ResponseKey, findings
from pipeline.published import published_batches
from pipeline.records import Suspect, Verdict
from pipeline.scan import batches, round_rows, rounds, rows
from pipeline.store import Store
from verifiers.base import Outcome

ROW_COLUMNS = (
    *("category", "difficulty", "language", "licence", "outcome", "source", "teacher", "verifier"),
)
ATTRIBUTED = ("source", "source_revision", "licence")
ROUND_COLUMNS = (
    "questions",
    "responses",
    "correct",
    "incorrect",
    "unverified",
    "unjudged",
    "gained",
    "rows",
    "tokens",
)
ELSEWHERE = re.compile(r"[A-Za-z0-9_.-]+: ")  # an origin in another source, by its name
SPARED_BY = "pairs_spared_by_"
PAIR_SEARCH = ("pairs_checked", "pairs_missed", "cells_widened_to")
SUSPECTS = 50  # that are listed; all are in the table
KEY = ["id", "teacher", "round", "attempt"]
Published = dict[str, list[ResponseKey]]  # id → the responses that are published


@dataclass(slots=True)
class Tally:
    """Counters over all shards; `rows_by` are rows by column, `rounds` by round and figure."""

    rows: int = 0
    rows_read: Counter[str] = field(default_factory=Counter)
    configs: Counter[str] = field(default_factory=Counter)
    attributed: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # rows
    nested: Counter[tuple[str, str]] = field(default_factory=Counter)  # published questions
    in_several: int = 0  # published questions that other sources have too
    rows_by: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    references: Counter[str] = field(default_factory=Counter)
    response_tokens: Counter[int | None] = field(default_factory=Counter)
    prompt_tokens: Counter[int | None] = field(default_factory=Counter)
    licences: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    revisions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    verdicts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    published_unverified: Counter[str] = field(default_factory=Counter)
    rounds: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    contamination: Counter[tuple[str, str]] = field(default_factory=Counter)
    near_duplicates: Counter[str] = field(default_factory=Counter)
    pairs_spared: Counter[str] = field(default_factory=Counter)
    pair_search: Counter[str] = field(default_factory=Counter)  # checked, missed, widened_to
    long_texts: int = 0  # longer than the encoder's window
    probes: dict[tuple[str, str], Counter[bool]] = field(  # (benchmark, disguise) → found or not
        default_factory=lambda: defaultdict(Counter)
    )
    unsafe: int = 0  # programs that were run without a sandbox
    suspected: int = 0  # questions whose reference may be wrong
    suspects: list[Suspect] = field(default_factory=list)  # the first of them

    def add_shard(self, store: Store, shard: int) -> None:
        """Count one shard of every table."""
        published = self._examples(store, shard)
        self._questions(store, shard, published)
        self._labels(store, shard, published)
        self._drops(store, shard)
        self._suspects(store, shard)
        self._rounds(store, shard, published)

    def _examples(self, store: Store, shard: int) -> Published:
        published: Published = defaultdict(list)
        columns = [*ROW_COLUMNS, "source_revision", "id", "round", "attempt"]
        columns += ["prompt_tokens", "response_tokens"]
        for column in ROW_COLUMNS:
            self.rows_by.setdefault(column, Counter())
        for batch in published_batches(store, shard, columns):
            for column in ROW_COLUMNS:
                self.rows_by[column].update(_values(batch, column))
            self.attributed.update(zip(*(_values(batch, c) for c in ATTRIBUTED), strict=True))
            self.prompt_tokens.update(_values(batch, "prompt_tokens"))
            self.response_tokens.update(_values(batch, "response_tokens"))
            for row in batch.select(KEY).to_pylist():
                self._row(published, (row["id"], row["teacher"], row["round"], row["attempt"]))
        return published

    def _row(self, published: Published, key: ResponseKey) -> None:
        published[key[0]].append(key)
        self.rows += 1
        self.configs["distilled" if key[2] else "open_source"] += 1
        self.rounds[key[2]]["rows"] += 1

    def _questions(self, store: Store, shard: int, published: Published) -> None:
        manifest = store.manifest("questions", shard)
        for name, count in (manifest.counts if manifest else {}).items():
            if name.startswith("read/"):
                self.rows_read[name.removeprefix("read/")] += count
        self.rows_by.setdefault("kind", Counter())
        columns = ["id", *ATTRIBUTED, "kind", "metadata", "origins", *_REFERENCES]
        for batch in batches(store, "questions", shard, columns):
            checkable = [pc.is_valid(batch.column(name)).to_pylist() for name in _REFERENCES]
            flat = batch.select(columns[:7]).to_pylist()
            for row, *there in zip(flat, *checkable, strict=True):
                self.licences[row["source"]].add(row["licence"])
                self.revisions[row["source"]].add(row["source_revision"])
                if row["id"] in published:
                    self.rows_by["kind"][row["kind"]] += len(published[row["id"]])
                    self.references[_checkable_by(*there)] += 1
                    self._whence(row)

    def _whence(self, row: dict[str, Any]) -> None:
        """Count where a published question comes from, inside of its source and elsewhere."""
        inside = json.loads(row["metadata"]).get("nested_source")
        if inside is not None:
            self.nested[row["source"], str(inside)] += 1
        self.in_several += any(map(ELSEWHERE.match, row["origins"]))

    def _labels(self, store: Store, shard: int, published: Published) -> None:
        counts = self.rows_by.setdefault("labeller", Counter())
        for row in rows(store, "labels", shard, ["id", "labeller"]):
            if row["id"] in published:
                counts[row["labeller"]] += len(published[row["id"]])

    def _drops(self, store: Store, shard: int) -> None:
        columns = ["reason", "of", "evidence"]
        for row in rows(store, "contaminated", shard, columns):
            evidence = json.loads(row["evidence"])
            benchmark = evidence.get("benchmark") or row["of"] or "?"
            self.contamination[(benchmark, evidence.get("method") or row["reason"])] += 1
        for row in rows(store, "probes", shard, ["benchmark", "disguise", "found"]):
            self.probes[(row["benchmark"], row["disguise"])][row["found"]] += 1
        for row in rows(store, "duplicates", shard, ["reason", "score"]):
            self.near_duplicates[_similarity(row["reason"], row["score"])] += 1
        self._searches(store, shard)

    def _suspects(self, store: Store, shard: int) -> None:
        for row in rows(store, "suspects", shard):
            self.suspected += 1
            if len(self.suspects) < SUSPECTS:
                self.suspects.append(Suspect(**row))

    def _searches(self, store: Store, shard: int) -> None:
        """Count what only manifests say of how near-duplicates were looked for."""
        embedded, compared = store.manifest("vectors", shard), store.manifest("duplicates", shard)
        self.long_texts += embedded.counts.get("clipped", 0) if embedded else 0
        for name, count in (compared.counts if compared else {}).items():
            if name.startswith(SPARED_BY):
                self.pairs_spared[name.removeprefix(SPARED_BY)] += count
            elif name in PAIR_SEARCH:
                self.pair_search[name] += count

    def _rounds(self, store: Store, shard: int, published: Published) -> None:
        found = findings(self._verdicts(store, shard))
        answered: set[str] = set()
        for number in rounds(store, "responses"):
            counts, asked, right = self.rounds[number], set(), set()
            for key, tokens in _responses(store, shard, number):
                asked.add(key[0])
                counts["responses"] += 1
                counts["tokens"] += tokens
                outcome = found[key].outcome if key in found else "unjudged"
                counts[outcome] += 1
                if outcome == Outcome.CORRECT:
                    right.add(key[0])
            counts["questions"] += len(asked)
            counts["gained"] += len(right - answered)
            answered |= right
        for key in (key for keys in published.values() for key in keys):
            self._unverified(found.get(key))

    def _verdicts(self, store: Store, shard: int) -> Iterator[Verdict]:
        columns = [*KEY, "verifier", "outcome", "reason", "evidence"]
        for row in round_rows(store, "verdicts", shard, columns):
            self.verdicts[(row["verifier"], row["outcome"], row["reason"])] += 1
            evidence = row.pop("evidence")
            self.unsafe += row["verifier"] == "code" and json.loads(evidence).get("tier") == 0
            yield Verdict(**row, score=None, evidence="{}", seconds=0.0)

    def _unverified(self, finding: Finding | None) -> None:
        if finding and finding.outcome == Outcome.UNVERIFIED:
            self.published_unverified[finding.reason] += 1


def _values(batch: pa.Table, column: str) -> list[Any]:
    return list(batch.column(column).to_pylist())


_REFERENCES = ("reference_answer", "test_cases", "constraints")


def _checkable_by(reference: bool, tests: bool, constraints: bool) -> str:
    """Name what there is to check an answer against; tests count before a reference."""
    if tests:
        return "test cases"
    if reference:
        return "reference answer"
    return "constraints" if constraints else "nothing"


def _similarity(reason: str, score: float | None) -> str:
    """Name a duplicate by its reason and, where it has a similarity, by a band of 0.02."""
    if score is None or reason == "exact":
        return reason
    low = min(int(score * 50), 49) / 50
    return f"{reason}, {low:.2f} to {low + 0.02:.2f}"


def _responses(store: Store, shard: int, number: int) -> Iterator[tuple[ResponseKey, int]]:
    """Yield the key of each response with the tokens of prompt and response that it cost."""
    columns = [*KEY, "prompt_tokens", "response_tokens"]
    for row in rows(store, f"responses/round={number:02d}", shard, columns):
        tokens = (row["prompt_tokens"] or 0) + (row["response_tokens"] or 0)
        yield (row["id"], row["teacher"], row["round"], row["attempt"]), tokens


def count_all(store: Store) -> Tally:
    """Count a version's tables in the state in which they are."""
    tally = Tally()
    for shard in range(store.shards):
        tally.add_shard(store, shard)
    return tally
