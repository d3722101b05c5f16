"""The items of benchmarks, read from files or folders of JSONL, JSONL.zst and Parquet.

One line of `math500.jsonl` becomes one item, `math500` / `test/algebra/7.json`::

    {"problem": "Find $x$ if $2x = 5$.", "unique_id": "test/algebra/7.json"}

A benchmark is named as its file, an item by its `task_id`, `id`, `unique_id` or row
number. Its text is the first of `COLUMNS` that the file has, in small letters or any: a
string, a list of strings, or a list of chat messages (the user's turns); each turn is a text
of the same item. Rows without text are left out and counted. That a column of this name holds
the question is taken on trust: where a file has both `code` and `input`, say which is meant.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO, cast

COLUMNS = ("question_content", "problem", "question", "prompt", "code", "input", "turns")
NAMES = ("task_id", "id", "unique_id")
SUFFIXES = (".jsonl", ".jsonl.zst", ".parquet")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ItemText:
    """One text of a benchmark item; `row` is the item's row in its file, from 0."""

    benchmark: str
    item: str
    row: int
    text: str


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """All texts to compare with, and for each benchmark how many rows had none."""

    texts: tuple[ItemText, ...]
    without_text: Mapping[str, int]

    @classmethod
    def load(cls, paths: Iterable[str | Path], column: str | None = None) -> Self:
        """Read files, and the files of folders at any depth; `column` overrides `COLUMNS`.

        Raises ValueError naming the file where it has none of the columns, no text, or
        something else than text; where a folder has no such file; where two files would
        be one benchmark. FileNotFoundError where there is nothing at a path.
        """
        texts: list[ItemText] = []
        without: dict[str, int] = {}
        for name, path in _named_files(paths).items():
            found, without[name] = _read(name, path, column)
            texts += found
        return cls(tuple(texts), without)


def _named_files(paths: Iterable[str | Path]) -> dict[str, Path]:
    """Return the files by the names of their benchmarks, in the order given."""
    named: dict[str, Path] = {}
    for path in dict.fromkeys(file.resolve() for given in paths for file in _files(Path(given))):
        name = path.name.removesuffix(_suffix(path))
        if name in named:
            raise ValueError(
                f"benchmarks: {named[name]} and {path} would both be {name!r}; rename one"
            )
        named[name] = path
    return named


def _files(path: Path) -> list[Path]:
    """Return a file, or the benchmark files in a folder, sorted."""
    if not path.exists():
        raise FileNotFoundError(f"benchmarks: there is no file or folder {path}")
    if path.is_file():
        if not _suffix(path):
            raise ValueError(f"benchmarks: {path} is no {', '.join(SUFFIXES)} file; convert it")
        return [path]
    found = sorted(file for file in path.rglob("*") if file.is_file() and _suffix(file))
    if not found:
        raise ValueError(f"benchmarks: {path} holds no {', '.join(SUFFIXES)} file")
    return found


def _suffix(path: Path) -> str:
    """Return the extension by which a file is read, "" where there is none."""
    return next((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), "")


def _read(name: str, path: Path, column: str | None) -> tuple[list[ItemText], int]:
    """Return a file's texts and the number of its rows without one."""
    reads = _parquet if _suffix(path) == ".parquet" else _jsonl
    columns, rows = reads(path, frozenset({*COLUMNS, *NAMES, (column or "").lower()}))
    chosen = _column(path, columns, column)
    found, without = [], 0
    for number, row in enumerate(rows):
        texts = _texts(row.get(chosen), f"{path}, row {number}, column {chosen}")
        without += not texts
        found += [ItemText(name, _name(row, number), number, text) for text in texts]
    if not found:
        raise ValueError(f"benchmarks: {path} has no text in column {chosen}; name another column")
    return found, without


def _column(path: Path, columns: Sequence[str], column: str | None) -> str:
    """Return the column that holds the text; raises ValueError naming those that there are."""
    wanted = COLUMNS if column is None else (column,)
    for candidate in wanted:
        if candidate in columns:
            return candidate
    for candidate in wanted if column is None else ():
        if any_case := [name for name in columns if name.lower() == candidate]:
            return any_case[0]
    raise ValueError(
        f"benchmarks: {path} has no column {' or '.join(wanted)}, only {', '.join(columns)}; "
        "name the one that holds the question with --column"
    )


def _name(row: Row, number: int) -> str:
    """Return an item's name: its first id that is there, else its row number."""
    return str(next((row[key] for key in NAMES if row.get(key) is not None), number))


def _texts(value: Any, where: str) -> list[str]:
    """Return the non-empty texts of a cell; raises ValueError where it holds something else."""
    turns = value if isinstance(value, list) else [] if value is None else [value]
    texts = [_turn(turn, where) for turn in turns]
    return [text for text in texts if text.strip()]


def _turn(turn: Any, where: str) -> str:
    """Return the text of a turn: a string, or a message, which counts if it is the user's."""
    if isinstance(turn, Mapping) and isinstance(turn.get("content"), str):
        return str(turn["content"]) if turn.get("role", "user") == "user" else ""
    if not isinstance(turn, str):
        raise ValueError(
            f"benchmarks: {where}: expected text, a list of texts or of messages, "
            f"got {type(turn).__name__}; name another column"
        )
    return turn


def _parquet(path: Path, keep: frozenset[str]) -> tuple[list[str], list[Row]]:
    """Return a file's column names, and its rows with only the columns to keep."""
    import pyarrow.parquet as pq

    names = pq.read_schema(path).names
    wanted = [name for name in names if name.lower() in keep]
    return names, pq.read_table(path, columns=wanted).to_pylist() if wanted else []


def _jsonl(path: Path, keep: frozenset[str]) -> tuple[list[str], list[Row]]:
    """Return the names of all rows' fields in order, and the rows with only those to keep."""
    names: dict[str, None] = {}
    rows: list[Row] = []
    with _lines(path) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                row = _parsed(line, path, number)
                names.update(dict.fromkeys(row))
                rows.append({key: value for key, value in row.items() if key.lower() in keep})
    return list(names), rows


def _lines(path: Path) -> TextIO:
    """Return a file opened for reading lines, decompressed where its name says so."""
    if path.suffix == ".zst":
        import zstandard

        return cast(TextIO, zstandard.open(path, "rt", encoding="utf-8"))
    return path.open(encoding="utf-8")


def _parsed(line: str, path: Path, number: int) -> Row:
    """Return the object on a line; raises ValueError naming file and line where it is none."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"benchmarks: {path}, line {number}: not JSON: {error}") from error
    if not isinstance(row, dict):
        raise ValueError(
            f"benchmarks: {path}, line {number}: expected an object, got {type(row).__name__}"
        )
    return row
