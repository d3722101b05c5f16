"""The same dataset on one machine, by two workers of whom one is killed, in S3, and on Ray.

`whole` is the dataset built by the command, undisturbed; all others must equal it byte for byte.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.leases import FolderMedium, Medium
from pipeline.remote import open_remote
from tests.flows.conftest import ServedRun, Server, stop, until
from tests.loopback_s3 import BUCKET, loopback_s3
from tests.loopback_teacher import loopback_teacher

pytestmark = pytest.mark.slow
# Ray leaves sockets and files for the collector, and calls its own outdated names.
quiet = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"
)
FLOW = """
import sys
from flows.build import build_dataset
from flows.request import Build
build_dataset(Build(config=sys.argv[1], share=sys.argv[2] == "share", retries=0))
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[ServedRun]:
    """A dataset in an empty folder, not begun."""
    with loopback_teacher() as teacher:
        made = ServedRun(tmp_path / "run", teacher)
        setting(made, "[runtime.share]\nexpiry_s = 2\npoll_s = 0.2")
        yield made


def setting(run: ServedRun, text: str) -> None:
    run.config.write_text(f"{run.config.read_text()}\n{text}\n")


def holder(medium: Medium, pids: set[int]) -> int:
    """Return a process of some that is at a shard of stage embed, 0 if none is yet."""
    for name in medium.marks():
        data = medium.get(name) if name.startswith("embed-") else None
        if data and (pid := int(json.loads(data)["owner"].split(":")[1])) in pids:
            return pid
    return 0


def kill_one(begin: Callable[[], subprocess.Popen[Any]], medium: Medium) -> None:
    """Start two workers, kill one that is at a shard, and wait for the other."""
    workers = {process.pid: process for process in (begin(), begin())}
    try:
        pid = until(lambda: holder(medium, set(workers)))
        os.killpg(pid, signal.SIGKILL)
        killed = workers.pop(pid)
        killed.communicate()
        (other,) = workers.values()
        other.communicate(timeout=200)
        assert (killed.returncode, other.returncode) == (-signal.SIGKILL, 0)
    finally:
        for process in workers.values():
            stop(process)


def whole_digests(whole: ServedRun) -> dict[str, str]:
    until((whole.published / "ledger.json").is_file)
    return whole.digests()


def asked_twice(run: ServedRun) -> set[str]:
    hashes = [line["hash"] for line in run.teacher.requests() if line["answered"] == "reply"]
    return {hash for hash in hashes if hashes.count(hash) > 1}


def test_in_s3_the_other_of_two_workers_finishes(run: ServedRun, whole: ServedRun) -> None:
    pytest.importorskip("moto", reason="moto is not installed: no S3 server to test against")
    with loopback_s3() as s3:
        text = run.config.read_text()
        local = f'data = "{run.folder}/data"'
        assert local in text
        place = f's3://{BUCKET}/data"\nscratch = "{run.folder}/scratch'
        run.config.write_text(text.replace(local, f'data = "{place}"'))
        medium = open_remote(f"s3://{BUCKET}/data", 0).medium("set/1/.leases")
        kill_one(lambda: run.start("--share"), medium)
        assert s3.requests("PUT", "/data/set/1/examples/part-00001.json") == 1
    assert run.digests() == whole_digests(whole)
    assert not asked_twice(run)


def test_the_other_of_two_prefect_runs_finishes(
    run: ServedRun, whole: ServedRun, server: Server
) -> None:
    def begin() -> subprocess.Popen[bytes]:
        return server.start("python", "-c", FLOW, str(run.config), "share")

    kill_one(begin, FolderMedium(run.folder / "data" / "set" / "1" / ".leases"))
    assert run.digests() == whole_digests(whole)
    assert not asked_twice(run)


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Two nodes of Ray on this machine, each with room for one actor; gives the address."""
    pytest.importorskip("ray", reason="ray is not installed")
    from ray.cluster_utils import Cluster

    made = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False},
    )
    made.add_node(num_cpus=1)
    yield made.address
    made.shutdown()  # type: ignore[no-untyped-call]


@quiet
def test_on_ray_the_dataset_is_the_same(
    run: ServedRun, whole: ServedRun, server: Server, cluster: str
) -> None:
    """Stage embed by Ray Data's actors, the shards of the others by tasks of prefect-ray."""
    pytest.importorskip("prefect_ray", reason="prefect-ray is not installed")
    setting(run, f'[runtime.ray]\naddress = "{cluster}"\n[runtime.prefect]\nrunner = "ray"')
    setting(run, '[runtime.embed]\nengine = "ray"\nactors = 2')
    process = server.start("python", "-c", FLOW, str(run.config), "alone")
    assert process.wait(180) == 0, (server.home / f"{len(server.processes) - 1}.log").read_text()
    assert run.digests() == whole_digests(whole)
