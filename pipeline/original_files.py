"""Writes the examples as the two files of AM-DeepSeek-R1-Distilled-1.4M, for programs that read it.

    published/quickstart/1/am_0.5M.jsonl.zst      responses that came with the sources
    published/quickstart/1/am_0.9M.jsonl.zst      responses of the teacher

A line is `{"messages": [{"role": "user", "content": "…", "info": {"source": "…", …}}, …]}`, and
nothing beside `messages`. The names are the original's, whatever the number of rows is. Rows for
testing are in neither file, since the original has no test split. One batch of rows is in memory;
the bytes follow from the rows and the release of zstandard.

Rows stand in the order of ids, but that the first with a reference answer and the first with test
cases stand before all others: `datasets` takes a column's type from the first 10 MB and then
refuses a text where it saw nothing but nulls (measured with 5.2: `Couldn't cast array of type
string to null`).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import zstandard

from pipeline.facts import CONFIGS
from pipeline.published import published_rows
from pipeline.records import shard_of
from pipeline.scan import batches
from pipeline.store import Store

FILES = ("am_0.5M.jsonl.zst", "am_0.9M.jsonl.zst")  # in the order of CONFIGS
NULLABLE = ("reference_answer", "test_cases")
LEVEL = 9  # measured on 5 MB of prose and code: 13 % less than level 3, still 61 MB/s


@dataclass(frozen=True, slots=True)
class OriginalFile:
    """One of the two files, with the config that has the same rows."""

    name: str
    config: str
    rows: int
    bytes: int


def write_original(
    store: Store, folder: Path, test: Set[str] = frozenset()
) -> tuple[OriginalFile, ...]:
    """Write both files into `folder`, one without rows left out; returns what there is."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [0, 0]
    with contextlib.ExitStack() as files:
        writers = [
            files.enter_context(zstandard.open(folder / name, "wb", _compressor()))
            for name in FILES
        ]
        for which, row in _ordered(store, test):
            writers[which].write(_line(row))
            rows[which] += 1
    return tuple(_kept(folder, rows))


def _ordered(store: Store, test: Set[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each row with the number of its file, those first that show the columns' types."""
    first = _first(store, test)
    for which, ids in enumerate(first):
        for id in ids:
            yield (
                which,
                next(
                    row
                    for of, row in _rows(store, shard_of(id, store.shards), test)
                    if of == which and row["id"] == id
                ),
            )
    waiting = [set(ids) for ids in first]
    for shard in range(store.shards):
        for which, row in _rows(store, shard, test):
            if row["id"] in waiting[which]:
                waiting[which].remove(row["id"])
            else:
                yield which, row


def _rows(store: Store, shard: int, test: Set[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for row in published_rows(store, shard, ["messages", "round", "id"]):
        if row["id"] not in test:
            yield int(row["round"] > 0), row


def _first(store: Store, test: Set[str]) -> tuple[list[str], list[str]]:
    """Return, for each file, the first ids whose question has something in a nullable column.

    Reads as many shards as it takes to find them; what is nowhere is looked for in all.
    """
    found: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for shard in range(store.shards):
        if all(len(names) == len(NULLABLE) for names in found):
            break
        has = {name: _ids_with(store, shard, name) for name in NULLABLE}
        for row in published_rows(store, shard, ["id", "round"]):
            for name in NULLABLE:
                if row["id"] in has[name] and row["id"] not in test:
                    found[row["round"] > 0].setdefault(name, row["id"])
    of_sources, of_teacher = (list(dict.fromkeys(names.values())) for names in found)
    return of_sources, of_teacher


def _ids_with(store: Store, shard: int, column: str) -> set[str]:
    """Return the ids of a shard's questions that have something in a column."""
    tables = batches(store, "questions", shard, ["id", column])
    there = (table.filter(pc.is_valid(table.column(column))).column("id") for table in tables)
    return {id for ids in there for id in ids.to_pylist()}


def _compressor() -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=LEVEL)  # one thread: several give other bytes


def _line(row: dict[str, object]) -> bytes:
    text = json.dumps({"messages": row["messages"]}, ensure_ascii=False)
    return text.encode("utf-8") + b"\n"


def _kept(folder: Path, rows: list[int]) -> Iterator[OriginalFile]:
    for name, config, many in zip(FILES, CONFIGS, rows, strict=True):
        if many:
            yield OriginalFile(name, config, many, (folder / name).stat().st_size)
        else:
            (folder / name).unlink()
