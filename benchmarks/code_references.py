"""How many reference solutions pass their own tests in the sandbox: all should.

    REAL_DATA=… python benchmarks/code_references.py [--set NAME …] [--limit N] [--tier 1|2]
        [--packages NAME …]

HumanEval (164), MBPP (974: the prompt, test, validation and train tasks that are there) and
LeetCodeDataset's training part (1,890). Each that does not pass is run once more in the plainest
way, solution and tests as one program in one process, and named with its reason in both: where
that fails, too, the data set is at fault, or a package is missing (12 of LeetCode's want
sortedcontainers). Prints for each set the share
that passes, and the same beside what passes in one process. Exits with 1 where that is below its
bar: all of HumanEval, 99 % of the others.
"""

from __future__ import annotations

import argparse
import sys
import time

from code_rows import SETS, Row, references, shown, whole

from verifiers.base import Outcome, Result
from verifiers.code_tests import CodeVerifier
from verifiers.sandbox_probe import probe

BARS = {"humaneval": 1.0, "mbpp": 0.99, "leetcode": 0.99}


def share(verifier: CodeVerifier, name: str, limit: int | None) -> float:
    """Judge a data set's references, print what was found and return the share that passes."""
    rows = references(name)[:limit]
    started = time.perf_counter()
    judged = list(zip(rows, verifier.results(rows), strict=True))
    rate = len(rows) / (time.perf_counter() - started)
    failed = [(row, result) for row, result in judged if result.outcome is not Outcome.CORRECT]
    passed = len(rows) - len(failed)
    lost = missed(verifier, failed)
    found = passed / max(passed + lost, 1)
    print(f"{name:<10} {passed:>5} of {len(rows):>5} pass ({passed / len(rows):.2%}), {rate:.0f} "
          f"a second; passing here / in one process = {found:.4f}", flush=True)  # fmt: skip
    return found


def missed(verifier: CodeVerifier, failed: list[tuple[Row, Result]]) -> int:
    """Print each reference that failed, and return how many of them pass in one process."""
    lost = 0
    others = verifier.results([whole(row) for row, _ in failed])
    for (row, result), other in zip(failed, others, strict=True):
        lost += other.outcome is Outcome.CORRECT
        plain = f"in one process {other.reason}"
        print(f"  {row['id']}: {result.reason}: {shown(result.evidence)}; {plain}", flush=True)
    return lost


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--set", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N of each set")
    parser.add_argument("--tier", type=int, choices=(1, 2), default=0)
    parser.add_argument("--packages", nargs="+", default=["numpy"], metavar="NAME")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    given = parser.parse_args()
    packages = tuple(given.packages)
    tier = probe(packages, given.tier).tier
    if tier is None:
        print("no sandbox holds here: build-dataset doctor says why")
        return 2
    print(f"tier {tier}, {given.workers} workers")
    with CodeVerifier.create(workers=given.workers, tier=tier, packages=packages) as verifier:
        shares = {name: share(verifier, name, given.limit) for name in given.set}
    return 0 if all(found >= BARS[name] for name, found in shares.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
