"""Every dataset of the Hub: rows in its shape, streamed by `datasets`, become what they should."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.collect import as_entry
from pipeline.records import KINDS
from tests.pipeline.sources.hub_support import FIXTURES, HUB, fixture, repository, source, told

NINETEEN = [
    *("numina_math", "meta_math_qa", "natural_reasoning", "open_coder", "omni_math", "prime"),
    *("code_io", "math_lighteval", "open_thoughts", "open_r1_math", "kod_code"),
    *("bespoke_stratos", "general_thought", "dolphin_r1", "data_ablation_full59k", "s1k"),
    *("limo", "infinity_instruct", "open_orca"),
]
BESIDE = ["big_math", "deep_math", "synthetic_1", "open_math_reasoning", "codeforces_cots"]


def test_the_datasets_are_those_that_the_design_names_each_with_a_fixture() -> None:
    assert sorted(HUB) == sorted(NINETEEN + BESIDE)
    assert sorted(path.stem for path in FIXTURES.glob("*.json")) == sorted(HUB)


@pytest.mark.parametrize("name", HUB)
def test_rows_become_questions_responses_and_refusals(name: str, tmp_path: Path) -> None:
    given = fixture(name)
    rows = source(name, folder=str(repository(tmp_path, name, given["rows"]))).rows()
    found = [told(row) for row in rows]
    assert len(found) == len(given["expected"])
    for row, expected in zip(found, given["expected"], strict=True):
        assert {key: row.get(key) for key in expected} == expected


@pytest.mark.parametrize("name", HUB)
def test_collect_takes_what_is_not_refused(name: str, tmp_path: Path) -> None:
    given = fixture(name)
    rows = source(name, folder=str(repository(tmp_path, name, given["rows"]))).rows()
    reasons = [as_entry(name, row, 10_000).get("reason") for row in rows]
    assert reasons == [expected.get("refused") for expected in given["expected"]]


@pytest.mark.parametrize("name", HUB)
def test_a_fixture_has_every_column_that_is_read_and_one_trap(name: str) -> None:
    dataset, given = HUB[name].dataset, fixture(name)
    columns = {column for row in given["rows"] for column in row}
    assert {*dataset.columns, *dataset.optional} <= columns
    assert len(given["rows"]) >= (1 if name == "deep_math" else 2)
    assert set(dataset.unseen) <= {*dataset.columns, *dataset.optional}


@pytest.mark.parametrize("name", HUB)
def test_kinds_are_those_that_the_file_promises(name: str) -> None:
    kinds = {row["kind"] for row in fixture(name)["expected"] if "kind" in row}
    assert kinds <= set(HUB[name].kinds) <= set(KINDS)


@pytest.mark.parametrize("name", HUB)
def test_a_file_says_its_shape_where_it_was_read_and_its_traps(name: str) -> None:
    module = __import__(HUB[name].__module__, fromlist=["__doc__"])
    words = module.__doc__ or ""
    assert "A row" in words and "Shape" in words and "Traps: " in words


def test_json_lines_are_read_like_parquet(tmp_path: Path) -> None:
    rows = fixture("limo")["rows"]
    folders = [repository(tmp_path / kind, "limo", rows, kind) for kind in ("parquet", "jsonl")]
    first, second = ([*source("limo", folder=str(folder)).rows()] for folder in folders)
    assert first == second and json.dumps(told(first[0]))
