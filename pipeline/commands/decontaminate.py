"""Find the rows of any file that are in a benchmark, by text or by meaning.

Reads {"id", "text"} and writes {"id", "benchmark", "item", "method", "score", "matched"},
one line for each hit and none for a clean row; method exact, ngram or semantic. A
benchmark is a JSONL, JSONL.zst or Parquet file, or a folder of them.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.commands.deduplicate import MODEL, cosine
from pipeline.encoding import encode_all
from pipeline.errors import InputError
from pipeline.progress import meter
from pipeline.rowfile import Broken, read_rows, row_writer
from pipeline.workers import worker_pool

if TYPE_CHECKING:
    from dedup.contamination import Benchmarks, Hit

BATCH = 4_096
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("benchmark", pa.string()),
        ("item", pa.string()),
        ("method", pa.string()),
        ("score", pa.float64()),
        ("matched", pa.string()),
    ]
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("input", metavar="IN", type=Path, help=".jsonl, .jsonl.zst or .parquet")
    parser.add_argument("output", metavar="OUT", type=Path, help="the same")
    parser.add_argument(
        "--benchmarks", metavar="PATH", type=Path, nargs="+", required=True, action="extend"
    )
    parser.add_argument("--column", help="the benchmarks' column that holds the question")
    parser.add_argument("--threshold", type=cosine, default=0.9, help="cosine (default 0.9)")
    parser.add_argument("--no-semantic", action="store_true", help="compare texts only")
    parser.add_argument(
        "--ignore-numbers",
        action="store_true",
        help="let a row hit an item although their numbers differ",
    )
    parser.add_argument("--model", default=MODEL, help=f"the encoder (default {MODEL})")


def main(arguments: argparse.Namespace) -> int:
    """Find the hits and write them; returns the exit code."""
    rows = texts(arguments.input)
    with worker_pool(os.cpu_count() or 1) as pool:
        return report(rows, Finder(load(arguments), arguments, pool), arguments)


def report(rows: Iterator[tuple[Any, str]], find: Finder, arguments: argparse.Namespace) -> int:
    """Write the hits of all rows, and print how many there are."""
    benchmarks: Counter[str] = Counter()
    seen, hit = 0, set()
    with row_writer(arguments.output, SCHEMA) as write, meter("decontaminate", None) as bar:
        while batch := list(islice(rows, BATCH)):
            for found in find([text for _, text in batch]):
                place = int(found.id)
                hit.add(seen + place)
                benchmarks[found.benchmark] += 1
                write(line(batch[place][0], found))
            seen += len(batch)
            bar.advance(len(batch))
    counts = ", ".join(f"{name} {count:,}" for name, count in benchmarks.most_common())
    print(f"{arguments.output}: {len(hit):,} of {seen:,} rows are in a benchmark; {counts}")
    return 0


def texts(path: Path) -> Iterator[tuple[Any, str]]:
    """Yield (id, text) of each row; raises InputError for one that has no text."""
    for number, row in enumerate(read_rows(path), start=1):
        if isinstance(row, Broken):
            raise InputError(f"{path}: {row.error}")
        if row.get("id") is None or not isinstance(row.get("text"), str):
            raise InputError(f"{path}: row {number}: must have an id and a text that is a string")
        yield row["id"], row["text"]


def load(arguments: argparse.Namespace) -> Benchmarks:
    """Return the items of all benchmarks; raises InputError for a file that has none."""
    from dedup.contamination import Benchmarks

    try:
        return Benchmarks.load(arguments.benchmarks, arguments.column)
    except (ValueError, FileNotFoundError) as error:
        raise InputError(f"--{error}") from None


class Finder:
    """Compares batches of texts with benchmarks, by vectors too unless the options forbid it."""

    def __init__(
        self, benchmarks: Benchmarks, arguments: argparse.Namespace, pool: ProcessPoolExecutor
    ) -> None:
        from dedup.contamination import Contamination, Limits

        self.model = None if arguments.no_semantic else arguments.model
        self.pool = pool
        self.check = Contamination(
            benchmarks,
            self.vectors([text.text for text in benchmarks.texts]),
            Limits(
                cosine=arguments.threshold,
                numbers_must_agree=not arguments.ignore_numbers,
            ),
        )

    def vectors(self, batch: list[str]) -> Any:
        """Return the vectors of texts, or None where texts alone are compared."""
        if self.model is None:
            return None
        return np.concatenate(list(encode_all(self.pool, self.model, batch)))

    def __call__(self, batch: list[str]) -> Iterable[Hit]:
        """Return the hits of a batch, ids being places in it."""
        ids = [str(place) for place in range(len(batch))]
        return self.check.find(ids, batch, self.vectors(batch))


def line(id: Any, hit: Hit) -> dict[str, Any]:
    """Return a line of the output."""
    return {
        "id": id,
        "benchmark": hit.benchmark,
        "item": hit.item,
        "method": hit.method,
        "score": hit.score,
        "matched": hit.matched,
    }
