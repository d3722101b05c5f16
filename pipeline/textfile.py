"""The input of `deduplicate`: ids with texts, vectors or both, in one of the row files.

    {"id": "q1", "text": "What is 2+2?", "priority": 3}
    {"id": "q2", "vector": [0.1, 0.9]}

All rows are held as columns, vectors as one array: what is compared with everything has
to be there. Vectors of Parquet files go from Arrow to numpy without a Python object each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.rowfile import MOST, Broken, checked_id, is_unicode, read_rows

Array = np.ndarray[Any, Any]


@dataclass(slots=True)
class Texts:
    """Rows as parallel columns; `vectors` are unit rows (n, d), or None where no row has one."""

    path: Path
    ids: list[Any] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)
    priorities: list[float] = field(default_factory=list)
    vectors: Array | None = None


def read_texts(path: Path) -> Texts:
    """Read a file of texts and vectors; raises InputError naming the row that is wrong."""
    found = Texts(path)
    parts: list[Array] = []
    rows = _parquet_rows(path, parts) if path.suffix == ".parquet" else read_rows(path)
    for number, row in enumerate(rows, start=1):
        if isinstance(row, Broken):
            raise InputError(f"{path}: {row.error}")
        _add(found, parts, row, f"{path}: row {number}")
    if parts:
        found.vectors = _unit(path, parts, len(found.ids))
    return found


def _add(found: Texts, parts: list[Array], row: dict[str, Any], place: str) -> None:
    text, vector, priority = row.get("text"), row.get("vector"), row.get("priority")
    if row.get("id") is None:
        raise InputError(f"{place}: id: is missing")
    if text is not None and not isinstance(text, str):
        raise InputError(f"{place}: text: must be a string, got {type(text).__name__}")
    if text is not None and not is_unicode(text):
        raise InputError(f"{place}: text: must be Unicode, got a lone surrogate")
    if text is None and vector is None:
        raise InputError(f"{place}: must have a text or a vector, has neither")
    found.ids.append(checked_id(row["id"], place))
    found.texts.append(text)
    found.priorities.append(_priority(priority, place))
    if vector is not None and vector is not IN_PARTS:
        parts.append(_row_vector(vector, place))


def _priority(value: Any, place: str) -> float:
    """Return a priority, 0 where there is none."""
    number = value or 0
    if not isinstance(number, (int, float)) or not abs(number) < MOST:
        raise InputError(f"{place}: priority: must be a number below 2^63, got {value!r:.40}")
    return number


def _row_vector(value: Any, place: str) -> Array:
    """Return a list of numbers as one row."""
    try:
        numbers = np.asarray(value) if isinstance(value, list) else np.empty(0)
    except ValueError:  # lists of several lengths
        numbers = np.empty(0)
    if numbers.ndim != 1 or not len(numbers) or numbers.dtype.kind not in "iuf":
        raise InputError(f"{place}: vector: must be a list of numbers, got {value!r:.40}")
    with np.errstate(over="ignore"):  # what becomes infinite is refused with the others
        return numbers.astype(np.float32)[None, :]


IN_PARTS = object()  # stands in a row for a vector that is in the parts already


def _parquet_rows(path: Path, parts: list[Array]) -> Iterator[dict[str, Any]]:
    """Yield a Parquet file's rows; vectors go into `parts`, a batch at a time."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=64 << 10)
        columns = [n for n in ("id", "text", "priority", "vector") if n in file.schema_arrow.names]
        for batch in file.iter_batches(8_192, columns=columns):
            if "vector" not in columns:
                yield from batch.to_pylist()
                continue
            if batch.num_rows:
                parts.append(_matrix(path, batch.column("vector")))
            for row in batch.drop_columns(["vector"]).to_pylist():
                yield {**row, "vector": IN_PARTS}
    except (pa.ArrowInvalid, pa.ArrowIOError) as error:
        raise InputError(f"{path}: is not a whole Parquet file ({error})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: holds text that is not UTF-8 ({error})") from None


def _matrix(path: Path, column: pa.Array) -> Array:
    """Return a column of lists of numbers as an array (rows, dimension)."""
    kind = column.type
    if not (_is_list(kind) and pa.types.is_floating(kind.value_type)) or column.null_count:
        raise InputError(f"{path}: vector: must be a list of float16 or float32 in every row")
    lengths = pc.list_value_length(column).unique().to_pylist()
    if len(lengths) > 1 or 0 in lengths:
        raise InputError(
            f"{path}: vector: must have as many numbers in every row, got {lengths!r:.40}"
        )
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float16 if flat.dtype == np.float16 else np.float32).reshape(
        len(column), -1
    )


def _is_list(kind: pa.DataType) -> bool:
    """Return whether an Arrow type is one of lists."""
    is_list, is_large = pa.types.is_list(kind), pa.types.is_large_list(kind)
    return bool(is_list or is_large or pa.types.is_fixed_size_list(kind))


def _unit(path: Path, parts: list[Array], rows: int) -> Array:
    """Return all vectors, each divided by its length; a zero vector stays and never matches."""
    if len({part.shape[1] for part in parts}) > 1:
        raise InputError(f"{path}: vector: must be as long in every row")
    whole = np.concatenate(parts)
    parts.clear()
    if len(whole) != rows:
        raise InputError(f"{path}: vector: must be in every row or in none")
    for start in range(0, rows, 65_536):  # in blocks: float32 of all at once would be twice as much
        block = whole[start : start + 65_536].astype(np.float32)
        if not np.isfinite(block).all():
            raise InputError(f"{path}: vector: must be finite numbers")
        with np.errstate(over="ignore"):
            length = np.linalg.norm(block, axis=1, keepdims=True)
        if not np.isfinite(length).all():
            raise InputError(f"{path}: vector: is too long for float32; divide it by its length")
        whole[start : start + 65_536] = block / np.where(length > 0, length, 1)
    return whole
