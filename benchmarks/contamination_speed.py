"""How many questions a second one core compares with all benchmarks, by words alone.

Real questions of 61 tokens on average (those nearest to it, repeated up to `--questions`)
against every item of `REAL_DATA/benchmarks`, by `dedup.contamination` and by Python sets of
8-grams of lower-cased words, in three forms::

    REAL_DATA=… python benchmarks/contamination_speed.py --questions 100000

- "any shared": a set of all n-grams of the items; says only whether a question holds one.
- "any, tuples": the same with n-grams as tuples, the fastest form that we know.
- "which items": a dictionary of n-grams; says which items a question shares how many with.

Ours gives item, score and matched text. Each goes `--rounds` times, in turn; the best counts.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import real_data

from dedup.benchmarks import Benchmarks
from dedup.contamination import Contamination
from dedup.quick import quick_tokens

WORD = re.compile(r"\w+")
SIZE = 8
TOKENS = 61

Find = Callable[[Sequence[str]], int]  # texts → how many of them are hit


def questions(count: int) -> list[str]:
    """Return so many real questions whose lengths are around `TOKENS`, in a mixed order."""
    every = [text for texts in real_data.questions().values() for text in texts]
    lengths = quick_tokens(every).lengths
    near = np.flatnonzero(np.abs(lengths - TOKENS) <= TOKENS // 5)
    order = np.random.default_rng(0).permutation(np.resize(near, count))
    return [every[k] for k in order.tolist()]


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def grams(text: str) -> set[str]:
    found = words(text)
    return {" ".join(found[k : k + SIZE]) for k in range(len(found) - SIZE + 1)}


def tuples(text: str) -> Iterator[tuple[str, ...]]:
    found = words(text)
    return zip(*(found[k:] for k in range(SIZE)), strict=False)


def any_shared(benchmarks: Benchmarks) -> Find:
    known = set().union(*(grams(text.text) for text in benchmarks.texts))
    return lambda texts: sum(not known.isdisjoint(grams(text)) for text in texts)


def any_tuple(benchmarks: Benchmarks) -> Find:
    known = set().union(*(tuples(text.text) for text in benchmarks.texts))
    return lambda texts: sum(not known.isdisjoint(tuples(text)) for text in texts)


def which_items(benchmarks: Benchmarks) -> Find:
    holders: dict[str, list[int]] = {}
    for number, text in enumerate(benchmarks.texts):
        for gram in grams(text.text):
            holders.setdefault(gram, []).append(number)

    def shared(text: str) -> dict[int, int]:
        counts: dict[int, int] = {}
        for gram in grams(text):
            for number in holders.get(gram, ()):
                counts[number] = counts.get(number, 0) + 1
        return counts

    return lambda texts: sum(bool(shared(text)) for text in texts)


def ours(benchmarks: Benchmarks) -> Find:
    check = Contamination(benchmarks)
    return lambda texts: len(
        {hit.id for hit in check.find([str(k) for k in range(len(texts))], texts)}
    )


def rate(find: Find, texts: Sequence[str]) -> tuple[float, int]:
    """Return questions a second of processor time, and how many were hit."""
    start = time.process_time()
    hit = find(texts)
    return len(texts) / (time.process_time() - start), hit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", "--limit", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    texts = questions(arguments.questions)
    benchmarks = Benchmarks.load([real_data.folder() / "benchmarks"])
    tokens = len(quick_tokens(texts).hash) / len(texts)
    print(f"{len(texts):,} questions of {tokens:.1f} tokens, {len(benchmarks.texts):,} item texts")
    made = {
        "any shared": any_shared, "any, tuples": any_tuple, "which items": which_items, "ours": ours
    }  # fmt: skip
    finds = {name: make(benchmarks) for name, make in made.items()}
    for find in finds.values():
        find(texts[:2_000])  # the first call looks at items for the first time
    best = dict.fromkeys(finds, (0.0, 0))
    for _ in range(arguments.rounds):
        best = {name: max(best[name], rate(find, texts)) for name, find in finds.items()}
    mine, hit = best.pop("ours")
    print(f"ours: {mine:,.0f} questions/s a core, {hit:,} hit")
    for name, (peer, found) in best.items():
        print(
            f"Python sets, {name}: {peer:,.0f} questions/s a core, {found:,} hit;"
            f" ours {mine / peer:.1f} times as many"
        )


if __name__ == "__main__":
    main()
