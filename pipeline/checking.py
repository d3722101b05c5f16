"""Compares questions with all benchmarks of a recipe, readable ones and fingerprints.

    check = Checker(loaded, Limits(), vectors)
    check.find(["q1"], ["Find $x$ if $2x=5$."], None)     # hits, strongest first

The vectors of the benchmarks' items and of the probes are kept in `data/.benchmark-vectors/`,
by content, so that they are made once for all versions and datasets of a data folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import benchmarks
from pipeline.benchmarks import Loaded
from pipeline.config import Config
from pipeline.encoding import encode_all
from pipeline.errors import ConfigError
from pipeline.progress import meter
from pipeline.recipe import Decontaminate
from pipeline.records import content_hash
from pipeline.stage import Run
from pipeline.store import Store, replacing, writing

if TYPE_CHECKING:
    from dedup.contamination import Hit, Limits
    from dedup.probes import Probe

Array = np.ndarray[Any, Any]


class Checker:
    """Benchmarks made ready to be compared with batches of questions."""

    def __init__(self, loaded: Loaded, limits: Limits, vectors: Array | None) -> None:
        """Take benchmarks, with a vector for each readable text, or with none."""
        from dedup.contamination import Contamination
        from dedup.fingerprints import Lookup

        self._texts = None
        if loaded.texts.texts:
            self._texts = Contamination(loaded.texts, vectors, limits)
        self._lookups = [Lookup(prints, limits) for prints in loaded.prints]

    def find(self, ids: Sequence[str], texts: Sequence[str], vectors: Array | None) -> list[Hit]:
        """Return all hits: by question, then strongest first."""
        from dedup.contamination import METHODS

        found = [] if self._texts is None else self._texts.find(ids, texts, vectors)
        if not self._lookups:
            return found
        for lookup in self._lookups:
            found += lookup.find(ids, texts, vectors)
        place = {id: at for at, id in enumerate(ids)}
        return sorted(found, key=lambda hit: (place[hit.id], METHODS.index(hit.method), -hit.score))


@lru_cache(maxsize=1)
def loaded(names: tuple[str, ...], root: Path) -> Loaded:
    """Read all benchmarks, once in a process; raises ConfigError for a file that holds none."""
    try:
        return benchmarks.load(names, root)
    except ValueError as error:
        raise ConfigError(f"recipe.decontaminate.{error}") from None


@lru_cache(maxsize=1)
def planted(names: tuple[str, ...], root: Path, each: int) -> list[Probe]:
    """Return the probes of all benchmarks that can be read, the same ones in every process."""
    from dedup.probes import plant

    return plant(loaded(names, root).texts, each)


@lru_cache(maxsize=1)
def checker(recipe: Decontaminate, root: Path, model: str) -> Checker:
    """Return what compares questions with the benchmarks, made once in a process."""
    texts = item_texts(recipe, root)
    vectors = np.load(vectors_path(root, model, texts)) if recipe.semantic else None
    return Checker(loaded(recipe.benchmarks, root), limits_of(recipe), vectors)


def limits_of(recipe: Decontaminate) -> Limits:
    """Return a recipe's limits as dedup knows them."""
    from dedup.contamination import Limits

    return Limits(
        coverage=recipe.coverage,
        short_coverage=recipe.short_coverage,
        contained=recipe.contained,
        said=recipe.said,
        cosine=recipe.threshold,
        numbers_must_agree=recipe.numbers_must_agree,
    )


def item_texts(recipe: Decontaminate, root: Path) -> list[str]:
    """Return the texts of all items that can be read."""
    return [text.text for text in loaded(recipe.benchmarks, root).texts.texts]


def probe_texts(recipe: Decontaminate, root: Path) -> list[str]:
    """Return the texts of all probes."""
    return [probe.copy for probe in planted(recipe.benchmarks, root, recipe.probes)]


def vectors_path(root: Path, model: str, texts: Sequence[str]) -> Path:
    """Return where the vectors of some texts are kept."""
    return root / ".benchmark-vectors" / f"{content_hash([model, texts])}.npy"


def prepare(run: Run) -> None:
    """Fetch the benchmarks, and embed their items and probes where that is new."""
    recipe, root = run.config.recipe.decontaminate, run.store.root
    benchmarks.fetch(recipe.benchmarks, root)
    if not recipe.benchmarks or not recipe.semantic:
        return
    check_encoders(loaded(recipe.benchmarks, root), run.config.recipe.embed.model)
    _embed(run, "benchmarks", item_texts(recipe, root))
    _embed(run, "probes", probe_texts(recipe, root))


def check_encoders(found: Loaded, model: str) -> None:
    """Raise ConfigError where fingerprints hold vectors of another encoder."""
    for prints in found.prints:
        if prints.vectors.shape[1] and prints.encoder != model:
            names = ", ".join(sorted(set(prints.benchmark.tolist())))
            raise ConfigError(
                f"benchmarks: the fingerprints of {names} have vectors by {prints.encoder}, and"
                f" questions are embedded by {model}; make them with it, or without vectors"
            )


def _embed(run: Run, what: str, texts: list[str]) -> None:
    """Keep the vectors of texts, unless they are there."""
    model = run.config.recipe.embed.model
    path = vectors_path(run.store.root, model, texts)
    if path.is_file():
        return
    parts: list[Array] = []
    with meter(what, len(texts)) as progress:
        for part in encode_all(run.pool, model, texts):
            parts.append(part)
            progress.advance(len(part))
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.save(file, np.concatenate(parts) if parts else np.empty((0, 1), np.float16))


def probe_vectors(config: Config, store: Store) -> Array | None:
    """Return the vectors of all probes, None where meaning isn't compared."""
    recipe = config.recipe.decontaminate
    if not recipe.semantic:
        return None
    texts = probe_texts(recipe, store.root)
    return np.asarray(np.load(vectors_path(store.root, config.recipe.embed.model, texts)))
