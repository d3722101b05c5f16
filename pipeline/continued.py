"""An earlier version as deduplicate meets it: what it kept, and the index that lies beside it.

    data/quickstart/1/near/cells.npz     cells of the kept questions' vectors (dedup.stored)
    data/quickstart/1/near/keys.npy      coarse keys of their texts
    data/quickstart/1/near/made_of.txt   a hash of the tables that it was made from

The vectors themselves stay in the table `vectors`. An index that is missing or was made from
other tables is made again; it decides nothing but how fast a batch is compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.compared import NONE, Compared
from pipeline.config import Config
from pipeline.earlier import FIELD
from pipeline.errors import ConfigError
from pipeline.records import Drop, content_hash
from pipeline.store import Store, replacing, writing

if TYPE_CHECKING:
    from dedup.incremental import Kept, LookedUp
    from dedup.stored import Stored

Array = np.ndarray[Any, Any]
HEX = "S32"  # an id as numpy holds it
MADE_OF = ("questions", "vectors", "duplicates")
MARK, KEYS = "made_of.txt", "keys.npy"
FREE_FIELDS = ("after", "recall", "engine", "source_priority")  # may differ between versions


def ids_of(store: Store, table: str) -> list[Array]:
    """Return the ids of each shard of a table, in order."""
    return [
        np.array(store.read(table, shard, ["id"]).column("id").to_pylist(), HEX)
        for shard in range(store.shards)
    ]


def among(ids: Array, known: Array) -> Array:
    """Return which ids are among others, which are in ascending order."""
    if not len(known):
        return np.zeros(len(ids), np.bool_)
    at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.asarray(known[at] == ids)


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier version's ids by shard, which of them it kept, and what became of the others."""

    store: Store
    ids: list[Array]
    kept: list[Array]
    drops: list[Drop]

    @classmethod
    def read(cls, store: Store) -> Earlier:
        """Read which questions there were, and what was decided."""
        ids, gone = ids_of(store, "questions"), ids_of(store, "duplicates")
        kept = [~among(mine, dropped) for mine, dropped in zip(ids, gone, strict=True)]
        tables = (store.read("duplicates", shard) for shard in range(store.shards))
        return cls(store, ids, kept, [drop for table in tables for drop in Drop.from_table(table)])

    def kept_ids(self) -> Array:
        """Return the ids that were kept, ascending."""
        return np.concatenate([ids[kept] for ids, kept in zip(self.ids, self.kept, strict=True)])

    def look_up(self, config: Config, rows: Array) -> LookedUp:
        """Return what is compared of some of the kept questions, by their places among these."""
        from dedup.incremental import LookedUp

        found = Compared()
        starts = np.cumsum([0, *(int(kept.sum()) for kept in self.kept)])
        for shard, kept in enumerate(self.kept):
            mine = rows[(rows >= starts[shard]) & (rows < starts[shard + 1])] - starts[shard]
            if len(mine):
                found.add(config, self.store, shard, np.flatnonzero(kept)[mine], NONE)
        numeric = np.array(found.numeric, np.bool_)
        chunks = found.chunks() if found.ids else None
        return LookedUp(found.ids, found.texts, numeric, found.priorities, chunks)

    def as_kept(self, config: Config, vectors: Array) -> Kept:
        """Return what a batch is compared with, its index made where there is none.

        `vectors` are those of the kept questions in the order of their ids.
        """
        from dedup.coarse import coarse_keys
        from dedup.incremental import Kept
        from dedup.stored import Stored

        index = load_index(self.store, vectors)
        if index is None:
            seen = self.look_up(config, np.arange(len(vectors)))
            index = Stored.build(vectors), coarse_keys([text or "" for text in seen.texts])
            save_index(self.store, index[0].centres, index[0].homes, index[1])
        return Kept(index[0], index[1], lambda rows: self.look_up(config, rows))


def check_recipe(config: Config, earlier: Store) -> None:
    """Raise ConfigError where the earlier version was deduplicated by other rules."""
    from pipeline.stage import flatten

    manifest = earlier.manifest("duplicates", 0)
    now = flatten({"deduplicate": config.recipe.deduplicate.model_dump(exclude={*FREE_FIELDS})})
    made = {} if manifest is None else manifest.recipe
    free = tuple(f"deduplicate.{name}" for name in (*FREE_FIELDS, "code_revision"))
    before = {
        name: value
        for name, value in made.items()
        if name.startswith("deduplicate.") and not name.startswith(free)
    }
    names = [n for n in sorted({*now, *before}) if now.get(n) != before.get(n)]
    if names:
        raise ConfigError(
            f"{FIELD}: version {earlier.version!r} was deduplicated with another"
            f" {', '.join(names)}; use the same, or leave the field out"
        )


def near_folder(store: Store) -> Path:
    """Return where a version's index lies."""
    return store.folder / "near"


def made_of(store: Store) -> str:
    """Return a hash of the tables from which a version's index is made."""
    manifests = [store.manifest(table, shard) for table in MADE_OF for shard in range(store.shards)]
    return content_hash([manifest.output if manifest else "" for manifest in manifests])


def load_index(store: Store, vectors: Array) -> tuple[Stored, Array] | None:
    """Return a version's index over these vectors, None where there is none that fits."""
    from dedup.stored import Stored

    folder = near_folder(store)
    mark = folder / MARK
    if not mark.is_file() or mark.read_text(encoding="utf-8") != made_of(store):
        return None
    return Stored.load(folder, vectors), np.load(folder / KEYS)


def save_index(store: Store, centres: Array, homes: Array, keys: Array) -> None:
    """Write a version's index beside its tables, its mark last."""
    from dedup.stored import save_cells

    folder = near_folder(store)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).unlink(missing_ok=True)
        save_cells(folder, centres, homes)
        np.save(folder / KEYS, keys)
        with replacing(folder / MARK) as file:
            file.write(made_of(store).encode())
