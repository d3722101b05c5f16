"""Near-duplicates among real questions: how many, why pairs were kept apart, pairs to read.

Embeds questions of `REAL_DATA` (`--limit` of each file), finds duplicates as the stage does,
and prints pairs near the threshold, dropped or kept apart, to be read and judged::

    REAL_DATA=… python benchmarks/real_duplicates.py --limit 300 --read 100
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from random import Random

import numpy as np
import real_data

from dedup.chunks import Chunks
from dedup.confirm import Spared
from dedup.encoder import PACKAGED, Encoder
from dedup.exact import text_hash
from dedup.semantic import Deduplication, deduplicate

THRESHOLD = 0.9
NEAR = 0.93  # pairs from the threshold up to here are printed
CHAT = (
    "alpaca",
    "gpteacher",
    "followbench",
    "arena",
    "glaive",
    "self_instruct",
    "code",
    "leetcode",
)
SHOWN = 200  # characters from where two texts part


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=int, default=200, help="questions of each file")
    parser.add_argument("--read", type=int, default=40, help="pairs to print of each kind")
    parser.add_argument("--highest", type=float, default=NEAR, help="cosine up to which")
    arguments = parser.parse_args()
    files = {name: texts[: arguments.limit] for name, texts in real_data.questions().items()}
    texts = [text for some in files.values() for text in some]
    owner = [name for name, some in files.items() for _ in some]
    start = time.perf_counter()
    embedded = Encoder.load(PACKAGED, threads=1).embed(texts)
    print(
        f"{len(texts):,} questions embedded in {time.perf_counter() - start:.0f} s;"
        f" {embedded.clipped.mean():.1%} longer than the encoder's window"
    )
    marked = [not name.startswith(CHAT) for name in owner]
    ids = [f"{place:07}" for place in range(len(texts))]
    start = time.perf_counter()
    chunks = Chunks.of(embedded.owner, embedded.chunks, len(texts))
    found = deduplicate(texts, embedded.vectors, None, ids, THRESHOLD, marked, chunks=chunks)
    seconds = time.perf_counter() - start
    reasons = Counter(drop.reason for drop in found.drops)
    print(f"{dict(reasons)} dropped in {seconds:.1f} s; kept apart: {found.spared}")
    groups = Counter(map(text_hash, texts))
    repeats = sum(groups.values()) - len(groups)
    print(f"{repeats:,} texts repeat the normal form of another, by a look at every one of them")
    print("dropped, by file:", dict(Counter(owner[int(drop.id)] for drop in found.drops)))
    for why in Spared:
        show(found, texts, owner, why, arguments)


def show(
    found: Deduplication,
    texts: list[str],
    owner: list[str],
    why: Spared,
    arguments: argparse.Namespace,
) -> None:
    """Print a sample of pairs of one fate."""
    pairs = found.pairs
    chosen = ~pairs.exact & (pairs.why == why) & (pairs.score <= arguments.highest)
    places = np.flatnonzero(chosen).tolist()
    print(f"\n== {why.name if why else 'DUPLICATES'}: {len(places):,} pairs near the threshold")
    for place in Random(0).sample(places, min(arguments.read, len(places))):
        i, j = int(pairs.i[place]), int(pairs.j[place])
        print(f"-- {pairs.score[place]:.3f} {owner[i]} / {owner[j]}")
        for text in parted(texts[i], texts[j]):
            print(f"   {text}")


def parted(one: str, other: str) -> tuple[str, str]:
    """Return two texts from shortly before where they part."""
    one, other = " ".join(one.split()), " ".join(other.split())
    same = next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    start = max(same - 60, 0) if same > SHOWN // 2 else 0
    return one[start : start + SHOWN], other[start : start + SHOWN]


if __name__ == "__main__":
    main()
