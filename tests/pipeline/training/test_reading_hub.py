"""Rows of a dataset that was published to a Hub (our own, on loopback), at one commit of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.config import Config
from pipeline.hub import Patience, publish_hub
from pipeline.publish import publish_folder
from pipeline.store import Store
from tests.loopback_hub import LoopbackHub
from tests.pipeline.publish_support import hub_environment, loopback_hub

# The Hub's client passes files to its HTTP library in a way that this one calls old.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
REPO = "org/name"
CONFIGS = ("open_source", "distilled")
READ = """
import json, sys
from collections import Counter
from pathlib import Path
from pipeline.errors import BuildError
from pipeline.files import FileHashes
from pipeline.training.config import Data, Rows
from pipeline.training.reading import located, selected
for asked in json.loads(sys.argv[1]):
    rows, counts = Rows(**asked.pop("rows", {})), Counter()
    limit = asked.pop("limit", None)
    try:
        place = located(Data(repo="org/name", **asked), FileHashes(Path(sys.argv[2])))
        turns = [[one.content for one in row] for row in selected([place], rows, limit, 0, counts)]
        print(json.dumps([turns, counts]))
    except BuildError as error:
        print(json.dumps([type(error).__name__, str(error)]))
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with loopback_hub(tmp_path / "hub", monkeypatch) as served:
        yield served


def publish(config: Config, store: Store, out: Path, hub: LoopbackHub) -> str:
    """Publish a version; returns the commit."""
    publish_folder(config, store, out)
    publish_hub(config, out, REPO, patience=Patience(tries=6, first_s=0.01))
    return hub.repos[REPO].commits[-1][0]


def read(hub: LoopbackHub, folder: Path, *asked: dict[str, Any]) -> list[Any]:
    """Return what reading comes to in a process whose Hub this is."""
    command = [sys.executable, "-c", READ, json.dumps(asked), str(folder / "hashes.json")]
    env = hub_environment(hub, folder / "home")
    return [json.loads(line) for line in subprocess.check_output(command, env=env).splitlines()]


def rows_in(folder: Path, config: str) -> list[dict[str, Any]]:
    files = sorted((folder / config).glob("train-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def texts(rows: list[dict[str, Any]]) -> list[list[str]]:
    return [[turn["content"] for turn in row["messages"]] for row in rows]


def test_rows_of_a_commit_are_those_published_then_whatever_came_later(
    hub: LoopbackHub,
    small_config: Config,
    small_store: Store,
    make_small_store: Any,
    change_answer: Any,
    tmp_path: Path,
) -> None:
    first = publish(small_config, small_store, tmp_path / "first", hub)
    changed = make_small_store(
        tmp_path / "changed", change=lambda data: change_answer(data, "hostile", "another")
    )
    second = publish(small_config, changed, tmp_path / "second", hub)
    other = {"rows": {"only": {"teacher": ["another"]}}}
    one, taught, before, after = read(
        hub,
        tmp_path,
        {"revision": first},
        {"revision": first, "configs": ["distilled"]},
        {"revision": first, **other},
        {"revision": second, **other},
    )
    wanted = [rows_in(tmp_path / "first", config) for config in CONFIGS]
    assert one == [texts([*wanted[0], *wanted[1]]), {}]
    assert taught == [texts(wanted[1]), {}]
    assert before == [[], {"not_selected": len(one[0])}]
    assert len(after[0]) == 1


def test_a_selection_and_a_limit_hold_for_the_hub_too(
    hub: LoopbackHub, small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    commit = publish(small_config, small_store, tmp_path / "out", hub)
    rows = [row for config in CONFIGS for row in rows_in(tmp_path / "out", config)]
    source = rows[0]["source"]
    some = {"revision": commit, "rows": {"only": {"source": [source]}}}
    chosen, drawn = read(hub, tmp_path, some, {"revision": commit, "limit": 1})
    wanted = [row for row in rows if row["source"] == source]
    assert 0 < len(wanted) < len(rows)
    assert chosen == [texts(wanted), {"not_selected": len(rows) - len(wanted)}]
    assert len(drawn[0]) == 1
    assert drawn[1] == {"over_limit": len(rows) - 1}


def test_what_is_not_on_the_hub_is_named(
    hub: LoopbackHub, small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    commit = publish(small_config, small_store, tmp_path / "out", hub)
    revision, config = read(
        hub, tmp_path, {"revision": "0" * 40}, {"revision": commit, "configs": ["nothing"]}
    )
    assert revision[0] == config[0] == "SourceError"
    assert "org/name" in revision[1]
    assert "nothing" in config[1]
