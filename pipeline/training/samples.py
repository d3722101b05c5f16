"""Writes the sequences that a student learns, once, to a file that is read in place.

    data/students/qwen2.5-7b/1/all/samples.arrow     {"input_ids": [1, 17, …], "labels": [-100, …]}
    data/students/qwen2.5-7b/1/all/samples.json      what it was made from, and what was left out

Rows that are too long, that hold special tokens or that the template would not write whole are
left out and counted by reason, never cut. A row takes 8 bytes a token on disk.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.errors import UserError
from pipeline.records import Message
from pipeline.store import replacing
from pipeline.training.chat import Chat, Sample, Unfit

BATCH = 1_000  # rows tokenised at once, over all cores (guess)
SCHEMA = pa.schema([("input_ids", pa.list_(pa.int32())), ("labels", pa.list_(pa.int32()))])


@dataclass(slots=True)
class Counts:
    """What became of the rows; `learnt` counts the tokens of all samples that bear loss."""

    samples: int = 0
    tokens: int = 0
    learnt: int = 0
    longest: int = 0
    left_out: dict[str, int] = field(default_factory=dict)

    def add(self, sample: Sample) -> None:
        """Count a sample."""
        self.samples += 1
        self.tokens += len(sample.ids)
        self.learnt += len(sample.ids) - sample.shown
        self.longest = max(self.longest, len(sample.ids))

    def leave_out(self, reason: str, count: int = 1) -> None:
        """Count rows that are no samples."""
        self.left_out[reason] = self.left_out.get(reason, 0) + count

    def lines(self) -> Iterator[str]:
        """Yield what there is to tell, a line at a time."""
        yield (
            f"{self.samples:,} samples of {self.tokens:,} tokens, the longest of {self.longest:,};"
            f" {self.learnt:,} tokens are learnt"
        )
        for reason, count in sorted(self.left_out.items()):
            yield f"left out, {reason}: {count:,}"


def write_samples(
    folder: Path,
    conversations: Iterable[Sequence[Message]],
    chat: Chat,
    max_tokens: int,
    skipped: Counter[str],
) -> Counts:
    """Write samples.arrow and samples.json; raises UserError where no row is left.

    `skipped` is filled while `conversations` are read: rows that never were to be samples.
    """
    counts = Counts()
    with (
        replacing(folder / "samples.arrow") as file,
        pa.ipc.new_stream(file, SCHEMA) as writer,
    ):
        for batch in _batches(conversations):
            kept = list(_kept(chat.samples(batch), max_tokens, counts))
            columns = {"input_ids": [s.ids for s in kept], "labels": [s.labels for s in kept]}
            writer.write_table(pa.table(columns, SCHEMA))
    for reason, count in skipped.items():
        counts.leave_out(reason, count)
    if not counts.samples:
        said = ", ".join(f"{reason} {count:,}" for reason, count in counts.left_out.items())
        raise UserError(f"training.data: no row is left to learn from ({said or 'there is none'})")
    with replacing(folder / "samples.json") as file:
        file.write(json.dumps(asdict(counts), indent=1).encode())
    return counts


def read_counts(folder: Path) -> Counts:
    """Return what `write_samples` counted."""
    found: dict[str, Any] = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
    return Counts(**found)


def _batches(conversations: Iterable[Sequence[Message]]) -> Iterator[list[Sequence[Message]]]:
    left = iter(conversations)
    while batch := list(islice(left, BATCH)):
        yield batch


def _kept(samples: Iterable[Sample | Unfit], max_tokens: int, counts: Counts) -> Iterator[Sample]:
    for sample in samples:
        if isinstance(sample, Unfit):
            counts.leave_out(sample.reason)
        elif len(sample.ids) > max_tokens:
            counts.leave_out("too_long")
        else:
            counts.add(sample)
            yield sample
