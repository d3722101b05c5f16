"""Stage deduplicate: questions that ask what a better one asks already.

Which of two stays: pipeline/compared.py. With `recipe.deduplicate.after` the questions of an
earlier version stay as they were decided there, and only the new ones are compared, with
those that it kept and with each other: the result is that of a full run in which all of the
earlier version's questions come before all others (dedup/incremental.py).

Holds the texts and vectors of all questions (about 1.2 KB each), the one stage besides
choose that looks at all of them.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.compared import Compared
from pipeline.config import Config
from pipeline.continued import HEX, Earlier, among, check_recipe, ids_of, save_index
from pipeline.earlier import FIELD, version_before
from pipeline.errors import ConfigError
from pipeline.progress import meter
from pipeline.records import Drop, canonical_json, content_hash, shard_of
from pipeline.stage import Run, Stage
from pipeline.store import Origin, Store
from pipeline.vectors import read_vectors

if TYPE_CHECKING:
    from dedup.incremental import Kept
    from dedup.semantic import Deduplication

Array = np.ndarray[Any, Any]


class DeduplicateStage(Stage):
    """Writes `duplicates`."""

    name = "deduplicate"
    revision = 4  # 4: one prompt with another last word is two questions (dedup.confirm)

    def writes(self) -> tuple[str, ...]:
        """Return the one table."""
        return ("duplicates",)

    def reads(self) -> tuple[str, ...]:
        """Return the questions, their vectors, and what decides which of two stays."""
        return ("questions", "vectors", "chunks", "labels", "responses/round=00")

    def whole_inputs(self) -> bool:
        """Any question may repeat any other."""
        return True

    def fields(self, run: Run) -> dict[str, Any]:
        """Return threshold, rules and order."""
        return run.config.recipe.deduplicate.identity()

    def origin(self, run: Run, shard: int) -> Origin:
        """Return what the shard is made from, the earlier version's tables among it."""
        found = super().origin(run, shard)
        earlier = version_before(run.config, run.store)
        if earlier is None:
            return found
        before = self._inputs_of(earlier)
        return Origin(found.recipe, {**found.inputs, **before})

    def _inputs_of(self, earlier: Store) -> dict[str, str]:
        tables = (*self.reads(), "duplicates")
        every = range(earlier.shards)
        hashes = [self._output(earlier, table, shard) for table in tables for shard in every]
        return {f"{earlier.version}/duplicates": content_hash(hashes)}

    def build(self, run: Run) -> None:
        """Compare all questions, then write each shard's drops."""
        jobs = list(self.outdated(run))
        if not jobs:
            return
        start = time.monotonic()
        earlier = version_before(run.config, run.store)
        total = self.rows_of(run, "questions", range(run.store.shards))
        with meter(self.title, total) as progress:
            if earlier is None:
                decided = decide(run.config, run.store)
            else:
                decided = decide_after(run.config, run.store, earlier)
            progress.advance(total)
        by_shard: dict[int, list[Drop]] = {shard: [] for shard in range(run.store.shards)}
        for drop in sorted(decided.drops, key=lambda drop: drop.id):
            by_shard[shard_of(drop.id, run.store.shards)].append(drop)
        for shard, origin in jobs:
            counts = Counter(drop.reason for drop in by_shard[shard])
            if shard == 0:  # counts of the whole table, so that sums over shards are right
                counts |= decided.counts
            made = {"duplicates": (Drop.to_table(by_shard[shard]), dict(sorted(counts.items())))}
            self.save(run.store, shard, origin, made, time.monotonic() - start)
        decided.save_index(run.store)


@dataclass(frozen=True, slots=True)
class Decided:
    """The drops, what `counts_of` says, and of the kept questions what an index needs.

    `keys` and the homes in `cells` are in the order of ids; without cells there is no index yet.
    """

    drops: list[Drop]
    counts: Counter[str]
    keys: Array
    cells: tuple[Array, Array] | None

    def save_index(self, store: Store) -> None:
        """Keep the cells for a later version, where there are some."""
        if self.cells is not None:
            save_index(store, *self.cells, self.keys)


def decide(config: Config, store: Store) -> Decided:
    """Compare all questions with each other."""
    from dedup.coarse import coarse_keys
    from dedup.semantic import Confirm, deduplicate

    recipe, questions = config.recipe.deduplicate, Compared.read(config, store)
    vectors, keys = questions.vectors(), coarse_keys(questions.texts)
    found = deduplicate(
        questions.texts,
        vectors,
        questions.priorities,
        questions.ids,
        recipe.threshold,
        questions.numeric,
        engine=recipe.engine,
        recall=recipe.recall,
        confirm=Confirm(recipe.letters_must_agree, recipe.questions_must_agree),
        chunks=questions.chunks(),
        keys=keys,
    )
    gone = {drop.id for drop in found.drops}
    kept = np.array([id not in gone for id in questions.ids], np.bool_)
    return Decided(as_drops(found), counts_of(found), keys[kept], found.cells_of(kept))


def decide_after(config: Config, store: Store, before: Store) -> Decided:
    """Compare the questions that an earlier version has not; what it decided stands."""
    from dedup.incremental import deduplicate_after
    from dedup.semantic import Confirm

    check_recipe(config, before)
    earlier, recipe = Earlier.read(before), config.recipe.deduplicate
    batch, vectors = new_questions(config, store, earlier)
    kept = earlier.as_kept(config, vectors)
    found = deduplicate_after(
        kept,
        batch.texts,
        batch.vectors(),
        batch.priorities,
        batch.ids,
        recipe.threshold,
        batch.numeric,
        engine=recipe.engine,
        recall=recipe.recall,
        confirm=Confirm(recipe.letters_must_agree, recipe.questions_must_agree),
        chunks=batch.chunks(),
    )
    counts = counts_of(found) + Counter(compared=len(batch.ids))
    return _with_batch(earlier, kept, batch, [*earlier.drops, *as_drops(found)], counts)


def new_questions(config: Config, store: Store, earlier: Earlier) -> tuple[Compared, Array]:
    """Return the questions that the earlier version has not, and the vectors of those it kept.

    Both from this version's tables, whose vectors were taken over: they are read once. Raises
    ConfigError where the earlier version has questions that this one lacks.
    """
    before, kept = np.concatenate(earlier.ids), earlier.kept_ids()
    mine = ids_of(store, "questions")
    gone = before[~among(before, np.concatenate(mine))]
    if len(gone):
        raise ConfigError(
            f"{FIELD}: version {earlier.store.version!r} has {len(gone)} questions that this one"
            f" lacks, such as {gone[0].decode()}; after it only more may come: leave the field out"
        )
    batch, vectors, done = Compared(), np.empty((0, 0), np.float16), 0
    for shard, ids in enumerate(mine):
        whole, stay = read_vectors(store, shard), among(ids, kept)
        batch.add(config, store, shard, np.flatnonzero(~among(ids, before)), whole)
        if shard == 0:  # a gigabyte for a million: filled in place, not put together after
            vectors = np.empty((len(kept), whole.shape[1]), np.float16)
        many = int(np.count_nonzero(stay))
        np.compress(stay, whole, axis=0, out=vectors[done : done + many])
        done += many
    return batch, vectors


def _with_batch(
    earlier: Earlier, kept: Kept, batch: Compared, drops: list[Drop], counts: Counter[str]
) -> Decided:
    """Return what was decided with the index of all that is kept now, in the order of ids."""
    from dedup.coarse import coarse_keys

    assert kept.stored is not None
    gone = {drop.id for drop in drops}
    stay = [place for place, id in enumerate(batch.ids) if id not in gone]
    cells = kept.stored.cells_with(batch.vectors()[stay])
    ids = np.concatenate([earlier.kept_ids(), np.array([batch.ids[k] for k in stay], HEX)])
    order = np.argsort(ids, kind="stable")
    keys = np.concatenate([kept.keys, coarse_keys([batch.texts[k] for k in stay])])[order]
    return Decided(drops, counts, keys, None if cells is None else (cells[0], cells[1][order]))


def as_drops(found: Deduplication) -> list[Drop]:
    """Return what goes, with the beginning of what stays in its place."""
    text = dict(zip(found.ids, found.texts, strict=True))
    return [
        Drop(
            gone.id,
            "deduplicate",
            gone.reason,
            gone.of,
            gone.score,
            canonical_json({"kept_text": (text[gone.of] or "")[:300]}),
        )
        for gone in found.drops
    ]


def counts_of(found: Deduplication) -> Counter[str]:
    """Return how many pairs were kept apart and why, and how many of a sample were missed."""
    counts = Counter({f"pairs_spared_by_{why}": n for why, n in found.spared.items()})
    if found.search is not None and found.search.checked:
        counts["pairs_checked"] = found.search.checked
        counts["pairs_missed"] = round(found.search.checked * (1 - found.search.recall))
        counts["cells_widened_to"] = found.search.guests if found.search.widened else 0
    return counts
