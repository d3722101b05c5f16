"""Runs a program once for each input, in a fresh child, and compares what it prints outside.

``{"input": "4\\n", "output": "5\\n"}`` gives, for ``print(int(input()) + 2)``::

    Ended(case=0, name="input", outcome="wrong_answer", ms=3,
          detail={"cpu_ms": 2, "mb": 19, "text": "line 1: got '6', expected '5'"})

What ought to be printed never enters the sandbox. Exit code, times and memory are what the
kernel says of the child; nothing that the program claims is believed.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator
from threading import Event
from typing import Any

from verifiers.code_cases import Case, Task
from verifiers.code_compare import first_difference, same_output
from verifiers.code_run import Ended
from verifiers.code_watch import Halt, Stream, Watch
from verifiers.inside.programs import MEMORY_EXIT, SYNTAX_EXIT
from verifiers.sandbox_child import Child, Exit, Job, Limits, Order, ZygoteLost, in_memory
from verifiers.sandbox_zygote import Zygote

GRACE_SECONDS = 2.0  # as for calls (`code_calls.py`)
MAX_ERRORS = 4_000
# After these nothing is to be expected of the other inputs, which would take as long.
LAST = frozenset({"time_limit", "memory_limit"})


def run_inputs(
    zygote: Zygote, task: Task, cases: list[Case], source: str, most_output: int, stopped: Event
) -> Iterator[Ended]:
    """Yield how each case ended; raises NotStarted, ZygoteLost or Stopped."""
    cpu = math.ceil(2 * (task.seconds + GRACE_SECONDS))  # the deadline is what counts
    limits = Limits(task.memory_mb, cpu, output_bytes=most_output)
    killed = ""
    with Job({"source": source}) as job:
        for case in cases:
            if killed in LAST:
                yield Ended(case.place, "input", "not_run")
                continue
            run = Run(zygote, limits, stopped)
            killed = run.run(job.fd, case.code, task.seconds)
            yield run.ended(case, task.seconds)


class Run:
    """One run of a program on one input."""

    def __init__(self, zygote: Zygote, limits: Limits, stopped: Event) -> None:
        self._zygote, self._limits, self._stopped = zygote, limits, stopped
        self._out = Stream(limits.output_bytes, limits.output_bytes)
        self._err = Stream(sys.maxsize, MAX_ERRORS)
        self._killed = self._why = ""
        self._ms = 0
        self._exit: Exit | None = None

    def run(self, job: int, text: str, seconds: float) -> str:
        """Run it; returns the limit at which it was killed, if it was."""
        given = in_memory(text.encode("utf-8", "surrogatepass"))
        try:
            with Watch(self._zygote, self._limits, self._stopped) as watch:
                order = Order("program", job, self._limits, stdin=given, reports=True)
                (child,) = self._zygote.start(order)
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

    def ended(self, case: Case, seconds: float) -> Ended:
        """Judge the run; raises ZygoteLost where nothing is known of its end."""
        if self._exit is None:
            raise ZygoteLost("a child's end was not reported")
        out = bytes(self._out.data).decode("utf-8", "replace")
        outcome = self._outcome(self._exit, case, out, seconds)
        detail: dict[str, Any] = {"cpu_ms": self._exit.cpu_ms, "mb": self._exit.peak_mb}
        if outcome == "wrong_answer":
            detail["text"] = first_difference(out, case.output)
        elif outcome != "passed":
            detail["text"] = self._why or self._err.text().strip()[-200:]
        return Ended(case.place, "input", outcome, self._ms, detail)

    def _outcome(self, end: Exit, case: Case, out: str, seconds: float) -> str:
        if self._killed:
            return self._killed
        special = {SYNTAX_EXIT: "compile_error", MEMORY_EXIT: "memory_limit"}
        if end.code in special:
            return special[end.code]
        if end.code < 0 and end.cpu_ms >= seconds * 1000:
            return "time_limit"
        if end.code != 0:
            return "runtime_error"
        return "passed" if same_output(out, case.output) else "wrong_answer"
