"""Find the rows of any file that are in a benchmark, by text or by meaning.

Reads {"id", "text"} and writes {"id", "benchmark", "item", "method", "score", "matched"},
one line for each hit and none for a clean row; method exact, ngram or semantic. A
benchmark is a JSONL, JSONL.zst or Parquet file, a file of fingerprints (the command
`fingerprints` makes them), a folder of such files, or hub:ORG/NAME@COMMIT:CONFIG/SPLIT.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline import benchmarks
from pipeline.benchmarks import Loaded
from pipeline.checking import Checker, check_encoders
from pipeline.commands.deduplicate import MODEL, share
from pipeline.encoding import encode_all
from pipeline.errors import InputError
from pipeline.progress import meter
from pipeline.recipe import Decontaminate
from pipeline.rowfile import Broken, checked_id, is_unicode, read_rows, row_writer
from pipeline.workers import worker_pool

if TYPE_CHECKING:
    from dedup.contamination import Hit, Limits

BATCH = 4_096
DEFAULTS = Decontaminate()
LIMITS = ("coverage", "short_coverage", "contained")  # of texts, with the recipe's defaults
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
    parser.add_argument("--benchmarks", metavar="PATH", nargs="+", required=True, action="extend")
    parser.add_argument("--column", help="the benchmarks' column that holds the question")
    parser.add_argument("--threshold", type=share, default=0.9, help="cosine (default 0.9)")
    for name in LIMITS:
        default = getattr(DEFAULTS, name)
        parser.add_argument(option(name), type=share, default=default, help=help_of(name))
    parser.add_argument("--said", type=above_zero, default=DEFAULTS.said, help=help_of("said"))
    parser.add_argument("--no-semantic", action="store_true", help="compare texts only")
    parser.add_argument(
        "--ignore-numbers",
        action="store_true",
        help="let a row hit an item although their numbers differ",
    )
    parser.add_argument("--model", default=MODEL, help=f"the encoder (default {MODEL})")
    parser.add_argument(
        "--probes",
        type=int,
        default=0,
        metavar="N",
        help="also plant N disguised copies for each benchmark and disguise, and print to"
        " stderr how many were found",
    )


def option(name: str) -> str:
    """Return the option for a setting."""
    return "--" + name.replace("_", "-")


def help_of(name: str) -> str:
    """Return what a setting means, and its default."""
    said = (Decontaminate.model_fields[name].description or "").replace("%", "%%")
    return f"{said} (default {getattr(DEFAULTS, name)})"


def above_zero(text: str) -> float:
    """Return a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text}")
    return number


def main(arguments: argparse.Namespace) -> int:
    """Find the hits and write them; returns the exit code."""
    rows = texts(arguments.input)
    with worker_pool(os.cpu_count() or 1) as pool:
        found = load(arguments.benchmarks, arguments.column)
        find = Finder(found, arguments, pool)
        code = report(rows, find, arguments)
        if arguments.probes > 0:
            report_probes(found, find, arguments.probes)
        return code


def report(rows: Iterator[tuple[Any, str]], find: Finder, arguments: argparse.Namespace) -> int:
    """Write the hits of all rows, and print how many there are."""
    named: Counter[str] = Counter()
    seen, hit = 0, set()
    with row_writer(arguments.output, SCHEMA) as write, meter("decontaminate", None) as bar:
        while batch := list(islice(rows, BATCH)):
            for found in find([text for _, text in batch]):
                place = int(found.id)
                hit.add(seen + place)
                named[found.benchmark] += 1
                write(line(batch[place][0], found))
            seen += len(batch)
            bar.advance(len(batch))
    counts = ", ".join(f"{name} {count:,}" for name, count in named.most_common())
    print(f"{arguments.output}: {len(hit):,} of {seen:,} rows are in a benchmark; {counts}")
    return 0


def report_probes(found: Loaded, find: Finder, each: int) -> None:
    """Print how many planted copies were found, a line for each benchmark and disguise."""
    from dedup.probes import plant

    planted = plant(found.texts, each)
    items = found.texts.texts
    hits = {(int(hit.id), hit.benchmark, hit.item) for hit in find([p.copy for p in planted])}
    made: Counter[tuple[str, str]] = Counter()
    seen: Counter[tuple[str, str]] = Counter()
    for place, probe in enumerate(planted):
        of = items[probe.text]
        made[of.benchmark, probe.disguise] += 1
        seen[of.benchmark, probe.disguise] += (place, of.benchmark, of.item) in hits
    for (benchmark, disguise), count in made.items():
        line = f"probes: {benchmark}, {disguise}: {seen[benchmark, disguise]} of {count} found"
        print(line, file=sys.stderr)


def texts(path: Path) -> Iterator[tuple[Any, str]]:
    """Yield (id, text) of each row; raises InputError for one that has no text."""
    for number, row in enumerate(read_rows(path), start=1):
        if isinstance(row, Broken):
            raise InputError(f"{path}: {row.error}")
        place = f"{path}: row {number}"
        if row.get("id") is None or not isinstance(row.get("text"), str):
            raise InputError(f"{place}: must have an id and a text that is a string")
        if not is_unicode(row["text"]):
            raise InputError(f"{place}: text: must be Unicode, got a lone surrogate")
        yield checked_id(row["id"], place), row["text"]


def load(names: list[str], column: str | None) -> Loaded:
    """Return all benchmarks; raises InputError for a file that has no item.

    Those of the Hub are put down for as long as this takes; `datasets` has a memory of its own.
    """
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        benchmarks.fetch(names, Path(folder))
        try:
            return benchmarks.load(names, Path(folder), column)
        except (ValueError, FileNotFoundError) as error:
            raise InputError(f"--{error}") from None


class Finder:
    """Compares batches of texts with benchmarks, by vectors too unless the options forbid it."""

    def __init__(
        self, found: Loaded, arguments: argparse.Namespace, pool: ProcessPoolExecutor
    ) -> None:
        self.model = None if arguments.no_semantic else arguments.model
        self.pool = pool
        if self.model is not None:
            check_encoders(found, self.model)
        vectors = self.vectors([text.text for text in found.texts.texts])
        self.check = Checker(found, limits(arguments), vectors)

    def vectors(self, batch: list[str]) -> Any:
        """Return the vectors of texts, or None where texts alone are compared."""
        if self.model is None:
            return None
        parts = list(encode_all(self.pool, self.model, batch))
        return np.concatenate(parts) if parts else np.empty((0, 1), np.float16)

    def __call__(self, batch: list[str]) -> Iterable[Hit]:
        """Return the hits of a batch, ids being places in it."""
        ids = [str(place) for place in range(len(batch))]
        return self.check.find(ids, batch, self.vectors(batch))


def limits(arguments: argparse.Namespace) -> Limits:
    """Return the limits that the options set."""
    from dedup.contamination import Limits

    return Limits(
        **{name: getattr(arguments, name) for name in LIMITS},
        said=arguments.said,
        cosine=arguments.threshold,
        numbers_must_agree=not arguments.ignore_numbers,
    )


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
