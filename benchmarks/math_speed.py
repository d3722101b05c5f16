"""How fast mathematical answers are judged, beside math-verify on the same pairs, on one core.

``REAL_DATA=… python benchmarks/math_speed.py [--rows N]`` prints its figures:

- MATH-500 and AIME: solution texts against reference answers, 30 % another question's;
- short answers: solutions of GSM8K, whose references are whole numbers;
- responses with a think part of 20,000 characters.

math-verify runs on the first pairs only, as many as it does in a few seconds; its own
timeouts are off, which is the faster way. The process is pinned to one core, the
verifier's worker included.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
from math_verify import parse, verify

from verifiers.math_answer import MathVerifier

Pair = tuple[str, str]  # reference, answer
PEER_SECONDS = 8.0
THINKING = "Let me check that the sum 3 + 4 = 7 holds, so $x = 7$, and then \\boxed{8}? No. "


def columns(folder: Path, name: str, *wanted: str) -> list[tuple[str, ...]]:
    table = pq.read_table(folder / f"{name}.parquet", columns=list(wanted))
    return list(zip(*(table.column(column).to_pylist() for column in wanted), strict=True))


def solution_pairs(folder: Path, names: list[str]) -> list[Pair]:
    """Return answers with solutions, 30 % of them another question's; no pair comes twice."""
    found = [row for name in names for row in columns(folder, name, "answer", "solution")]
    shuffler = random.Random(0)
    return [
        (answer, found[place - 1][1] if shuffler.random() < 0.3 else solution)
        for place, (answer, solution) in enumerate(found)
    ]


def short_pairs(folder: Path, rows: int) -> list[Pair]:
    found = columns(folder, "questions/gsm8k_train", "answer")
    solutions = [row[0] for row in found][:rows]
    return [(solution.rsplit("####", 1)[1].strip(), solution) for solution in solutions]


def long_pairs(pairs: list[Pair]) -> list[Pair]:
    thinking = (THINKING * (20_000 // len(THINKING) + 1))[:20_000]
    return [(reference, f"<think>{thinking}</think>{answer}") for reference, answer in pairs]


def ours(pairs: list[Pair]) -> float:
    """Return pairs a second; the memo is off, so that repeated pairs count in full."""
    rows = [{"reference_answer": reference, "answer": answer} for reference, answer in pairs]
    with MathVerifier.create(workers=1, memo=0) as verifier:
        list(verifier.results([{"reference_answer": "2", "answer": r"\boxed{\sqrt{4}}"}]))
        start = time.perf_counter()
        list(verifier.results(rows))
        return len(rows) / (time.perf_counter() - start)


def peer(pairs: list[Pair]) -> float:
    logging.disable(logging.ERROR)
    start, done = time.perf_counter(), 0
    for reference, answer in pairs:
        gold = parse(reference if "$" in reference else f"${reference}$", parsing_timeout=None)
        verify(gold, parse(answer, parsing_timeout=None), timeout_seconds=None)
        done += 1
        if time.perf_counter() - start > PEER_SECONDS:
            break
    return done / (time.perf_counter() - start)


def compare(title: str, pairs: list[Pair], other: Callable[[list[Pair]], float] = peer) -> None:
    mine, theirs = ours(pairs), other(pairs)
    print(
        f"{title:34} {len(pairs):6} pairs: {mine:9,.0f}/s, math-verify 0.9.0 {theirs:7,.1f}/s,"
        f" ratio {mine / theirs:7.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=5000)
    rows = parser.parse_args().rows
    real = os.environ.get("REAL_DATA")
    if not real:
        print("REAL_DATA: is not set; set it to the folder of real questions", file=sys.stderr)
        sys.exit(2)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    folder = Path(real)
    compare("MATH-500, 30 % mismatched", solution_pairs(folder, ["benchmarks/math500"]))
    compare("AIME, 30 % mismatched", solution_pairs(folder, ["questions/aime_1983_2023_dev"]))
    short = short_pairs(folder, rows)
    compare("short answers (GSM8K)", short)
    compare("20,000 characters of thinking", long_pairs(short[: max(1, rows // 5)]))


if __name__ == "__main__":
    main()
