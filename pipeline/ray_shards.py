"""Builds shards in actors of Ray Data: an encoder is loaded once in each, shards stream by.

    results([job, …], runtime)      the rows of each shard, as it is done

Ray places the actors on the nodes of a cluster, gives each its GPUs, and starts one again that
has died. A shard is written by the actor, so that every node must see the data folder; it is
made by the same code as elsewhere, and equal wherever the processors compute alike.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pipeline.config import Runtime
from pipeline.errors import BuildError, Unavailable
from pipeline.stage import ShardJob
from pipeline.teacher.ray_client import join

Batch = dict[str, Any]


class Builder:
    """Builds shards by number, in an actor."""

    def __init__(self, jobs: Sequence[ShardJob]) -> None:
        self.jobs = {job.shard: job for job in jobs}

    def __call__(self, batch: Batch) -> Batch:
        """Build the shards of a batch; an error of ours is told, not raised: Ray would wrap it."""
        rows, errors = [], []
        for shard in batch["shard"]:
            try:
                rows.append(self.jobs[int(shard)]())
                errors.append(b"")
            except BuildError as error:
                rows.append(0)
                errors.append(pickle.dumps(error))
        return {"rows": np.array(rows, np.int64), "error": np.array(errors, object)}


def results(jobs: Sequence[ShardJob], runtime: Runtime) -> Iterator[int]:
    """Yield each shard's rows as it is done; raises what the first failing job raised."""
    # The teacher's workers may have another Python; these need this program's packages.
    ours = join_cluster(runtime)
    try:
        yield from _streamed(jobs, runtime)
    finally:
        if ours:
            import ray

            ray.shutdown()


def join_cluster(runtime: Runtime) -> bool:
    """Join the cluster of `[runtime.ray]`, or start one here; tell whether this process did.

    Raises Unavailable without Ray or the cluster.
    """
    import importlib.util

    if importlib.util.find_spec("ray") is None:
        raise Unavailable("runtime: Ray is asked for and not installed; install the extra `ray`")
    return join(runtime.ray.model_copy(update={"python": ""}))


def _streamed(jobs: Sequence[ShardJob], runtime: Runtime) -> Iterator[int]:
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False
    shards = [{"shard": job.shard} for job in jobs]
    settings = runtime.embed
    built = ray.data.from_items(shards, override_num_blocks=len(shards)).map_batches(
        Builder,
        fn_constructor_args=[list(jobs)],
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(settings.actors, len(shards))),
        num_cpus=settings.cpus,
        num_gpus=settings.gpus,
    )
    for row in built.iter_rows():
        if row["error"]:
            raise pickle.loads(row["error"])
        yield int(row["rows"])
