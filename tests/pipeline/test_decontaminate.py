"""Stage decontaminate: probes among the questions, fingerprints, benchmarks of the Hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dedup.benchmarks import Benchmarks
from dedup.fingerprints import fingerprint
from dedup.probes import DISGUISES
from pipeline import checking
from pipeline.benchmarks import HubBenchmark, benchmark_name
from pipeline.config import Config
from pipeline.decontaminate import DecontaminateStage
from pipeline.errors import ConfigError, ProbesMissed
from pipeline.facts import Facts, Probes, gather
from pipeline.files import FileHashes
from pipeline.probing import check_probes
from pipeline.publish import publish_folder
from pipeline.records import Drop, Message, Probe, Question, content_hash, shard_of
from pipeline.stage import Run
from pipeline.store import Origin, Store
from pipeline.workers import worker_pool
from tests.pipeline.sources.hub_double import SHA, hub_double

SHARDS = 2
NOWHERE = Origin({}, {})
ITEMS = [
    "A baker makes 24 rolls every morning. He sells $\\frac{3}{4}$ of them for 2 dollars each."
    " How much does he earn in a week of seven mornings?",
    "Three friends walk around a lake of 12 miles at different speeds. When do they meet again, if"
    " the slowest needs 45 minutes more for a round than the fastest of them?",
]
CLEAN = "Which river flows through the capital of Austria, and where does it end?"


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    with worker_pool(1) as made:
        yield made


def benchmark(folder: Path) -> Path:
    path = folder / "lake.jsonl"
    path.write_text("\n".join(json.dumps({"question": item}) for item in ITEMS), encoding="utf-8")
    return path


def config(*names: str, **decontaminate: Any) -> Config:
    recipe = {
        "shards": SHARDS,
        "sources": [{"source": "quickstart"}],
        "distill": {"rounds": 0},
        "decontaminate": {"benchmarks": names, "semantic": False, **decontaminate},
    }
    return Config.model_validate({"name": "set", "version": "1", "recipe": recipe})


def built(
    root: Path, config: Config, texts: list[str], pool: ProcessPoolExecutor
) -> tuple[list[Drop], list[Probe]]:
    """Run the stage over questions; returns the drops and the probes."""
    store = Store(root, "set", "1", SHARDS)
    rest = {"source_revision": "1", "licence": "MIT", "kind": "chat"}
    asked = [Question.new("s", [Message("user", text)], **rest) for text in texts]
    for shard in range(SHARDS):
        mine = sorted((q for q in asked if shard_of(q.id, SHARDS) == shard), key=lambda q: q.id)
        store.write("questions", shard, Question.to_table(mine), NOWHERE, {}, 0.0)
        store.write("vectors", shard, Question.to_table([]), NOWHERE, {}, 0.0)
    stage = DecontaminateStage()
    run = Run(config, store, FileHashes(root / "hashes"), pool)
    jobs = stage.jobs(run)
    stage.prepare(run)
    for job in jobs:
        job()
    shards = range(SHARDS)
    drops = [d for k in shards for d in Drop.from_table(store.read("contaminated", k))]
    return drops, [p for k in shards for p in Probe.from_table(store.read("probes", k))]


def test_probes_go_through_the_run_and_only_questions_are_dropped(
    tmp_path: Path, pool: ProcessPoolExecutor
) -> None:
    texts = [CLEAN, f"Hello! {ITEMS[1]}"]
    drops, probes = built(tmp_path, config(str(benchmark(tmp_path))), texts, pool)
    assert [(drop.of, drop.reason) for drop in drops] == [("lake/1", "exact")]
    assert {probe.disguise for probe in probes} == set(DISGUISES)
    assert all(probe.found for probe in probes)
    assert {probe.item for probe in probes} == {"0", "1"}


def test_a_probe_that_the_limits_let_through_is_recorded_as_missed(
    tmp_path: Path, pool: ProcessPoolExecutor
) -> None:
    strict = {"coverage": 1.0, "contained": 1.0, "short_coverage": 1.0, "said": 500.0}
    _, probes = built(tmp_path, config(str(benchmark(tmp_path)), **strict), [CLEAN], pool)
    assert any(not probe.found for probe in probes)
    assert all((probe.method is None) == (not probe.found) for probe in probes)


def test_no_probes_are_planted_where_none_are_wanted(
    tmp_path: Path, pool: ProcessPoolExecutor
) -> None:
    drops, probes = built(tmp_path, config(str(benchmark(tmp_path)), probes=0), ITEMS, pool)
    assert (len(drops), probes) == (2, [])


def test_fingerprints_stand_for_a_benchmark(tmp_path: Path, pool: ProcessPoolExecutor) -> None:
    path = tmp_path / "lake.fingerprints"
    fingerprint(Benchmarks.load([benchmark(tmp_path)])).save(path)
    drops, probes = built(tmp_path, config(str(path)), [CLEAN, f"Please: {ITEMS[0]}"], pool)
    assert [(drop.of, drop.reason) for drop in drops] == [("lake/0", "ngram")]
    assert probes == []


def test_fingerprints_by_another_encoder_are_refused(tmp_path: Path) -> None:
    items = Benchmarks.load([benchmark(tmp_path)])
    made = fingerprint(items, np.eye(2, dtype=np.float16), "some-encoder")
    made.save(tmp_path / "lake.fingerprints")
    found = checking.loaded((str(tmp_path / "lake.fingerprints"),), tmp_path)
    with pytest.raises(ConfigError, match="have vectors by some-encoder"):
        checking.check_encoders(found, "another")


@pytest.mark.parametrize(
    "name", ["hub:gsm8k@main", "hub:openai/gsm8k", "hub:openai/gsm8k@740312a:main/test"]
)
def test_a_dataset_without_its_whole_commit_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="all 40 digits of the commit"):
        HubBenchmark.parse(name)


def test_a_dataset_is_called_by_its_name_config_and_split() -> None:
    assert benchmark_name(f"hub:openai/gsm8k@{SHA}:main/test") == "gsm8k-main-test"
    assert benchmark_name(f"hub:openai/gsm8k@{SHA}") == "gsm8k"
    assert benchmark_name("$X/aime.jsonl.zst") == "aime"


def run_command(folder: Path, *arguments: str, url: str) -> subprocess.CompletedProcess[str]:
    own = {"HF_ENDPOINT": url, "HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_XET": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        env={**os.environ, **own, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_benchmark_of_the_hub_is_read_at_its_commit(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "test.jsonl").write_text(
        "\n".join(json.dumps({"Question": item, "Record ID": "x"}) for item in ITEMS)
    )
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [{"id": "copy", "text": ITEMS[0]}, {"id": "clean", "text": CLEAN}]
    source.write_text("\n".join(map(json.dumps, rows)))
    with hub_double({"org/lake": repository}, {}) as hub:
        command = ["decontaminate", str(source), str(target), "--no-semantic", "--benchmarks"]
        done = run_command(tmp_path, *command, f"hub:org/lake@{SHA}", url=hub.url)
        assert done.returncode == 0, done.stderr
        assert any(SHA in path for path in hub.asked)
        (hit,) = map(json.loads, target.read_text().splitlines())
        assert (hit["id"], hit["benchmark"], hit["item"]) == ("copy", "lake", "0")
        gone = run_command(tmp_path, *command, f"hub:org/no@{SHA}", url=hub.url)
    assert gone.returncode == 2
    assert "no such dataset" in gone.stderr


def test_what_the_hub_gave_is_kept_and_known_by_its_commit(
    tmp_path: Path, pool: ProcessPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"hub:org/lake@{SHA}:default/test"
    path = HubBenchmark.parse(name).path(tmp_path)
    path.parent.mkdir(parents=True)
    Benchmarks.load([benchmark(tmp_path)])
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"question": ITEMS}), path)
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: pytest.fail("asked again"))
    drops, probes = built(tmp_path, config(name), ITEMS[:1], pool)
    assert [drop.of for drop in drops] == ["lake-default-test/0"]
    assert probes
    manifest = Store(tmp_path, "set", "1", SHARDS).manifest("contaminated", 0)
    assert manifest is not None
    assert name in manifest.recipe.values()


def probed(facts: Facts, *probes: Probes) -> Facts:
    from dataclasses import replace

    return replace(facts, probes=probes)


def test_too_few_found_of_a_benchmark_or_a_disguise_refuse_to_publish(
    small_config: Config, small_store: Store
) -> None:
    facts = gather(small_config, small_store)
    good = Probes("a", "case", 20, 20), Probes("b", "case", 20, 19), Probes("b", "prefix", 20, 20)
    check_probes(small_config, probed(facts, *good))
    with pytest.raises(ProbesMissed, match="benchmark c: 18 of 20"):
        check_probes(small_config, probed(facts, *good, Probes("c", "case", 20, 18)))
    thin = [Probes(name, "prefix", 20, 18 + (name == "b")) for name in "abc"]
    more = [Probes(name, "case", 60, 60) for name in "abc"]
    with pytest.raises(ProbesMissed, match="disguise prefix: 55 of 60"):
        check_probes(small_config, probed(facts, *thin, *more))


def test_a_version_whose_probes_were_missed_is_not_published(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    rows = [
        Probe(content_hash(k), "aime_2024", str(k), "case", "text", k > 1, "exact", 1.0)
        for k in range(10)
    ]
    small_store.write("probes", 0, Probe.to_table(rows), NOWHERE, {}, 0.0)
    with pytest.raises(ProbesMissed, match="8 of 10"):
        publish_folder(small_config, small_store, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    update = {"decontaminate": small_config.recipe.decontaminate.model_copy(
        update={"probe_recall": 0.5}
    )}  # fmt: skip
    recipe = small_config.recipe.model_copy(update=update)
    lower = small_config.model_copy(update={"recipe": recipe})
    publish_folder(lower, small_store, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| aime\\_2024 | 8 of 10 |" in card or "| aime_2024 | 8 of 10 |" in card
