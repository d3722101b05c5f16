"""`sources --check` as a dataset moves on: its commits come from the Hub's own client.

The Hub is the loopback one of publishing, to which a dataset is uploaded and uploaded again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.sources.hub_pins import PINS_VARIABLE
from tests.loopback_hub import LoopbackHub
from tests.pipeline.publish_support import hub_environment, loopback_hub
from tests.pipeline.sources.hub_support import HUB, fixture, repository

NAME = "deep_math"
DATASET = HUB[NAME].dataset.id
# The Hub's client passes files to its HTTP library in a way that this one calls old.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with loopback_hub(tmp_path / "hub", monkeypatch) as served:
        yield served


def upload(hub: LoopbackHub, folder: Path, rows: list[dict[str, Any]]) -> str:
    """Put rows into the dataset; returns the commit."""
    from huggingface_hub import HfApi

    made = repository(folder, NAME, rows)
    HfApi().create_repo(DATASET, repo_type="dataset", exist_ok=True)
    HfApi().upload_folder(repo_id=DATASET, repo_type="dataset", folder_path=made)
    return hub.repos[DATASET].commits[-1][0]


def check(hub: LoopbackHub, root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Check the dataset in a process of its own, with pins below `root`."""
    command = [sys.executable, "-m", "pipeline", "sources", "--check", NAME, *options]
    environment = {
        **hub_environment(hub, root / "home"),
        PINS_VARIABLE: str(root / "pins.jsonl"),
    }
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def pin(root: Path) -> dict[str, Any]:
    (line,) = (root / "pins.jsonl").read_text(encoding="utf-8").splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_pin_stays_until_it_is_taken_anew_and_a_moved_column_is_named(
    hub: LoopbackHub, tmp_path: Path
) -> None:
    rows = fixture(NAME)["rows"]
    first = upload(hub, tmp_path / "1", rows)
    assert check(hub, tmp_path).returncode == 0
    assert (pin(tmp_path)["revision"], pin(tmp_path)["licence"]) == (first, "MIT")

    more = upload(hub, tmp_path / "2", [{**row, "extra": 1} for row in rows])
    done = check(hub, tmp_path)
    assert done.returncode == 0 and pin(tmp_path)["revision"] == first
    assert f"its default branch has moved to {more}; --repin takes that" in done.stdout
    assert check(hub, tmp_path, "--repin").returncode == 0
    assert pin(tmp_path)["revision"] == more and "extra" in pin(tmp_path)["columns"]

    upload(hub, tmp_path / "3", [{"problem": row["question"]} for row in rows])
    done = check(hub, tmp_path, "--repin")
    assert done.returncode == 2 and pin(tmp_path)["revision"] == more
    assert "'question'" in done.stdout and "must be there" in done.stdout
