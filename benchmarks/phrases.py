"""What it takes to count phrases over a whole dataset, and what is counted in real R1 traces.

``REAL_DATA=… python benchmarks/phrases.py [--limit 100000]`` first counts runs of 20 words in
DeepSeek-R1's traces of KodCode, of all questions and of a half, a quarter and an eighth of them:
what the rule would find, and how it grows. Then it writes responses of 3,000 words (about 4,000
tokens of a model), 30 of which hold one planted phrase, spills, counts and looks them up on one
core, and prints time, memory and disk, with what they come to for 1.4 million (reckoned, not
measured).

The baseline is a Counter of tuples of words over some of the same texts, which would have to hold
them all in memory.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from pipeline.phrases import Common, said, spill
from pipeline.recipe_select import Phrases
from pipeline.records import Message, Question, Response

WHOLE = 1_400_000
SHARDS = 16
WORDS = 3_000
HOLDERS = 30  # of the planted phrase, which has 30 words: 11 runs
COUNTED = 60  # texts that the baseline counts
POLICY = Phrases()
Group = tuple[Question, list[Response]]


def group(name: str, prompt: str, texts: list[str]) -> Group:
    turns = [Message("user", prompt)]
    of = Question.new(name, turns, source_revision="1", licence="MIT", kind="chat")
    how = {"id": of.id, "teacher": "t", "round": 0, "finish_reason": "stop"}
    how |= {"prompt_tokens": None, "response_tokens": None}
    return of, [Response.parse(text, attempt=n, **how) for n, text in enumerate(texts)]


def real(folder: Path) -> list[Group]:
    path = folder / "traces" / "kodcode_r1_prefill.parquet"
    rows = pq.read_table(path, columns=["question_id", "prompt", "response"]).to_pylist()
    texts: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        texts.setdefault((row["question_id"], row["prompt"]), []).append(row["response"])
    return [group(name, prompt, found) for (name, prompt), found in texts.items()]


def growth(groups: list[Group]) -> None:
    every = [said(of, given, POLICY) for of, given in groups]
    for part in (8, 4, 2, 1):
        dice, shares = random.Random(0), []
        for _ in range(part):
            some = dice.sample(every, len(every) // part)
            hashes, counts = np.unique(np.concatenate(some), return_counts=True)
            shares.append(
                [np.mean([np.isin(one, hashes[counts > n]).any() for one in some]) for n in LIMITS]
            )
        found = ", ".join(
            f"{n}: {share:.3f}" for n, share in zip(LIMITS, np.mean(shares, axis=0), strict=True)
        )
        print(f"R1 traces, {len(every) // part:4} questions; with a run of more than {found}")


LIMITS = (1, 2, 5, POLICY.more_than)


def written(count: int, shard: int) -> Iterator[Group]:
    """Yield a shard's questions, each with one response; the same ones every time."""
    words = np.array([f"{a}{b}{c}" for a in "bcdfghklmnprst" for b in "aeiou" for c in RHYMES])
    phrase = " ".join(words[:30])
    for place in range(shard, count, SHARDS):
        dice = np.random.default_rng(place)
        text = " ".join(words[np.minimum(dice.zipf(1.2, WORDS), len(words)) - 1])
        planted = f" {phrase}" if place < HOLDERS else ""
        yield group(f"x{place}", "What is it?", [f"<think>{text}{planted}</think>So it is."])


RHYMES = ("rn", "st", "nd", "m", "lt", "x", "ck", "p", "ve", "ng", "sh", "re", "le", "ma", "to")


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def generated(count: int) -> None:
    before, cpu = peak(), 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = 0
        for shard in range(SHARDS):
            groups = list(written(count, shard))
            start = time.process_time()
            runs += spill(folder, shard, (said(of, given, POLICY) for of, given in groups))
            cpu += time.process_time() - start
        disk = sum(path.stat().st_size for path in folder.iterdir())
        held, start = peak(), time.process_time()
        Common.count(folder, POLICY)
        counting = time.process_time() - start
        common, found, looking = Common.load(folder, POLICY), 0, 0.0
        for shard in range(SHARDS):
            groups = list(written(count, shard))
            start = time.process_time()
            found += sum(common.worst(of, given[0]) is not None for of, given in groups)
            looking += time.process_time() - start
    ours = count / (cpu + counting + looking)
    plain = counter_rate(count)
    print(
        f"{count:,} responses of {WORDS:,} words, {runs:,} runs: spilled in {cpu:.1f} s of CPU,"
        f" counted in {counting:.1f} s, looked up in {looking:.1f} s; {ours:,.0f} responses/s a"
        f" core, a Counter of tuples {plain:,.0f} for its counting alone, ratio {ours / plain:.2f}"
    )
    print(
        f"  memory at most {peak():.2f} GB ({before:.2f} before, {held:.2f} while spilling, with a"
        f" shard of {count // SHARDS:,} responses in it), disk {disk / 2**30:.2f} GB;"
        f" {found} of {HOLDERS} holders of the planted phrase found, none else"
        if found == HOLDERS
        else f"  WRONG: {found} found, {HOLDERS} hold the phrase"
    )
    times = WHOLE / count
    print(
        f"  for {WHOLE:,} responses, reckoned from these: {(cpu + looking) * times / 3600:.1f} h of"
        f" CPU, shared by all workers, {counting * times / 60:.0f} min of one, disk"
        f" {disk * times / 2**30:.0f} GB; memory by the size of a shard"
    )


def counter_rate(count: int) -> float:
    texts = [given[0].text.split() for _, given in written(min(count, COUNTED * SHARDS), 0)]
    start = time.process_time()
    counts: Counter[tuple[str, ...]] = Counter()
    for words in texts:
        counts.update({tuple(words[at : at + 20]) for at in range(len(words) - 19)})
    return len(texts) / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--limit", type=int, default=100_000, help="responses that are written")
    given = parser.parse_args()
    where = os.environ.get("REAL_DATA")
    if not where:
        print("REAL_DATA: is not set; set it to the folder of real questions", file=sys.stderr)
        sys.exit(2)
    growth(real(Path(where)))
    generated(given.limit)


if __name__ == "__main__":
    main()
