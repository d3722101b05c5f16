"""A disk that fills while a run writes: whole shards or none, exit code 1, and the run goes on."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config import load_config
from pipeline.errors import DiskFull, StoreUnwritable
from pipeline.stages import open_store
from pipeline.store import Origin, Store, sha256, writing
from tests.whole_run import WholeRun

SERVER = "http://127.0.0.1:9/v1"  # named and never asked


def collect(run: WholeRun, most_bytes: int | None = None) -> tuple[int, str]:
    """Collect, with a bound on each file as a full disk would set one; returns code and stderr."""
    bound = resource.RLIM_INFINITY if most_bytes is None else most_bytes
    command = [sys.executable, "-m", "pipeline", "run", str(run.config), "--only", "collect"]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bound, bound)),
    )
    return done.returncode, done.stderr


def store_of(run: WholeRun) -> Store:
    return open_store(load_config(str(run.config)))


def digests(store: Store) -> dict[str, str]:
    files = sorted(store.folder.rglob("part-*.parquet"))
    return {str(path.relative_to(store.folder)): sha256(path) for path in files}


def test_a_full_disk_ends_a_run_cleanly_and_the_next_one_goes_on(tmp_path: Path) -> None:
    run, undisturbed = WholeRun(tmp_path / "full", SERVER), WholeRun(tmp_path / "roomy", SERVER)
    code, said = collect(run, most_bytes=6_000)
    assert code == 1 and "free space" in said and "Traceback" not in said
    store = store_of(run)
    for path in store.folder.rglob("part-*.json"):
        assert pq.read_table(path.with_suffix(".parquet")).num_rows >= 0
    assert not list(store.folder.rglob(".*.tmp"))
    assert not store.complete("questions")
    assert collect(run)[0] == collect(undisturbed)[0] == 0
    assert digests(store) == digests(store_of(undisturbed)) != {}


def test_a_shard_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path, "set", "1", 1)
    rows = pa.table({"text": [os.urandom(1_000).hex() for _ in range(100)]})
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        try:
            store.write("questions", 0, rows, Origin({}, {}), {}, 0.0)
        except DiskFull:
            os._exit(0)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.manifest("questions", 0) is None
    assert [path for path in store.folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [(errno.ENOSPC, 1), (errno.EDQUOT, 1), (errno.EFBIG, 1), (errno.EROFS, 2), (errno.EACCES, 2)],
)
def test_a_full_disk_is_not_the_users_fault_and_a_read_only_one_is(
    tmp_path: Path, code: int, exit_code: int
) -> None:
    with pytest.raises(StoreUnwritable) as raised, writing(tmp_path):
        raise OSError(code, os.strerror(code))
    assert raised.value.exit_code == exit_code
