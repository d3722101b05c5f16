"""A stage as a flow of its own, its shards as tasks: nothing here decides what is built.

    build-dataset
      label            stage, a flow within the flow
        label 0 … 15   a task each, in the run's worker processes

What is up to date gets no task; the store's manifests are the only memory. A task is tried
again after errors that may pass (`PassingError`), never after others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, ParamSpec, TypeVar

from prefect import flow, get_client, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectNotFound
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import Task

from flows.artifacts import ShardsFailed, Shown, key
from pipeline import logs, sharing
from pipeline.config import Config
from pipeline.errors import BudgetSpent, LeaseLost, PassingError
from pipeline.sharing import Claims, ended_jobs, slots_of
from pipeline.stage import Run, ShardJob, ShardStage, Stage, giving_way, outcome

P = ParamSpec("P")
R = TypeVar("R")
SPARE_THREADS = 2  # a guess
LONGEST_DELAY_S = 3_600.0  # between two tries (guess)


@dataclass(frozen=True, slots=True)
class Work:
    """What the tasks of one run share."""

    run: Run
    stages: dict[str, Stage]  # by title
    retries: int
    retry_delay_s: float

    @property
    def on_ray(self) -> bool:
        """Whether shards are built by Ray's workers."""
        return self.run.config.runtime.prefect.runner == "ray"

    def retried(self, what: Task[P, R]) -> Task[P, R]:
        """Return a task with this run's retries."""
        return what.with_options(
            retries=self.retries, retry_delay_seconds=delays(self.retries, self.retry_delay_s)
        )


WORK: ContextVar[Work] = ContextVar("WORK")


def delays(retries: int, first_s: float) -> list[float]:
    """Return the pauses before each retry, doubling up to LONGEST_DELAY_S."""
    return [min(LONGEST_DELAY_S, first_s * 2**n) for n in range(retries)]


def may_pass(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Tell whether trying again can help; what is spent or lost to another worker stays so."""
    found = state.result(raise_on_failure=False)
    return isinstance(found, PassingError) and not isinstance(found, (BudgetSpent, LeaseLost))


@task(
    name="shard",
    task_run_name="{job.title}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retry_condition_fn=may_pass,
)
def build_shard(job: ShardJob, here: bool) -> int:
    """Build one shard, in the process of the task or in one of this run's; returns its rows."""
    return shard_rows(job, here)


def shard_rows(job: ShardJob, here: bool) -> int:
    """Build one shard; a function of its own, since Ray sends the task's with all it mentions."""
    with giving_way():
        return job() if here else outcome(WORK.get().run.pool.submit(job))
    return 0


@task(
    name="prepare",
    task_run_name="{title}: prepare",
    cache_policy=NO_CACHE,
    persist_result=False,
    retry_condition_fn=may_pass,
)
def prepare(title: str) -> None:
    """Do what all shards of a stage need first."""
    work = WORK.get()
    stage = work.stages[title]
    assert isinstance(stage, ShardStage)
    with Shown(f"{work.run.config.name} {title} prepare", f"{title}: prepare").listening():
        stage.prepare(work.run)


@task(
    name="whole stage",
    task_run_name="{title}: all shards",
    cache_policy=NO_CACHE,
    persist_result=False,
    retry_condition_fn=may_pass,
)
def build_whole(title: str) -> None:
    """Build a stage that looks at all shards, or serves all of them at once."""
    work = WORK.get()
    name = work.run.config.name
    with slot(work.run.config, title), Shown(f"{name} {title}", title).listening():
        sharing.build_stage(work.stages[title], work.run)


@flow(name="stage", flow_run_name="{title}", persist_result=False)
def stage_flow(title: str) -> None:
    """Build the outdated shards of one stage."""
    with logs.timed("stage", stage=title):
        build_titled(title)


def build_titled(title: str) -> None:
    """Build a stage; a function of its own, since Ray is sent the flow with all it mentions."""
    work = WORK.get()
    stage = work.stages[title]
    if isinstance(stage, ShardStage) and not stage.at_once(work.run.config):
        build_shards(stage, work)
    else:
        work.retried(build_whole)(title)


def build_shards(stage: ShardStage, work: Work) -> None:
    """Build a stage's outdated shards, each as a task; raises ShardsFailed when all have ended."""
    total = len(stage.jobs(work.run))
    if type(stage).prepare is not ShardStage.prepare:
        work.retried(prepare)(stage.title)
    shown = Shown(f"{work.run.config.name} {stage.title}", stage.title)
    failures: dict[int, BaseException] = {}
    for done, (shard, error) in enumerate(ended_tasks(stage, work), start=1):
        if error:
            failures[shard] = error
        shown.update(min(done, total), total)
    if failures:
        raise ShardsFailed(stage.title, failures, total)
    stage.clear(work.run)


def ended_tasks(stage: ShardStage, work: Work) -> Iterator[tuple[int, BaseException | None]]:
    """Build each outdated shard as a task, and yield what it raised when it has ended.

    Where other runs share the version, those shards of which this one gets hold.
    """
    one, here = work.retried(build_shard), stage.runs_here() or work.on_ray
    if work.run.leases is None:
        started = [(job.shard, one.submit(job, here)) for job in stage.jobs(work.run)]
        yield from ((shard, error_of(future)) for shard, future in started)
        return
    claims, slots = Claims(stage, work.run), slots_of(stage, work.run)
    for job, future in ended_jobs(claims, slots, lambda job: one.submit(job, here)):
        error = error_of(future)
        claims.give_back(job.shard, failed=error is not None)
        yield job.shard, error


def error_of(future: PrefectFuture[int]) -> BaseException | None:
    """Wait for a task, and return what it raised."""
    future.wait()
    found = future.state.result(raise_on_failure=False)
    return found if isinstance(found, BaseException) else None


def build_stage(stage: Stage, work: Work) -> None:
    """Build a stage within the run's flow, or say that there is nothing to do."""
    if not any(True for _ in stage.outdated(work.run)):
        get_run_logger().info("%s: up to date", stage.title)
        return
    with sharing.for_itself(stage, work.run) as run:
        token = WORK.set(replace(work, run=run))
        try:
            stage_flow.with_options(task_runner=runner_for(stage, work))(stage.title)
        finally:
            WORK.reset(token)


def runner_for(stage: Stage, work: Work) -> TaskRunner[Any]:
    """Return what runs a stage's tasks: threads that wait for processes, or Ray."""
    shards = isinstance(stage, ShardStage) and not stage.at_once(work.run.config)
    if work.on_ray and shards:
        from prefect_ray import RayTaskRunner  # type: ignore[import-untyped]  # an extra

        on_ray: TaskRunner[Any] = RayTaskRunner()  # of the cluster that the run has joined
        return on_ray
    # A stage that works in this process has one task at a time; else there are always jobs
    # waiting for the pool, while Prefect begins and ends the tasks of others.
    here = isinstance(stage, ShardStage) and stage.runs_here()
    threads = 1 if here else work.run.config.runtime.workers + SPARE_THREADS
    return ThreadPoolTaskRunner(max_workers=threads)


@contextlib.contextmanager
def slot(config: Config, title: str) -> Iterator[None]:
    """Hold one of the teacher's slots while a round asks it, where the server limits them."""
    teacher = config.recipe.teacher
    name = limit_name(teacher.name) if teacher and title.startswith("distill") else None
    if name is None or not limited(name):
        yield
        return
    # A lease that can't be renewed for a while must not end a round of days.
    with concurrency(name, occupy=1, strict=False, raise_on_lease_renewal_failure=False):
        yield


def limit_name(teacher: str) -> str:
    """Return the name of the concurrency limit for a teacher."""
    return key("teacher", teacher)


def limited(name: str) -> bool:
    """Tell whether the server has a concurrency limit of this name."""
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            return False
    return True
