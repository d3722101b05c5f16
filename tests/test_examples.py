"""The examples run on a published dataset and give what they promise."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.pipeline.conftest import make_config, make_store

EXAMPLES = Path(__file__).parent.parent / "examples"
NEEDS = {
    "load_and_filter.py": ("datasets",),
    "format_for_trl.py": ("datasets",),
    "count_by_category.py": ("duckdb", "polars"),  # one of them
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pipeline.publish import publish_folder

    root = tmp_path_factory.mktemp("examples")
    publish_folder(make_config(root), make_store(root / "data"), root / "published")
    return root / "published"


def needing(*packages: str) -> None:
    if not any(importlib.util.find_spec(name) for name in packages):
        pytest.skip(f"none of {', '.join(packages)} is installed")


def run(name: str, *arguments: object) -> str:
    needing(*NEEDS[name])
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tried_here() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(NEEDS)


@pytest.mark.parametrize("name", NEEDS)
def test_an_example_says_what_to_install(name: str) -> None:
    head = (EXAMPLES / name).read_text(encoding="utf-8").split('"""')[1]
    assert f"pip install {NEEDS[name][0]}" in head


def test_only_verified_rows_of_the_asked_difficulty_are_left(
    published: Path, tmp_path: Path
) -> None:
    cache = ("--cache", tmp_path)
    assert run("load_and_filter.py", published, *cache).startswith("2 of 3 rows\n")
    hard = run("load_and_filter.py", published, "--difficulty", "hard", *cache)
    assert hard.splitlines() == ["1 of 3 rows", "What is a program?"]


def test_trl_gets_the_last_turn_as_the_completion(published: Path, tmp_path: Path) -> None:
    out = tmp_path / "sft.jsonl"
    run("format_for_trl.py", published, out, "--config", "distilled", "--cache", tmp_path / "cache")
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 4
    for line in lines:
        assert list(line) == ["prompt", "completion"]
        assert [turn["role"] for turn in line["completion"]] == ["assistant"]
        assert line["completion"][0]["content"].startswith("<think>")
        assert {tuple(turn) for turn in line["prompt"]} == {("role", "content")}


def counted(published: Path) -> Counter[tuple[str, str]]:
    (path,) = (published / "open_source").glob("*.parquet")
    rows = pq.read_table(path, columns=["category", "difficulty"]).to_pylist()
    return Counter((row["category"], row["difficulty"]) for row in rows)


def test_counting_prints_a_line_for_each_category_and_difficulty(published: Path) -> None:
    lines = [line.split() for line in run("count_by_category.py", published).splitlines()]
    assert {(name, degree): int(rows) for name, degree, rows in lines} == counted(published)


@pytest.mark.parametrize("package", ["duckdb", "polars"])
def test_both_packages_count_the_same(package: str, published: Path) -> None:
    needing(package)
    spec = importlib.util.spec_from_file_location("counting", EXAMPLES / "count_by_category.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, f"with_{package}")(f"{published}/open_source/train-*.parquet")
    assert Counter({(name, degree): rows for name, degree, rows in found}) == counted(published)
