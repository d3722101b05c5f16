"""Asks a question's own checker whether an output is right, in a child of its own.

``{"checker": "def check(input, output, expected): return sorted(output) == sorted(expected)"}``
in a row's `comparison`. All three are text, as they went in and came out; True is right and
False is wrong. Anything else, an exception or a limit that it reaches, is the checker's fault
and raises `TestsBroken`: whoever writes one has to expect any output.

The program is gone when the checker runs, and has never been in its process.
"""

from __future__ import annotations

import math
from threading import Event

from verifiers.code_cases import Case, Task
from verifiers.code_inputs import Judge
from verifiers.code_run import TestsBroken
from verifiers.code_watch import Halt, Stream, Watch
from verifiers.inside.judging import RIGHT, WRONG
from verifiers.sandbox_child import Child, Job, Limits, Order, ZygoteLost
from verifiers.sandbox_zygote import Zygote

GRACE_SECONDS = 2.0  # of CPU time beyond the deadline, as for calls (`code_calls.py`)
# A checker holds what went in, what came out and what should have, and what it makes of them.
MEMORY_MB = 2048
MOST_PRINTED, KEPT_ERRORS = 1 << 20, 500


def judge_of(task: Task, zygote: Zygote | None, stopped: Event) -> Judge:
    """Return what judges the outputs of a task: its rules, or its checker in a zygote's child.

    Only a checker needs the zygote.
    """
    comparison = task.comparison

    def by_rules(case: Case, output: str) -> str:
        right = comparison.same(output, case.output)
        return "" if right else comparison.difference(output, case.output)

    def by_checker(case: Case, output: str) -> str:
        assert zygote is not None
        right = accepts(zygote, task, case, output, stopped)
        return "" if right else f"the checker refuses {output.strip()[:80]!r}"

    return by_checker if comparison.checker else by_rules


def accepts(zygote: Zygote, task: Task, case: Case, output: str, stopped: Event) -> bool:
    """Say whether the checker takes an output for right; raises TestsBroken."""
    limits = Limits(MEMORY_MB, math.ceil(task.seconds + GRACE_SECONDS), processes=8)
    given = {"input": case.code, "output": output, "expected": case.output}
    errors = Stream(MOST_PRINTED, KEPT_ERRORS)
    with (
        Job({"checker": task.comparison.checker, **given}) as job,
        Watch(zygote, limits, stopped) as watch,
    ):
        (child,) = zygote.start(Order("judge", job.fd, limits, reports=True))
        watch.add(child, Stream(MOST_PRINTED, 0), errors)
        watch.allow(task.seconds)
        code = _end_of(watch, child)
    if code not in (RIGHT, WRONG):
        raise TestsBroken(f"checker: {errors.text().strip() or f'ended with exit code {code}'}")
    return code == RIGHT


def _end_of(watch: Watch, child: Child) -> int:
    """Wait for its end and return its exit code; raises TestsBroken at a limit."""
    try:
        while child.exit is None:
            list(watch.wait())
        watch.drain()
    except Halt as halt:
        raise TestsBroken(f"checker: {halt.outcome}") from halt
    if child.exit is None:
        raise ZygoteLost("a child's end was not reported")
    return child.exit.code
