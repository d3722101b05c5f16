"""The files of the stand-alone commands: JSONL, JSONL.zst or Parquet, by extension.

One row of an input of `verify`::

    {"id": "q1", "answer": "<think>…</think>42", "reference_answer": "42"}

Rows stream: neither reading nor writing holds a file in memory.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from pipeline.errors import InputError
from pipeline.store import writing
from pipeline.temporary import sweep, temporary_file

BATCH_ROWS = 1_024
UNPACKED = 1 << 16  # bytes read at once by whoever splits into lines
PIECE = 4_096  # bytes unpacked at once: a hostile piece, all of it runs, becomes 128 MB (reckoned)
SURROGATES = "backslashreplace"  # lone ones become what JSON writes for them: \\ud800
MOST = 1 << 63  # beyond the largest whole number that Parquet has a type for
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
        yield io.BufferedReader(_Unpacked(file), UNPACKED) if path.suffix == ".zst" else file


class _Unpacked(io.RawIOBase):
    """What a zstd file holds; raises ZstdError where its last frame is cut off.

    The package's own reader takes a file that is cut off for one that ends there.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._ready = memoryview(b"")
        self._frame: Any = zstandard.ZstdDecompressor().decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and (piece := self._file.read(PIECE)):
            self._ready = memoryview(self._unpack(piece))
        if not self._ready and self._frame is not None:
            raise zstandard.ZstdError("it ends in the middle of a frame")
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _unpack(self, piece: bytes) -> bytes:
        """Return what a piece of the file holds, of whatever frames."""
        parts = []
        while piece:
            frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
            parts.append(frame.decompress(piece))
            self._frame = None if frame.eof else frame
            piece = frame.unused_data if frame.eof else b""
        return b"".join(parts)


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
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: holds text that is not UTF-8 ({error})") from None


def checked_id(value: Any, place: str) -> str | int:
    """Return an id that any of the files can hold; raises InputError for another."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InputError(f"{place}: id: must be a string or a whole number, got {value!r:.40}")
    if isinstance(value, str) and not is_unicode(value):
        raise InputError(f"{place}: id: must be Unicode text, got {value!r:.40}")
    if isinstance(value, int) and not -MOST <= value < MOST:
        raise InputError(f"{place}: id: must fit 64 bits, got {value!r:.40}; make it a string")
    return value


def is_unicode(text: str) -> bool:
    """Return whether a text is without lone surrogates, which JSON can smuggle in."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


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
    sweep(path)
    with writing(path.parent), temporary_file(path) as temporary:
        with writer(temporary, path.suffix == ".zst", schema) as write:
            yield write
        temporary.replace(path)


@contextlib.contextmanager
def _line_writer(path: Path, squeezed: bool, _: pa.Schema) -> Iterator[Write]:
    with path.open("wb") as file, contextlib.ExitStack() as stack:
        out: Any = file
        if squeezed:
            out = stack.enter_context(zstandard.ZstdCompressor().stream_writer(file, closefd=False))
        yield lambda row: out.write(_line(row))


def _line(row: Row) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode("utf-8", SURROGATES) + b"\n"


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
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", SURROGATES).decode("utf-8")
