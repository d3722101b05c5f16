"""Stage deduplicate: questions that ask what a better one asks already.

Which of two stays: the one with a reference or tests, then the one that carries a source's
response, then the harder one, then the one whose source comes first in
`deduplicate.source_priority`, then the lower id. Holds the texts and vectors of all
questions (about 1.2 KB each), the one stage besides choose that looks at all of them.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.config import Config
from pipeline.progress import meter
from pipeline.records import DIFFICULTIES, Drop, Question, canonical_json
from pipeline.stage import Run, Stage
from pipeline.store import Store
from pipeline.vectors import read_vectors

if TYPE_CHECKING:
    from dedup.semantic import Deduplication

SOURCES_AT_MOST = 1 << 20  # room for the place of a source in a priority


class DeduplicateStage(Stage):
    """Writes `duplicates`."""

    name = "deduplicate"
    revision = 2  # 2: pairs are confirmed by signs, foreign letters and the question itself

    def writes(self) -> tuple[str, ...]:
        """Return the one table."""
        return ("duplicates",)

    def reads(self) -> tuple[str, ...]:
        """Return the questions, their vectors, and what decides which of two stays."""
        return ("questions", "vectors", "labels", "responses/round=00")

    def whole_inputs(self) -> bool:
        """Any question may repeat any other."""
        return True

    def fields(self, run: Run) -> dict[str, Any]:
        """Return threshold, number rule and order of sources."""
        return run.config.recipe.deduplicate.model_dump()

    def build(self, run: Run) -> None:
        """Compare all questions, then write each shard's drops."""
        jobs = list(self.outdated(run))
        if not jobs:
            return
        start = time.monotonic()
        total = self.rows_of(run, "questions", range(run.store.shards))
        with meter(self.title, total) as progress:
            questions = Questions.read(run.config, run.store)
            progress.advance(len(questions.ids))
            drops, whole = questions.duplicates(run.config)
        for shard, origin in jobs:
            first, last = questions.starts[shard], questions.starts[shard + 1]
            mine = [drops[id] for id in questions.ids[first:last] if id in drops]
            counts = Counter(drop.reason for drop in mine)
            if shard == 0:  # counts of the whole table, so that sums over shards are right
                counts |= whole
            made = {"duplicates": (Drop.to_table(mine), dict(sorted(counts.items())))}
            self.save(run.store, shard, origin, made, time.monotonic() - start)


@dataclass(slots=True)
class Questions:
    """All questions, as parallel columns in order of id; shard k is starts[k]:starts[k + 1]."""

    ids: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    priorities: list[int] = field(default_factory=list)
    numeric: list[bool] = field(default_factory=list)
    vectors: list[np.ndarray[Any, Any]] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])

    @classmethod
    def read(cls, config: Config, store: Store) -> Questions:
        """Read what is compared of every question."""
        everything = cls()
        for shard in range(store.shards):
            everything.add(config, store, shard)
            everything.starts.append(len(everything.ids))
        return everything

    def add(self, config: Config, store: Store, shard: int) -> None:
        """Add one shard."""
        recipe = config.recipe.deduplicate
        rank = {name: place for place, name in enumerate(recipe.source_priority)}
        labels = store.read("labels", shard, ["id", "difficulty"])
        difficulties = labels.column("difficulty").to_pylist()
        responses = store.read("responses/round=00", shard, ["id"])
        answered = set(responses.column("id").to_pylist())
        rows = Question.from_table(store.read("questions", shard))
        for question, difficulty in zip(rows, difficulties, strict=True):
            place = rank.get(question.source, len(rank))
            self.ids.append(question.id)
            self.texts.append(question.user_text)
            self.numeric.append(question.kind in recipe.numbers_must_agree)
            self.priorities.append(priority(question, question.id in answered, difficulty, place))
        self.vectors.append(read_vectors(store, shard))

    def duplicates(self, config: Config) -> tuple[dict[str, Drop], Counter[str]]:
        """Return the drops by id, and what `counts_of` says of the pairs."""
        from dedup.semantic import Confirm, deduplicate

        recipe = config.recipe.deduplicate
        found = deduplicate(
            self.texts,
            np.concatenate(self.vectors),
            self.priorities,
            self.ids,
            recipe.threshold,
            self.numeric,
            recall=recipe.recall,
            confirm=Confirm(recipe.letters_must_agree, recipe.questions_must_agree),
        )
        text = dict(zip(self.ids, self.texts, strict=True))
        drops = {}
        for gone in found.drops:
            evidence = canonical_json({"kept_text": text[gone.of][:300]})
            drops[gone.id] = Drop(
                gone.id, "deduplicate", gone.reason, gone.of, gone.score, evidence
            )
        return drops, counts_of(found)


def counts_of(found: Deduplication) -> Counter[str]:
    """Return how many pairs were kept apart and why, and how many of a sample were missed."""
    counts = Counter({f"pairs_spared_by_{why}": n for why, n in found.spared.items()})
    if found.search is not None and found.search.checked:
        counts["pairs_checked"] = found.search.checked
        counts["pairs_missed"] = round(found.search.checked * (1 - found.search.recall))
    return counts


def priority(question: Question, answered: bool, difficulty: str, source_place: int) -> int:
    """Return how much a question deserves to stay, higher is better."""
    checkable = bool(question.reference_answer or question.test_cases)
    rank = (checkable * 2 + answered) * len(DIFFICULTIES) + DIFFICULTIES.index(difficulty)
    return rank * SOURCES_AT_MOST + (SOURCES_AT_MOST - 1 - source_place)
