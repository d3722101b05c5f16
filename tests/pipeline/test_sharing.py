"""Workers that share a version: every shard by one of them, a failing one by none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.config import Config, load_config
from pipeline.errors import LeaseLost, UserError, VersionBusy
from pipeline.files import FileHashes
from pipeline.leases import Lease, Leases
from pipeline.sharing import (
    Claims,
    build_stage,
    ended_jobs,
    for_itself,
    publish_once,
    shared,
    sharing,
)
from pipeline.stage import Run, ShardStage, Tables
from pipeline.stages import forget
from pipeline.store import Origin, Store, sha256

SHARDS = 6
EXPIRY_S = 0.5


class Slow(ShardStage):
    """Writes one row a shard, and remembers who made it."""

    name = "slow"
    made: list[int]

    def __init__(self, alone: bool = False) -> None:
        self.made = []
        self._alone = alone

    def writes(self) -> tuple[str, ...]:
        return ("t",)

    def reads(self) -> tuple[str, ...]:
        return ()

    def fields(self, run: Run) -> dict[str, Any]:
        return {}

    def alone(self, config: Config) -> bool:
        return self._alone

    def runs_here(self) -> bool:
        return True

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        self.made.append(shard)
        time.sleep(0.05)
        return {"t": (pa.table({"n": [shard]}), {})}


class Failing(Slow):
    """Can't build shard 2."""

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        if shard == 2:
            self.made.append(shard)
            raise ValueError("shard 2")
        return super().make(config, store, shard)


@pytest.fixture
def config() -> Config:
    found = shared(load_config("quickstart"))
    share = found.runtime.share.model_copy(update={"expiry_s": EXPIRY_S, "poll_s": 0.05})
    runtime = found.runtime.model_copy(update={"share": share})
    return found.model_copy(update={"runtime": runtime})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, "set", "1", SHARDS)


@pytest.fixture
def runs(config: Config, store: Store, tmp_path: Path) -> Iterator[list[Run]]:
    """Two workers of one version."""
    hashes = FileHashes(tmp_path / "hashes.json")
    with (
        ProcessPoolExecutor(1) as pool,  # never asked: jobs run here
        Leases(store.medium(), EXPIRY_S) as one,
        Leases(store.medium(), EXPIRY_S) as two,
    ):
        yield [Run(config, store, hashes, pool, leases) for leases in (one, two)]


def build_together(runs: list[Run], stages: list[Slow]) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(build_stage, stages, runs))


def test_no_shard_is_built_twice_and_both_work(runs: list[Run], store: Store) -> None:
    stages = [Slow(), Slow()]
    build_together(runs, stages)
    assert sorted(stages[0].made + stages[1].made) == list(range(SHARDS))
    assert stages[0].made
    assert stages[1].made
    assert store.complete("t")


def test_a_stage_that_one_builds_alone_is_built_once(runs: list[Run], store: Store) -> None:
    stages = [Slow(alone=True), Slow(alone=True)]
    build_together(runs, stages)
    assert sorted(map(len, (stages[0].made, stages[1].made))) == [0, SHARDS]


def test_a_silent_workers_shards_are_taken_over(runs: list[Run], store: Store) -> None:
    silent = Leases(store.medium(), EXPIRY_S)  # its heart does not beat
    for shard in range(SHARDS):
        assert silent.take(f"slow-{shard:05d}")
    stage = Slow()
    build_stage(stage, runs[0])
    assert sorted(stage.made) == list(range(SHARDS))


def test_a_shard_that_failed_here_is_not_tried_here_again(runs: list[Run]) -> None:
    stage = Failing()
    claims = Claims(stage, runs[0])
    with ThreadPoolExecutor(1) as pool:
        for job, done in ended_jobs(claims, 2, pool.submit):
            claims.give_back(job.shard, failed=done.exception() is not None)
    assert stage.made.count(2) == 1
    assert claims.failed == {2}
    assert not runs[0].leases or not runs[0].leases.busy()


def test_a_failing_shard_ends_a_worker_and_frees_its_leases(runs: list[Run]) -> None:
    with pytest.raises(ValueError, match="shard 2"):
        build_stage(Failing(), runs[0])
    assert runs[1].leases is not None
    assert not runs[1].leases.busy()


def test_who_lost_a_lease_gives_way(
    runs: list[Run], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Slow()
    (one,) = Claims(stage, runs[0]).some(1)
    lease = one.store.fence
    assert lease is not None
    lease.medium.delete(lease.name)
    stage.go_through(runs[0], [one])
    assert "another worker took it over" in capsys.readouterr().err
    assert store.manifest("t", one.shard) is None


def test_what_is_sealed_is_not_overwritten(runs: list[Run], store: Store) -> None:
    """As when a worker was paused just after it had asked for its lease."""
    (one,) = Claims(Slow(), runs[0]).some(1)
    path = store.path("t", one.shard)
    path.parent.mkdir(parents=True)
    one.store._make_room(path)
    rows = pa.table({"n": [1]})
    store.write("t", one.shard, rows, Origin({}, {}), {}, 0.1)
    before = path.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "_make_room", lambda *_: None)
        with pytest.raises(LeaseLost, match="another worker has written it"):
            one.store.write("t", one.shard, pa.table({"n": [2]}), Origin({}, {}), {}, 0.1)
    assert path.read_bytes() == before


@pytest.mark.parametrize("pause", range(1, 5))
def test_a_pause_after_looking_at_the_lease_costs_the_other_worker_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, pause: int
) -> None:
    """Before the manifest goes, before the rows go, before the rows come, before the manifest."""
    store.write("t", 0, pa.table({"n": [0]}), Origin({}, {}), {}, 0.1)
    mine = Leases(store.medium(), EXPIRY_S).take("t-0")
    assert mine is not None
    looks: list[Lease] = []
    check = Lease.check

    def paused(lease: Lease) -> None:
        check(lease)
        looks.append(lease)
        if looks.count(mine) == pause and lease == mine:
            other = Lease(mine.medium, "t-0", mine.number + 1, "other")
            assert other.medium.create(other.name, other.body(0))
            write_one(replace(store, fence=other), 2)

    monkeypatch.setattr(Lease, "check", paused)
    with pytest.raises(LeaseLost):
        write_one(replace(store, fence=mine), 1)
    manifest = store.manifest("t", 0)
    assert manifest is not None
    assert manifest.output == sha256(store.path("t", 0))
    assert store.read("t", 0).to_pydict() == {"n": [2]}
    assert list(store.folder.rglob("*.tmp")) == []


def write_one(store: Store, n: int) -> None:
    store.write("t", 0, pa.table({"n": [n]}), Origin({}, {}), {}, 0.1)


def test_files_between_stages_are_apart_under_each_lease(runs: list[Run]) -> None:
    places = []
    for run in runs:
        with for_itself(Slow(alone=True), run) as mine:
            places.append(mine.store.staging)
    assert places[0] != places[1]


def test_one_of_the_workers_publishes(config: Config, store: Store) -> None:
    store.write("t", 0, pa.table({"n": [1]}), Origin({}, {}), {}, 0.1)
    done: list[int] = []
    for worker in range(2):
        with sharing(config, store) as leases:
            publish_once(config, store, leases, partial(done.append, worker))
    assert done == [0]
    store.write("t", 0, pa.table({"n": [2]}), Origin({}, {}), {}, 0.1)
    with sharing(config, store) as leases:
        publish_once(config, store, leases, partial(done.append, 2))
    assert done == [0, 2]


def test_runs_share_a_version_only_if_all_of_them_say_so(store: Store) -> None:
    with store.locked(share=True):
        with store.locked(share=True):
            pass
        with pytest.raises(VersionBusy, match="--share"), store.locked():
            pass
    with store.locked(), pytest.raises(VersionBusy), store.locked(share=True):
        pass


def test_a_run_alone_sweeps_what_sharing_ones_left(store: Store) -> None:
    lease = Leases(store.medium(), EXPIRY_S).take("collect")
    half = replace(store, fence=lease).staging
    half.mkdir(parents=True)
    with store.locked(share=True):
        assert half.exists()
    with store.locked():
        assert not half.exists()
        assert not store.medium().marks()


def test_a_table_is_not_built_again_while_others_may_be_at_it(config: Config, store: Store) -> None:
    with pytest.raises(UserError, match="--rebuild: not with --share"):
        forget(config, store, ["labels"])
