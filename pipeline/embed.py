"""Stage embed: a unit vector for every question, from all of its user turns.

A question longer than the encoder's window has the vectors of its chunks in `chunks`. With
`recipe.deduplicate.after` the vectors of questions that the earlier version has are taken
from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.config import Config
from pipeline.earlier import FIELD, overlapping, rows_of_shard, version_before
from pipeline.encoding import embed, on_gpu
from pipeline.errors import ConfigError
from pipeline.records import Question, chunk_schema, content_hash, vector_schema
from pipeline.stage import Run, ShardJob, ShardStage, Tables
from pipeline.store import Origin, Store
from pipeline.vectors import column, matrix

if TYPE_CHECKING:
    from dedup.encoder import Embedded

TABLES = ("vectors", "chunks")


class EmbedStage(ShardStage):
    """Writes `vectors`; on a CPU in the worker processes, on a GPU in this one."""

    name = "embed"
    revision = 2  # 2: the last chunk of a long text ends with it; the chunks are kept

    def writes(self) -> tuple[str, ...]:
        """Return the vectors of whole texts and of chunks."""
        return TABLES

    def reads(self) -> tuple[str, ...]:
        """Return the questions."""
        return ("questions",)

    def fields(self, run: Run) -> dict[str, Any]:
        """Return the encoder's name, and the version whose vectors are taken over."""
        after = run.config.recipe.deduplicate.after
        return run.config.recipe.embed.model_dump() | ({"after": after} if after else {})

    def origin(self, run: Run, shard: int) -> Origin:
        """Return what the shard is made from, the earlier version's tables among it."""
        found = super().origin(run, shard)
        earlier = version_before(run.config, run.store)
        if earlier is None:
            return found
        check_encoder(run.config, earlier)
        places = overlapping(run.store, shard, earlier)
        hashes = [self._output(earlier, table, place) for table in TABLES for place in places]
        taken = {f"{earlier.version}/vectors": content_hash(hashes)}
        return Origin(found.recipe, {**found.inputs, **taken})

    def runs_here(self) -> bool:
        """A GPU is kept busy by this process alone."""
        return on_gpu()

    def at_once(self, config: Config) -> bool:
        """Ray is given all shards."""
        return config.runtime.embed.engine == "ray"

    def alone(self, config: Config) -> bool:
        """One worker asks Ray, which spreads the work."""
        return self.at_once(config)

    def _results(self, run: Run, jobs: list[ShardJob]) -> Iterator[int]:
        if not self.at_once(run.config):
            return super()._results(run, jobs)
        from pipeline.ray_shards import results  # Ray takes a second to import

        return results(jobs, run.config.runtime)

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        """Embed one shard."""
        questions = list(Question.from_table(store.read("questions", shard)))
        known = Known.read(config, store, shard)
        fresh = [question for question in questions if question.id not in known.place]
        found = embed(config.recipe.embed.model, [question.user_text for question in fresh])
        known.add([question.id for question in fresh], found)
        return known.tables([question.id for question in questions], len(fresh))


class Known:
    """Vectors by id: `place` says where among the rows, `chunks` are those of long texts."""

    def __init__(self) -> None:
        self.place: dict[str, int] = {}
        self.chunks: dict[str, list[Any]] = {}
        self._parts: list[np.ndarray[Any, Any]] = []

    @classmethod
    def read(cls, config: Config, store: Store, shard: int) -> Known:
        """Return what the earlier version has of a shard; nothing where there is none."""
        known, earlier = cls(), version_before(config, store)
        if earlier is not None:
            for rows in rows_of_shard(store, shard, earlier, "vectors"):
                vectors = matrix(rows.column("vector").combine_chunks())
                known._add(rows.column("id").to_pylist(), vectors)
            for rows in rows_of_shard(store, shard, earlier, "chunks"):
                parts = matrix(rows.column("vector").combine_chunks())
                for id, part in zip(rows.column("id").to_pylist(), parts, strict=True):
                    known.chunks.setdefault(id, []).append(part)
        return known

    def add(self, ids: list[str], found: Embedded) -> None:
        """Add what was embedded."""
        self._add(ids, found.vectors)
        for owner, chunk in zip(found.owner.tolist(), found.chunks, strict=True):
            self.chunks.setdefault(ids[owner], []).append(chunk)

    def _add(self, ids: list[str], vectors: np.ndarray[Any, Any]) -> None:
        first = len(self.place)
        self.place |= {id: first + at for at, id in enumerate(ids)}
        self._parts.append(vectors)

    def tables(self, ids: list[str], embedded: int) -> Tables:
        """Return both tables for these ids, in their order."""
        rows = np.concatenate(self._parts)[[self.place[id] for id in ids]]
        clipped = [id in self.chunks for id in ids]
        owner = [id for id in ids for _ in self.chunks.get(id, ())]
        parts = [chunk for id in ids for chunk in self.chunks.get(id, ())]
        chunks = np.stack(parts) if parts else np.empty((0, rows.shape[1]), np.float16)
        columns = [pa.array(ids, pa.string()), column(rows), pa.array(clipped, pa.bool_())]
        whole = pa.Table.from_arrays(columns, schema=vector_schema(rows.shape[1]))
        of_chunks = [pa.array(owner, pa.string()), column(chunks)]
        split = pa.Table.from_arrays(of_chunks, schema=chunk_schema(rows.shape[1]))
        counts = {"clipped": sum(clipped), "taken_over": len(ids) - embedded}
        return {"vectors": (whole, counts), "chunks": (split, {})}


def check_encoder(config: Config, earlier: Store) -> None:
    """Raise ConfigError where the earlier version's vectors are another encoder's."""
    manifest = earlier.manifest("vectors", 0)
    made = {} if manifest is None else manifest.recipe
    now = (config.recipe.embed.model, EmbedStage.revision)
    before = (made.get("embed.model"), made.get("embed.code_revision"))
    if before != now:
        raise ConfigError(
            f"{FIELD}: version {earlier.version!r} was embedded by {before[0]} (revision"
            f" {before[1]}), this one is by {now[0]} (revision {now[1]}); leave the field out"
        )
