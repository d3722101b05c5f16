"""What hostile answers cost and whether any is judged wrongly, with gmpy2 and without it.

``python benchmarks/math_hostile.py [--peer]`` runs the project's own hostile answers and,
where REAL_DATA is set, its `math_hostile_dev.jsonl`. gmpy2's calls on big integers can't be
interrupted by signals; it comes with the development extra. With `--peer`, math-verify
judges the same answers with its own timeouts, each in a process that is killed after 20 s.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from verifiers.base import Result
from verifiers.math_answer import MathVerifier

HOSTILE_FILE = Path(__file__).parent.parent / "tests" / "verifiers" / "hostile_math.py"
WITHOUT_GMPY2 = {"MPMATH_NOGMPY": "1", "SYMPY_GROUND_TYPES": "python"}
PEER_LIMIT_S = 20
PEER = (
    "import json, sys, logging; logging.disable(logging.ERROR);"
    "from math_verify import parse, verify; gold, answer = json.load(sys.stdin);"
    "quoted = lambda t: t if '$' in t or 'boxed' in t else '$' + t + '$';"
    "print(bool(verify(parse(quoted(gold)), parse(quoted(answer)))))"
)


@dataclass(frozen=True, slots=True)
class Case:
    """A hostile pair and its label."""

    name: str
    reference: str
    answer: str
    equal: bool


def own_cases() -> list[Case]:
    spec = importlib.util.spec_from_file_location("hostile_math", HOSTILE_FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [Case(name, *row) for name, row in module.HOSTILE.items()]


def real_cases() -> list[Case]:
    real = os.environ.get("REAL_DATA")
    if not real:
        return []
    lines = (Path(real) / "math_hostile_dev.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        Case(
            row["name"],
            "".join(text * count for text, count in row["gold_parts"]),
            "".join(text * count for text, count in row["prediction_parts"]),
            row["expected"],
        )
        for row in map(json.loads, lines)
    ]


def ours(title: str, cases: list[Case]) -> None:
    results: list[Result] = []
    with MathVerifier.create(workers=1) as verifier:
        list(verifier.results([{"reference_answer": "2", "answer": r"\boxed{\sqrt{4}}"}]))
        start = time.perf_counter()
        for case in cases:
            row = {"reference_answer": case.reference, "answer": case.answer}
            results += verifier.results([row])
        total = time.perf_counter() - start
        (after,) = verifier.results([{"reference_answer": "2", "answer": r"\boxed{\sqrt{4}+0}"}])
    decided = [r.outcome.value != "unverified" for r in results]
    pairs = list(zip(cases, results, strict=True))
    wrong = [
        case.name
        for (case, r), known in zip(pairs, decided, strict=True)
        if known and (r.outcome.value == "correct") != case.equal
    ]
    print(
        f"{title:28} {len(cases)} answers: {sum(decided)} decided, {len(wrong)} wrongly {wrong},"
        f" slowest {max(r.seconds for r in results):.2f} s, all {total:.1f} s,"
        f" afterwards {after.outcome.value}"
    )


def peer(cases: list[Case]) -> None:
    slow, wrong = 0, 0
    for case in cases:
        start = time.perf_counter()
        given = json.dumps([case.reference, case.answer])
        try:
            done = subprocess.run(
                [sys.executable, "-c", PEER], input=given, text=True, capture_output=True,
                timeout=PEER_LIMIT_S, check=False,
            )  # fmt: skip
            said = done.stdout.strip() == "True"
        except subprocess.TimeoutExpired:
            said = False
        slow += time.perf_counter() - start >= 5
        wrong += said != case.equal
    print(f"{'math-verify 0.9.0':28} {len(cases)} answers: {wrong} wrong, {slow} took 5 s or more")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--peer", action="store_true", help="run math-verify too; takes minutes")
    arguments = parser.parse_args()
    if importlib.util.find_spec("gmpy2") is None:
        print("gmpy2: is not installed; `pip install gmpy2` first", file=sys.stderr)
        sys.exit(2)
    groups = {"own": own_cases(), "REAL_DATA": real_cases()}
    for name, cases in groups.items():
        if cases:
            ours(f"{name}, with gmpy2", cases)
    os.environ.update(WITHOUT_GMPY2)
    for name, cases in groups.items():
        if cases:
            ours(f"{name}, without gmpy2", cases)
    if arguments.peer:
        peer([case for cases in groups.values() for case in cases])


if __name__ == "__main__":
    main()
