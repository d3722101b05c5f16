"""The tables of an evaluation, and whether a shard of one is up to date.

    data/evaluations/think-twice/1/aime24/questions/part-00000.parquet
    data/evaluations/think-twice/1/aime24/QwQ-32B/responses/round=02/part-00000.parquet
    data/evaluations/think-twice/1/aime24/QwQ-32B/verdicts/round=02/part-00000.parquet

They are written by the same store as a dataset's, with the same manifests. Another recipe
under the same version is refused; the version `dev` is built again freely.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import StaleTable
from pipeline.evaluation.base import Benchmark
from pipeline.evaluation.config import EvaluationConfig, Model
from pipeline.paths import expand
from pipeline.records import Question, Response, Verdict
from pipeline.stage import FREE_VERSION, flatten
from pipeline.store import Manifest, Origin, Store

FOLDER = "evaluations"  # in the data folder, so that no dataset's name can be in the way


def open_store(config: EvaluationConfig) -> Store:
    """Return the store of an evaluation's version, whether it exists yet or not."""
    root = expand(config.runtime.data) / FOLDER
    return Store(root, config.name, config.version, config.evaluation.shards)


def journal_folder(config: EvaluationConfig) -> Path:
    """Return where replies are kept: the journal that all datasets in the data folder share."""
    return expand(config.runtime.data) / "journal"


def questions_table(benchmark: Benchmark) -> str:
    """Return the name of a benchmark's questions."""
    return f"{benchmark.label}/questions"


def responses_table(benchmark: Benchmark, model: Model, round: int) -> str:
    """Return the name of a model's responses of a round."""
    return f"{benchmark.label}/{model.name}/responses/round={round:02d}"


def verdicts_table(benchmark: Benchmark, model: Model, round: int) -> str:
    """Return the name of the verdicts on them."""
    return f"{benchmark.label}/{model.name}/verdicts/round={round:02d}"


def read_questions(store: Store, benchmark: Benchmark, shard: int) -> list[Question]:
    """Return a shard's questions in the order of their ids."""
    return list(Question.from_table(store.read(questions_table(benchmark), shard)))


def read_responses(
    store: Store, benchmark: Benchmark, model: Model, round: int, shard: int
) -> Iterator[Response]:
    """Yield a shard's responses of a round."""
    table = responses_table(benchmark, model, round)
    return Response.from_table(store.read(table, shard))


def read_verdicts(
    store: Store, benchmark: Benchmark, model: Model, round: int, shard: int
) -> Iterator[Verdict]:
    """Yield the verdicts on a shard's responses of a round."""
    table = verdicts_table(benchmark, model, round)
    return Verdict.from_table(store.read(table, shard))


def inputs_of(store: Store, shard: int, *tables: str) -> dict[str, str]:
    """Return the hashes of a shard of some tables, all of which exist."""
    found = {table: store.manifest(table, shard) for table in tables}
    return {table: manifest.output for table, manifest in found.items() if manifest}


def origin_of(recipe: dict[str, Any], inputs: dict[str, str], shards: int) -> Origin:
    """Return what a shard is made from, its recipe as dotted names."""
    return Origin({**flatten(recipe), "shards": shards}, inputs)


def is_current(store: Store, table: str, shard: int, origin: Origin) -> bool:
    """Tell whether a shard exists and is made from this; raises StaleTable for another recipe."""
    manifest = store.manifest(table, shard)
    if manifest is None:
        return False
    if manifest.fingerprint == origin.fingerprint:
        return manifest.inputs == dict(origin.inputs)
    if store.version == FREE_VERSION:
        return False
    raise StaleTable(_difference(manifest, origin))


def _difference(manifest: Manifest, origin: Origin) -> str:
    before, now = manifest.recipe, dict(origin.recipe)
    names = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    changes = "; ".join(
        f"{name} was {before.get(name, '(unset)')!r:.60}, is {now.get(name, '(unset)')!r:.60}"
        for name in names[:5]
    )
    more = f"; and {len(names) - 5} more" if len(names) > 5 else ""
    return (
        f"table {manifest.table} was made with other settings: {changes}{more}. Name a new"
        " version (--version NAME), or build this one again (--rebuild); replies are kept either"
        " way, and what was asked before is not asked again"
    )
