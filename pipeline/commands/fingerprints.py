"""Make fingerprints of benchmarks, which find their items and cannot be read.

    build-dataset fingerprints make gpqa.jsonl -o gpqa.fingerprints
    build-dataset fingerprints show gpqa.fingerprints

What such a file holds, which comparisons still work with it and what it gives away:
docs/duplicates.md.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.commands.decontaminate import load
from pipeline.commands.deduplicate import MODEL
from pipeline.encoding import encode_all
from pipeline.errors import InputError, UserError
from pipeline.progress import meter
from pipeline.store import replacing, writing
from pipeline.workers import worker_pool

if TYPE_CHECKING:
    from dedup.benchmarks import Benchmarks
    from dedup.fingerprints import Fingerprints

PROBES = 20  # copies of each benchmark and disguise that are tried while the text is at hand


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    make = actions.add_parser("make", help="write fingerprints of benchmarks")
    make.add_argument("benchmarks", metavar="PATH", nargs="+", help="as of decontaminate")
    make.add_argument("-o", "--output", metavar="OUT", type=Path, required=True)
    make.add_argument("--column", help="the benchmarks' column that holds the question")
    make.add_argument("--no-vectors", action="store_true", help="leave the vectors out")
    make.add_argument("--model", default=MODEL, help=f"the encoder (default {MODEL})")
    make.add_argument("--salt", type=salt, help="hexadecimal; drawn at random where not given")
    make.set_defaults(action=make_file)
    show = actions.add_parser("show", help="say what a file of fingerprints holds")
    show.add_argument("file", metavar="FILE", type=Path)
    show.set_defaults(action=show_file)


def salt(text: str) -> bytes:
    """Return a salt of 8 to 64 bytes."""
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if not 8 <= len(value) <= 64:
        raise argparse.ArgumentTypeError(f"must be 16 to 128 hexadecimal digits, got {text!r}")
    return value


def main(arguments: argparse.Namespace) -> int:
    """Do what was asked for; returns the exit code."""
    return int(arguments.action(arguments))


def make_file(arguments: argparse.Namespace) -> int:
    """Write fingerprints, with what was found by them of planted copies."""
    from dataclasses import replace

    from dedup.fingerprints import SUFFIX, fingerprint

    if arguments.output.suffix != SUFFIX:
        raise UserError(f"-o {arguments.output}: must end in {SUFFIX}")
    found = load(arguments.benchmarks, arguments.column)
    if found.prints:
        raise UserError("PATH: holds fingerprints already; name files with texts")
    model = "" if arguments.no_vectors else arguments.model
    vectors = vectors_of(found.texts, model) if model else None
    made = fingerprint(found.texts, vectors, model, arguments.salt)
    made = replace(made, probes=probed(made, found.texts))
    with writing(arguments.output.parent), replacing(arguments.output) as file:
        made.write(file)
    print(f"{arguments.output}: {summary(made)}")
    return 0


def vectors_of(texts: Benchmarks, model: str) -> Any:
    """Return the vectors of all texts."""
    every, parts = [text.text for text in texts.texts], []
    with meter("embed", len(every)) as progress, worker_pool(os.cpu_count() or 1) as pool:
        for part in encode_all(pool, model, every):
            parts.append(part)
            progress.advance(len(part))
    return np.concatenate(parts)


def probed(made: Fingerprints, texts: Benchmarks) -> dict[str, list[int]]:
    """Return for each disguise how many copies were planted, and found without vectors."""
    from dedup.fingerprints import Lookup
    from dedup.probes import plant

    planted = plant(texts, PROBES)
    ids = [str(place) for place in range(len(planted))]
    hits = Lookup(made).find(ids, [probe.copy for probe in planted])
    seen = {(int(hit.id), hit.benchmark, hit.item) for hit in hits}
    every: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for place, probe in enumerate(planted):
        of = texts.texts[probe.text]
        every[probe.disguise] += 1
        found[probe.disguise] += (place, of.benchmark, of.item) in seen
    return {name: [count, found[name]] for name, count in every.items()}


def show_file(arguments: argparse.Namespace) -> int:
    """Say what a file holds."""
    from dedup.fingerprints import Fingerprints

    try:
        made = Fingerprints.load(arguments.file)
    except ValueError as error:
        raise InputError(str(error)) from None
    print(f"{arguments.file}: {summary(made)}")
    return 0


def summary(made: Fingerprints) -> str:
    """Return what fingerprints hold, in words."""
    counts = Counter(made.benchmark.tolist())
    named = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
    vectors = f"vectors by {made.encoder}" if made.vectors.shape[1] else "no vectors"
    probes = "; ".join(f"{name} {found} of {n}" for name, (n, found) in made.probes.items())
    return (
        f"{named} texts, {len(made.run):,} runs, {vectors}, salt {made.salt.hex()};"
        f" planted copies found without vectors: {probes or 'none planted'}"
    )
