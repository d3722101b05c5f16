"""How many looped traces the repetition rule finds, and how many real ones it takes for loops.

``REAL_DATA=… python benchmarks/repetition.py [--seed N]`` makes looped traces out of the real
DeepSeek-R1 traces: at a random place of a think part a span of 8 to 400 tokens (words and signs)
is said again, and what followed is cut off or left. Three sets of 60: said 3 to 6 times in all,
10 to 40 times, and 10 to 20 times with a few words in between that change.

The baseline is a compression ratio (zlib), with the threshold that refuses as many real traces
as the rule may: five.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from verifiers.repetition import Loop, Thresholds, find_loop
from verifiers.response import split

PIECE = re.compile(r"\s*(?:[A-Za-z0-9_]+|[^\sA-Za-z0-9_])")
SET = 60
ALLOWED = 5
CONNECTORS = ("Wait", "Hmm", "But then", "Alternatively", "So again", "Let me check that")


def load(folder: Path) -> list[str]:
    path = folder / "traces" / "kodcode_r1_prefill.parquet"
    return [str(text) for text in pq.read_table(path, columns=["response"]).column(0).to_pylist()]


def loop(text: str, times: int, dice: random.Random, changing: bool) -> tuple[str, int]:
    """Return a think part in which a span is repeated, and the span's length in tokens."""
    pieces = PIECE.findall(text)
    span = dice.choice((8, 9, 10, 12, 16, 24, 40, 64, 100, 160, 250, 400))
    span = min(span, len(pieces) // 3)
    start = dice.randrange(len(pieces) - span)
    said = "".join(pieces[start : start + span])
    parts = []
    for turn in range(times - 1):
        if changing:
            parts.append(f" {dice.choice(CONNECTORS)}, {turn + 2}.")
        parts.append(said if said[:1].isspace() else f" {said}")
    rest = pieces[start + span :] if dice.random() < 0.5 else []
    return "".join([*pieces[: start + span], *parts, *rest]), span


def looped(
    traces: list[str], dice: random.Random, least: int, most: int, changing: bool
) -> list[str]:
    thinks = [think for text in traces if len(think := split(text).think or "") > 2000]
    made = []
    for text in dice.sample(thinks, SET):
        made.append(loop(text, dice.randint(least, most), dice, changing)[0])
    return made


def ratio(text: str) -> float:
    data = text.encode("utf-8", "surrogatepass")
    return len(zlib.compress(data)) / max(1, len(data))


def parts_of(text: str) -> list[str]:
    parts = split(text)
    return [parts.think or "", parts.answer or ""]


def rule(text: str) -> Loop | None:
    found = (find_loop(part, Thresholds()) for part in parts_of(text))
    return next(filter(None, found), None)


def count(texts: list[str], looks: Callable[[str], bool]) -> int:
    return sum(map(looks, texts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    real = os.environ.get("REAL_DATA")
    if not real:
        print("REAL_DATA: is not set; set it to the folder of real questions", file=sys.stderr)
        sys.exit(2)
    traces, dice = load(Path(real)), random.Random(given.seed)
    cut = sorted(ratio(split(text).think or text) for text in traces)[ALLOWED]
    sets = {
        "3 to 6 times": looped(traces, dice, 3, 6, changing=False),
        "10 to 40 times": looped(traces, dice, 10, 40, changing=False),
        "10 to 20 times, other words between": looped(traces, dice, 10, 20, changing=True),
    }
    for name, texts in sets.items():
        mine = count(texts, lambda text: rule(text) is not None)
        theirs = count(texts, lambda text: ratio(text) < cut)
        share = f"ratio {mine / max(1, theirs):.2f}"
        print(f"{name:36} {mine:3} of {len(texts)} found, zlib below {cut:.3f} {theirs:3}, {share}")
    for text in traces:
        if found := rule(text):
            print("real trace taken for a loop:", found.evidence(split(text).think or text))
    false = count(traces, lambda text: rule(text) is not None)
    print(f"{false} of {len(traces)} real traces taken for loops (allowed: {ALLOWED})")


if __name__ == "__main__":
    main()
