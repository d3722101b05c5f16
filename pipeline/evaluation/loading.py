"""Writes a benchmark's questions as a table, once: later rounds read nothing else.

A benchmark from the Hub is fetched when its table is missing, not at every start; the commit
that was read stands in every question's `source_revision`.
"""

from __future__ import annotations

import time

from pipeline.errors import SourceError
from pipeline.evaluation.base import Benchmark
from pipeline.evaluation.reading import Located
from pipeline.evaluation.tables import is_current, origin_of, questions_table
from pipeline.files import FileHashes
from pipeline.records import Question, shard_of
from pipeline.store import Origin, Store


def load_questions(store: Store, benchmark: Benchmark, seed: int, hashes: FileHashes) -> int:
    """Write a benchmark's questions where they are missing; returns how many there are.

    Raises SourceError where a file is missing, has no question, or holds a row that is none.
    """
    table, recipe = questions_table(benchmark), {"seed": seed, **benchmark.identity()}
    if benchmark.path is None and _kept(store, benchmark, recipe):
        return _count(store, table)
    located = benchmark.located()
    inputs = {file.name: hashes.of(file) for file in located.files}
    origin = origin_of(recipe, inputs, store.shards)
    if not all(is_current(store, table, shard, origin) for shard in range(store.shards)):
        _write(store, benchmark, located, origin, seed)
    return _count(store, table)


def _kept(store: Store, benchmark: Benchmark, recipe: dict[str, object]) -> bool:
    """Tell whether the table of a benchmark from the Hub is there; raises StaleTable."""
    table = questions_table(benchmark)
    for shard in range(store.shards):
        manifest = store.manifest(table, shard)
        origin = origin_of(recipe, manifest.inputs if manifest else {}, store.shards)
        if not is_current(store, table, shard, origin):
            return False
    return True


def _write(store: Store, benchmark: Benchmark, located: Located, origin: Origin, seed: int) -> None:
    start = time.monotonic()
    cut: list[list[Question]] = [[] for _ in range(store.shards)]
    for question in benchmark.questions(located, seed):
        cut[shard_of(question.id, store.shards)].append(question)
    if not any(cut):
        raise SourceError(
            f"{benchmark.label}: no question is left; correct path, limit, or the window of dates"
        )
    for shard, questions in enumerate(cut):
        rows = Question.to_table(sorted(questions, key=lambda question: question.id))
        counts = {"questions": len(questions)}
        seconds = time.monotonic() - start
        store.write(questions_table(benchmark), shard, rows, origin, counts, seconds)


def _count(store: Store, table: str) -> int:
    found = (store.manifest(table, shard) for shard in range(store.shards))
    return sum(manifest.rows for manifest in found if manifest)
