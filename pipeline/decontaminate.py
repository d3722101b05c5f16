"""Stage decontaminate: questions that are in a benchmark, by text or by meaning.

Among the questions of each shard stand probes, disguised copies of benchmark items
(dedup/probes.py). They go through the same comparison and nowhere else: the table `probes`
says which were found, the card shows it, and publish refuses where too few were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import checking
from pipeline.benchmarks import identity
from pipeline.config import Config
from pipeline.records import Drop, Probe, Question, canonical_json, content_hash, shard_of
from pipeline.stage import Run, ShardStage, Tables
from pipeline.store import Store
from pipeline.vectors import read_vectors

if TYPE_CHECKING:
    from dedup import probes
    from dedup.contamination import Hit

Array = np.ndarray[Any, Any]


class DecontaminateStage(ShardStage):
    """Writes `contaminated` and `probes`."""

    name = "decontaminate"
    revision = 6  # 4 to 6: texts that ask for different things are no hit (dedup.asked)

    def writes(self) -> tuple[str, ...]:
        """Return what is contaminated, and what became of the probes."""
        return ("contaminated", "probes")

    def reads(self) -> tuple[str, ...]:
        """Return the questions and their vectors."""
        return ("questions", "vectors")

    def fields(self, run: Run) -> dict[str, Any]:
        """Return the limits, the benchmarks' content and the encoder of their items."""
        recipe = run.config.recipe.decontaminate
        files = identity(recipe.benchmarks, run.store.root, run.hashes)
        encoder = run.config.recipe.embed.model
        return {**recipe.identity(), "benchmarks": files, "encoder": encoder}

    def prepare(self, run: Run) -> None:
        """Fetch benchmarks and embed their items where that is new."""
        checking.prepare(run)

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        """Check one shard, probes among it."""
        recipe = config.recipe.decontaminate
        drops: list[Drop] = []
        found: list[Probe] = []
        if recipe.benchmarks:
            questions = list(Question.from_table(store.read("questions", shard)))
            mine = list(probes_of(config, store, shard))
            hits = find(config, store, shard, questions, [probe for _, probe in mine])
            ids = {question.id for question in questions}
            drops = as_drops([hit for hit in hits if hit.id in ids])
            found = fates(config, store, [p for _, p in mine], hits)
        counts = Counter(drop.reason for drop in drops)
        planted = {"planted": len(found), "found": sum(probe.found for probe in found)}
        return {
            "contaminated": (Drop.to_table(drops), dict(sorted(counts.items()))),
            "probes": (Probe.to_table(found), planted if found else {}),
        }


def probe_id(probe: probes.Probe) -> str:
    """Return a probe's id, by which it gets a shard."""
    return content_hash(["probe", probe.text, probe.disguise, probe.copy])


def probes_of(config: Config, store: Store, shard: int) -> Iterator[tuple[int, probes.Probe]]:
    """Yield the probes of a shard with their places among all of them."""
    recipe = config.recipe.decontaminate
    every = checking.planted(recipe.benchmarks, store.root, recipe.probes)
    for place, probe in enumerate(every):
        if shard_of(probe_id(probe), store.shards) == shard:
            yield place, probe


def find(
    config: Config,
    store: Store,
    shard: int,
    questions: list[Question],
    planted: list[probes.Probe],
) -> list[Hit]:
    """Return the hits of a shard's questions and of the probes behind them."""
    recipe = config.recipe.decontaminate
    ids = [question.id for question in questions] + [probe_id(probe) for probe in planted]
    texts = [question.user_text for question in questions] + [probe.copy for probe in planted]
    vectors = _vectors(config, store, shard) if recipe.semantic else None
    if not ids:
        return []
    check = checking.checker(recipe, store.root, config.recipe.embed.model)
    return check.find(ids, texts, vectors)


def _vectors(config: Config, store: Store, shard: int) -> Array:
    """Return the vectors of a shard's questions, and of its probes behind them."""
    mine = read_vectors(store, shard)
    places = [place for place, _ in probes_of(config, store, shard)]
    theirs = checking.probe_vectors(config, store)
    return mine if theirs is None or not places else np.concatenate([mine, theirs[places]])


def fates(
    config: Config, store: Store, planted: list[probes.Probe], hits: list[Hit]
) -> list[Probe]:
    """Return what became of probes: each has to hit its own item."""
    recipe = config.recipe.decontaminate
    texts = checking.loaded(recipe.benchmarks, store.root).texts.texts
    hit = {(one.id, one.benchmark, one.item): one for one in hits}
    found = []
    for probe in planted:
        of = texts[probe.text]
        one = hit.get((probe_id(probe), of.benchmark, of.item))
        method, score = (one.method, one.score) if one else (None, None)
        names = (probe_id(probe), of.benchmark, of.item, probe.disguise, probe.copy)
        found.append(Probe(*names, one is not None, method, score))
    return sorted(found, key=lambda probe: probe.id)


def as_drops(hits: list[Hit]) -> list[Drop]:
    """Return one drop for each question that was hit, by its strongest hit."""
    strongest: dict[str, Hit] = {}
    count: Counter[str] = Counter(hit.id for hit in hits)
    for hit in hits:
        strongest.setdefault(hit.id, hit)
    return [
        Drop(
            hit.id,
            "decontaminate",
            hit.method,
            of=f"{hit.benchmark}/{hit.item}",
            score=hit.score,
            evidence=canonical_json(
                {
                    "benchmark": hit.benchmark,
                    "item": hit.item,
                    "method": hit.method,
                    "matched": hit.matched[:1_000],
                    "items_hit": count[hit.id],
                }
            ),
        )
        for hit in strongest.values()
    ]
