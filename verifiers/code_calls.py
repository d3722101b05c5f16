"""Runs tests in one child that call the program in another, joined by a socket.

The tests' child (`inside/holder.py`) reports, for ``{"assert": "assert f(1) == 2"}``::

    ["begin", 0, "assert"]
    ["end", 0, "assert", "wrong_answer", 2, {"call": "f(1) gave 0"}]

The program's child has nothing of the tests but the arguments of calls. Tests get a child of
their own, unless they are simple (`code_simple.py`): those of one program after the other run
in one that stays, which halves what is forked.
"""

from __future__ import annotations

import dataclasses
import math
import os
import socket
import time
from collections.abc import Iterator
from threading import Event
from typing import Any, Self

from verifiers.code_cases import Case, Task
from verifiers.code_checker import HOLDER_MEMORY_MB, Checker
from verifiers.code_meter import Meter
from verifiers.code_run import Ended, SandboxFailure, TestsBroken
from verifiers.code_simple import are_simple
from verifiers.code_watch import KEPT_TEXT, Halt, Report, Stream, Watch
from verifiers.sandbox_child import Job, Limits, Order, ZygoteLost
from verifiers.sandbox_zygote import Zygote

# What a test's own limit does not cover: passing on a large result, a machine under load.
# A guess.
GRACE_SECONDS = 2.0
NEARLY = 0.25  # s, by which the kernel counted less at the end of the program: up to 0.05 seen
# After these the tests' process may have little memory left.
LARGE = frozenset({"memory_limit", "output_limit"})


class Pipe:
    """A pipe whose writing end is given away."""

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()

    def given(self) -> None:
        """Close the writing end here, so that its other holders' end is seen."""
        os.close(self.write_end)
        self.write_end = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.read_end)
        if self.write_end >= 0:
            os.close(self.write_end)


class Calls:
    """One program with the tests that call it."""

    def __init__(
        self, zygote: Zygote, task: Task, cases: list[Case], most_output: int, stopped: Event
    ) -> None:
        cpu = math.ceil((task.seconds + GRACE_SECONDS) * (len(cases) + 1))
        self._limits = Limits(task.memory_mb, cpu, output_bytes=most_output)
        self._zygote, self._task, self._cases, self._stopped = zygote, task, cases, stopped
        self._printed = [Stream(most_output, KEPT_TEXT), Stream(most_output, KEPT_TEXT)]
        self._halted = False

    def run(self, source: str) -> list[Ended]:
        """Return how each test ended; raises TestsBroken, SandboxFailure and a zygote's errors."""
        own = f"{self._task.setup}\n{self._task.comparison.checker}"
        simple = are_simple(own, self._cases)
        run = self._run_beside if simple else self._run_apart
        with (
            Pipe() as report,
            Watch(self._zygote, self._limits, self._stopped) as watch,
            self._job(source) as program,
            self._tests() as tests,
        ):
            return run(watch, report, program.fd, tests.fd)

    def _job(self, source: str) -> Job:
        return Job({"setup": self._task.setup, "source": source})

    def _tests(self) -> Job:
        listed = [
            {"kind": c.kind, "code": c.code, "entry_point": c.entry_point} for c in self._cases
        ]
        rules = dataclasses.asdict(self._task.comparison)
        return Job({"setup": self._task.setup, "cases": listed, "rules": rules})

    def _run_apart(self, watch: Watch, report: Pipe, program: int, tests: int) -> list[Ended]:
        """Run with a child for the tests that ends with them."""
        limits = self._limits
        ours = Limits(
            HOLDER_MEMORY_MB, limits.cpu_seconds, processes=8, output_bytes=limits.output_bytes
        )
        one, other = socket.socketpair()
        with one:  # held until the program was measured, since it ends when nobody asks any more
            with other:
                children = self._zygote.start(
                    Order("holder", tests, ours, (report.write_end, one.fileno())),
                    Order("solution", program, limits, (other.fileno(),)),
                )
            for child, stream in zip(children, self._printed, strict=True):
                watch.add(child, stream)
            report.given()
            return self._judge(watch, Report(report.read_end))

    def _run_beside(self, watch: Watch, report: Pipe, program: int, tests: int) -> list[Ended]:
        """Run with the zygote's checker; it stays if nothing out of the ordinary happens."""
        checker = Checker.of(self._zygote)
        one, other = socket.socketpair()
        try:
            with Pipe() as out, one:  # held as above
                with other:
                    order = Order("solution", program, self._limits, (other.fileno(),))
                    (child,) = self._zygote.start(order)
                    watch.add(child, self._printed[1])
                    checker.give(tests, out.write_end, report.write_end, one.fileno())
                out.given()
                report.given()
                watch.collect(out.read_end, self._printed[0])
                ended = self._judge(watch, Report(report.read_end))
                self._halted |= any(one.outcome in LARGE for one in ended)
                return ended
        except BaseException:
            self._halted = True
            raise
        finally:
            if self._halted or checker.is_spent:
                checker.close()

    def _judge(self, watch: Watch, report: Report) -> list[Ended]:
        """Return how each test ended, with the most memory that the program ever had."""
        meter = Meter(watch.children[-1])
        progress = Progress(self._cases, meter, self._limits.cpu_seconds)
        ended = list(self._follow(watch, report, progress))
        peak = meter.peak()
        for one in ended:
            if one.outcome != "not_run":
                one.detail.update(peak)
        return ended

    def _follow(self, watch: Watch, report: Report, progress: Progress) -> Iterator[Ended]:
        """Yield how each test ended; what a limit kept from running is `not_run`."""
        try:
            for message in report.messages(watch):
                if message[0] in ("loading", "judging") or progress.starts_case(message):
                    watch.allow(self._task.seconds)
                yield from progress.take(message, self._text())
        except Halt as halt:
            self._halted = True
            if progress.judging:
                raise TestsBroken(f"checker: {halt.outcome}") from halt
            if halt.outcome == "gone":
                raise ZygoteLost(f"the tests' process ended: {self._text()}") from halt
            if not report.ready:
                raise SandboxFailure(self._text()) from halt
            yield progress.halted(halt)
        yield from progress.left()

    def _text(self) -> str:
        return " ".join(stream.text().strip() for stream in self._printed).strip()


class Progress:
    """Keeps track of what the tests' process reports, and of what each test cost the program."""

    def __init__(self, cases: list[Case], meter: Meter, cpu_seconds: int) -> None:
        self._cases, self._meter, self._cpu_seconds = cases, meter, cpu_seconds
        self._case, self._name = 0, "load"
        self._reached: set[int] = set()
        self._began = time.perf_counter()
        self.judging = False  # whether the question's own checker has the word

    def starts_case(self, message: list[Any]) -> bool:
        """Say whether the first test of another case begins."""
        return message[0] == "begin" and message[1] not in self._reached

    def take(self, message: list[Any], printed: str) -> Iterator[Ended]:
        """Take a message; raises TestsBroken or SandboxFailure where it says so."""
        kind, *rest = message
        self.judging = kind == "judging"
        if kind == "begin":
            self._case, self._name = rest[0], str(rest[1])
            self._reached.add(self._case)
            self._began = time.perf_counter()
            self._meter.start()
        elif kind == "end":
            yield self._ended(rest[0], *rest[1:])
        elif kind == "unloaded":
            self._reached.add(0)
            yield self._ended(0, "load", rest[0], 0, rest[1])
        elif kind == "broken":
            raise TestsBroken(str(rest[0]))
        elif kind == "failed":
            raise SandboxFailure(printed or str(rest[0]))

    def _ended(self, case: int, name: Any, outcome: Any, ms: Any, detail: Any) -> Ended:
        found = {**self._meter.lap(), **dict(detail)}
        if outcome == "runtime_error" and self._meter.seconds() >= self._cpu_seconds - NEARLY:
            outcome = "cpu_limit"  # at which the kernel ends it
        return Ended(self._cases[case].place, str(name), str(outcome), int(ms), found)

    def halted(self, halt: Halt) -> Ended:
        """Return how the test that was running ended."""
        self._reached.add(self._case)
        detail = {**self._meter.lap(), **({"text": halt.text} if halt.text else {})}
        ms = round((time.perf_counter() - self._began) * 1000)
        return Ended(self._cases[self._case].place, self._name, halt.outcome, ms, detail)

    def left(self) -> Iterator[Ended]:
        """Yield the cases that were never reached."""
        for place, case in enumerate(self._cases):
            if place not in self._reached:
                yield Ended(case.place, case.kind, "not_run")
