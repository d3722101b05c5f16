"""Which version of a dataset came before another, and what its tables hold of a shard's ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.store import Store

FIELD = "recipe.deduplicate.after"


def earlier_version(store: Store) -> Store | None:
    """Return the version whose rows were selected last before this one's, None for a first.

    By the time at which the tables were written; versions may have any names.
    """
    mine = _selected(store, store.version)
    if mine is None:
        return None
    times = ((_selected(store, name), name) for name in store.versions())
    before = [(when, name) for when, name in times if when is not None and when < mine]
    return _sized(replace(store, version=max(before)[1]), "examples") if before else None


def version_before(config: Config, store: Store) -> Store | None:
    """Return the version after which this one comes, None where the recipe names none.

    Raises ConfigError where it has not been deduplicated, or is this one.
    """
    name = config.recipe.deduplicate.after
    if not name:
        return None
    if name == store.version:
        raise ConfigError(f"{FIELD}: must be another version than this one, got {name!r}")
    found = replace(store, version=name)
    if found.manifest("duplicates", 0) is None:
        raise ConfigError(
            f"{FIELD}: version {name!r} of {store.name} has no table duplicates in {store.root};"
            " build it first, or leave the field out"
        )
    found = _sized(found, "duplicates")
    for table in ("questions", "vectors", "chunks", "duplicates"):
        if not found.complete(table):
            raise ConfigError(
                f"{FIELD}: version {name!r} lacks shards of its table {table}; run it to the end"
            )
    return found


def overlapping(store: Store, shard: int, other: Store) -> range:
    """Return the shards of another version that may hold ids of this shard."""
    first = shard * other.shards // store.shards
    return range(first, -(-(shard + 1) * other.shards // store.shards))


def rows_of_shard(store: Store, shard: int, other: Store, table: str) -> Iterator[pa.Table]:
    """Yield another version's rows whose ids may be of a shard, in order of id."""
    for place in overlapping(store, shard, other):
        yield other.read(table, place)


def _selected(store: Store, version: str) -> int | None:
    """Return when a version's first shard of examples was written, in ns; None if never."""
    return replace(store, version=version).changed_at("examples", 0)


def _sized(store: Store, table: str) -> Store:
    """Return a store with the number of shards that its version has."""
    manifest = store.manifest(table, 0)
    shards = manifest.recipe.get("shards", store.shards) if manifest else store.shards
    return replace(store, shards=int(shards))
