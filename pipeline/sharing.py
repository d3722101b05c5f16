"""Several workers on one version: each stage built by all of them, no shard by two.

    build-dataset run my.toml --share      on each machine, or in each terminal

A shard is built under a lease (pipeline/leases.py), a stage that looks at all shards or asks a
model is built by one worker, while the others wait for it; whoever falls silent is taken over
from. A worker ends when everything is built, whoever built it.
"""

from __future__ import annotations

import contextlib
import json
import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from pipeline.carried import carried
from pipeline.config import Config
from pipeline.leases import Lease, Leases
from pipeline.progress import meter
from pipeline.records import content_hash
from pipeline.remote_store import RemoteStore
from pipeline.stage import Claimed, Run, ShardJob, ShardStage, Stage, giving_way, outcome
from pipeline.store import Store

PUBLISHED = "published"  # beside the leases: what the workers together have published


def shared(config: Config) -> Config:
    """Return a configuration with which other runs may work on the version, too."""
    share = config.runtime.share.model_copy(update={"on": True})
    runtime = config.runtime.model_copy(update={"share": share})
    return config.model_copy(update={"runtime": runtime})


@contextlib.contextmanager
def sharing(config: Config, store: Store) -> Iterator[Leases | None]:
    """Give the leases of this worker, None where it has the version for itself.

    In an object store there are always some: a run that was paused for long and has lost the
    version must not seal anything any more.
    """
    share = config.runtime.share
    if not share.on and not isinstance(store, RemoteStore):
        yield None
        return
    with Leases(store.medium(), share.expiry_s) as leases:
        yield leases


def build_stage(stage: Stage, run: Run) -> None:
    """Build what is outdated, with the other workers where there are any."""
    with for_itself(stage, run) as mine:
        if mine.leases is None:
            stage.build(mine)
        elif isinstance(stage, ShardStage):
            build_shards(stage, mine)
        else:
            build_in_turn(stage, mine)


@contextlib.contextmanager
def for_itself(stage: Stage, run: Run) -> Iterator[Run]:
    """Give a run for a stage: where one worker builds it alone, when no other is at it."""
    if run.leases is None or not stage.alone(run.config):
        yield run
        return
    share, carry_s = run.config.runtime.share, run.config.runtime.carry_s
    with run.leases.waited_for(name_of(stage), share.poll_s) as lease, carried(run.store, carry_s):
        yield replace(run, leases=None, store=replace(run.store, fence=lease))


def name_of(stage: Stage, shard: int | None = None) -> str:
    """Return the name of the lease for a stage, or for one of its shards."""
    title = stage.title.replace(" ", "-")
    return title if shard is None else f"{title}-{shard:05d}"


@dataclass(slots=True)
class Claims:
    """The outdated shards of a stage, as this worker gets hold of them.

    A shard that failed here is not claimed again by this worker.
    """

    stage: Stage
    run: Run
    failed: set[int] = field(default_factory=set)
    built: set[int] = field(default_factory=set)  # by whomever
    held: dict[int, Lease] = field(default_factory=dict)

    @property
    def leases(self) -> Leases:
        """The leases of this worker."""
        assert self.run.leases is not None  # who has a version alone claims nothing
        return self.run.leases

    def some(self, most: int) -> list[Claimed]:
        """Take hold of up to so many more shards, none where others are at all of them."""
        found: list[Claimed] = []
        wanted = self._outdated() if most > 0 else []
        busy = self.leases.busy() if wanted else set()
        for shard in wanted:
            if len(found) < most and name_of(self.stage, shard) not in busy:
                found += self._claim(shard)
        return found

    def _claim(self, shard: int) -> list[Claimed]:
        lease = self.leases.take(name_of(self.stage, shard))
        if lease is None:
            return []
        # It may have been built between the look at its manifest and the taking.
        self.stage.look_again(self.run)
        origin = self.stage.outdated_now(self.run, shard)
        if origin is None:
            self.leases.release(lease)
            return []
        self.held[shard] = lease
        return [Claimed(shard, origin, replace(self.run.store, fence=lease))]

    def give_back(self, shard: int, failed: bool = False) -> None:
        """Let go of a shard that is built, or that failed."""
        self.leases.release(self.held.pop(shard))
        if failed:
            self.failed.add(shard)

    def over(self) -> bool:
        """Tell whether everything is built that this worker could still build."""
        return not self.held and not self._outdated()

    def _outdated(self) -> list[int]:
        """Return what may be claimed, from a place of this worker's own on: so they rarely meet."""
        shards, stage = self.run.store.shards, self.stage
        start = int(content_hash([self.leases.owner]), 16) % shards
        stage.look_again(self.run)
        found = []
        for shard in ((start + step) % shards for step in range(shards)):
            if shard not in self.built and shard not in self.held:
                if stage.outdated_now(self.run, shard) is None:
                    self.built.add(shard)
                elif shard not in self.failed:
                    found.append(shard)
        return found

    def __iter__(self) -> Iterator[Claimed]:
        """Yield one shard at a time, held while the caller works on it."""
        while not self.over():
            claimed = self.some(1)
            for one in claimed:
                try:
                    yield one
                finally:
                    self.give_back(one.shard)
            if not claimed:
                time.sleep(self.run.config.runtime.share.poll_s)


class Ending(Protocol):
    """What is returned for a job that was handed in: of the worker processes, or of Prefect."""

    def add_done_callback(self, fn: Callable[[Any], Any], /) -> None:
        """Call `fn` when the job has ended."""


def ended_jobs(
    claims: Claims, slots: int, submit: Callable[[ShardJob], Ending]
) -> Iterator[tuple[ShardJob, Any]]:
    """Hand in claimed jobs, so many at a time, and yield each with what `submit` returned for it.

    The caller gives the shard back, as failed where it failed.
    """
    stage, run, ended = claims.stage, claims.run, queue.SimpleQueue[tuple[ShardJob, Any]]()
    assert isinstance(stage, ShardStage)
    while not claims.over():
        for claimed in claims.some(slots - len(claims.held)):
            job = ShardJob(stage, run.config, claimed.store, claimed.shard, claimed.origin)
            submit(job).add_done_callback(partial(_put, ended, job))
        with contextlib.suppress(queue.Empty):
            yield ended.get(timeout=run.config.runtime.share.poll_s)


def _put(ended: queue.SimpleQueue[tuple[ShardJob, Any]], job: ShardJob, done: object) -> None:
    ended.put((job, done))


def slots_of(stage: ShardStage, run: Run) -> int:
    """Return how many shards a worker holds at once: one is ready when a process is."""
    return 1 if stage.runs_here() else run.config.runtime.workers + 1


def build_shards(stage: ShardStage, run: Run) -> None:
    """Build a stage's shards in the worker processes, with those of other workers."""
    claims = Claims(stage, run)
    if claims.over():
        return
    stage.prepare(run)
    if stage.runs_here():
        build_in_turn(stage, run)
        return
    with meter(stage.title, run.store.shards) as progress:
        for job, done in ended_jobs(claims, slots_of(stage, run), run.pool.submit):
            try:
                with giving_way():
                    progress.advance(1, f"{outcome(done):,} rows in the last shard")
            finally:
                claims.give_back(job.shard)
    stage.clear(run)


def build_in_turn(stage: Stage, run: Run) -> None:
    """Build a stage's shards one after the other in this process, with other workers."""
    claims = Claims(stage, run)
    if not claims.over():
        stage.go_through(run, claims)


def publish_once(
    config: Config, store: Store, leases: Leases | None, publish: Callable[[], None]
) -> None:
    """Publish, unless the workers that share the version have already published these tables."""
    if leases is None or not config.runtime.share.on:
        with carried(store):
            publish()
        return
    with leases.waited_for("publish", config.runtime.share.poll_s) as lease, carried(store):
        mark = json.dumps({"of": published_of(config, store)}).encode()
        if lease.medium.get(PUBLISHED) == mark:
            print("another worker has published these tables; run without --share to do it again")
            return
        publish()
        lease.medium.put(PUBLISHED, mark)


def published_of(config: Config, store: Store) -> str:
    """Return a hash of all that decides what is published."""
    tables = [
        [table, shard, manifest.output]
        for table in store.tables()
        for shard in range(store.shards)
        if (manifest := store.manifest(table, shard))
    ]
    return content_hash([config.recipe.publish.model_dump(mode="json"), tables])
