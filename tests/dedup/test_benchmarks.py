from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from dedup.benchmarks import COLUMNS, Benchmarks


def jsonl(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def found(benchmarks: Benchmarks) -> list[tuple[str, str, str]]:
    return [(t.benchmark, t.item, t.text) for t in benchmarks.texts]


def test_jsonl_zst_and_parquet_give_the_same_items(tmp_path: Path) -> None:
    rows = [{"problem": "Was ist 2+2?", "id": 7}, {"problem": "求和", "id": None}]
    plain = jsonl(tmp_path / "a.jsonl", *rows)
    packed = tmp_path / "b.jsonl.zst"
    packed.write_bytes(zstandard.compress(plain.read_bytes()))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "c.parquet")
    items = [("7", "Was ist 2+2?"), ("1", "求和")]
    for path, name in ((plain, "a"), (packed, "b"), (tmp_path / "c.parquet", "c")):
        assert found(Benchmarks.load([path])) == [(name, *item) for item in items]


@pytest.mark.parametrize("at", range(len(COLUMNS)))
def test_the_first_column_of_the_rule_that_is_there_is_read(tmp_path: Path, at: int) -> None:
    row = {column: f"text of {column}" for column in reversed(COLUMNS[at:])}
    path = jsonl(tmp_path / "b.jsonl", row)
    assert found(Benchmarks.load([path])) == [("b", "0", f"text of {COLUMNS[at]}")]


def test_another_column_can_be_named(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "b.jsonl", {"problem": "no", "statement": "yes"})
    assert found(Benchmarks.load([path], column="statement")) == [("b", "0", "yes")]


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"task_id": "HumanEval/3", "id": 1, "unique_id": "u"}, "HumanEval/3"),
        ({"id": 0, "unique_id": "u"}, "0"),
        ({"unique_id": "u"}, "u"),
        ({}, "1"),
    ],
)
def test_an_item_is_named_by_its_first_id_or_row(
    tmp_path: Path, row: dict[str, Any], name: str
) -> None:
    path = jsonl(tmp_path / "b.jsonl", {"prompt": "first"}, {"prompt": "x", **row})
    assert Benchmarks.load([path]).texts[1].item == name


def test_each_turn_is_a_text_of_the_same_item(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "b.jsonl", {"turns": ["first", "second"]})
    assert found(Benchmarks.load([path])) == [("b", "0", "first"), ("b", "0", "second")]


def test_of_messages_the_users_turns_are_read(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    path = jsonl(tmp_path / "b.jsonl", {"prompt": messages})
    assert found(Benchmarks.load([path])) == [("b", "0", "hi")]


def test_rows_without_text_are_counted(tmp_path: Path) -> None:
    rows = [{"prompt": " "}, {"prompt": None}, {"other": 1}, {"prompt": "x"}]
    loaded = Benchmarks.load([jsonl(tmp_path / "b.jsonl", *rows)])
    assert found(loaded) == [("b", "3", "x")]
    assert loaded.without_text == {"b": 3}


def test_a_folder_is_read_at_any_depth_in_order_of_names(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    jsonl(tmp_path / "deep" / "z.jsonl", {"prompt": "1"})
    jsonl(tmp_path / "y.jsonl", {"prompt": "2"})
    (tmp_path / "README.md").write_text("not a benchmark")
    assert [t.benchmark for t in Benchmarks.load([tmp_path]).texts] == ["z", "y"]


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "b.jsonl", {"prompt": "1"})
    assert len(Benchmarks.load([tmp_path, path]).texts) == 1


def test_a_file_without_a_known_column_is_an_error_that_names_the_remedy(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "b.jsonl", {"statement": "x", "label": 1})
    with pytest.raises(ValueError, match=r"b\.jsonl has no column .*only statement, label.*--col"):
        Benchmarks.load([path])
    pq.write_table(pa.table({"statement": ["x"]}), tmp_path / "c.parquet")
    with pytest.raises(ValueError, match=r"c\.parquet has no column .*only statement"):
        Benchmarks.load([tmp_path / "c.parquet"])


def test_other_broken_input_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Benchmarks.load([tmp_path / "nowhere"])
    with pytest.raises(ValueError, match="holds no"):
        Benchmarks.load([tmp_path])
    with pytest.raises(ValueError, match=r"row 0, column prompt: expected text.*got int"):
        Benchmarks.load([jsonl(tmp_path / "number.jsonl", {"prompt": 3})])
    with pytest.raises(ValueError, match="no text in column prompt"):
        Benchmarks.load([jsonl(tmp_path / "empty.jsonl", {"prompt": ""})])
    with pytest.raises(ValueError, match="line 1: expected an object, got list"):
        Benchmarks.load([jsonl(tmp_path / "list.jsonl", [1])])
    (tmp_path / "torn.jsonl").write_text('{"prompt": "x"}\n{"prom')
    with pytest.raises(ValueError, match=r"torn\.jsonl, line 2: not JSON"):
        Benchmarks.load([tmp_path / "torn.jsonl"])
    (tmp_path / "a.csv").write_text("prompt\nx\n")
    with pytest.raises(ValueError, match=r"a\.csv is no \.jsonl"):
        Benchmarks.load([tmp_path / "a.csv"])


def test_two_files_of_one_name_are_an_error(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        jsonl(tmp_path / folder / "test.jsonl", {"prompt": folder})
    with pytest.raises(ValueError, match=r"would both be 'test'; rename one"):
        Benchmarks.load([tmp_path])
