"""A version in an object store: whole shards or none, whatever happens on the way."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.config import load_config
from pipeline.errors import (
    ConfigError,
    CorruptShard,
    LeaseLost,
    PassingError,
    StoreUnwritable,
    VersionBusy,
)
from pipeline.leases import Leases
from pipeline.remote import file_system, open_remote
from pipeline.remote_store import RemoteStore
from pipeline.scan import rows
from pipeline.stages import open_store
from pipeline.store import Origin, Store
from tests.loopback_s3 import BUCKET, S3, loopback_s3

pytest.importorskip("moto", reason="moto is not installed: no S3 server to test against")
ROWS = pa.table({"id": ["a", "b"], "n": [1, 2]})
OTHER = pa.table({"id": ["a", "c"], "n": [1, 3]})
ORIGIN = Origin({"a.b": 1}, {"questions": "abc"})
EXPIRY_S = 0.4


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with loopback_s3() as made:
        yield made


@pytest.fixture
def store(s3: S3, tmp_path: Path) -> Iterator[RemoteStore]:
    yield elsewhere(tmp_path, "here")
    s3.faults.clear()


def elsewhere(folder: Path, machine: str, bound: int = 1 << 30) -> RemoteStore:
    """Return the store as a machine with a disk of its own has it."""
    remote = open_remote(f"s3://{BUCKET}/{folder.name}", bound)
    return RemoteStore(folder / machine, "set", "1", 2, remote=remote, expiry_s=EXPIRY_S)


def write(store: Store, table: str = "t", shard: int = 0, made: pa.Table = ROWS) -> None:
    store.write(table, shard, made, ORIGIN, {"x": 1}, 0.5)


def test_a_shard_is_read_on_another_machine(store: RemoteStore, tmp_path: Path) -> None:
    write(store)
    other = elsewhere(tmp_path, "there")
    assert other.manifest("t", 0) == store.manifest("t", 0)
    assert other.read("t", 0).equals(ROWS)
    assert [row["n"] for row in rows(other, "t", 0)] == [1, 2]


def test_objects_are_the_files_of_a_local_folder(store: RemoteStore, tmp_path: Path) -> None:
    local = Store(tmp_path / "local", "set", "1", 2)
    write(store)
    write(local)
    data = store.remote.get("set/1/t/part-00000.parquet")
    assert data == local.path("t", 0).read_bytes()
    assert store.manifest("t", 0) == local.manifest("t", 0)


def test_the_manifest_comes_last(store: RemoteStore, s3: S3) -> None:
    s3.faults.append({"method": "PUT", "match": ".json", "fault": "403", "times": 1})
    with pytest.raises(StoreUnwritable, match="check the credentials"):
        write(store)
    s3.faults.clear()
    store.look_again("t")
    assert store.manifest("t", 0) is None
    assert store.remote.get("set/1/t/part-00000.parquet") is not None


@pytest.mark.parametrize("fault", ["500", "slow", "cut", "lost"])
def test_a_fault_that_passes_is_not_noticed(
    store: RemoteStore, s3: S3, tmp_path: Path, fault: str
) -> None:
    for method, match in (("PUT", "part-"), ("GET", "part-00000.parquet")):
        s3.faults.append({"method": method, "match": match, "fault": fault, "times": 1})
    write(store)
    assert elsewhere(tmp_path, "there").read("t", 0).equals(ROWS)
    assert not any(one["times"] for one in s3.faults)


def test_an_answer_that_is_lost_does_not_lose_a_fenced_shard(
    store: RemoteStore, s3: S3, tmp_path: Path
) -> None:
    s3.faults.append({"method": "PUT", "match": "part-", "fault": "lost", "times": 1})
    lease = Leases(store.medium(), EXPIRY_S).take("t-0")
    write(replace(store, fence=lease))
    assert elsewhere(tmp_path, "there").read("t", 0).equals(ROWS)


def test_a_worker_that_was_taken_over_from_seals_nothing(store: RemoteStore) -> None:
    old = Leases(store.medium(), EXPIRY_S).take("t-0")
    second = Leases(store.medium(), EXPIRY_S)
    assert second.take("t-0") is None
    time.sleep(EXPIRY_S)
    write(replace(store, fence=second.take("t-0")), made=OTHER)
    with pytest.raises(LeaseLost):
        write(replace(store, fence=old))
    assert store.read("t", 0).equals(OTHER)


def test_of_two_who_both_think_they_hold_a_shard_the_first_wins(
    store: RemoteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when one was paused between asking for its lease and sealing."""
    lease = Leases(store.medium(), EXPIRY_S).take("t-0")
    assert lease is not None
    mine = replace(store, fence=lease)
    monkeypatch.setattr(RemoteStore, "_clear", lambda *_: None)  # both have looked before
    write(replace(elsewhere(tmp_path, "there"), fence=lease), made=OTHER)
    with pytest.raises(LeaseLost, match="another worker has written it"):
        write(mine)
    assert store.read("t", 0).equals(OTHER)


def test_a_replaced_shard_is_fetched_again(store: RemoteStore, tmp_path: Path) -> None:
    other = elsewhere(tmp_path, "there")
    write(store)
    assert other.read("t", 0).equals(ROWS)
    write(store, made=OTHER)
    other.look_again("t")
    assert other.read("t", 0).equals(OTHER)


def test_a_manifest_without_its_rows_is_no_shard(store: RemoteStore) -> None:
    write(store)
    store.remote.delete("set/1/t/part-00000.parquet")
    store.look_again("t")
    assert store.manifest("t", 0) is None


def test_rows_that_are_not_the_manifests_are_refused(store: RemoteStore, tmp_path: Path) -> None:
    write(store)
    store.remote.put("set/1/t/part-00000.parquet", b"something else")
    with pytest.raises(CorruptShard, match="not what its manifest says"):
        elsewhere(tmp_path, "there").read("t", 0)


def test_copies_stay_below_the_bound_and_come_back(store: RemoteStore, tmp_path: Path) -> None:
    write(store, shard=0)
    write(store, shard=1)
    size = store.path("t", 0).stat().st_size
    small = elsewhere(tmp_path, "small", bound=size + 10)
    for shard in (0, 1, 0, 1):
        assert small.read("t", shard).equals(ROWS)
        assert len(list(small.root.rglob("*.parquet"))) == 1


def test_a_shard_that_is_not_uploaded_is_no_copy(store: RemoteStore, tmp_path: Path) -> None:
    small = elsewhere(tmp_path, "small", bound=1)
    half = small.path("u", 0)
    half.parent.mkdir(parents=True)
    half.write_bytes(b"not yet there")
    write(small)
    assert half.exists()


def test_what_there_is_is_listed(store: RemoteStore) -> None:
    write(store, "t")
    write(store, "responses/round=00")
    write(store, "responses/round=01")
    assert store.tables() == ["responses/round=00", "responses/round=01", "t"]
    assert store.rounds("responses") == [0, 1]
    assert store.versions() == ["1"]
    assert not store.complete("t")
    assert (store.changed_at("t", 0) or 0) > 0
    assert store.changed_at("t", 1) is None


def test_a_forgotten_table_is_to_be_built_again(store: RemoteStore) -> None:
    write(store)
    store.forget("t")
    assert store.manifest("t", 0) is None


def test_a_run_alone_keeps_others_out(store: RemoteStore, tmp_path: Path) -> None:
    other = elsewhere(tmp_path, "there")
    with store.locked():
        for share in (False, True):
            with pytest.raises(VersionBusy, match="another run holds"), other.locked(share):
                pass
    with other.locked():
        pass


def test_runs_that_share_keep_out_one_that_does_not(store: RemoteStore, tmp_path: Path) -> None:
    other, third = elsewhere(tmp_path, "there"), elsewhere(tmp_path, "third")
    with contextlib.ExitStack() as held:
        for one in (store, other):
            held.enter_context(one.locked(share=True))
        with pytest.raises(VersionBusy), third.locked():
            pass


def test_a_killed_run_holds_a_version_only_until_it_expires(store: RemoteStore) -> None:
    Leases(store.medium(), EXPIRY_S).take("version")  # and never a heartbeat
    Leases(store.medium(), EXPIRY_S).take("sharer-x")
    with store.locked():
        assert list(store.medium().marks()) == ["version.2"]


def test_a_bucket_that_is_not_there_is_the_users_fault(s3: S3) -> None:
    remote = open_remote("s3://no-such-bucket-here/x", 1)
    with pytest.raises(StoreUnwritable, match="no-such-bucket-here.*create it"):
        remote.put("a", b"b")


def test_a_service_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, s3: S3) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    file_system.cache_clear()
    file_system("s3").clear_instance_cache()
    file_system.cache_clear()
    monkeypatch.setattr(file_system("s3"), "retries", 1)
    try:
        with pytest.raises(PassingError, match="cannot be reached"):
            open_remote(f"s3://{BUCKET}/x", 1).get("a")
    finally:
        file_system("s3").clear_instance_cache()
        file_system.cache_clear()


def test_a_place_without_exclusive_objects_is_refused() -> None:
    with pytest.raises(ConfigError, match="must be a folder or begin with one of s3"):
        open_remote("memory://data", 1)


def test_the_setting_opens_the_object_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_BUCKET", "bucket")
    config = load_config("quickstart")
    changes = {"data": "s3://$MY_BUCKET/x", "scratch": "/scratch", "scratch_gb": 2.0}
    runtime = config.runtime.model_copy(update=changes)
    opened = open_store(config.model_copy(update={"runtime": runtime}))
    assert isinstance(opened, RemoteStore)
    assert (opened.remote.url, opened.remote.bound) == ("s3://bucket/x", 2_000_000_000)
    assert opened.root.parent == Path("/scratch")


def test_a_network_file_system_may_be_named_by_url(tmp_path: Path) -> None:
    remote = open_remote(f"file://{tmp_path}/shared", 1 << 30)
    one, two = (
        RemoteStore(tmp_path / name, "set", "1", 2, remote=remote, expiry_s=EXPIRY_S)
        for name in ("one", "two")
    )
    with one.locked(share=True), two.locked(share=True):
        write(replace(one, fence=Leases(one.medium(), EXPIRY_S).take("t-0")))
    assert two.read("t", 0).equals(ROWS)
    assert (tmp_path / "shared/set/1/t/part-00000.parquet").is_file()
