"""How often mathematical verdicts are right, beside math-verify on the same labelled pairs.

``python benchmarks/math_accuracy.py [--kinds] [FILE …]``. A file is JSONL whose rows have a
reference (`reference_answer` or `gold`), an answer (`answer` or `prediction`), a label
(`outcome`, `label` or `expected`; a row with none of them is an error), a `kind`, and perhaps
its question (`prompt` or `question`), which only this verifier reads. Without files: the
project's own cases and, where REAL_DATA is set, its labelled pairs. Unverified counts as not
right.

math-verify answers False for "different" and for "I could not tell" alike, so its
column of unverified is empty. Its own timeouts are left on, as a user has them.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from math_verify import parse, verify

from verifiers.math_answer import MathVerifier

TESTS = Path(__file__).parent.parent / "tests" / "verifiers"
OURS, PEER = "build-dataset", "math-verify 0.9.0"
HEAD = f"{'kind':34} {'pairs':>6}" + "".join(
    f"  {name:>17}: right  wrong+ wrong- unver." for name in (OURS, PEER)
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A labelled pair."""

    kind: str
    reference: str
    answer: str
    equal: bool
    question: str = ""


def load(path: Path) -> Iterator[Pair]:
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        outcome = label(row)
        if outcome == "unverified":
            continue  # a case about limits, not about equality
        reference = row.get("reference_answer", row.get("gold"))
        answer = row.get("answer", row.get("prediction"))
        question = row.get("prompt", row.get("question")) or ""
        yield Pair(row["kind"] or "-", reference, answer, outcome == "correct", question)


def label(row: dict[str, Any]) -> str:
    """Return a row's label; raises KeyError for a row without one."""
    if "expected" in row:
        return "correct" if row["expected"] else "incorrect"
    return str(row["outcome"] if "outcome" in row else row["label"])


def ours(pairs: list[Pair]) -> list[str]:
    rows = (
        {"reference_answer": pair.reference, "answer": pair.answer, "prompt": pair.question}
        for pair in pairs
    )
    with MathVerifier.create(workers=2) as verifier:
        return [result.outcome.value for result in verifier.results(rows)]


def peer(pairs: list[Pair]) -> list[str]:
    logging.disable(logging.ERROR)
    found = []
    for pair in pairs:
        gold, answer = parse(delimited(pair.reference)), parse(delimited(pair.answer))
        found.append("correct" if verify(gold, answer) else "incorrect")
    logging.disable(logging.NOTSET)
    return found


def delimited(text: str) -> str:
    """Put a text without any formula between dollar signs, with which math-verify does best.

    Of seven ways of calling it this one has the most right on the labelled pairs.
    """
    return text if "$" in text or "\\boxed" in text else f"${text}$"


def score(pairs: Iterable[Pair], outcomes: Iterable[str]) -> Counter[str]:
    """Count right, false positives, false negatives and unverified."""
    counts: Counter[str] = Counter()
    for pair, outcome in zip(pairs, outcomes, strict=True):
        if outcome == "unverified":
            counts["unverified"] += 1
        elif (outcome == "correct") == pair.equal:
            counts["right"] += 1
        else:
            counts["wrong-" if pair.equal else "wrong+"] += 1
    return counts


def line(title: str, pairs: list[Pair], columns: list[list[str]]) -> str:
    cells = f"{title[:34]:34} {len(pairs):6}"
    for outcomes in columns:
        found = score(pairs, outcomes)
        cells += f"  {found['right'] / len(pairs):24.3f} {found['wrong+']:6} {found['wrong-']:6}"
        cells += f" {found['unverified']:6}"
    return cells


def report(title: str, pairs: list[Pair], by_kind: bool) -> None:
    columns, seconds = [], []
    methods: tuple[Callable[[list[Pair]], list[str]], ...] = (ours, peer)
    for method in methods:
        start = time.perf_counter()
        columns.append(method(pairs))
        seconds.append(time.perf_counter() - start)
    print(line(title, pairs, columns) + f"   {seconds[0]:.1f} s, {seconds[1]:.1f} s")
    if by_kind:
        for kind in sorted({pair.kind for pair in pairs}):
            places = [place for place, pair in enumerate(pairs) if pair.kind == kind]
            chosen = [[column[place] for place in places] for column in columns]
            print(line(f"  {kind}", [pairs[place] for place in places], chosen))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--kinds", action="store_true", help="a line for each kind of answer")
    arguments = parser.parse_args()
    files = arguments.files or [TESTS / "cases" / "math.jsonl", TESTS / "blind" / "math.jsonl"]
    real = os.environ.get("REAL_DATA")
    if not arguments.files and real:
        files.append(Path(real) / "math_equivalence_dev.jsonl")
    elif not arguments.files:
        print("REAL_DATA is not set: only the project's own cases", file=sys.stderr)
    print(HEAD)
    for file in files:
        report("/".join(file.parts[-2:]), list(load(file)), arguments.kinds)


if __name__ == "__main__":
    main()
