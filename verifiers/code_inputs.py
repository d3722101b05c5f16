"""Runs a program once for each input, in a fresh child, and compares what it prints outside.

``{"input": "4\\n", "output": "5\\n"}`` gives, for ``print(int(input()) + 2)``::

    Ended(case=0, name="input", outcome="wrong_answer", ms=3,
          detail={"cpu_ms": 2, "mb": 19, "text": "line 1: got '6', expected '5'"})

What ought to be printed never enters the program's sandbox. Exit code, times and memory are
what the kernel says of the child; nothing that the program claims is believed.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event
from typing import Any

from verifiers.code_cases import Case, Task
from verifiers.code_run import Ended
from verifiers.code_watch import Halt, Stream, Watch
from verifiers.inside.exceeded import EXITS
from verifiers.inside.programs import SYNTAX_EXIT
from verifiers.sandbox_child import Child, Exit, Limits, Order, ZygoteLost, in_memory
from verifiers.sandbox_zygote import Zygote

GRACE_SECONDS = 2.0  # as for calls (`code_calls.py`)
MAX_ERRORS = 4_000
NEARLY_MS = 250  # as for calls (`code_calls.py`)
OUT_OF_MEMORY = "std::bad_alloc"  # what C++ says before it aborts
# After these nothing is to be expected of the other inputs, which would take as long.
LAST = frozenset({"time_limit", "memory_limit"})


Judge = Callable[[Case, str], str]  # what is wrong with an output, empty where nothing is


def limits_of(task: Task, most_output: int) -> Limits:
    """Return the limits of a program that gets one input."""
    cpu = math.ceil(task.seconds + GRACE_SECONDS)  # one processor's; else the deadline counts
    return Limits(task.memory_mb, cpu, output_bytes=most_output)


def run_inputs(
    zygote: Zygote, task: Task, cases: list[Case], order: Order, judge: Judge, stopped: Event
) -> Iterator[Ended]:
    """Yield how each case ended; raises NotStarted, ZygoteLost, Stopped and what `judge` raises.

    `order` starts the program, for each case with an input of its own.
    """
    killed = ""
    for case in cases:
        if killed in LAST:
            yield Ended(case.place, "input", "not_run")
            continue
        run = Run(zygote, order, stopped)
        killed = run.run(case.code, task.seconds)
        yield run.ended(case, judge)


class Run:
    """One run of a program on one input."""

    def __init__(self, zygote: Zygote, order: Order, stopped: Event) -> None:
        self._zygote, self._order, self._stopped = zygote, order, stopped
        most = order.limits.output_bytes
        self._out = Stream(most, most)
        self._err = Stream(sys.maxsize, MAX_ERRORS)
        self._killed = self._why = ""
        self._ms = 0
        self._exit: Exit | None = None

    def run(self, text: str, seconds: float) -> str:
        """Run it; returns the limit at which it was killed, if it was."""
        given = in_memory(text.encode("utf-8", "surrogatepass"))
        try:
            with Watch(self._zygote, self._order.limits, self._stopped) as watch:
                (child,) = self._zygote.start(replace(self._order, stdin=given, reports=True))
                watch.add(child, self._out, self._err)
                watch.allow(seconds)
                self._follow(watch, child)
        finally:
            os.close(given)
        self._exit = child.exit
        return self._killed

    def _follow(self, watch: Watch, child: Child) -> None:
        started = time.perf_counter()
        try:
            while child.exit is None:
                list(watch.wait())
            watch.drain()
        except Halt as halt:
            self._killed, self._why = halt.outcome, halt.text
        self._ms = round((time.perf_counter() - started) * 1000)

    def ended(self, case: Case, judge: Judge) -> Ended:
        """Judge the run; raises ZygoteLost where nothing is known of its end."""
        if self._exit is None:
            raise ZygoteLost("a child's end was not reported")
        out = bytes(self._out.data).decode("utf-8", "replace")
        outcome = self._outcome(self._exit)
        detail: dict[str, Any] = {"cpu_ms": self._exit.cpu_ms, "mb": self._exit.peak_mb}
        if outcome == "passed":
            outcome, detail["text"] = self._judged(judge(case, out))
        else:
            detail["text"] = self._why or self._err.text().strip()[-200:]
        return Ended(case.place, "input", outcome, self._ms, detail)

    def _judged(self, wrong: str) -> tuple[str, str]:
        return ("wrong_answer", wrong) if wrong else ("passed", "")

    def _outcome(self, end: Exit) -> str:
        """Return how it ended, `passed` where only its output is still to be looked at."""
        if self._killed:
            return self._killed
        special = {SYNTAX_EXIT: "compile_error", **{code: name for name, code in EXITS.items()}}
        if end.code in special and self._order.role == "program":  # others' codes are their own
            return special[end.code]
        if end.code < 0 and end.cpu_ms >= self._order.limits.cpu_seconds * 1000 - NEARLY_MS:
            return "cpu_limit"
        if end.code < 0 and OUT_OF_MEMORY in self._err.text():
            return "memory_limit"
        return "runtime_error" if end.code != 0 else "passed"
