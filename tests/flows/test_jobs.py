"""A stage's shards as jobs: what `build` makes, in any order and in any process."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config import Config, load_config
from pipeline.label import LabelStage
from pipeline.stage import Run
from pipeline.stages import forget, open_store, running, stages_of

SET = """
name = "set"
version = "1"
[recipe]
shards = 3
[[recipe.sources]]
source = "quickstart"
limit = 12
[recipe.distill]
rounds = 0
[runtime]
workers = 1
data = "{folder}"
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    (tmp_path / "set.toml").write_text(SET.format(folder=tmp_path))
    config: Config = load_config(str(tmp_path / "set.toml"))
    with running(config, open_store(config)) as made:
        for stage in stages_of(config)[:2]:
            stage.build(made)
        yield made


def labels(run: Run) -> list[bytes]:
    return [run.store.path("labels", shard).read_bytes() for shard in range(3)]


def test_jobs_in_another_order_give_the_bytes_of_build(run: Run) -> None:
    stage = LabelStage()
    stage.build(run)
    built = labels(run)
    forget(run.config, run.store, ["labels"])
    for job in reversed(stage.jobs(run)):
        pickle.loads(pickle.dumps(job))()
    assert labels(run) == built
    assert stage.jobs(run) == []


def test_a_job_returns_its_rows_and_names_its_shard(run: Run) -> None:
    jobs = LabelStage().jobs(run)
    assert [job.title for job in jobs] == ["label 0", "label 1", "label 2"]
    assert sum(job() for job in jobs) == 12


def test_one_shard_can_be_built_again_alone(run: Run) -> None:
    stage = LabelStage()
    stage.build(run)
    run.store.path("labels", 1).with_suffix(".json").unlink()
    assert [job.shard for job in stage.jobs(run)] == [1]


def test_collect_leaves_no_spills_behind(run: Run) -> None:
    assert not (run.store.staging / "collect").exists()
