"""What becomes of files: whole, broken in a row, broken altogether."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipeline.errors import SourceError
from pipeline.sources.local_reading import Broken, Raw, columns_of, find_files, read_rows

MB = 1 << 20


def rows_of(path: Path, limit: int = MB, **rest: Any) -> list[Raw | Broken]:
    return list(read_rows(path, limit, **rest))


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def reasons(rows: list[Raw | Broken]) -> list[str]:
    return [row.reason if isinstance(row, Broken) else "" for row in rows]


LINES = b'{"q": "one"}\n{"q": "two"}\n'
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "a.jsonl": lambda data: data,
    "a.jsonl.zst": lambda data: zstandard.ZstdCompressor().compress(data),
    "a.jsonl.gz": gzip.compress,
}


@pytest.mark.parametrize("name", PACKERS)
def test_jsonl_reads_the_same_in_every_packing(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name, PACKERS[name](LINES))
    assert rows_of(path) == [Raw(0, {"q": "one"}), Raw(1, {"q": "two"})]


def test_several_zstd_frames_are_one_file(tmp_path: Path) -> None:
    pack = PACKERS["a.jsonl.zst"]
    path = written(tmp_path, "a.jsonl.zst", pack(LINES[:13]) + pack(LINES[13:]))
    assert len(rows_of(path)) == 2


@pytest.mark.parametrize("name", ["a.jsonl.zst", "a.jsonl.gz"])
def test_a_truncated_packing_is_an_error_and_not_a_short_file(tmp_path: Path, name: str) -> None:
    lines = b"".join(b'{"q": "%d"}\n' % (i * 7919) for i in range(5_000))
    path = written(tmp_path, name, PACKERS[name](lines)[:-20])
    with pytest.raises(SourceError, match="cannot be read to its end"):
        rows_of(path)


def test_a_file_with_the_wrong_packing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        rows_of(written(tmp_path, "a.jsonl.zst", LINES))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_an_empty_file_has_no_rows(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name, b"")
    assert rows_of(path) == []
    assert columns_of(path, MB) is None


def test_a_last_line_without_a_newline_counts(tmp_path: Path) -> None:
    assert len(rows_of(written(tmp_path, "a.jsonl", LINES.rstrip()))) == 2


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    assert reasons(rows_of(written(tmp_path, "a.jsonl", b"\xef\xbb\xbf" + LINES))) == ["", ""]
    table = written(tmp_path, "a.csv", b"\xef\xbb\xbfq\none\n")
    assert rows_of(table) == [Raw(0, {"q": "one"})]


def test_blank_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    rows = rows_of(written(tmp_path, "a.jsonl", b'\n{"q": 1}\r\n  \n{"q": 2}\n'))
    assert [row.place for row in rows] == [1, 3]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"q": "cut of', "malformed"),
        (b"[1, 2]", "malformed"),
        (b'"text"', "malformed"),
        (b'{"q": NaN}', "malformed"),
        (b"[" * 100_000, "malformed"),
        (b'{"q": ' + b"9" * 5_000 + b"}", "malformed"),
        (b'{"q": "\xff"}', "invalid_unicode"),
        (b'{"q": "\xed\xa0\x80"}', "invalid_unicode"),
    ],
)
def test_a_broken_line_is_handed_on_and_reading_goes_on(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    rows = rows_of(written(tmp_path, "a.jsonl", LINES[:13] + line + b"\n" + LINES[13:]))
    assert reasons(rows) == ["", reason, ""]
    assert rows[2] == Raw(2, {"q": "two"})


def test_a_line_at_the_limit_is_read_and_one_beyond_is_not(tmp_path: Path) -> None:
    exact = b'{"q": "%s"}' % (b"x" * 91)
    path = written(tmp_path, "a.jsonl", exact + b"\n" + exact + b" \n" + LINES)
    assert reasons(rows_of(path, limit=len(exact))) == ["", "line_too_long", "", ""]


def test_overlong_lines_with_one_start_differ_by_what_follows(tmp_path: Path) -> None:
    start = b"x" * 5_000
    path = written(tmp_path, "a.jsonl", start + b"a\n" + start + b"b\n" + start + b"a")
    first, second, third = rows_of(path, limit=100)
    assert isinstance(first, Broken) and isinstance(second, Broken) and isinstance(third, Broken)
    assert first.content != second.content
    assert len(first.content) < 1_000


def test_an_overlong_line_is_never_held_in_memory(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", b"x" * (40 * MB) + b"\n" + LINES)
    tracemalloc.start()
    try:
        assert reasons(rows_of(path, limit=1_000)) == ["line_too_long", "", ""]
        assert tracemalloc.get_traced_memory()[1] < 8 * MB
    finally:
        tracemalloc.stop()


def test_csv_quotes_may_hold_commas_quotes_and_newlines(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", b'q,a\n"one, ""two""\nthree",4\n')
    assert rows_of(path) == [Raw(0, {"q": 'one, "two"\nthree', "a": "4"})]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"one,two,three", "malformed"),
        (b"one", "malformed"),
        (b'"one" x,two', "malformed"),
        (b"\xff,two", "invalid_unicode"),
        (b"%s,two" % (b"x" * 2_000), "line_too_long"),
    ],
)
def test_a_broken_csv_record_is_handed_on_and_reading_goes_on(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    path = written(tmp_path, "a.csv", b"q,a\n1,2\n" + line + b"\n3,4\n")
    rows = rows_of(path, limit=1_000)
    assert reasons(rows) == ["", reason, ""]
    assert rows[2] == Raw(2, {"q": "3", "a": "4"})


def test_a_csv_quote_that_never_closes_is_bounded(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", b'q,a\n"open,2\n' + b"3,4\n" * 2_000)
    rows = rows_of(path, limit=1_000)
    assert reasons(rows[:1]) == ["malformed"]
    assert rows[-1] == Raw(len(rows) - 1, {"q": "3", "a": "4"})


def test_csv_columns_of_one_name_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="different column names"):
        rows_of(written(tmp_path, "a.csv", b"q,q\n1,2\n"))


def test_parquet_reads_only_the_columns_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"q": ["one"], "big": ["x"]}), path)
    assert rows_of(path, columns=["q"]) == [Raw(0, {"q": "one"})]


def test_parquet_numbers_its_rows_across_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"q": list(range(1_000))}), path, row_group_size=100)
    assert [(row.place, row.value["q"]) for row in rows_of(path) if isinstance(row, Raw)] == [
        (n, n) for n in range(1_000)
    ]


def test_a_parquet_row_that_is_not_utf8_is_the_only_one_lost(tmp_path: Path) -> None:
    offsets = b"".join(n.to_bytes(4, "little") for n in (0, 3, 5, 8))
    text = pa.StringArray.from_buffers(3, pa.py_buffer(offsets), pa.py_buffer(b"one\xff\xfetwo"))
    pq.write_table(pa.table({"q": text}), tmp_path / "a.parquet")
    rows = rows_of(tmp_path / "a.parquet")
    assert reasons(rows) == ["", "invalid_unicode", ""]
    assert rows[2] == Raw(2, {"q": "two"})


@pytest.mark.parametrize("cut", [0, 4, -1, -30])
def test_a_truncated_parquet_is_an_error(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"q": ["one", "two"]}), path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(SourceError, match=r"a\.parquet'; fetch it again"):
        columns_of(path, MB)


def test_a_parquet_with_damaged_pages_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"q": ["one", "two"]}), path)
    data = path.read_bytes()
    path.write_bytes(data[:4] + bytes(30) + data[34:])
    with pytest.raises(SourceError, match="cannot be read beyond row 0"):
        rows_of(path)


def test_a_missing_path_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"that exists, got '.*nowhere\.jsonl'"):
        find_files(tmp_path / "nowhere.jsonl")


def test_an_unknown_extension_is_an_error_that_lists_the_known(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", json.dumps([]).encode())
    with pytest.raises(SourceError, match=r"one of \.jsonl, .*\.parquet, got '.*a\.json'"):
        find_files(path)


def test_a_folder_gives_its_known_files_in_order_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/2.jsonl", "a.csv", "README.md", ".hidden.jsonl", "_SUCCESS.csv"):
        written(tmp_path, name, b"")
    found = [path.relative_to(tmp_path).as_posix() for path in find_files(tmp_path)]
    assert found == ["a.csv", "b/2.jsonl"]


def test_a_folder_without_known_files_is_an_error(tmp_path: Path) -> None:
    written(tmp_path, "README.md", b"")
    with pytest.raises(SourceError, match="has no file with an extension"):
        find_files(tmp_path)
