"""Runs the test cases of one program in the sandbox and says how each ended.

For ``{"assert": "assert f(1) == 2"}`` two sandboxes are started, one with the tests and
one with the program, joined by a socket; for inputs and outputs one, with the program
and the inputs. What comes back, for each test::

    Ended(case=0, name="assert", outcome="wrong_answer", ms=2, detail={"call": "f(1) gave 0"})

Raises `SandboxFailure` only for what happens before any of the program's code runs, so
that a program can't bring it about.
"""

from __future__ import annotations

import math
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from verifiers.code_cases import Case, Task
from verifiers.code_compare import first_difference, same_output
from verifiers.code_watch import Conversation, Halt
from verifiers.inside.programs import MEMORY_EXIT, SYNTAX_EXIT
from verifiers.sandbox import Child, Limits, Sandbox

# What a test's own limit does not cover: passing on a large result, a machine under load.
# A guess.
GRACE_SECONDS = 2.0
# The tests' process holds what the solution returned, at most one message of 16 MiB, and
# compares it; numbers take up to eight times their JSON. A guess with room.
HOLDER_MEMORY_MB = 2048


class SandboxFailure(Exception):
    """The sandbox did not start; not the program's doing."""


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


@dataclass(frozen=True, slots=True)
class Bench:
    """Where programs run, and what holds for all of them; `stopped` ends those that run."""

    sandbox: Sandbox
    output_bytes: int
    stopped: threading.Event = field(default_factory=threading.Event)


def run_all(bench: Bench, task: Task, sources: list[str]) -> tuple[int, list[Ended]]:
    """Run every case; return the place of the source taken, and how each test ended.

    The first of the sources that compiles is taken, or the first where none does. Raises
    SandboxFailure or TestsBroken.
    """
    inputs = [case for case in task.cases if case.kind == "input"]
    others = [case for case in task.cases if case.kind != "input"]
    place, found = 0, list[Ended]()
    for cases, run in ((others, run_calls), (inputs, run_inputs)):
        if cases:
            place, ended = run(bench, task, cases, sources)
            found += ended
    return place, found


def _limits(task: Task, tests: int, output_bytes: int) -> Limits:
    """Return the limits of the program's process; CPU time backs up the wall deadlines."""
    cpu = math.ceil((task.seconds + GRACE_SECONDS) * (tests + 1))
    return Limits(memory_mb=task.memory_mb, cpu_seconds=cpu, output_bytes=output_bytes)


def run_inputs(
    bench: Bench, task: Task, cases: list[Case], sources: list[str]
) -> tuple[int, list[Ended]]:
    """Run a program on the input of each case and compare what it prints."""
    limits = _limits(task, 1, bench.output_bytes)
    job = {
        "sources": sources,
        "inputs": [case.code for case in cases],
        "seconds": task.seconds,
        "output_bytes": bench.output_bytes,
    }
    read_end, write_end = os.pipe()
    children: list[Child] = []
    with Conversation(children, read_end, limits, bench.stopped) as conversation:
        try:
            children.append(bench.sandbox.start("programs", job, limits, [write_end]))
        finally:
            os.close(write_end)
        ended = list(_judge_inputs(conversation, task, cases))
        return conversation.place(len(sources)), ended


def _judge_inputs(conversation: Conversation, task: Task, cases: list[Case]) -> Iterator[Ended]:
    """Yield how each case ended, in order; whatever is reported out of order ends the run."""
    current, outcome = 0, "not_run"
    try:
        for message in conversation.messages():
            conversation.allow(task.seconds + GRACE_SECONDS)
            if message[0] == "end":
                if message[1:2] != [current] or current >= len(cases):
                    raise Halt("runtime_error")
                yield _ended(cases[current], message[-1], conversation.output, task)
                conversation.output = b""
                current += 1
    except Halt as halt:
        if not conversation.ready:
            raise SandboxFailure(conversation.text()) from halt
        outcome = "runtime_error" if halt.outcome == "gone" else halt.outcome
    for case in cases[current:]:
        yield Ended(case.place, "input", outcome)
        outcome = "not_run"


def _ended(case: Case, found: Any, printed: bytes, task: Task) -> Ended:
    """Judge one run; the report may be forged, the output is compared all the same."""
    try:
        exit_code, ms, cpu, mb = (int(found[name]) for name in ("exit", "ms", "cpu_ms", "mb"))
        killed, err = found["killed"], found["err"]
    except (KeyError, TypeError, ValueError, OverflowError):
        killed = err = None
    if not isinstance(killed, str) or not isinstance(err, str):
        return Ended(case.place, "input", "runtime_error", detail={"text": "a forged report"})
    out = printed.decode("utf-8", "replace")
    outcome = _outcome(case, out, exit_code, killed, cpu >= task.seconds * 1000)
    detail: dict[str, Any] = {"cpu_ms": cpu, "mb": mb}
    if outcome == "wrong_answer":
        detail["text"] = first_difference(out, case.output)
    elif outcome != "passed":
        detail["text"] = err.strip()[-200:]
    return Ended(case.place, "input", outcome, ms, detail)


def _outcome(case: Case, out: str, exit_code: int, killed: str, out_of_time: bool) -> str:
    if killed in ("time_limit", "output_limit"):
        return killed
    special = {SYNTAX_EXIT: "compile_error", MEMORY_EXIT: "memory_limit"}
    if exit_code in special:
        return special[exit_code]
    if exit_code < 0 and out_of_time:
        return "time_limit"
    if exit_code != 0:
        return "runtime_error"
    return "passed" if same_output(out, case.output) else "wrong_answer"


def run_calls(
    bench: Bench, task: Task, cases: list[Case], sources: list[str]
) -> tuple[int, list[Ended]]:
    """Run tests in one sandbox that call the program in another."""
    limits = _limits(task, len(cases), bench.output_bytes)
    ours = Limits(
        HOLDER_MEMORY_MB, limits.cpu_seconds, processes=8, output_bytes=bench.output_bytes
    )
    listed = [{"kind": c.kind, "code": c.code, "entry_point": c.entry_point} for c in cases]
    one, other = socket.socketpair()
    read_end, write_end = os.pipe()
    jobs = [
        ("holder", {"setup": task.setup, "cases": listed}, ours, [write_end, one.fileno()]),
        ("solution", {"setup": task.setup, "sources": sources}, limits, [other.fileno()]),
    ]
    children: list[Child] = []
    with Conversation(children, read_end, limits, bench.stopped) as conversation:
        try:
            for role, job, most, fds in jobs:
                children.append(bench.sandbox.start(role, job, most, fds))
        finally:
            for end in (one.detach(), other.detach(), write_end):
                os.close(end)
        ended = list(_judge_calls(conversation, task, cases))
        return conversation.place(len(sources)), ended


def _judge_calls(conversation: Conversation, task: Task, cases: list[Case]) -> Iterator[Ended]:
    """Yield how each test ended; what a limit kept from running is `not_run`."""
    calls = _Calls(cases)
    try:
        for message in conversation.messages():
            if message[0] == "loading" or calls.starts_case(message):
                conversation.allow(task.seconds)
            yield from calls.take(message, conversation.text())
    except Halt as halt:
        if not conversation.ready or halt.outcome == "gone":
            raise SandboxFailure(conversation.text()) from halt
        yield calls.halted(halt.outcome)
    yield from calls.left()


class _Calls:
    """Keeps track of what the tests' process reports."""

    def __init__(self, cases: list[Case]) -> None:
        self._cases = cases
        self._case, self._name = 0, "load"
        self._reached: set[int] = set()

    def starts_case(self, message: list[Any]) -> bool:
        """Say whether the first test of another case begins."""
        return message[0] == "begin" and message[1] not in self._reached

    def take(self, message: list[Any], printed: str) -> Iterator[Ended]:
        """Take a message; raises TestsBroken or SandboxFailure where it says so."""
        kind, *rest = message
        if kind == "begin":
            self._case, self._name = rest[0], str(rest[1])
            self._reached.add(self._case)
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
        return Ended(self._cases[case].place, str(name), str(outcome), int(ms), dict(detail))

    def halted(self, outcome: str) -> Ended:
        """Return how the test that was running ended."""
        self._reached.add(self._case)
        return Ended(self._cases[self._case].place, self._name, outcome)

    def left(self) -> Iterator[Ended]:
        """Yield the cases that were never reached."""
        for place, case in enumerate(self._cases):
            if place not in self._reached:
                yield Ended(case.place, case.kind, "not_run")
