"""Stage decontaminate: questions that are in a benchmark, by text or by meaning.

The vectors of the benchmarks' items are kept in `data/.benchmark-vectors/`, by content, so
that they are made once for all versions and datasets of a data folder.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.config import Config
from pipeline.encoding import encode_all
from pipeline.errors import ConfigError
from pipeline.paths import expand
from pipeline.progress import meter
from pipeline.recipe import Decontaminate
from pipeline.records import Drop, Question, canonical_json, content_hash
from pipeline.stage import Run, ShardStage, Tables
from pipeline.store import Store, replacing, writing
from pipeline.vectors import read_vectors

if TYPE_CHECKING:
    from dedup.contamination import Benchmarks, Contamination, Hit


class DecontaminateStage(ShardStage):
    """Writes `contaminated`."""

    name = "decontaminate"
    revision = 2  # 2: coverage weighted by rarity, of both texts

    def writes(self) -> tuple[str, ...]:
        """Return the one table."""
        return ("contaminated",)

    def reads(self) -> tuple[str, ...]:
        """Return the questions and their vectors."""
        return ("questions", "vectors")

    def fields(self, run: Run) -> dict[str, Any]:
        """Return the limits, the benchmarks' content and the encoder of their items."""
        recipe = run.config.recipe.decontaminate
        limits = recipe.model_dump(exclude={"benchmarks"})
        files = {path.name: run.hashes.of(path) for path in benchmark_files(recipe)}
        return {**limits, "benchmarks": files, "encoder": run.config.recipe.embed.model}

    def prepare(self, run: Run) -> None:
        """Embed the benchmarks' items where that is new."""
        if run.config.recipe.decontaminate.semantic:
            embed_benchmarks(run)

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        """Check one shard."""
        questions = list(Question.from_table(store.read("questions", shard)))
        recipe = config.recipe.decontaminate
        drops: list[Drop] = []
        if questions and recipe.benchmarks:
            check = checker(recipe, vectors_path(store, config))
            vectors = read_vectors(store, shard) if recipe.semantic else None
            ids = [question.id for question in questions]
            drops = as_drops(check.find(ids, [q.user_text for q in questions], vectors))
        counts = Counter(drop.reason for drop in drops)
        return {"contaminated": (Drop.to_table(drops), dict(sorted(counts.items())))}


def benchmark_files(recipe: Decontaminate) -> list[Path]:
    """Return the benchmark files that a recipe names, those in folders too."""
    found: list[Path] = []
    for name in recipe.benchmarks:
        path = expand(name)
        if not path.exists():
            raise ConfigError(f"recipe.decontaminate.benchmarks: {path}: there is no such file")
        found += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return found


@lru_cache(maxsize=1)
def load_benchmarks(paths: tuple[str, ...]) -> Benchmarks:
    """Read the items of all benchmarks; raises ConfigError for a file that holds none."""
    from dedup.contamination import Benchmarks

    try:
        return Benchmarks.load([expand(path) for path in paths])
    except ValueError as error:
        raise ConfigError(f"recipe.decontaminate.{error}") from None


@lru_cache(maxsize=1)
def checker(recipe: Decontaminate, vectors: Path | None) -> Contamination:
    """Return what compares questions with the benchmarks, made once in a process."""
    from dedup.contamination import Contamination, Limits

    limits = Limits(
        coverage=recipe.coverage,
        short_coverage=recipe.short_coverage,
        contained=recipe.contained,
        said=recipe.said,
        cosine=recipe.threshold,
        numbers_must_agree=recipe.numbers_must_agree,
    )
    return Contamination(
        load_benchmarks(recipe.benchmarks),
        None if vectors is None else np.load(vectors),
        limits,
    )


def vectors_path(store: Store, config: Config) -> Path | None:
    """Return where the vectors of the benchmarks' items are kept; None where none are wanted."""
    recipe = config.recipe.decontaminate
    if not recipe.semantic:
        return None
    texts = [text.text for text in load_benchmarks(recipe.benchmarks).texts]
    name = content_hash([config.recipe.embed.model, texts])
    return store.root / ".benchmark-vectors" / f"{name}.npy"


def embed_benchmarks(run: Run) -> None:
    """Make the vectors of the benchmarks' items where they are not there yet."""
    recipe = run.config.recipe
    path = vectors_path(run.store, run.config) if recipe.decontaminate.benchmarks else None
    if path is None or path.is_file():
        return
    texts = [text.text for text in load_benchmarks(recipe.decontaminate.benchmarks).texts]
    parts = []
    with meter("benchmarks", len(texts)) as progress:
        for part in encode_all(run.pool, recipe.embed.model, texts):
            parts.append(part)
            progress.advance(len(part))
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.save(file, np.concatenate(parts))


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
