"""Files that no command can take: each is refused by name, and nothing is written."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipeline.__main__ import main
from pipeline.rowfile import Broken, read_rows, row_writer

ROW = b'{"id": "a", "text": "x"}\n'
SCHEMA = pa.schema([("id", pa.string())])


def refused(path: Path, capsys: pytest.CaptureFixture[str], command: str = "deduplicate") -> str:
    """Return what a command says of a file that it refuses."""
    out, items = path.parent / "out.jsonl", path.parent / "items.jsonl"
    items.write_text('{"question": "What is the longest river of Austria?"}\n', encoding="utf-8")
    rest = ["--exact"]
    if command == "decontaminate":
        rest = ["--no-semantic", "--benchmarks", str(items)]
    assert main([command, str(path), str(out), *rest]) == 2
    assert not out.exists()
    return capsys.readouterr().err


@pytest.mark.parametrize("command", ["deduplicate", "decontaminate"])
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("in.jsonl", bytes(range(128, 256)), "line 1 is not JSON"),
        ("in.jsonl", ROW + b"hello\n", "line 2 is not JSON"),
        ("in.jsonl", b"[" * 100_000, "line 1 is not JSON"),
        ("in.jsonl", b'{"name": "a"}\n', "row 1"),
        ("in.jsonl", b'{"id": 1.5, "text": "x"}\n', "id: must be a string or a whole number"),
        ("in.jsonl", b'{"id": true, "text": "x"}\n', "id: must be a string or a whole number"),
        ("in.jsonl", b'{"id": 9223372036854775808, "text": "x"}\n', "id: must fit 64 bits"),
        ("in.jsonl", b'{"id": "\\udfff", "text": "x"}\n', "id: must be Unicode"),
        ("in.jsonl", b'{"id": "a", "text": "x \\ud800"}\n', "text: must be Unicode"),
        ("in.parquet", b"", "is not a whole Parquet file"),
        ("in.jsonl.zst", b"", "is not whole zstd data"),
        ("in.jsonl.zst", zstandard.compress(ROW * 9)[:-3], "is not whole zstd data"),
        ("in.jsonl.zst", zstandard.compress(ROW) + b"more", "is not whole zstd data"),
    ],
)
def test_a_file_that_is_none_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    name: str,
    content: bytes,
    said: str,
) -> None:
    (tmp_path / name).write_bytes(content)
    assert said in refused(tmp_path / name, capsys, command)


@pytest.mark.parametrize("command", ["deduplicate", "decontaminate"])
def test_parquet_text_that_is_no_unicode_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    _, offsets, data = pa.array([b"caf\xe9"], pa.binary()).buffers()
    text = pa.StringArray.from_buffers(1, offsets, data)
    pq.write_table(pa.table({"id": ["a"], "text": text}), tmp_path / "in.parquet")
    assert "is not UTF-8" in refused(tmp_path / "in.parquet", capsys, command)


FLOATS = pa.list_(pa.float32())


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (pa.array([[1.0, 0.0], [1.0, 2.0, 3.0, 4.0]], FLOATS), "as many numbers in every row"),
        (pa.array([[], []], FLOATS), "as many numbers in every row"),
        (pa.array([[1.0, 0.0], None], FLOATS), "a list of float16 or float32"),
        (pa.array([[1, 0], [0, 1]], pa.list_(pa.int64())), "a list of float16 or float32"),
        (pa.array(["x", "y"]), "a list of float16 or float32"),
        (pa.array([1.0, 2.0]), "a list of float16 or float32"),
        (pa.array([[1.0, float("nan")], [0.0, 1.0]], FLOATS), "must be finite"),
        (pa.array([[3e38, 3e38], [0.0, 1.0]], FLOATS), "is too long for float32"),
    ],
)
def test_parquet_vectors_that_are_none_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], vectors: pa.Array, said: str
) -> None:
    table = pa.table({"id": ["a", "b"], "vector": vectors})
    pq.write_table(table, tmp_path / "in.parquet")
    assert said in refused(tmp_path / "in.parquet", capsys)


@pytest.mark.parametrize(
    "vector", ["abc", [], [[1.0, 0.0]], ["x"], [True, False], [1, None], [[1], [2, 3]], {"a": 1}]
)
def test_a_vector_in_jsonl_must_be_a_list_of_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], vector: Any
) -> None:
    row = {"id": "a", "text": "x", "vector": vector}
    (tmp_path / "in.jsonl").write_text(json.dumps(row), encoding="utf-8")
    assert "row 1: vector: must be a list of numbers" in refused(tmp_path / "in.jsonl", capsys)


@pytest.mark.parametrize("priority", ["NaN", "Infinity", "1" + "0" * 400, '"high"', "[1]"])
def test_a_priority_must_be_a_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], priority: str
) -> None:
    line = f'{{"id": "a", "text": "x", "priority": {priority}}}\n'
    (tmp_path / "in.jsonl").write_text(line, encoding="utf-8")
    assert "row 1: priority: must be a number" in refused(tmp_path / "in.jsonl", capsys)


@pytest.mark.parametrize("size", [1, 70_000])
def test_all_frames_of_a_zstd_file_are_read(tmp_path: Path, size: int) -> None:
    rows = [{"id": k, "text": "x" * size} for k in range(3)]
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    packed = b"".join(map(zstandard.compress, lines))
    (tmp_path / "in.jsonl.zst").write_bytes(packed)
    assert list(read_rows(tmp_path / "in.jsonl.zst")) == rows


def test_a_frame_that_does_not_say_how_long_it_is_is_read(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(packed, closefd=False) as file:
        for _ in range(50_000):
            file.write(ROW)
    (tmp_path / "in.jsonl.zst").write_bytes(packed.getvalue())
    rows = list(read_rows(tmp_path / "in.jsonl.zst"))
    assert len(rows) == 50_000
    assert not any(isinstance(row, Broken) for row in rows)


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.zst"])
def test_a_lone_surrogate_comes_back_from_json_as_it_was(tmp_path: Path, name: str) -> None:
    with row_writer(tmp_path / name, SCHEMA) as write:
        write({"id": "a \ud800"})
    assert list(read_rows(tmp_path / name)) == [{"id": "a \ud800"}]


def test_a_lone_surrogate_is_spelled_out_in_parquet(tmp_path: Path) -> None:
    with row_writer(tmp_path / "out.parquet", SCHEMA) as write:
        write({"id": "a \ud800"})
    assert list(read_rows(tmp_path / "out.parquet")) == [{"id": r"a \ud800"}]
