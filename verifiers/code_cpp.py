"""Runs C++ programs in this machine's sandbox; a `Runner` for standard input and output.

``Cpp(…).inputs(task, cases, "#include <bits/stdc++.h>…")`` compiles the program once
(`code_cpp_build.py`) and gives each input a fresh process, which was never anything but the
program. It may execute nothing, itself included under any name; the rest is as for Python.

It stands on Landlock in both tiers, and on attempts to get out that failed here
(`code_cpp_probe.py`). Tests that call something of a program are beyond it: there is no
telling a C++ function's arguments from JSON.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from threading import Event

from verifiers.code_cases import Case, Task
from verifiers.code_cpp_build import Compiler
from verifiers.code_cpp_memory import Built
from verifiers.code_inputs import Judge, limits_of, run_inputs
from verifiers.code_run import Ended, SandboxFailure
from verifiers.code_special import judge_of
from verifiers.sandbox_child import Job, Order, ZygoteLost
from verifiers.sandbox_pool import Zygotes
from verifiers.sandbox_zygote import NotStarted, Zygote

ATTEMPTS, PAUSE_SECONDS = 2, 0.2  # as for Python (`code_local.py`)


class Cpp:
    """Runs programs; `checkers` are the zygotes in which a question's own checker runs."""

    def __init__(
        self,
        compiler: Compiler,
        zygotes: Zygotes,
        checkers: Zygotes,
        most_output: int,
        stopped: Event,
    ) -> None:
        self._compiler, self._zygotes, self._checkers = compiler, zygotes, checkers
        self._most_output, self._stopped = most_output, stopped

    def choose(self, task: Task, sources: Sequence[str]) -> int:
        """Return the place of the first source that compiles, 0 where none does."""
        return next((k for k, one in enumerate(sources) if self._compiler.built(one).file), 0)

    def inputs(self, task: Task, cases: list[Case], source: str) -> list[Ended]:
        """Run a program on the input of each case and compare what it prints."""
        built = self._compiler.built(source)
        if built.file is None:
            return _not_begun(cases, "compile_error", built.error)
        if built.memory_mb > task.memory_mb:
            return _not_begun(cases, "memory_limit", f"takes {built.memory_mb} MiB from the start")
        with self._judge(task) as judge:
            return self._run(task, cases, built, judge)

    def calls(self, task: Task, cases: list[Case], source: str) -> list[Ended]:
        """Say that tests which call the program can't be run."""
        text = "a test of a C++ program is standard input and output"
        return [Ended(case.place, case.kind, "unsupported", 0, {"text": text}) for case in cases]

    @contextlib.contextmanager
    def _judge(self, task: Task) -> Iterator[Judge]:
        """Lend what judges outputs: only a checker needs a sandbox for that."""
        if not task.comparison.checker:
            yield judge_of(task, None, self._stopped)
            return
        with self._checkers.lease([]) as zygote:
            yield judge_of(task, zygote, self._stopped)

    def _run(self, task: Task, cases: list[Case], built: Built, judge: Judge) -> list[Ended]:
        why: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._stopped.wait(PAUSE_SECONDS)
            try:
                with self._zygotes.lease([]) as zygote:
                    return self._run_on(zygote, task, cases, built, judge)
            except (ZygoteLost, NotStarted) as error:
                why = error
        raise SandboxFailure(str(why)) from why

    def _run_on(
        self, zygote: Zygote, task: Task, cases: list[Case], built: Built, judge: Judge
    ) -> list[Ended]:
        assert built.file is not None
        told = os.memfd_create("told")
        try:
            with Job({"memory_mb": task.memory_mb}) as job:
                limits = limits_of(task, self._most_output)
                order = Order("native", job.fd, limits, (built.file.fd, told))
                found = list(run_inputs(zygote, task, cases, order, judge, self._stopped))
            number = os.pread(told, 10, 0)
        finally:
            os.close(told)
        if number == str(errno.ENOMEM).encode():
            return _not_begun(cases, "memory_limit", "takes more than that from the start")
        if number:
            raise NotStarted(f"a program was not executed: {os.strerror(int(number))}")
        return found


def _not_begun(cases: list[Case], outcome: str, text: str) -> list[Ended]:
    """Return how the tests of a program ended that never began."""
    first, *rest = cases
    ended = Ended(first.place, "input", outcome, 0, {"text": text})
    return [ended, *(Ended(case.place, "input", "not_run") for case in rest)]
