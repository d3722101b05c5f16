"""How many responses a second the rules judge on one core, real traces and long ones.

``REAL_DATA=… python benchmarks/rules_speed.py`` judges the real DeepSeek-R1 traces as they are
and put together to about 4,000 tokens, every rule on. The baseline is NLTK's word_tokenize over the
same texts, which a rule made with it would need at least; the process is pinned to one core.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

from verifiers.constraints.passages import tokens
from verifiers.response import split
from verifiers.rules import RulesVerifier

CHARS = 16_000  # about 4,000 tokens
ROWS = 300
EVERYTHING = {"forbid_urls": True, "forbid_tables": True, "personal_data": "refuse"}


def load(folder: Path) -> list[tuple[str, str]]:
    path = folder / "traces" / "kodcode_r1_prefill.parquet"
    rows = pq.read_table(path, columns=["prompt", "response"]).to_pylist()
    return [(row["prompt"], row["response"]) for row in rows if "</think>" in row["response"]]


def long_ones(traces: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Put think parts of different traces together until they have 4,000 tokens."""
    made = []
    for start in range(ROWS):
        think, place = "", start
        while len(think) < CHARS:
            think += split(traces[place % len(traces)][1]).think or ""
            place += 7
        prompt, response = traces[start % len(traces)]
        made.append((prompt, f"<think>{think[:CHARS]}</think>{split(response).answer}"))
    return made


def measure(title: str, pairs: list[tuple[str, str]]) -> None:
    rows = [{"prompt": prompt, "answer": response} for prompt, response in pairs]
    with RulesVerifier.create(workers=1, **EVERYTHING) as verifier:
        list(verifier.results(rows[:20]))
        start = time.process_time()
        results = list(verifier.results(rows))
        mine = len(rows) / (time.process_time() - start)
    tokens("Warm up.")
    start = time.process_time()
    for _, response in pairs[:50]:
        tokens(response)
    theirs = min(50, len(pairs)) / (time.process_time() - start)
    size = sum(len(response) for _, response in pairs) // len(pairs)
    kept = sum(result.reason == "none_broken" for result in results)
    print(
        f"{title:24} {len(rows)} responses of {size:,} characters: {mine:6,.0f} a second,"
        f" word_tokenize {theirs:5,.0f}, ratio {mine / theirs:.1f}; {kept} break no rule"
    )


def main() -> None:
    real = os.environ.get("REAL_DATA")
    if not real:
        print("REAL_DATA: is not set; set it to the folder of real questions", file=sys.stderr)
        sys.exit(2)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    traces = load(Path(real))
    measure("real traces", traces)
    measure("4,000 tokens of them", long_ones(traces))


if __name__ == "__main__":
    main()
