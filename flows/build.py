"""The flow `build-dataset`: the stages in order as `build-dataset run` has them, then publish.

    prefect deployment run build-dataset/build-dataset -p build='{"config": "quickstart"}'

It may be killed at any moment: the next run on the version goes on where this one stopped. A
version is held by one run at a time, whether it was started here or from the command line.
"""

from __future__ import annotations

import contextlib
import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path

from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from flows.artifacts import (
    Shown,
    explaining,
    name_run,
    show_changes,
    show_funnel,
    show_published,
)
from flows.request import Build, Request, load
from flows.work import WORK, Work, build_stage
from pipeline import logs
from pipeline.compare import compare_versions
from pipeline.config import Config
from pipeline.earlier import earlier_version
from pipeline.errors import Unavailable, VersionBusy
from pipeline.ledger import read_ledger
from pipeline.publish import publish_folder
from pipeline.report import write_report
from pipeline.sharing import publish_once, shared, sharing
from pipeline.stages import forget, open_store, published_folder, running, stages_asked_for
from pipeline.store import Store

ASK_AGAIN_S = 5.0  # while another run holds the version (guess)


@flow(name="build-dataset", persist_result=False)
def build_dataset(build: Build) -> None:
    """Build a dataset: collect, label, deduplicate, decontaminate, distill, verify, publish."""
    at: list[str] = []
    with explaining(at):
        config = requested(build)
        store = open_store(config)
        begun = logs.begun(config.runtime.logs, config.name, config.version)
        with begun, held(store, build, config.runtime.share.on):
            with on_cluster(config):
                build_tables(config, store, build, at)
            if not build.only or "publish" in build.only:
                at.append("publish")
                with sharing(config, store) as leases:
                    publish_once(config, store, leases, lambda: publish(config, store))
            show_funnel(config.name, config.version, read_ledger(store))


def requested(request: Request) -> Config:
    """Return the configuration of this run; names the run by it, and logs what it builds."""
    config = load(request, runtime.flow_run.scheduled_start_time)
    name_run(f"{config.name} {config.version}")
    if isinstance(request, Build) and request.share:
        config = shared(config)
    get_run_logger().info("%s %s, in %s", config.name, config.version, config.runtime.data)
    return config


@contextlib.contextmanager
def on_cluster(config: Config) -> Iterator[None]:
    """Belong to the Ray cluster that builds shards, where one does."""
    if config.runtime.prefect.runner != "ray":
        yield
        return
    check_ray()
    import ray

    from pipeline.ray_shards import join_cluster

    ours = join_cluster(config.runtime)
    try:
        yield
    finally:
        if ours:
            ray.shutdown()


def check_ray() -> None:
    """Raise Unavailable where the packages for tasks on Ray are missing."""
    for name in ("ray", "prefect_ray"):
        if importlib.util.find_spec(name) is None:
            raise Unavailable(
                f'runtime.prefect.runner: "ray" needs the package {name.replace("_", "-")}, which'
                " is not installed; install the extra `ray`"
            )


@contextlib.contextmanager
def held(store: Store, request: Request, share: bool = False) -> Iterator[None]:
    """Hold the version; raises VersionBusy where another run does, or waits for it if asked to."""
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(store.locked(share))
                break
            except VersionBusy as busy:
                if request.if_busy == "refuse":
                    raise
                get_run_logger().info("waiting: %s", busy)
                time.sleep(ASK_AGAIN_S)
        yield


def build_tables(config: Config, store: Store, build: Build, at: list[str]) -> None:
    """Build every table that is missing or asked for again; `at` gets each stage's title."""
    stages = stages_asked_for(config, build.only)
    forget(config, store, build.rebuild)
    shown = Shown(f"{config.name} progress", f"{config.name} {config.version}: stages")
    with running(config, store) as run:
        by_title = {stage.title: stage for stage in stages}
        work = Work(run, by_title, build.retries, build.retry_delay_s)
        token = WORK.set(work)
        try:
            for done, stage in enumerate(stages):
                at.append(stage.title)
                shown.update(done, len(stages))
                build_stage(stage, work)
        finally:
            WORK.reset(token)
    shown.update(len(stages), len(stages))


@task(name="publish", task_run_name="publish", cache_policy=NO_CACHE, persist_result=False)
def publish(config: Config, store: Store) -> None:
    """Publish to the local folder and write the report; shows both, and what has changed."""
    earlier = earlier_version(store)
    done = publish_folder(config, store, published_folder(config), against=earlier)
    report = store.folder / "report.html"
    write_report(config, store, report, earlier)
    show_published(config, Path(done.folder), report)
    if earlier is not None:
        show_changes(config.name, earlier.version, compare_versions(store, earlier))
