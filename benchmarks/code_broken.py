"""Whether any program that was broken on purpose passes: none whose tested behaviour changed may.

    REAL_DATA=… python benchmarks/code_broken.py [--programs 500] [--seed N] [--tier 1|2]

Reference solutions of HumanEval, MBPP and LeetCodeDataset with one small change each
(`code_breaking.py`): a returned value negated or shifted, a branch removed, a comparison
flipped, off by one. Whether that changes a tested behaviour is found out in another way: a
program of its own, in the sandbox and run by standard input, has the right solution pass the
tests, and gives the arguments of every call, copied, to the broken one too; it prints whether all
results, with the arguments afterwards, are the same, and whether the broken one passes the tests
where nothing stands between them. Results that differ no more than the tests allow (order,
rounding) are named apart: there both ways agree that the tests pass.

Exits with 1 where a program passes that behaves otherwise and fails in that other way.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter

from code_breaking import break_one
from code_rows import SETS, Row, fenced, references

from verifiers.base import Outcome, Result
from verifiers.code_tests import CodeVerifier
from verifiers.sandbox_probe import probe

SECONDS = 3.0
OTHER_WAY = '''
import copy, sys
def plain(v, depth=0):
    """Give a value's content, whatever class its nodes are of."""
    if depth > 50: return "..."
    if isinstance(v, float): return round(v, 9)
    if isinstance(v, dict): return [(plain(k), plain(w, depth + 1)) for k, w in v.items()]
    if isinstance(v, (list, tuple)): return [type(v).__name__, *(plain(w, depth + 1) for w in v)]
    if isinstance(v, (set, frozenset)): return sorted((plain(w, depth + 1) for w in v), key=repr)
    if hasattr(v, "__dict__"): return [type(v).__name__, plain(vars(v), depth + 1)]
    return v
def load(code):
    names = {"__name__": "solution"}
    exec(setup + "\\n" + code, names)
    return names
def call(names, args, keywords):
    try: return plain([eval(entry, names)(*args, **keywords), args, keywords])
    except Exception as error: return type(error).__name__
same = True
def candidate(*args, **keywords):
    global same
    copied = copy.deepcopy((args, keywords))
    kept = copy.deepcopy((args, keywords))
    try: changed = load(broken)
    except Exception: changed = {}
    same = call(changed, *copied) == call(load(right), *kept) and same
    return eval(entry, rights)(*args, **keywords)
rights = load(right)
tests = dict(rights)
exec(setup + "\\n" + test, tests)
tests["check"](candidate)
try:
    exec(setup + "\\n" + test, tests := load(broken))
    tests["check"](eval(entry, tests))
    passes = True
except BaseException: passes = False
print("same" if same else "changed", "passes" if passes else "fails")
'''
# LeetCode's helpers are among the names of its prompt only in part.
HELPERS = "from verifiers.inside.helpers import *\n"


def other_way(row: Row) -> Row:
    """Return the program that looks at a broken one in the other way."""
    (test,) = row["test_cases"]
    given = {
        "right": row["code"], "broken": row["broken"], "test": test["test_code"],
        "entry": test["entry_point"], "setup": HELPERS + test.get("setup", ""),
    }  # fmt: skip
    code = "".join(f"{name} = {value!r}\n" for name, value in given.items()) + OTHER_WAY
    return {"answer": fenced(code), "test_cases": [{"input": "", "output": "?"}]}


def said(result: Result) -> str:
    """Return what the other way printed; a broken program that hangs has changed."""
    (test,) = result.evidence["tests"]
    if test["outcome"] != "wrong_answer":
        return "changed fails"
    return str(test["text"].partition("got '")[2].partition("'")[0])


def broken_programs(programs: int, dice: random.Random) -> list[Row]:
    """Return so many reference solutions with a change each."""
    rows = [row for name in SETS for row in references(name)]
    dice.shuffle(rows)
    found: list[Row] = []
    for row in rows:
        made = break_one(row["code"], dice)
        if made is not None and len(found) < programs:
            found.append({**row, "kind": made[0], "broken": made[1], "answer": fenced(made[1])})
    return found


def report(rows: list[Row], verdicts: list[Result], others: list[str]) -> int:
    """Print what was found and return how many passed that should not have."""
    told: Counter[tuple[str, str]] = Counter()
    wrong = 0
    for row, verdict, other in zip(rows, verdicts, others, strict=True):
        passes = verdict.outcome is Outcome.CORRECT
        told[other, verdict.outcome.value] += 1
        if passes is not other.endswith("passes") or (passes and other.startswith("changed")):
            both = "both ways pass" if passes and other.endswith("passes") else "THEY DISAGREE"
            print(f"  {row['id']} ({row['kind']}): {other}; here {verdict.reason}: {both}")
        wrong += passes and other == "changed fails"
    for (other, outcome), count in sorted(told.items()):
        print(f"  {other:<15} {outcome:<11} {count:>4}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--programs", type=int, default=500, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--tier", type=int, choices=(1, 2), default=0)
    given = parser.parse_args()
    tier = probe(("numpy",), given.tier).tier
    if tier is None:
        print("no sandbox holds here: build-dataset doctor says why")
        return 2
    rows = broken_programs(given.programs, random.Random(given.seed))
    kinds = Counter(row["kind"] for row in rows)
    print(
        f"tier {tier}: {len(rows)} broken programs:",
        ", ".join(f"{k} {n}" for k, n in kinds.items()),
    )
    with CodeVerifier.create(workers=2, tier=tier, time_limit_s=SECONDS) as verifier:
        verdicts = list(verifier.results(rows))
        others = [said(result) for result in verifier.results(map(other_way, rows))]
    wrong = report(rows, verdicts, others)
    changed = sum(other.startswith("changed") for other in others)
    caught = sum(v.outcome is Outcome.INCORRECT for v in verdicts)
    behind = sum(other.endswith("fails") for other in others)
    ratio = caught / max(behind, 1)
    print(f"{changed} behave otherwise; {caught} are incorrect here, {behind} fail in one process")
    print(f"caught here / in one process = {ratio:.3f}")
    print(f"pass although a tested behaviour changed: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
