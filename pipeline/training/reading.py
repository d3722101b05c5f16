"""Reads the rows that a student learns from: a published folder, a file, or the Hub.

    published/quickstart/1                   its train files of the configs that are asked for
    twice.jsonl                              rows with `messages`, such as evaluate --think-twice's
    repo = "ORG/NAME", revision = "1f3c…"    the same configs, split train, through `datasets`

A row is any that has `messages`, a list of {"role", "content", …}; other columns only matter
where a selection names them. Test splits and configs that are no conversations are never read.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError, SourceError
from pipeline.files import FileHashes
from pipeline.paths import expand
from pipeline.records import Message, content_hash
from pipeline.rowfile import Broken, read_rows
from pipeline.scan import BATCH_ROWS
from pipeline.sources.hub_errors import hub_errors
from pipeline.training.config import Data, Rows

ROLES = ("system", "user", "assistant")
Row = Mapping[str, Any]
Turns = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A place of rows: its name for messages, and what identifies its contents."""

    data: Data
    files: tuple[Path, ...]
    identity: dict[str, Any]

    @property
    def name(self) -> str:
        """The path or the repository, as the configuration has it."""
        return str(self.data.path or self.data.repo)


def located(data: Data, hashes: FileHashes) -> Read:
    """Find the files of a place; raises SourceError where there are none.

    `datasets` takes a folder of a repository's name for it, whatever the revision: one that lies
    here is refused.
    """
    kept = data.model_dump(mode="json", exclude={"path"})
    if data.path is None:
        if Path(str(data.repo)).exists():
            raise SourceError(
                f"training.data.repo: {data.repo} is a folder here, too, which would be read in"
                " place of the Hub's dataset; name it by path, or run in another folder"
            )
        return Read(data, (), kept)
    files = _files(data, expand(data.path))
    return Read(data, files, {**kept, "files": sorted(hashes.of(file) for file in files)})


def _files(data: Data, path: Path) -> tuple[Path, ...]:
    if path.is_file():
        return (path,)
    found = [
        file for config in data.configs for file in sorted((path / config).glob("train-*.parquet"))
    ]
    if not found:
        raise SourceError(
            f"training.data.path: must be a file, or a folder that publish wrote with a config of"
            f" {list(data.configs)}, got {data.path!r}"
        )
    return tuple(found)


def selected(
    places: Sequence[Read], rows: Rows, limit: int | None, seed: int, counts: Counter[str]
) -> Iterator[Turns]:
    """Yield the conversations of a selection in order; `counts` says what became of the rest."""
    drawn = None if limit is None else _drawn(places, rows, limit, seed)
    taken = 0
    for place in places:
        for row in _rows_of(place, _columns(rows, place.data)):
            if not _takes(row, rows, place):
                counts["not_selected"] += 1
                continue
            if drawn is not None and taken not in drawn:
                counts["over_limit"] += 1
            else:
                yield conversation(row, place.name)
            taken += 1


def count_rows(places: Sequence[Read], rows: Rows) -> int:
    """Return how many rows a selection has."""
    return sum(
        _takes(row, rows, place)
        for place in places
        for row in _rows_of(place, _columns(rows, place.data), messages=False)
    )


def _drawn(places: Sequence[Read], rows: Rows, limit: int, seed: int) -> set[int]:
    """Return which of the selected rows are taken, by a hash of the seed and their numbers."""
    numbers = range(count_rows(places, rows))
    return set(heapq.nsmallest(limit, numbers, key=lambda number: content_hash([seed, number])))


def conversation(row: Row, where: str) -> Turns:
    """Return a row's turns; raises InputError for what is no conversation."""
    given = row.get("messages")
    try:
        turns = tuple(Message(turn["role"], turn["content"]) for turn in given or ())
    except (KeyError, TypeError):
        turns = ()
    if not turns or any(
        turn.role not in ROLES or not isinstance(turn.content, str) for turn in turns
    ):
        raise InputError(
            f"{where}: messages: must be a list of turns with role and content, got {given!r:.80}"
        )
    return turns


def _columns(rows: Rows, data: Data) -> list[str]:
    named = (*rows.only, *rows.without, *data.only, *data.without)
    return list(dict.fromkeys(named))


def _takes(row: Row, rows: Rows, place: Read) -> bool:
    for which in (rows, place.data):
        for column in (*which.only, *which.without):
            if column not in row:
                raise InputError(
                    f"{place.name}: a selection names the column {column!r}, which is not there;"
                    " docs/schema.md lists those of a published dataset"
                )
        if any(row[column] not in values for column, values in which.only.items()):
            return False
        if any(row[column] in values for column, values in which.without.items()):
            return False
    return True


def _rows_of(place: Read, columns: list[str], messages: bool = True) -> Iterator[Row]:
    if place.data.repo is not None:
        yield from _from_hub(place.data)
        return
    for file in place.files:
        if file.suffix == ".parquet":
            yield from _from_parquet(file, [*columns, *(["messages"] if messages else [])])
            continue
        for row in read_rows(file):
            if isinstance(row, Broken):
                raise InputError(f"{file}: {row.error}")
            yield row


def _from_parquet(path: Path, columns: list[str]) -> Iterator[Row]:
    try:
        with pq.ParquetFile(path) as file:
            have = [column for column in columns if column in file.schema_arrow.names]
            if not have:  # nothing is asked of the rows but how many they are
                yield from ({} for _ in range(file.metadata.num_rows))
                return
            for group in range(file.num_row_groups):  # one at a time, as pipeline/scan.py says
                for batch in file.iter_batches(BATCH_ROWS, [group], have):
                    yield from batch.to_pylist()
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: is not a whole Parquet file ({error})") from None


def _from_hub(data: Data) -> Iterator[Row]:
    from datasets import load_dataset

    for config in data.configs:
        with hub_errors(f"training.data: {data.repo} ({config})"):
            yield from load_dataset(
                data.repo, config, split="train", revision=data.revision, streaming=True
            )
