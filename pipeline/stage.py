"""What a stage is, and how its shards are built: only those that are missing or outdated.

A stage names the tables that it writes and those that it reads, and the part of the
recipe on which its rows depend. A shard whose manifest shows another recipe raises
StaleTable; one whose inputs have changed since is built again.
"""

from __future__ import annotations

import contextlib
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import pyarrow as pa

from pipeline import logs
from pipeline.config import Config
from pipeline.errors import BuildError, LeaseLost, StaleTable, UserError
from pipeline.files import FileHashes
from pipeline.leases import Leases
from pipeline.progress import meter
from pipeline.records import content_hash
from pipeline.store import Manifest, Origin, Store

Made = TypeVar("Made")
FREE_VERSION = "dev"  # the version that rebuilds without asking


@dataclass(slots=True)
class Run:
    """One run over one version: what stages share, worker processes among it."""

    config: Config
    store: Store
    hashes: FileHashes
    pool: ProcessPoolExecutor
    leases: Leases | None = None  # of this worker, where several share the version


Tables = Mapping[str, tuple[pa.Table, Mapping[str, int]]]  # table → rows, counts for its manifest


@dataclass(frozen=True, slots=True)
class Claimed:
    """An outdated shard that this worker may build; what it writes goes through `store`."""

    shard: int
    origin: Origin
    store: Store


class Stage(ABC):
    """One step from tables to tables.

    `revision` goes up when the same recipe makes other rows than before.
    """

    name: ClassVar[str]
    revision: ClassVar[int] = 1
    round: int | None = None

    @property
    def title(self) -> str:
        """The stage's name, with its round where it has one."""
        return self.name if self.round is None else f"{self.name} {self.round}"

    @abstractmethod
    def writes(self) -> tuple[str, ...]:
        """Return the tables that this stage writes, all of them for each shard."""

    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """Return the tables whose shard k (or all shards) this stage reads."""

    @abstractmethod
    def fields(self, run: Run) -> dict[str, Any]:
        """Return the part of the recipe on which the rows depend."""

    @abstractmethod
    def build(self, run: Run) -> None:
        """Build every shard that is not up to date."""

    def alone(self, config: Config) -> bool:
        """Tell whether one worker builds all of it where several share a version."""
        return True

    def go_through(self, run: Run, claimed: Iterable[Claimed]) -> None:
        """Build shards one after the other; wanted of stages that are not built alone."""
        raise NotImplementedError(f"stage {self.title} is built alone")

    def whole_inputs(self) -> bool:
        """Tell whether shard k depends on all shards of what the stage reads."""
        return False

    def origin(self, run: Run, shard: int) -> Origin:
        """Return what shard `shard` is to be made from; raises UserError where that is missing."""
        recipe = flatten({self.name: self.fields(run)})
        recipe[f"{self.name}.code_revision"] = self.revision
        recipe["shards"] = run.store.shards
        return Origin(recipe, self._inputs(run.store, shard))

    def _inputs(self, store: Store, shard: int) -> dict[str, str]:
        if not self.whole_inputs():
            return {table: self._output(store, table, shard) for table in self.reads()}
        every = range(store.shards)
        return {
            table: content_hash([self._output(store, table, k) for k in every])
            for table in self.reads()
        }

    def _output(self, store: Store, table: str, shard: int) -> str:
        manifest = store.manifest(table, shard)
        if manifest is None:
            raise UserError(
                f"stage {self.title}: needs table {table}, of which shard {shard} does not"
                " exist; run the stages before it too (leave --only out)"
            )
        return manifest.output

    def outdated(self, run: Run) -> Iterator[tuple[int, Origin]]:
        """Yield the shards to build with what to build them from; raises StaleTable."""
        self.look_again(run)
        for shard in range(run.store.shards):
            if origin := self.outdated_now(run, shard):
                yield shard, origin

    def look_again(self, run: Run) -> None:
        """Make the next look at what the stage reads and writes a fresh one."""
        for table in (*self.reads(), *self.writes()):
            run.store.look_again(table)

    def outdated_now(self, run: Run, shard: int) -> Origin | None:
        """Return what to build a shard from, None where it is up to date; raises StaleTable."""
        origin = self.origin(run, shard)
        manifests = [run.store.manifest(table, shard) for table in self.writes()]
        current = all(self._current(run, manifest, origin) for manifest in manifests)
        return None if current else origin

    def _current(self, run: Run, manifest: Manifest | None, origin: Origin) -> bool:
        if manifest is None:
            return False
        if manifest.fingerprint == origin.fingerprint:
            return manifest.inputs == dict(origin.inputs)
        if run.store.version == FREE_VERSION:
            return False
        raise StaleTable(_difference(manifest, origin))

    def rows_of(self, run: Run, table: str, shards: Iterable[int]) -> int:
        """Return how many rows some shards of a table have, as their manifests say."""
        found = (run.store.manifest(table, shard) for shard in shards)
        return sum(manifest.rows for manifest in found if manifest)

    def save(self, store: Store, shard: int, origin: Origin, made: Tables, seconds: float) -> None:
        """Write what the stage made of a shard, one file for each of its tables."""
        for table in self.writes():
            rows, counts = made[table]
            store.write(table, shard, rows, origin, counts, seconds)
        self.tell(shard, {table: made[table][0].num_rows for table in self.writes()}, seconds)

    def tell(self, shard: int, rows_of: Mapping[str, int], seconds: float) -> None:
        """Log that a shard is sealed, with the rows of each of its tables."""
        told = {"stage": self.title, "shard": shard, "rows": dict(rows_of)}
        logs.event("shard", **told, seconds=round(seconds, 3))


class ShardStage(Stage):
    """A stage whose shards depend on nothing but the same shard of its inputs."""

    @abstractmethod
    def make(self, config: Config, store: Store, shard: int) -> Tables:
        """Return the shard's rows for each table; runs in a worker process."""

    def alone(self, config: Config) -> bool:
        """Let several workers build shards, each after a `prepare` of its own."""
        return False

    def go_through(self, run: Run, claimed: Iterable[Claimed]) -> None:
        """Build shards one after the other, for stages whose jobs run in this process."""
        with meter(self.title, run.store.shards) as progress:
            for one in claimed:
                job = ShardJob(self, run.config, one.store, one.shard, one.origin)
                with giving_way():
                    progress.advance(1, f"{job():,} rows in the last shard")

    def prepare(self, run: Run) -> None:
        """Do what all jobs need, before the first of them; asked only where there are any."""

    def clear(self, run: Run) -> None:
        """Delete what `prepare` left, when all jobs are done."""

    def at_once(self, config: Config) -> bool:
        """Tell whether `build` hands all jobs to an engine that spreads them itself."""
        return False

    def runs_here(self) -> bool:
        """Tell whether jobs run in this process, one after the other, and not in the pool."""
        return False

    def jobs(self, run: Run) -> list[ShardJob]:
        """Return one job for each outdated shard; they may run in any order and anywhere."""
        return [
            ShardJob(self, run.config, run.store, shard, origin)
            for shard, origin in self.outdated(run)
        ]

    def build(self, run: Run) -> None:
        """Build the outdated shards in parallel processes."""
        jobs = self.jobs(run)
        if jobs:
            self.prepare(run)
            with meter(self.title, len(jobs)) as progress:
                for rows in self._results(run, jobs):
                    progress.advance(1, f"{rows:,} rows in the last shard")
            self.clear(run)

    def _results(self, run: Run, jobs: list[ShardJob]) -> Iterator[int]:
        if self.runs_here():
            yield from (job() for job in jobs)
        else:
            yield from map(outcome, as_completed([run.pool.submit(job) for job in jobs]))


@dataclass(frozen=True, slots=True)
class ShardJob:
    """One shard to build, with all that this takes: may be sent to a process or a machine."""

    stage: ShardStage
    config: Config
    store: Store
    shard: int
    origin: Origin

    @property
    def title(self) -> str:
        """The stage's title and the shard's number."""
        return f"{self.stage.title} {self.shard}"

    def __call__(self) -> int:
        """Build and write the shard; returns the rows of the stage's first table."""
        start = time.monotonic()
        made = self.stage.make(self.config, self.store, self.shard)
        seconds = time.monotonic() - start
        self.stage.save(self.store, self.shard, self.origin, made, seconds)
        return int(made[self.stage.writes()[0]][0].num_rows)


@contextlib.contextmanager
def giving_way() -> Iterator[None]:
    """Say so where another worker took over what the block was at, and go on."""
    try:
        yield
    except LeaseLost as lost:
        print(lost, file=sys.stderr)


def outcome(done: Future[Made]) -> Made:
    """Return what a job in the pool returned; raises BuildError where its process died."""
    try:
        return done.result()
    except BrokenProcessPool:
        raise BuildError(
            "a worker process died (out of memory?); shards that were done stay done:"
            " run again, with fewer runtime.workers or more recipe.shards"
        ) from None


def flatten(value: Any, name: str = "") -> dict[str, Any]:
    """Return nested tables and lists as one table with dotted names, leaves as they are."""
    if isinstance(value, Mapping):
        parts = [(f"{name}.{key}" if name else str(key), part) for key, part in value.items()]
    elif isinstance(value, (list, tuple)):
        parts = [(f"{name}[{place}]", part) for place, part in enumerate(value)]
    else:
        return {name: value}
    return {k: v for key, part in parts for k, v in flatten(part, key).items()} or {name: "(none)"}


def _difference(manifest: Manifest, origin: Origin) -> str:
    before, now = manifest.recipe, dict(origin.recipe)
    names = [n for n in sorted({*before, *now}) if before.get(n) != now.get(n)]
    changes = "; ".join(
        f"{name} was {before.get(name, '(unset)')!r:.60}, is {now.get(name, '(unset)')!r:.60}"
        for name in names[:5]
    )
    more = f"; and {len(names) - 5} more" if len(names) > 5 else ""
    table = manifest.table.partition("/")[0]
    return (
        f"table {manifest.table} was built by another recipe: {changes}{more}. Build a new"
        f" version (--version NAME), or this table again and what follows from it"
        f" (--rebuild {table}); teacher replies are kept either way"
    )
