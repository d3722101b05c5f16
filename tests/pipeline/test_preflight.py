"""A run that this machine cannot hold is refused before it begins, and says what is lacking."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import preflight
from pipeline.__main__ import main
from pipeline.config import Config
from pipeline.errors import MachineTooSmall
from pipeline.preflight import Expected, check_machine
from pipeline.source_sizes import responses_expected, rows_expected
from pipeline.stages import open_store
from tests.whole_run import WholeRun

GYM = {"source": "reasoning_gym", "name": "gym", "count": 1_000, "tasks": [{"task": "chain_sum"}]}
TEACHER = {"name": "t", "model": "m", "revision": "1", "engine": "openai"}


class Usage(NamedTuple):
    """What shutil.disk_usage gives."""

    total: int
    used: int
    free: int


def config(folder: Path, runtime: dict[str, Any] | None = None, **recipe: Any) -> Config:
    whole = {"sources": [GYM], "distill": {"rounds": 0}, **recipe}
    where = {"data": str(folder / "data"), "published": str(folder / "published"), "workers": 1}
    return Config.model_validate(
        {"name": "set", "version": "1", "recipe": whole, "runtime": {**where, **(runtime or {})}}
    )


def check(made: Config) -> None:
    check_machine(made, open_store(made))


def with_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**15, 0, free))


def test_a_small_run_fits(tmp_path: Path) -> None:
    check(config(tmp_path))


def test_a_disk_too_small_is_named_with_need_have_and_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 10**9)
    with pytest.raises(MachineTooSmall, match=r"needs about .* GB more and has 1\.0 GB free; free"):
        check(config(tmp_path, sources=[{**GYM, "count": 10**7}]))


def test_disks_are_counted_together_only_where_they_are_one(tmp_path: Path) -> None:
    made = config(tmp_path, sources=[{**GYM, "count": 10**9}])
    expected = Expected.of(made, open_store(made))
    (lack,) = preflight.disk(made, open_store(made), expected)
    assert str(tmp_path / "data") in lack.text and str(tmp_path / "published") in lack.text


def test_what_is_on_the_disk_already_is_not_needed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = config(tmp_path, sources=[{**GYM, "count": 10**6}])
    expected = Expected.of(made, open_store(made))
    tables, published = preflight.disk_needs(expected)
    with_free(monkeypatch, tables + published + preflight.TEMPORARY_BYTES - 1)
    assert list(preflight.disk(made, open_store(made), expected))
    folder = open_store(made).folder
    folder.mkdir(parents=True)
    (folder / "there").write_bytes(b"1" * 10_000)
    assert not list(preflight.disk(made, open_store(made), expected))


def test_too_little_memory_names_the_stage_that_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "available_memory", lambda: 8 * 10**9)
    with pytest.raises(MachineTooSmall, match=r"deduplicate needs about .* and 8\.0 GB are avail"):
        check(config(tmp_path, shards=4_096, sources=[{**GYM, "count": 4 * 10**6}]))


def test_a_small_run_asks_little_of_a_machine_with_many_cores(tmp_path: Path) -> None:
    made = config(tmp_path, {"workers": 64}, shards=4, sources=[{**GYM, "count": 300}])
    need, _ = preflight.memory_need(made, open_store(made), Expected(300, 0, 0))
    assert need < 8 * 10**9


def test_a_teacher_in_this_process_needs_its_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "available_memory", lambda: 8 * 10**9)
    monkeypatch.setattr(preflight, "gpu", lambda: False)
    here = {**TEACHER, "engine": "transformers", "model": "Org/Big-32B-Chat"}
    with pytest.raises(MachineTooSmall, match="teacher Org/Big-32B-Chat needs about"):
        check(config(tmp_path, teacher=here, distill={"rounds": 1}))


@pytest.mark.parametrize(
    ("name", "size"), [("Qwen2.5-7B-Instruct", 14e9), ("smollm2-135m", 270e6), ("llm-thing", None)]
)
def test_a_models_size_is_read_off_its_name(name: str, size: float | None) -> None:
    assert preflight.model_bytes(name) == size


def test_a_folder_of_weights_is_measured(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"1" * 1_234)
    assert preflight.model_bytes(str(tmp_path)) == 1_234


@pytest.fixture
def limit() -> Any:
    """Give the limit of open files back after a test."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def many_connections(folder: Path, concurrency: int) -> Config:
    served = {"urls": ["http://127.0.0.1:9/v1"], "concurrency": concurrency}
    return config(folder, {"endpoints": served}, teacher=TEACHER, distill={"rounds": 1})


def test_the_limit_of_open_files_is_raised_as_far_as_it_may(tmp_path: Path, limit: Any) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, limit[1]))
    made = many_connections(tmp_path, 500)
    check(made)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == preflight.files_need(made) > 756


def test_too_few_open_files_are_named_with_the_remedy(tmp_path: Path, limit: Any) -> None:
    too_many = min(limit[1], 1 << 30) + 1
    made = many_connections(tmp_path, too_many)
    with pytest.raises(MachineTooSmall, match="may be open at once .*ulimit -n"):
        check(made)


def test_what_is_to_be_skipped_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 0)
    check(config(tmp_path, {"checks": {"skip": ["disk"]}}))
    with pytest.raises(MachineTooSmall):
        check(config(tmp_path, {"checks": {"skip": ["memory"]}}))


def test_the_command_ends_with_2_and_touches_nothing_unless_told_to_skip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = WholeRun(tmp_path / "set", "http://127.0.0.1:9/v1", limit=3)
    with_free(monkeypatch, 0)
    command = ["run", str(run.config), "--only", "collect"]
    assert main(command) == 2
    assert "--skip-checks" in capsys.readouterr().err
    assert not list((tmp_path / "set" / "data").rglob("part-*"))
    assert main([*command, "--skip-checks"]) == 0


def test_rows_are_told_from_files_options_and_pages(tmp_path: Path) -> None:
    pq.write_table(pa.table({"q": ["a"] * 100, "r": ["b"] * 100}), tmp_path / "q.parquet")
    local = {
        "source": "local_files",
        "name": "mine",
        "licence": "MIT",
        "revision": "1",
        "path": str(tmp_path / "q.parquet"),
        "kind": "math",
        "every": 3,
        "teacher": "R1",
        "columns": {"prompt": "q", "response": "r"},
    }
    hub = {"source": "numina_math", "revision": "a" * 40}
    sources = config(tmp_path, sources=[local, GYM, hub, {**hub, "name": "few", "limit": 5}])
    found = sources.recipe.sources
    assert [rows_expected(source) for source in found] == [34, 1_000, 896_215, 5]
    assert [responses_expected(source) for source in found] == [34, 0, 0, 0]


def test_a_table_of_questions_says_more_than_sources(tmp_path: Path) -> None:
    from pipeline.store import Origin

    made = config(tmp_path, shards=1, sources=[{**GYM, "count": 10**9}])
    store = open_store(made)
    store.write("questions", 0, pa.table({"id": ["1", "2"]}), Origin({}, {}), {}, 0.0)
    store.write("responses/round=00", 0, pa.table({"id": ["1"]}), Origin({}, {}), {}, 0.0)
    assert Expected.of(made, store) == Expected(2, 1, 0)
