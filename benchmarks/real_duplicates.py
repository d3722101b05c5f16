"""Duplicates among real questions: an account of all that repeat, why pairs stayed, pairs to read.

Embeds questions of `REAL_DATA` (`--limit` of each file; vectors are kept in `--vectors`), finds
duplicates as the stage does, and says of every text that repeats the normal form of an earlier
one what became of it. Then prints pairs near the threshold, dropped or kept apart::

    REAL_DATA=… python benchmarks/real_duplicates.py --limit 300 --read 100

Ends with 1 where two texts of one normal form both stay.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import real_data
from numpy.typing import NDArray

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
EXACT = "dropped as exact, naming a text of its own form that stays"
NEAR_OTHER = "dropped as near to a text of another form, as the best of its own form was"
ALONE = "kept, the only one of its form: the best went as near to another text, and it is not"
TWICE = "KEPT BESIDE ANOTHER OF ITS FORM"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=int, default=200, help="questions of each file")
    parser.add_argument("--read", type=int, default=40, help="pairs to print of each kind")
    parser.add_argument("--highest", type=float, default=NEAR, help="cosine up to which")
    parser.add_argument("--vectors", type=Path, help="a folder to keep vectors in (default: none)")
    arguments = parser.parse_args()
    files = {name: texts[: arguments.limit] for name, texts in real_data.questions().items()}
    texts = [text for some in files.values() for text in some]
    owner = [name for name, some in files.items() for _ in some]
    vectors, chunks = embedded(texts, arguments.vectors)
    print(f"{len(texts):,} questions; {chunks.long.mean():.1%} longer than the encoder's window")
    marked = [not name.startswith(CHAT) for name in owner]
    ids = [f"{place:07}" for place in range(len(texts))]
    start = time.perf_counter()
    found = deduplicate(texts, vectors, None, ids, THRESHOLD, marked, chunks=chunks)
    seconds = time.perf_counter() - start
    reasons = Counter(drop.reason for drop in found.drops)
    print(f"{dict(reasons)} dropped in {seconds:.1f} s; kept apart: {found.spared}")
    print("dropped, by file:", dict(Counter(owner[int(drop.id)] for drop in found.drops)))
    whole = account(found, texts)
    for why in Spared:
        show(found, texts, owner, why, arguments)
    sys.exit(0 if whole else 1)


def embedded(texts: list[str], folder: Path | None) -> tuple[NDArray[Any], Chunks]:
    """Return vectors of texts, and those of long texts' chunks; made where the folder has none."""
    if folder is None or not (folder / "questions.npy").is_file():
        made = Encoder.load(PACKAGED, threads=1).embed(texts)
        vectors, owner, chunks = made.vectors, made.owner, made.chunks
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            np.savez(folder / "questions_chunks.npz", owner=owner, chunks=chunks)
            np.save(folder / "questions.npy", vectors)
    else:
        vectors = np.load(folder / "questions.npy")
        with np.load(folder / "questions_chunks.npz") as file:
            owner, chunks = file["owner"], file["chunks"]
    if len(vectors) != len(texts):
        sys.exit(f"{folder} has vectors of {len(vectors)} texts, not of {len(texts)}; delete it")
    return vectors, Chunks.of(owner, chunks, len(texts))


def account(found: Deduplication, texts: list[str]) -> bool:
    """Print what became of each text that repeats; return whether no form stays twice."""
    forms: dict[bytes, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        forms[text_hash(text)].append(place)
    repeated = [places for places in forms.values() if len(places) > 1]
    reasons = {int(drop.id): drop.reason for drop in found.drops}
    fates = {place: fate(place, same, reasons) for same in repeated for place in same[1:]}
    print(f"{len(fates):,} texts repeat the normal form of an earlier one:")
    for what, count in Counter(fates.values()).most_common():
        print(f"   {count:,} {what}")
    of = {int(drop.id): int(drop.of) for drop in found.drops}
    for place, what in fates.items():
        if what in (ALONE, TWICE):
            best = forms[text_hash(texts[place])][0]
            print(f"-- {what}:\n   {texts[place]}\n   best: {texts[best]}")
            print(f"   near to the best: {texts[of[best]]}" if best in of else "   which stays")
    return TWICE not in fates.values()


def fate(place: int, same: list[int], reasons: dict[int, str]) -> str:
    """Return what became of a text that repeats, given all texts of its form."""
    if place in reasons:
        return EXACT if reasons[place] == "exact" else NEAR_OTHER
    return ALONE if all(other in reasons for other in same if other != place) else TWICE


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
