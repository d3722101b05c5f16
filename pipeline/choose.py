"""Stage choose: which of the questions that are left are worth a teacher's time.

A conversation with an earlier assistant turn that shows no thinking is left out first:
every published assistant turn has a think part and an answer. Then easy and medium
questions are down-sampled by shares, then each source to its quota. Who stays is decided
by a hash of seed and id, so that it does not depend on what other questions there are:
added data never throws out what was kept by its share.
"""

from __future__ import annotations

import hashlib
import heapq
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.progress import meter
from pipeline.records import ID_SCHEMA, Drop, canonical_json
from pipeline.stage import Run, Stage, Tables
from pipeline.store import Store
from verifiers.response import final_answer, split


class ChooseStage(Stage):
    """Writes `chosen` (ids) and `left_out` (drops)."""

    name = "choose"

    def writes(self) -> tuple[str, ...]:
        """Return the two tables."""
        return ("chosen", "left_out")

    def reads(self) -> tuple[str, ...]:
        """Return the questions, their labels and the drops before this stage."""
        return ("questions", "labels", "duplicates", "contaminated")

    def whole_inputs(self) -> bool:
        """Quotas are over the dataset, so that every shard depends on all."""
        return True

    def fields(self, run: Run) -> dict[str, Any]:
        """Return shares, quotas and the seed."""
        return {**run.config.recipe.choose.model_dump(), "seed": run.config.recipe.seed}

    def build(self, run: Run) -> None:
        """Find where each source's quota cuts, then write the outdated shards."""
        jobs = list(self.outdated(run))
        if not jobs:
            return
        limits = self._limits(run)
        with meter(self.title, len(jobs)) as progress:
            for shard, origin in jobs:
                start = time.monotonic()
                made = self._make(run, shard, limits)
                self.save(run.store, shard, origin, made, time.monotonic() - start)
                progress.advance(1)

    def _limits(self, run: Run) -> dict[str, tuple[float, str]]:
        """Return the place (share, id) of the last row inside each source's quota.

        Holds as many rows in memory as the quotas ask for.
        """
        recipe = run.config.recipe
        quotas = recipe.choose.per_source
        best: dict[str, list[tuple[float, str]]] = {name: [] for name in quotas}
        for shard in range(run.store.shards):
            silent = silent_ids(run.store, shard)
            for id, source, difficulty in candidates(run.store, shard):
                share, keep = place(recipe.seed, id), recipe.choose.keep.get(difficulty, 1.0)
                if source in quotas and id not in silent and share < keep:
                    best[source].append((share, id))
            best = {n: heapq.nsmallest(quotas[n], places) for n, places in best.items()}
        return {n: places[-1] if places else (-1.0, "") for n, places in best.items()}

    def _make(self, run: Run, shard: int, limits: dict[str, tuple[float, str]]) -> Tables:
        recipe = run.config.recipe
        chosen: list[str] = []
        left: list[Drop] = []
        silent = silent_ids(run.store, shard)
        for id, source, difficulty in candidates(run.store, shard):
            share, keep = place(recipe.seed, id), recipe.choose.keep.get(difficulty, 1.0)
            if id in silent:
                left.append(_drop(id, "no_thinking", None, {"earlier_turn": silent[id]}))
            elif share >= keep:
                evidence = {"difficulty": difficulty, "share_kept": keep}
                left.append(_drop(id, "downsampled", share, evidence))
            elif (share, id) > limits.get(source, (2.0, "")):
                evidence = {"source": source, "quota": recipe.choose.per_source[source]}
                left.append(_drop(id, "over_quota", share, evidence))
            else:
                chosen.append(id)
        ids = pa.Table.from_pydict({"id": chosen}, schema=ID_SCHEMA)
        counts = Counter(drop.reason for drop in left)
        return {
            "chosen": (ids, {"chosen": len(chosen)}),
            "left_out": (Drop.to_table(left), dict(sorted(counts.items()))),
        }


def _drop(id: str, reason: str, share: float | None, evidence: dict[str, Any]) -> Drop:
    return Drop(id, "choose", reason, score=share, evidence=canonical_json(evidence))


def place(seed: int, id: str) -> float:
    """Return a question's place in the draw: uniform in [0, 1), the same for ever."""
    digest = hashlib.blake2b(f"{seed}/{id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def silent_ids(store: Store, shard: int) -> dict[str, int]:
    """Return the conversations with an earlier assistant turn without thinking, and which turn."""
    rows = store.read("questions", shard, ["id", "prompt"])
    several = rows.filter(pc.greater(pc.list_value_length(rows.column("prompt")), 1))
    silent: dict[str, int] = {}
    for row in several.to_pylist():
        for number, turn in enumerate(row["prompt"]):
            if turn["role"] == "assistant" and not has_both_parts(turn["content"]):
                silent.setdefault(row["id"], number)
    return silent


def has_both_parts(text: str) -> bool:
    """Tell whether an assistant's turn has a think part and an answer, neither empty."""
    parts = split(text)
    return bool((parts.think or "").strip() and final_answer(parts.answer or ""))


def candidates(store: Store, shard: int) -> Iterable[tuple[str, str, str]]:
    """Return (id, source, difficulty) of a shard's questions that nothing has dropped."""
    gone = set(store.read("duplicates", shard, ["id"]).column(0).to_pylist())
    gone |= set(store.read("contaminated", shard, ["id"]).column(0).to_pylist())
    questions = store.read("questions", shard, ["id", "source"])
    labels = store.read("labels", shard, ["id", "difficulty"])
    rows = zip(
        questions.column("id").to_pylist(),
        questions.column("source").to_pylist(),
        labels.column("difficulty").to_pylist(),
        strict=True,
    )
    return [row for row in rows if row[0] not in gone]
