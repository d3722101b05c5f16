"""Runs programs in this machine's sandbox, on warm zygotes; a `Runner`.

What a program mentions decides what its zygote has loaded: with ``import numpy as np`` in it
or in its tests one that has numpy, which saves 80 ms, otherwise one without, since forking
costs half a millisecond more with it.

A zygote that is lost on the way, which no program can bring about, is replaced once and the
tests are run again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from verifiers.code_calls import Calls
from verifiers.code_cases import Case, Task
from verifiers.code_inputs import limits_of, run_inputs
from verifiers.code_run import Ended, SandboxFailure
from verifiers.code_special import judge_of
from verifiers.code_watch import Halt, Stream, Watch
from verifiers.sandbox_child import Job, Limits, Order, ZygoteLost
from verifiers.sandbox_pool import Zygotes
from verifiers.sandbox_zygote import NotStarted, Zygote

ATTEMPTS = 2
# Between two attempts, for whatever was short (memory, processes); a guess.
PAUSE_SECONDS = 0.2
Result = TypeVar("Result")


class Local:
    """Runs programs here; `modules` are what may be loaded beforehand, `stopped` ends all runs."""

    def __init__(
        self, zygotes: Zygotes, modules: Iterable[str], most_output: int, stopped: threading.Event
    ) -> None:
        self._zygotes, self._modules = zygotes, sorted(modules)
        self._most_output, self._stopped = most_output, stopped

    def choose(self, task: Task, sources: Sequence[str]) -> int:
        """Return the place of the first source that compiles, 0 where none does in time."""
        return self._run([], lambda zygote: self._choose(zygote, task, sources))

    def _choose(self, zygote: Zygote, task: Task, sources: Sequence[str]) -> int:
        limits = Limits(task.memory_mb, output_bytes=self._most_output)
        with (
            Job({"sources": list(sources)}) as job,
            Watch(zygote, limits, self._stopped) as watch,
        ):
            (child,) = zygote.start(Order("choice", job.fd, limits, reports=True))
            watch.add(child, Stream(1 << 20, 0), Stream(1 << 20, 0))
            watch.allow(task.seconds)
            try:
                while child.exit is None:
                    list(watch.wait())
            except Halt:
                return 0
        return child.exit.code if child.exit.code in range(len(sources)) else 0

    def inputs(self, task: Task, cases: list[Case], source: str) -> list[Ended]:
        """Run a program on the input of each case and compare what it prints."""
        texts = [source, task.comparison.checker]
        return self._run(texts, lambda zygote: self._inputs(zygote, task, cases, source))

    def _inputs(self, zygote: Zygote, task: Task, cases: list[Case], source: str) -> list[Ended]:
        with Job({"source": source}) as job:
            order = Order("program", job.fd, limits_of(task, self._most_output))
            judge = judge_of(task, zygote, self._stopped)
            return list(run_inputs(zygote, task, cases, order, judge, self._stopped))

    def calls(self, task: Task, cases: list[Case], source: str) -> list[Ended]:
        """Run tests that call the program; raises TestsBroken."""
        rest = (task, cases, self._most_output, self._stopped)
        texts = [source, task.setup, task.comparison.checker, *(case.code for case in cases)]
        return self._run(texts, lambda zygote: Calls(zygote, *rest).run(source))

    def _run(self, texts: Sequence[str], work: Callable[[Zygote], Result]) -> Result:
        """Do some work with a zygote that suits some texts; raises SandboxFailure."""
        preload = [name for name in self._modules if any(name in text for text in texts)]
        why: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._stopped.wait(PAUSE_SECONDS)
            try:
                with self._zygotes.lease(preload) as zygote:
                    return work(zygote)
            except (ZygoteLost, NotStarted) as error:
                why = error
        raise SandboxFailure(str(why)) from why
