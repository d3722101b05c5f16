"""What running tests gives, and what may run them.

A `Runner` runs programs somewhere: `code_local.py` in this machine's sandbox. Another, such as a
service of sandboxes, needs these three methods and no more; comparing outputs is the runner's,
choosing a verdict from how the tests ended is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from verifiers.code_cases import Case, Task


class SandboxFailure(Exception):
    """The sandbox did not start, or was lost; not the program's doing."""


class TestsBroken(Exception):
    """The tests can't run, whatever the program is."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How one test ended; `ms` is wall time, `detail` a bounded object for a person."""

    case: int
    name: str
    outcome: str
    ms: int = 0
    detail: dict[str, Any] = field(default_factory=dict)


class Runner(Protocol):
    """Where programs run. All methods may raise SandboxFailure."""

    def choose(self, task: Task, sources: Sequence[str]) -> int:
        """Return the place of the first source that compiles, 0 where none does."""

    def inputs(self, task: Task, cases: list[Case], source: str) -> list[Ended]:
        """Run a program on the input of each case and compare what it prints."""

    def calls(self, task: Task, cases: list[Case], source: str) -> list[Ended]:
        """Run tests that call the program; raises TestsBroken."""


def run_all(runner: Runner, task: Task, sources: Sequence[str]) -> tuple[int, list[Ended]]:
    """Run every case; return the place of the source taken, and how each test ended.

    The first of the sources that compiles is taken, or the first where none does. Raises
    SandboxFailure or TestsBroken.
    """
    place = runner.choose(task, sources) if len(sources) > 1 else 0
    inputs = [case for case in task.cases if case.kind == "input"]
    others = [case for case in task.cases if case.kind != "input"]
    found = runner.calls(task, others, sources[place]) if others else []
    return place, found + (runner.inputs(task, inputs, sources[place]) if inputs else [])
