"""What of a file is refused, row by row, or stops everything before the first row."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipeline.errors import SourceError
from pipeline.recipe import Recipe
from pipeline.sources.base import Refused
from pipeline.sources.local_files import LocalFiles
from tests.pipeline.sources.local_support import Row, jsonl, refused, source


@pytest.mark.parametrize(
    ("row", "reason", "options"),
    [
        ('{"q": "cut of', "malformed", {}),
        ({"q": ""}, "empty_prompt", {}),
        ({"q": " \n"}, "empty_prompt", {}),
        ({"q": None}, "empty_prompt", {}),
        ({"a": "only"}, "empty_prompt", {}),
        ({"q": 5}, "wrong_type", {}),
        ({"q": {"x": 1}}, "wrong_type", {}),
        ({"q": "\ud800 lone"}, "invalid_unicode", {}),
        ('{"q": "\\ud83d"}', "invalid_unicode", {}),
        ({"q": "a\0b"}, "nul_character", {}),
        ({"q": []}, "empty_prompt", {}),
        ({"q": "?", "a": {"x": 1}}, "wrong_type", {"columns": {"reference_answer": "a"}}),
        ({"q": "?", "a": True}, "wrong_type", {"columns": {"reference_answer": "a"}}),
        ({"q": "?", "a": "\ud800"}, "invalid_unicode", {"columns": {"reference_answer": "a"}}),
        ({"q": "?", "a": 1}, "unknown_difficulty", {"columns": {"difficulty": "a"}}),
        ({"q": "?"}, "no_licence", {"columns": {"licence": "a"}}),
        (
            {"q": "?", "o": "r"},
            "no_teacher",
            {"columns": {"response": "o", "teacher": "a"}},
        ),
    ],
)
def test_a_row_that_is_no_question_is_refused_and_reading_goes_on(
    tmp_path: Path, row: Row | str, reason: str, options: Row
) -> None:
    if reason == "unknown_difficulty":
        options = {"columns": {"difficulty": {"column": "a", "replace": {"4": "easy"}}}}
    found = refused(tmp_path, row, **options)
    assert found.reason == reason
    assert found.content and len(found.excerpt) <= 200


@pytest.mark.parametrize(
    "turns",
    [
        [{"role": "tool", "content": "x"}, {"role": "user", "content": "y"}],
        [{"role": "user", "content": 5}],
        [{"role": "user"}],
        ["text"],
        [{"role": "user", "content": "x"}] + 2 * [{"role": "assistant", "content": "y"}],
    ],
)
def test_a_conversation_out_of_form_is_refused(tmp_path: Path, turns: list[Any]) -> None:
    assert refused(tmp_path, {"m": turns}, prompt="m").reason == "bad_conversation"


@pytest.mark.parametrize("value", [[{"kwargs": {}}], [{"id": 5}], "x", [{"id": "a", "x": 1}], 4])
def test_constraints_out_of_form_are_refused(tmp_path: Path, value: Any) -> None:
    reason = refused(tmp_path, {"q": "?", "c": value}, columns={"constraints": "c"}).reason
    assert reason in ("bad_constraints", "not_json")


def test_a_value_nested_without_end_costs_only_its_row(tmp_path: Path) -> None:
    deep = '{"q": "?", "a": ' + "[" * 600 + "]" * 600 + "}"
    assert refused(tmp_path, deep, keep=["a"]).reason == "nested_too_deep"


def test_a_large_file_is_never_in_memory(tmp_path: Path) -> None:
    path = jsonl(tmp_path, *({"q": f"{n} " + "x" * 2_000} for n in range(5_000)))
    tracemalloc.start()
    try:
        assert sum(1 for _ in source(path).rows()) == 5_000
        assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 2
    finally:
        tracemalloc.stop()


def test_a_large_parquet_is_read_in_batches(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"{n} " + random.Random(n).randbytes(1_000).hex() for n in range(5_000)]
    pq.write_table(pa.table({"q": texts}), path, row_group_size=500)
    before, rows = pa.total_allocated_bytes(), source(path).rows()
    most = max(pa.total_allocated_bytes() - before for _ in rows)
    assert most < path.stat().st_size / 2


def test_refusals_of_different_rows_have_different_contents(tmp_path: Path) -> None:
    rows = source(jsonl(tmp_path, {"q": "", "n": 1}, {"q": "", "n": 2})).rows()
    assert len({row.content for row in rows if isinstance(row, Refused)}) == 2


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_a_column_that_is_not_there_stops_everything_before_the_first_row(
    tmp_path: Path, name: str
) -> None:
    jsonl(tmp_path, {"q": "one", "a": "4"}, name="0.jsonl")
    if name == "a.parquet":
        pq.write_table(pa.table({"q": ["one"]}), tmp_path / name)
    else:
        (tmp_path / name).write_text('{"q": "one"}' if name == "a.jsonl" else "q\none\n")
    rows = source(tmp_path, columns={"reference_answer": "a.x"}, name="mine").rows()
    with pytest.raises(SourceError, match=rf"source mine: .*\['a\.x'\].*{name}' has \['q'\]"):
        next(rows)


@pytest.mark.parametrize("option", [{"where": {"z": [1]}}, {"keep": ["z"]}, {"prompt": "{q} {z}"}])
def test_every_option_that_names_a_column_is_checked(tmp_path: Path, option: Row) -> None:
    with pytest.raises(SourceError, match=r"\['z'\]"):
        next(source(jsonl(tmp_path, {"q": "one"}), **option).rows())


def test_a_missing_file_is_an_error_that_names_source_and_path(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"source mine: path: .*nowhere"):
        source(tmp_path / "nowhere").files()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "poetry"}, "kind"),
        ({"columns": {"difficulty": {"column": "d", "values": {"1": "tough"}}}}, "tough"),
        ({"columns": {"response": "r"}}, "who wrote it"),
        ({"columns": {"response": "r", "teacher": "t"}, "teacher": "R1"}, "remove one"),
        ({"keep": ["difficulty"]}, "rename"),
        ({"keep": ["x"], "metadata": {"x": 1}}, "rename"),
        ({"columns": {"promt": "x"}}, "promt"),
        ({"every": 0}, "every"),
        ({"licence": ""}, "licence"),
    ],
)
def test_options_that_cannot_be_meant_are_an_error(options: Row, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        source("a.jsonl", **options)


def test_a_recipe_takes_the_source_as_toml_writes_it(tmp_path: Path) -> None:
    options = {
        "source": "local_files",
        "name": "mine",
        "licence": "MIT",
        "revision": "r1",
        "path": str(jsonl(tmp_path, {"q": "one"})),
        "kind": "math",
        "columns": {"prompt": "q"},
    }
    recipe = Recipe.model_validate({"sources": [options], "distill": {"rounds": 0}})
    assert isinstance(recipe.sources[0], LocalFiles)
