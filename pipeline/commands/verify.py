"""Judge any JSONL or Parquet of answers: one verdict for each line, in the same order.

Reads {"id", "answer", …} and writes {"id", "outcome", "score", "reason", "verifier",
"evidence", "seconds"}. What each verifier wants beside the answer: docs/verdicts.md.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import UserError
from pipeline.progress import meter
from pipeline.rowfile import Broken, Row, read_rows, row_writer
from verifiers import Result, Verifier, available

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("outcome", pa.string()),
        ("score", pa.float64()),
        ("reason", pa.string()),
        ("verifier", pa.string()),
        ("evidence", pa.string()),
        ("seconds", pa.float64()),
    ]
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("input", metavar="IN", type=Path, help=".jsonl, .jsonl.zst or .parquet")
    parser.add_argument("output", metavar="OUT", type=Path, help="the same")
    parser.add_argument("--verifier", required=True, choices=sorted(available()))
    parser.add_argument("--workers", type=positive, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a setting of the verifier (docs/verdicts.md), VALUE as in TOML",
    )


def positive(text: str) -> int:
    """Return a whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be above 0, got {number}")
    return number


def settings_of(pairs: list[str]) -> dict[str, Any]:
    """Return NAME=VALUE options as a table; raises UserError for one that is not TOML."""
    import tomllib

    try:
        return tomllib.loads("\n".join(pairs))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"--set: must be NAME=VALUE with a TOML value ({error})") from None


def main(arguments: argparse.Namespace) -> int:
    """Judge every row; returns the exit code."""
    rows = read_rows(arguments.input)
    chosen = available()[arguments.verifier]
    try:
        verifier = chosen.create(workers=arguments.workers, **settings_of(arguments.set))
    except (TypeError, ValueError) as error:
        raise UserError(f"--set: {error}") from None
    outcomes: Counter[str] = Counter()
    with verifier, row_writer(arguments.output, SCHEMA) as write, meter("verify", None) as bar:
        for row in verdicts(verifier, rows):
            write(row)
            outcomes[row["outcome"]] += 1
            bar.advance(1)
    counts = ", ".join(f"{name} {count:,}" for name, count in sorted(outcomes.items()))
    print(f"{arguments.output}: {counts or 'no rows'}")
    return 0


def verdicts(verifier: Verifier, rows: Iterator[dict[str, Any] | Broken]) -> Iterator[Row]:
    """Yield one verdict for each row in order; a broken line is judged as an empty row."""
    asked: deque[tuple[Any, str | None]] = deque()

    def feed() -> Iterator[Row]:
        for row in rows:
            if isinstance(row, Broken):
                asked.append((None, row.error))
                yield {}
            else:
                asked.append((row.get("id"), None))
                yield row

    for result in verifier.results(feed()):
        id, error = asked.popleft()
        yield as_row(id, result, error)


def as_row(id: Any, result: Result, error: str | None) -> Row:
    """Return a line of the output; what is wrong with a broken line is its evidence."""
    return {
        "id": id,
        "outcome": result.outcome.value,
        "score": result.score,
        "reason": result.reason,
        "verifier": result.verifier,
        "evidence": {"error": error} if error else dict(result.evidence),
        "seconds": round(result.seconds, 6),
    }
