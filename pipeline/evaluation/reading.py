"""Finds a benchmark's files, on disk or on the Hub, and reads their rows.

    Hub("HuggingFaceH4/MATH-500", ("test.jsonl",))           on the Hub
    locate("$REAL_DATA/benchmarks/math500.parquet", None)    a file on disk

Rows come as they stand there; a value that a file holds as text of a list or an object is
taken apart by `unpacked`. Nothing that a file holds is ever executed.
"""

from __future__ import annotations

import ast
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, SourceError
from pipeline.paths import expand
from pipeline.rowfile import Broken, read_rows
from pipeline.sources.hub_errors import hub_errors

UNPINNED = "unpinned"
FIELD_CHARS = 1 << 27  # csv's own bound is 128 KiB; a test case may be longer (guess)


@dataclass(frozen=True, slots=True)
class Hub:
    """A dataset on the Hub and the files in it that make the benchmark."""

    repo: str
    files: tuple[str, ...]
    revision: str = UNPINNED


@dataclass(frozen=True, slots=True)
class Located:
    """Files on this disk; `revision` says what they are: a commit of the Hub, or `local`."""

    files: tuple[Path, ...]
    revision: str


def locate(path: str | None, hub: Hub | None) -> Located:
    """Return where a benchmark's files lie, fetching them from the Hub where no path is given.

    Raises ConfigError where neither is there, SourceError for a file that does not exist.
    """
    if path is not None:
        file = expand(path)
        if not file.is_file():
            raise SourceError(f"{path}: no such file; correct the benchmark's path")
        return Located((file,), "local")
    if hub is None:
        raise ConfigError("path: is missing, and this benchmark is not on the Hub; add it")
    return _fetch(hub)


def rows_of(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each row with its place, such as ("test.jsonl#0", {…}); raises SourceError."""
    rows = _csv_rows(path) if path.suffix == ".csv" else read_rows(path)
    for number, row in enumerate(rows):
        if isinstance(row, Broken):
            raise SourceError(f"{path}: {row.error}; put the file right or fetch it again")
        yield f"{path.name}#{number}", row


def unpacked(value: Any) -> Any:
    """Return a list or object as it is, or read from JSON or from Python's way to write one.

    Raises ValueError for text that is neither.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        pass  # mirrors write str(list), with single quotes
    try:
        return ast.literal_eval(value)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{value!r:.80} is neither JSON nor a Python literal") from None


def _csv_rows(path: Path) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(FIELD_CHARS)
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _fetch(hub: Hub) -> Located:
    """Download the files of one commit; raises SourceError or PassingError."""
    from huggingface_hub import HfApi, hf_hub_download

    wanted = None if hub.revision == UNPINNED else hub.revision
    with hub_errors(f"{hub.repo} (the benchmark's path may name a file of yours instead)"):
        commit = HfApi().dataset_info(hub.repo, revision=wanted).sha
        files = tuple(
            Path(hf_hub_download(hub.repo, name, repo_type="dataset", revision=commit))
            for name in hub.files
        )
    return Located(files, str(commit))
