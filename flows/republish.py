"""The flow `republish`: publishes a version that is built already, to a folder and to the Hub.

    prefect deployment run republish/republish -p republish='{"config": "my.toml", "repo": "me/my"}'

What is pending stays pending: it asks no teacher and builds no table. The Hub's token comes from
the environment of the worker (HF_TOKEN), never from a parameter.
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from flows.artifacts import explaining, show_funnel, show_hub, show_published
from flows.build import held, requested
from flows.request import Republish
from flows.work import delays, may_pass
from pipeline.carried import carried
from pipeline.config import Config
from pipeline.earlier import earlier_version
from pipeline.hub import publish_hub
from pipeline.ledger import read_ledger
from pipeline.publish import publish_folder
from pipeline.report import write_report
from pipeline.stages import open_store, published_folder


@flow(name="republish", persist_result=False)
def republish_dataset(republish: Republish) -> None:
    """Publish a version again: to a folder, and to the Hub where a repository is named."""
    with explaining(["publish"]):
        config = requested(republish)
        store = open_store(config)
        folder = Path(republish.to) if republish.to else published_folder(config)
        with held(store, republish), carried(store):
            earlier = earlier_version(store)
            done = publish_folder(config, store, folder, republish.allow_open, earlier)
            report = store.folder / "report.html"
            write_report(config, store, report)
            show_funnel(config.name, config.version, read_ledger(store))
            show_published(config, done.folder, report)
            if republish.repo:
                pauses = delays(republish.retries, republish.retry_delay_s)
                again = upload.with_options(retries=republish.retries, retry_delay_seconds=pauses)
                again(config, done.folder, republish.repo, not republish.public)


@task(
    name="upload",
    task_run_name="upload to {repo}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retry_condition_fn=may_pass,
)
def upload(config: Config, folder: Path, repo: str, private: bool) -> None:
    """Upload a published folder; what an earlier try uploaded is not uploaded again."""
    url = publish_hub(config, folder, repo, private)
    get_run_logger().info("published at %s", url)
    show_hub(config.name, url)
