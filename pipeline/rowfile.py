"""The files of the stand-alone commands: JSONL, JSONL.zst or Parquet, by extension.

One row of an input of `verify`::

    {"id": "q1", "answer": "<think>…</think>42", "reference_answer": "42"}

Rows stream: neither reading nor writing holds a file in memory.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from pipeline.errors import InputError
from pipeline.store import writing

BATCH_ROWS = 1_024
Row = Mapping[str, Any]
Write = Callable[[Row], None]


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that is no JSON object; `error` says why."""

    line: int
    error: str


def read_rows(path: Path) -> Iterator[dict[str, Any] | Broken]:
    """Return a file's rows in order; raises InputError where it is missing or no such file."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.name.endswith((".jsonl", ".jsonl.zst")):
        return _read_lines(path)
    if path.suffix == ".parquet":
        return _read_parquet(path)
    raise InputError(f"{path}: must end in .jsonl, .jsonl.zst or .parquet")


def _read_lines(path: Path) -> Iterator[dict[str, Any] | Broken]:
    with open_binary(path) as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _parse(number, line)
        except zstandard.ZstdError as error:
            raise InputError(f"{path}: is not whole zstd data ({error})") from None


@contextlib.contextmanager
def open_binary(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading lines, decompressed where its name says `.zst`."""
    with path.open("rb") as file:
        if path.suffix == ".zst":
            frames = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
            yield io.BufferedReader(frames)
        else:
            yield file


def _parse(number: int, line: bytes) -> dict[str, Any] | Broken:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Broken(number, f"line {number} is not JSON: {error}"[:300])
    if not isinstance(row, dict):
        return Broken(number, f"line {number} is no JSON object")
    return row


def _read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        # With pre_buffer (the default) pyarrow 26 holds the whole file: 45 MB for one of 40.
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=64 << 10)
        for batch in file.iter_batches(BATCH_ROWS):
            yield from batch.to_pylist()
    except (pa.ArrowInvalid, pa.ArrowIOError) as error:
        raise InputError(f"{path}: is not a whole Parquet file ({error})") from None


@contextlib.contextmanager
def row_writer(path: Path, schema: pa.Schema) -> Iterator[Write]:
    """Give a function that writes rows; the file appears when the block ends well.

    In Parquet, values that the schema calls a string and that are none become JSON text.
    """
    if not path.name.endswith((".jsonl", ".jsonl.zst", ".parquet")):
        raise InputError(f"{path}: must end in .jsonl, .jsonl.zst or .parquet")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder")
    writer = _parquet_writer if path.suffix == ".parquet" else _line_writer
    _sweep(path)
    with writing(path.parent), _temporary(path) as temporary:
        with writer(temporary, path.suffix == ".zst", schema) as write:
            yield write
        temporary.replace(path)


@contextlib.contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Give the name of a file beside `path` that is locked as long as this process writes it."""
    name = path.parent / f".{path.name}.{os.getpid()}.tmp"
    with name.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield name
        finally:
            with contextlib.suppress(OSError):
                name.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove what processes that were killed have left beside `path`: nobody holds its lock.

    A file that another one has just made and not yet locked would go too; its writer would
    then fail at the end, loudly.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        with contextlib.suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


@contextlib.contextmanager
def _line_writer(path: Path, squeezed: bool, _: pa.Schema) -> Iterator[Write]:
    with path.open("wb") as file, contextlib.ExitStack() as stack:
        out: Any = file
        if squeezed:
            out = stack.enter_context(zstandard.ZstdCompressor().stream_writer(file, closefd=False))
        yield lambda row: out.write(_line(row))


def _line(row: Row) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


@contextlib.contextmanager
def _parquet_writer(path: Path, _: bool, schema: pa.Schema) -> Iterator[Write]:
    waiting: list[Row] = []
    texts = {field.name for field in schema if pa.types.is_string(field.type)}
    with pq.ParquetWriter(path, schema, compression="zstd") as file:

        def write(row: Row) -> None:
            waiting.append({k: _text(v) if k in texts else v for k, v in row.items()})
            if len(waiting) >= BATCH_ROWS:
                flush()

        def flush() -> None:
            file.write_table(pa.Table.from_pylist(waiting, schema=schema))
            waiting.clear()

        yield write
        flush()


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
