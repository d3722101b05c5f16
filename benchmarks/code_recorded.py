"""How far the sandbox's verdicts agree with those that another harness has recorded.

    REAL_DATA=… python benchmarks/code_recorded.py [--limit N] [--tier 1|2]

KodCode publishes answers of DeepSeek-R1, pytest modules, and for each answer whether it passed
in its own harness: 501 of its demonstration set have a result that can be told. Prints the
agreement beside that without the rule by which a program's one unused function stands for a
name that tests import and it lacks (`adopted` in the evidence; recomputed from the same
verdicts), and every disagreement. Exits with 1 below 98 %.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from code_rows import recorded, shown

from verifiers.base import Outcome, Result
from verifiers.code_tests import CodeVerifier
from verifiers.sandbox_probe import probe

BAR = 0.98
UNTOLD = Outcome.UNVERIFIED


def adopted(result: Result) -> dict[str, str]:
    """Return which names the tests import were taken for which functions of the program."""
    tests: list[dict[str, Any]] = list(result.evidence.get("tests", ()))
    return {k: v for test in tests for k, v in test.get("adopted", {}).items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N answers")
    parser.add_argument("--tier", type=int, choices=(1, 2), default=0)
    given = parser.parse_args()
    tier = probe(("numpy",), given.tier).tier
    if tier is None:
        print("no sandbox holds here: build-dataset doctor says why")
        return 2
    pairs = recorded()[: given.limit]
    with CodeVerifier.create(workers=2, tier=tier) as verifier:
        results = list(verifier.results(row for row, _ in pairs))
    agree = without = by_rule = 0
    for (row, passed), result in zip(pairs, results, strict=True):
        right = result.outcome is Outcome.CORRECT
        names = adopted(result)
        by_rule += bool(names)
        agree += right is passed and result.outcome is not UNTOLD
        without += (right and not names) is passed and result.outcome is not UNTOLD
        if right is not passed or result.outcome is UNTOLD:
            was = "passed" if passed else "failed"
            rule = f"; adopted {names}" if names else ""
            found = f"{result.outcome.value}, {result.reason}"
            print(f"  {row['id']}: recorded {was}, here {found}: {shown(result.evidence)}{rule}")
    total = len(pairs)
    print(f"tier {tier}: {agree} of {total} agree with KodCode's harness ({agree / total:.2%})")
    print(f"without the rule of the unused function, which {by_rule} verdicts rest on: {without} "
          f"({without / total:.2%}); with / without = {agree / max(without, 1):.2f}")  # fmt: skip
    return 0 if agree / total >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
