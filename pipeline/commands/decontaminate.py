"""Find the rows of any file that are in a benchmark, by text or by meaning.

Reads {"id", "text"} and writes {"id", "benchmark", "item", "method", "score", "matched"},
one line for each hit and none for a clean row; method exact, ngram or semantic. A
benchmark is a JSONL, JSONL.zst or Parquet file, or a folder of them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.commands.deduplicate import MODEL, cosine
from pipeline.errors import InputError
from pipeline.progress import meter
from pipeline.rowfile import Broken, read_rows, row_writer

if TYPE_CHECKING:
    from dedup.contamination import Benchmarks, Contamination, Hit

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
    find = finder(load(arguments), arguments)
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
    """Compares batches of texts with benchmarks, by vectors too unless there is no encoder."""

    def __init__(self, check: Contamination, encoder: Any) -> None:
        self.check, self.encoder = check, encoder

    def __call__(self, batch: list[str]) -> Iterable[Hit]:
        """Return the hits of a batch, ids being places in it."""
        vectors = self.encoder.encode(batch)[0] if self.encoder else None
        return self.check.find([str(place) for place in range(len(batch))], batch, vectors)


def finder(benchmarks: Benchmarks, arguments: argparse.Namespace) -> Finder:
    """Return what finds the hits, as the options want it."""
    from dedup.contamination import Contamination

    encoder = vectors = None
    if not arguments.no_semantic:
        from dedup.encoder import Encoder

        encoder = Encoder.load(arguments.model)
        vectors = encoder.encode([text.text for text in benchmarks.texts])[0]
    check = Contamination(
        benchmarks,
        vectors,
        cosine=arguments.threshold,
        numbers_must_agree=not arguments.ignore_numbers,
    )
    return Finder(check, encoder)


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
