import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import CorruptShard, StoreUnwritable, VersionBusy
from pipeline.store import Origin, Store, count_by, writing

ROWS = pa.table({"id": ["a", "b"], "reason": ["x", "y"]})
ORIGIN = Origin({"a.b": 1}, {"questions": "abc"})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, "set", "1", 2)


def test_a_shard_exists_when_its_manifest_does(store: Store) -> None:
    store.write("t", 0, ROWS, ORIGIN, {"x": 1}, 0.5)
    assert store.manifest("t", 0) is not None
    assert store.manifest("t", 1) is None
    assert not store.complete("t")
    store.write("t", 1, ROWS, ORIGIN, {}, 0.5)
    assert store.complete("t")


def test_a_manifest_without_its_rows_is_no_shard(store: Store) -> None:
    store.write("t", 0, ROWS, ORIGIN, {}, 0.5)
    store.path("t", 0).unlink()
    assert store.manifest("t", 0) is None


def test_a_manifest_tells_what_the_shard_is_made_from(store: Store) -> None:
    written = store.write("t", 0, ROWS, ORIGIN, {"x": 1}, 0.5)
    read = store.manifest("t", 0)
    assert read == written
    assert (read.rows, read.inputs, read.recipe) == (2, {"questions": "abc"}, {"a.b": 1})


def test_equal_rows_give_equal_files(store: Store) -> None:
    first = store.write("t", 0, ROWS, ORIGIN, {}, 0.1)
    second = store.write("t", 0, ROWS, ORIGIN, {}, 9.9)
    assert first.output == second.output


def test_no_temporary_file_stays(store: Store) -> None:
    store.write("t", 0, ROWS, ORIGIN, {}, 0.1)
    names = sorted(path.name for path in store.folder.rglob("*") if path.is_file())
    assert names == ["part-00000.json", "part-00000.parquet"]


def test_a_truncated_shard_is_named_with_its_remedy(store: Store) -> None:
    store.write("t", 0, ROWS, ORIGIN, {}, 0.1)
    path = store.path("t", 0)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorruptShard, match="part-00000.parquet.*delete it"):
        store.read("t", 0)


def test_a_broken_manifest_is_named(store: Store) -> None:
    store.write("t", 0, ROWS, ORIGIN, {}, 0.1)
    store.path("t", 0).with_suffix(".json").write_text("{")
    with pytest.raises(CorruptShard, match="part-00000.json"):
        store.manifest("t", 0)


def test_a_data_folder_that_is_a_file_is_the_users_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnwritable, match="Not a directory"):
        Store(tmp_path / "file", "set", "1", 1).write("t", 0, ROWS, ORIGIN, {}, 0.1)


def test_a_full_disk_is_told_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreUnwritable, match="free space"), writing(tmp_path):
        Path("/dev/full").write_text("x")


def test_the_second_run_on_a_version_is_refused_and_told_who_holds_it(store: Store) -> None:
    with store.locked(), pytest.raises(VersionBusy, match=str(os.getpid())), store.locked():
        pass
    with store.locked():  # given back
        pass


def test_a_killed_run_leaves_no_lock_and_its_half_files_are_swept(store: Store) -> None:
    program = (
        "import os, sys; from pathlib import Path; from pipeline.store import Store\n"
        "with Store(Path(sys.argv[1]), 'set', '1', 2).locked(): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(store.root)], check=False)
    half = store.folder / "t" / ".part-00000.parquet.123.tmp"
    half.parent.mkdir()
    half.write_text("half")
    with store.locked():
        assert not half.exists()


def test_counts_are_joined_values_in_order(store: Store) -> None:
    rows = pa.table({"a": ["x", "x", "y"], "b": ["1", "1", "2"]})
    assert count_by(rows, "a", "b") == {"x/1": 2, "y/2": 1}
    assert count_by(rows.slice(0, 0), "a") == {}


def test_a_forgotten_table_is_to_be_built_again(store: Store) -> None:
    store.write("t", 0, ROWS, ORIGIN, {}, 0.1)
    store.forget("t")
    assert store.manifest("t", 0) is None


def test_manifests_are_plain_json(store: Store) -> None:
    store.write("t", 0, ROWS, ORIGIN, {"x": 1}, 0.1)
    text = store.path("t", 0).with_suffix(".json").read_text(encoding="utf-8")
    assert json.loads(text)["counts"] == {"x": 1}
