"""Which version of a dataset came before another: the newest that was selected before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipeline.store import Store


def earlier_version(store: Store) -> Store | None:
    """Return the version whose rows were selected last before this one's, None for a first.

    By the time at which the tables were written; versions may have any names.
    """
    mine = _selected(store, store.version)
    if mine is None:
        return None
    times = ((_selected(store, path.name), path.name) for path in _versions(store))
    before = [(when, name) for when, name in times if when is not None and when < mine]
    return _sized(replace(store, version=max(before)[1])) if before else None


def _versions(store: Store) -> list[Path]:
    return sorted(path for path in (store.root / store.name).iterdir() if path.is_dir())


def _selected(store: Store, version: str) -> int | None:
    """Return when a version's first shard of examples was written, in ns; None if never."""
    path = replace(store, version=version).path("examples", 0).with_suffix(".json")
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _sized(store: Store) -> Store:
    """Return a store with the number of shards that its version has."""
    manifest = store.manifest("examples", 0)
    shards = manifest.recipe.get("shards", store.shards) if manifest else store.shards
    return replace(store, shards=int(shards))
