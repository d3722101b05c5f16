"""Reads files of rows, one row at a time: JSONL (plain, .zst, .gz), CSV and Parquet.

For example `questions.jsonl`, whose second line is broken::

    {"question": "What is 2 + 2?", "answer": "4"}
    {"question": "What is 3 + 3?", "answ

gives `Raw(0, {…})` and `Broken(1, "malformed", …)`: a broken row is handed on as such and
reading goes on, a broken file raises SourceError. No file is ever held in memory, and no
row of a text file beyond `max_bytes`. Says nothing about what the columns mean.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import SourceError

BATCH_ROWS = 256  # of a Parquet file in memory at once
PEEK_ROWS = 1_000  # of a JSONL file that say which columns it has
SURROGATE = re.compile("[\ud800-\udfff]")
COMPRESSION = {".jsonl": None, ".jsonl.zst": "zstd", ".jsonl.gz": "gzip", ".csv": None}


@dataclass(frozen=True, slots=True)
class Raw:
    """A row as it stands in its file; `place` counts from 0."""

    place: int
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that cannot be read; `content` is what it held, bounded."""

    place: int
    reason: str
    content: str


@dataclass(frozen=True, slots=True)
class Overlong:
    """A line beyond the limit: its start and the hash of all of it."""

    start: bytes
    digest: str


def find_files(path: Path) -> list[Path]:
    """Return the file, or those of a folder in the order of their paths, at any depth.

    Raises SourceError where there is none whose extension is known.
    """
    if path.is_file():
        if _extension(path) is None:
            _fail(path, f"extension must be one of {', '.join(READERS)}", "convert it")
        return [path]
    if not path.is_dir():
        _fail(path, "must be a file or a folder that exists", "correct it or fetch the data")
    inside = (file for file in path.rglob("*") if file.is_file())
    found = sorted(file for file in inside if _extension(file) and file.name[0] not in "._")
    if not found:
        _fail(path, f"has no file with an extension among {', '.join(READERS)}", "correct it")
    return found


def columns_of(path: Path, max_bytes: int) -> set[str] | None:
    """Return the columns of a file, for JSONL those of its first rows; None where it has no row."""
    if _extension(path) == ".parquet":
        return set(_open_parquet(path).schema_arrow.names)
    rows = islice(read_rows(path, max_bytes), PEEK_ROWS)
    return {name for row in rows if isinstance(row, Raw) for name in row.value} or None


def read_rows(path: Path, max_bytes: int, columns: Iterable[str] = ()) -> Iterator[Raw | Broken]:
    """Yield a file's rows in order; of a Parquet file only `columns`, where any are given."""
    extension = _extension(path)
    assert extension is not None, path  # find_files has seen to it
    yield from READERS[extension](path, max_bytes, sorted(set(columns)))


def _extension(path: Path) -> str | None:
    return next((known for known in READERS if path.name.endswith(known)), None)


def _fail(path: Path, rule: str, remedy: str) -> NoReturn:
    raise SourceError(f"path: {rule}, got {str(path)!r}; {remedy}")


def _read_jsonl(path: Path, max_bytes: int, _: list[str]) -> Iterator[Raw | Broken]:
    for place, line in enumerate(_lines(path, max_bytes)):
        if isinstance(line, Overlong) or line.strip():
            yield _parse_line(place, line)


def _parse_line(place: int, line: bytes | Overlong) -> Raw | Broken:
    if isinstance(line, Overlong):
        return _overlong(place, line)
    text = line.decode("utf-8", "surrogateescape").strip()
    if SURROGATE.search(text):
        return Broken(place, "invalid_unicode", text)
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return Broken(place, "malformed", text)
    return Raw(place, value) if isinstance(value, dict) else Broken(place, "malformed", text)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _overlong(place: int, line: Overlong) -> Broken:
    start = line.start.decode("utf-8", "replace")
    return Broken(place, "line_too_long", f"{start}… (blake2b {line.digest})")


def _lines(path: Path, max_bytes: int) -> Iterator[bytes | Overlong]:
    """Yield a file's lines, uncompressed; the blank ones too, so that places are line numbers."""
    extension = _extension(path)
    try:
        with pa.input_stream(str(path), compression=COMPRESSION[str(extension)]) as stream:
            buffered = io.BufferedReader(stream, 1 << 20)
            start = buffered.readline(max_bytes + 1).removeprefix(b"\xef\xbb\xbf")
            while start:
                whole = len(start) <= max_bytes or start.endswith(b"\n")
                yield start if whole else _skip_line(buffered, start)
                start = buffered.readline(max_bytes + 1)
    except OSError as error:
        _fail(path, f"cannot be read to its end ({error})", "fetch it again")


def _skip_line(stream: io.BufferedReader, start: bytes) -> Overlong:
    digest, part = hashlib.blake2b(start, digest_size=16), start
    while part and not part.endswith(b"\n"):
        part = stream.readline(1 << 20)
        digest.update(part)
    return Overlong(start[:200], digest.hexdigest())


class _TextLines:
    """A CSV file's lines as the csv module wants them; `taken` are those since the last record."""

    def __init__(self, lines: Iterator[bytes | Overlong]) -> None:
        self.lines, self.taken = lines, list[str]()
        self.overlong: Overlong | None = None

    def __iter__(self) -> _TextLines:
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        if isinstance(line, Overlong):
            self.overlong = line
            raise csv.Error("line too long")
        self.taken.append(line.decode("utf-8", "surrogateescape"))
        return self.taken[-1]

    def broken(self, place: int) -> Broken:
        """Return the record that could not be read."""
        if self.overlong is not None:
            long, self.overlong = self.overlong, None
            return _overlong(place, long)
        return Broken(place, "malformed", "".join(self.taken)[:10_000])


def _read_csv(path: Path, max_bytes: int, _: list[str]) -> Iterator[Raw | Broken]:
    # The csv module knows only one limit for the whole process; it bounds a quote never closed.
    csv.field_size_limit(max_bytes)
    lines = _TextLines(_lines(path, max_bytes))
    records = csv.reader(lines, strict=True)
    header = _next_record(records, lines, 0)
    if isinstance(header, Broken) or len(set(header or [])) != len(header or []):
        _fail(path, "must begin with a line of different column names", "correct its first line")
    place = 0
    while (record := _next_record(records, lines, place)) is not None:
        if record:
            yield _csv_row(place, record, header or [], lines)
            place += 1


def _next_record(
    records: Iterator[list[str]], lines: _TextLines, place: int
) -> list[str] | Broken | None:
    lines.taken.clear()
    try:
        return next(records, None)
    except csv.Error:
        return lines.broken(place)


def _csv_row(
    place: int, record: list[str] | Broken, header: list[str], lines: _TextLines
) -> Raw | Broken:
    if isinstance(record, Broken):
        return record
    text = "".join(lines.taken)
    if SURROGATE.search(text):
        return Broken(place, "invalid_unicode", text)
    if len(record) != len(header):
        return Broken(place, "malformed", text)
    return Raw(place, dict(zip(header, record, strict=True)))


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        # Arrow's default fetches all row groups ahead: 45 MB in memory for a file of 40 MB,
        # 4.7 MB in this way (20,000 rows in 10 row groups, pyarrow 26).
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16)
    except (pa.ArrowException, OSError) as error:
        _fail(path, f"cannot be read as Parquet ({error})", "fetch it again")


def _read_parquet(path: Path, _: int, columns: list[str]) -> Iterator[Raw | Broken]:
    file = _open_parquet(path)
    place = 0
    try:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=columns or None):
            yield from _batch_rows(batch, place)
            place += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        _fail(path, f"cannot be read beyond row {place} ({error})", "fetch it again")


def _batch_rows(batch: pa.RecordBatch, first: int) -> Iterator[Raw | Broken]:
    """Yield a batch's rows; where one holds bytes that aren't UTF-8, one at a time."""
    try:
        yield from (Raw(first + i, row) for i, row in enumerate(batch.to_pylist()))
    except UnicodeDecodeError:
        yield from (_single_row(batch.slice(i, 1), first + i) for i in range(batch.num_rows))


def _single_row(row: pa.RecordBatch, place: int) -> Raw | Broken:
    try:
        return Raw(place, row.to_pylist()[0])
    except UnicodeDecodeError as error:
        return Broken(place, "invalid_unicode", error.object.decode("utf-8", "surrogateescape"))


READERS: dict[str, Callable[[Path, int, list[str]], Iterator[Raw | Broken]]] = {
    ".jsonl": _read_jsonl,
    ".jsonl.zst": _read_jsonl,
    ".jsonl.gz": _read_jsonl,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}
