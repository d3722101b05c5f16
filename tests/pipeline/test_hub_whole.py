"""One dataset through a bad day at the Hub: faults, a kill, and what readers see afterwards.

The same at 3 GB: benchmarks/publish_hub.py.
"""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline import parquet_parts
from pipeline.config import Config
from pipeline.hub import Patience, publish_hub
from pipeline.publish import publish_folder
from pipeline.store import Store
from tests.loopback_hub import Fault, LoopbackHub, wait_until
from tests.pipeline.publish_support import hub_environment, loopback_hub
from tests.pipeline.test_hub import READ, REPO, UPLOAD

# The Hub's client passes files to its HTTP library in a way that this one calls old.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
CONFIGS = ("open_source", "distilled")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with loopback_hub(tmp_path / "hub", monkeypatch, part_bytes=8 * 1024) as served:
        monkeypatch.setattr(parquet_parts, "MB", 20)  # bytes: as many files as there are rows
        yield served


def publish_again_and_again(config: Config, folder: Path) -> None:
    publish_hub(config, folder, REPO, patience=Patience(tries=40, first_s=0.01))


def ids(folder: Path, config: str) -> list[str]:
    tables = (pq.read_table(path, columns=["id"]) for path in (folder / config).glob("*.parquet"))
    return sorted(id for table in tables for id in table.column("id").to_pylist())


def seen(hub: LoopbackHub, home: Path) -> list[str]:
    """Return what `load_dataset` sees of both configs, whole and streaming."""
    command = [sys.executable, "-c", READ, *CONFIGS]
    env = hub_environment(hub, home)
    done = subprocess.run(command, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_after_faults_and_a_kill_readers_see_the_rows_and_only_changes_go_up(
    hub: LoopbackHub,
    small_config: Config,
    small_store: Store,
    make_small_store: Any,
    change_answer: Any,
    tmp_path: Path,
) -> None:
    out = publish_folder(small_config, small_store, tmp_path / "out").folder
    assert len(list(out.glob("*/*.parquet"))) > 4
    hub.faults = [
        Fault("/", 500, every=5),
        Fault("/lfs/", 429, every=7, method="PUT", retry_after="0"),
        Fault("/lfs/", 0, every=9, method="PUT"),
        Fault("/commit/", 503),  # so that the kill comes before the commit
    ]
    command = [sys.executable, "-c", UPLOAD, str(out)]
    process = subprocess.Popen(command, env=hub_environment(hub, tmp_path / "home"))
    wait_until(lambda: len(hub.uploaded) >= 2, seconds=60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(hub.repos[REPO].commits) == 1  # the empty one of a new dataset
    del hub.faults[-1]
    publish_again_and_again(small_config, out)
    assert all(fault.hits for fault in hub.faults[:2])
    hub.faults = []

    assert len(hub.uploaded) == len(set(hub.uploaded))  # also of what came before the kill
    wanted = [" ".join([config, *ids(out, config)]) for config in CONFIGS]
    assert seen(hub, tmp_path / "read") == wanted * 2

    before = len(hub.uploaded)
    publish_again_and_again(small_config, out)
    assert len(hub.uploaded) == before

    changed = make_small_store(
        tmp_path / "changed", change=lambda data: change_answer(data, "hostile", "another")
    )
    publish_folder(small_config, changed, out)
    publish_again_and_again(small_config, out)
    files = {hashlib.sha256(path.read_bytes()).hexdigest() for path in out.glob("*/*.parquet")}
    assert len(files & set(hub.uploaded[before:])) == 1
