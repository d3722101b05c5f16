"""Writes what trainers need beside the examples, as further configs of the published dataset.

    published/quickstart/1/rl/train-00000-of-00001.parquet          [recipe.publish] rl = true
    published/quickstart/1/preference/train-00000-of-00001.parquet  [recipe.publish.preference]

Rows go to one file first, since only then is known into how many files they are to be cut;
a row group is in memory. The cut is that of the examples (pipeline/parquet_parts.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Set
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.card_header import TEST, TRAIN, Part
from pipeline.config import Config
from pipeline.export_preference import preference_rows
from pipeline.export_rl import rl_rows
from pipeline.parquet_parts import PartWriter, by_split, files_for
from pipeline.records import Record
from pipeline.records_export import PreferenceExample, RlExample
from pipeline.scan import BATCH_ROWS
from pipeline.store import Store

Of = TypeVar("Of", bound=Record)
RL, PREFERENCE = "rl", "preference"


def asked_for(config: Config) -> tuple[str, ...]:
    """Return the names of the further configs that a recipe asks for."""
    publish = config.recipe.publish
    wanted = ((RL, publish.rl), (PREFERENCE, publish.preference is not None))
    return tuple(name for name, is_wanted in wanted if is_wanted)


def write_exports(
    config: Config, store: Store, folder: Path, test: Set[str] = frozenset()
) -> tuple[Part, ...]:
    """Write the configs that are asked for and have rows below `folder`; returns them."""
    file_mb, shards = config.recipe.publish.file_mb, range(store.shards)
    found: list[Part | None] = []
    if RL in asked_for(config):
        rl = (row for shard in shards for row in rl_rows(config, store, shard, test))
        found.append(_write(RL, RlExample, rl, folder, file_mb, test))
    if PREFERENCE in asked_for(config):
        pairs = (row for shard in shards for row in preference_rows(config, store, shard))
        found.append(_write(PREFERENCE, PreferenceExample, pairs, folder, file_mb, test))
    return tuple(part for part in found if part)


def _write(
    name: str, of: type[Of], rows: Iterable[Of], folder: Path, file_mb: int, test: Set[str]
) -> Part | None:
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / f".{name}.parquet"
    counts = _gather(of, rows, whole, test)
    each = whole.stat().st_size / max(1, counts.total())
    writers = {
        split: PartWriter(folder, name, split, files_for(each * counts[split], file_mb), of.SCHEMA)
        for split in (TRAIN, TEST)
        if counts[split]
    }
    for batch in _batches(whole):
        for split, mine in by_split(batch, test):
            writers[split].add(mine)
    whole.unlink()
    splits = tuple(writer.close() for writer in writers.values())
    return Part(name, splits, of.SCHEMA) if splits else None


def _gather(of: type[Of], rows: Iterable[Of], whole: Path, test: Set[str]) -> Counter[str]:
    """Write all rows to one file; returns how many each split has."""
    counts: Counter[str] = Counter()
    with pq.ParquetWriter(whole, of.SCHEMA, compression="zstd", write_statistics=False) as writer:
        left = iter(rows)
        while some := list(islice(left, BATCH_ROWS)):
            table = of.to_table(some)
            counts.update({split: mine.num_rows for split, mine in by_split(table, test)})
            writer.write_table(table)
    return counts


def _batches(whole: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(whole) as file:
        for group in range(file.num_row_groups):  # as pipeline/scan.py says, one at a time
            yield file.read_row_group(group)
