from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.config import Config
from pipeline.errors import StaleTable, UserError
from pipeline.files import FileHashes
from pipeline.stage import Run, ShardStage, Tables, flatten
from pipeline.store import Origin, Store
from pipeline.workers import worker_pool

CONFIG = {
    "name": "set",
    "version": "1",
    "recipe": {
        "shards": 2,
        "distill": {"rounds": 0},
        "sources": [{"source": "quickstart"}],
    },
    "runtime": {"workers": 1},
}


class Doubled(ShardStage):
    name = "doubled"
    threshold = 0.5

    def writes(self) -> tuple[str, ...]:
        return ("doubled",)

    def reads(self) -> tuple[str, ...]:
        return ("numbers",)

    def fields(self, run: Run) -> dict[str, Any]:
        return {"threshold": self.threshold, "names": ["a", "b"]}

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        numbers = store.read("numbers", shard).column("n").to_pylist()
        return {"doubled": (pa.table({"n": [2 * n for n in numbers]}), {})}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    store = Store(tmp_path, "set", "1", 2)
    for shard in range(2):
        _numbers(store, shard, [shard])
    with worker_pool(1) as pool:
        yield Run(Config.model_validate(CONFIG), store, FileHashes(tmp_path / "hashes.json"), pool)


def _numbers(store: Store, shard: int, numbers: list[int]) -> None:
    store.write("numbers", shard, pa.table({"n": numbers}), Origin({}, {}), {}, 0.0)


def test_only_what_is_missing_is_built(run: Run) -> None:
    stage = Doubled()
    assert [shard for shard, _ in stage.outdated(run)] == [0, 1]
    stage.build(run)
    assert list(stage.outdated(run)) == []
    assert run.store.read("doubled", 1).column("n").to_pylist() == [2]


def test_a_changed_input_makes_its_shard_outdated(run: Run) -> None:
    Doubled().build(run)
    _numbers(run.store, 1, [5])
    assert [shard for shard, _ in Doubled().outdated(run)] == [1]


def test_a_changed_recipe_is_refused_naming_field_values_and_remedies(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Doubled().build(run)
    monkeypatch.setattr(Doubled, "threshold", 0.7)
    with pytest.raises(StaleTable) as error:
        list(Doubled().outdated(run))
    for part in ("doubled.threshold was 0.5, is 0.7", "--version", "--rebuild doubled"):
        assert part in str(error.value)


def test_the_version_dev_rebuilds_freely(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(run.store.root, "set", "dev", 2)
    for shard in range(2):
        _numbers(store, shard, [1])
    dev = Run(run.config, store, run.hashes, run.pool)
    Doubled().build(dev)
    monkeypatch.setattr(Doubled, "threshold", 0.7)
    assert [shard for shard, _ in Doubled().outdated(dev)] == [0, 1]


def test_a_missing_input_is_named(run: Run) -> None:
    run.store.forget("numbers")
    with pytest.raises(UserError, match="needs table numbers"):
        list(Doubled().outdated(run))


def test_flatten_gives_leaves_dotted_names() -> None:
    nested = {"a": {"b": [1, {"c": 2}]}, "d": None, "e": [], "f": {}}
    expected = {"a.b[0]": 1, "a.b[1].c": 2, "d": None, "e": "(none)", "f": "(none)"}
    assert flatten(nested) == expected
