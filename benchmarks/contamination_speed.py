"""How many questions a second one core compares with all benchmarks, by words alone.

Real questions of 61 tokens on average (those nearest to it, repeated up to `--questions`)
against every item of `REAL_DATA/benchmarks`, once by `dedup.contamination` and once by
the usual way: Python sets of 8-grams of lower-cased words, a lookup for each n-gram::

    REAL_DATA=… python benchmarks/contamination_speed.py --questions 100000

The peer only says whether any n-gram is shared; ours gives item, score and text as well.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Sequence

import numpy as np
import real_data

from dedup.benchmarks import Benchmarks
from dedup.contamination import Contamination
from dedup.quick import quick_tokens

WORD = re.compile(r"\w+")
SIZE = 8
TOKENS = 61


def questions(count: int) -> list[str]:
    """Return so many real questions whose lengths are around `TOKENS`, in a mixed order."""
    every = [text for texts in real_data.questions().values() for text in texts]
    lengths = quick_tokens(every).lengths
    near = np.flatnonzero(np.abs(lengths - TOKENS) <= TOKENS // 5)
    order = np.random.default_rng(0).permutation(np.resize(near, count))
    return [every[k] for k in order.tolist()]


def grams(text: str) -> set[str]:
    words = WORD.findall(text.lower())
    return {" ".join(words[k : k + SIZE]) for k in range(len(words) - SIZE + 1)}


def python_sets(benchmarks: Benchmarks) -> Callable[[Sequence[str]], int]:
    known = set().union(*(grams(text.text) for text in benchmarks.texts))
    return lambda texts: sum(not known.isdisjoint(grams(text)) for text in texts)


def ours(benchmarks: Benchmarks) -> Callable[[Sequence[str]], int]:
    check = Contamination(benchmarks)
    return lambda texts: len(
        {hit.id for hit in check.find([str(k) for k in range(len(texts))], texts)}
    )


def rate(find: Callable[[Sequence[str]], int], texts: Sequence[str]) -> tuple[float, int]:
    """Return questions a second of processor time, and how many were hit."""
    start = time.process_time()
    hit = find(texts)
    return len(texts) / (time.process_time() - start), hit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", "--limit", type=int, default=100_000)
    texts = questions(parser.parse_args().questions)
    benchmarks = Benchmarks.load([real_data.folder() / "benchmarks"])
    tokens = len(quick_tokens(texts).hash) / len(texts)
    print(f"{len(texts):,} questions of {tokens:.1f} tokens, {len(benchmarks.texts):,} item texts")
    peer, hit_by_peer = rate(python_sets(benchmarks), texts)
    check = ours(benchmarks)
    check(texts[:2_000])  # the first call looks at items for the first time
    mine, hit = rate(check, texts)
    print(f"Python sets of 8-grams: {peer:,.0f} questions/s a core, {hit_by_peer:,} hit")
    print(f"ours: {mine:,.0f} questions/s a core, {hit:,} hit; {mine / peer:.1f} times as many")


if __name__ == "__main__":
    main()
