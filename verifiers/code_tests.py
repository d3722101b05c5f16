"""Judges answers that are programs by running their tests in a sandbox.

A row, as the `verify` command reads it::

    {"id": "q7", "answer": "<think>…</think>```python\\ndef f(x): return x + 1\\n```",
     "test_cases": [{"assert": "assert f(1) == 2"}, {"assert": "assert f(5) == 6"}]}

`correct` only if every test passes; the score is the share that passed. Forms of tests:
`code_cases.py`; which block of the answer is taken: `code_answer.py`; how outputs are
compared: `code_compare.py`; what the sandbox covers and what not: `sandbox.py`.

Tests can't be cheated by what the program does in its own process: expected outputs never
enter its sandbox, asserts run in another one and get plain data from it. What a test
leaves to the solution stays with it: a test that uses a helper of the solution's own as a
yardstick, or only compares objects of the solution's classes with each other, believes it.

`unverified` where the instrument could not tell: `no_sandbox` (nothing ever runs outside
one), `sandbox_failure`, `no_tests`, `tests_broken`, `unsupported_test`,
`language_unsupported`. Packages that the sandbox lacks are the program's error.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from verifiers.base import BadInput, Outcome, Result, Row, Verifier, bad_input, text_field
from verifiers.code_answer import Program, programs
from verifiers.code_cases import DEFAULT_MEMORY_MB, DEFAULT_SECONDS, Task, read_task
from verifiers.code_compare import RULE
from verifiers.code_local import Local
from verifiers.code_run import Ended, Runner, SandboxFailure, TestsBroken, run_all
from verifiers.response import judged_text
from verifiers.sandbox_pool import RECYCLE_AFTER, Zygotes
from verifiers.sandbox_probe import Probe, probe, without
from verifiers.sandbox_root import importable

# The line of work of the paper that this dataset follows runs at most ten tests a question.
MAX_TESTS = 10
# Entries of the evidence: enough for ten test cases and the usual test module.
MAX_EVIDENCE = 30


@dataclass(frozen=True, slots=True)
class CodeSettings:
    """What can be set; time and memory limits hold where a row names none.

    `packages` are the installed distributions that programs may import besides the
    standard library; `tier` 0 takes the best sandbox that holds; `recycle_after` is how many
    processes of programs and tests come from one zygote. Raises ValueError on a number that
    is not positive, or no tier.
    """

    max_tests: int = MAX_TESTS
    time_limit_s: float = DEFAULT_SECONDS
    memory_limit_mb: int = DEFAULT_MEMORY_MB
    output_limit_mb: float = 16
    packages: tuple[str, ...] = ("numpy",)
    tier: int = 0
    recycle_after: int = RECYCLE_AFTER
    unsafe_no_sandbox: bool = False

    def __post_init__(self) -> None:
        for name in (
            *("max_tests", "time_limit_s", "memory_limit_mb", "output_limit_mb"),
            "recycle_after",
        ):
            value = getattr(self, name)
            if not value > 0:
                raise ValueError(f"{name}: expected a positive number, got {value}")
        if self.tier not in (0, 1, 2):
            raise ValueError(f"tier: expected 1, 2, or 0 for the best that holds, got {self.tier}")


class CodeVerifier(Verifier):
    """Runs the tests of each row against the program in its answer."""

    name: ClassVar[str] = "code"

    def __init__(self, workers: int, settings: CodeSettings) -> None:
        self._workers, self._settings = workers, settings
        self._modules = importable(settings.packages)  # a missing one is told before any row
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="code")
        self._found: Probe | None = None
        self._zygotes: Zygotes | None = None

    @classmethod
    def create(cls, workers: int = 1, **settings: Any) -> Self:
        """Make the verifier; `workers` programs run at once, each in processes of its own.

        Raises ValueError where a package is not installed.
        """
        return cls(workers, CodeSettings(**settings))

    def results(self, rows: Iterable[Row]) -> Iterator[Result]:
        """Yield one result for each row in order; at most four rows a worker are held."""
        found = self._find_sandbox()
        window: deque[Future[Result]] = deque()
        for row in rows:
            window.append(self._pool.submit(self._result, row, found))
            if len(window) >= 4 * self._workers:
                yield window.popleft().result()
        while window:
            yield window.popleft().result()

    def close(self) -> None:
        """End the workers and the programs that still run, within a second."""
        self._stopped.set()
        self._pool.shutdown(cancel_futures=True)
        if self._zygotes is not None:
            self._zygotes.close()

    def _find_sandbox(self) -> Probe:
        """Find what holds here, the first time only, and say so where nothing does."""
        if self._found is None:
            given = self._settings
            self._found = probe(tuple(given.packages), given.tier)
            if self._found.tier is None:
                self._found = self._without_sandbox(self._found)
            if self._found.sandbox is not None:
                kept = (self._workers, given.recycle_after)
                self._zygotes = Zygotes(self._found.sandbox, *kept)
        return self._found

    def _without_sandbox(self, found: Probe) -> Probe:
        if not self._settings.unsafe_no_sandbox:
            text = "no sandbox holds here (%s), so no program is run; to change that: %s"
            LOG.warning(text, found.reason, found.remedy)
            return found
        LOG.warning("UNSAFE: no sandbox holds here (%s), and programs are run", found.reason)
        return without(tuple(self._settings.packages), found)

    def _result(self, row: Row, found: Probe) -> Result:
        started = time.perf_counter()
        try:
            result = self._judge(row, found)
        except BadInput as error:
            result = bad_input(self.name, str(error))
        except Exception as error:  # noqa: BLE001 - the verifier boundary
            text = f"{type(error).__name__}: {error}"[:300]
            result = self._unverified("sandbox_failure", {"error": text})
        return replace(result, seconds=time.perf_counter() - started)

    def _judge(self, row: Row, found: Probe) -> Result:
        answer = judged_text(text_field(row, "answer"))
        given = self._settings
        task = read_task(row, given.max_tests, given.time_limit_s, given.memory_limit_mb)
        if task.language.lower() not in PYTHON_NAMES:
            return self._unverified("language_unsupported", {"language": task.language})
        if not task.cases:
            return self._unverified("no_tests", {})
        if answer is None:
            return self._refused("not_closed")
        candidates = programs(answer, task.wanted())
        if not candidates:
            return self._refused("no_code")
        return self._run(task, candidates, found)

    def _run(self, task: Task, candidates: list[Program], found: Probe) -> Result:
        if self._zygotes is None:
            return self._unverified("no_sandbox", found.evidence())
        evidence: dict[str, Any] = {"tier": found.tier}
        output_bytes = int(self._settings.output_limit_mb * 1024 * 1024)
        runner: Runner = Local(self._zygotes, self._modules, output_bytes, self._stopped)
        try:
            chosen, ended = run_all(runner, task, [one.source for one in candidates])
        except TestsBroken as error:
            return self._unverified("tests_broken", {**evidence, "error": _text(str(error)[:300])})
        except SandboxFailure as error:
            text = _text(str(error)[:300])
            return self._unverified("sandbox_failure", {**evidence, "error": text})
        taken = candidates[chosen]
        evidence.update(taken.evidence())
        if taken.index is None and any(one.outcome == "compile_error" for one in ended):
            return self._refused("no_code", evidence)
        return self._verdict(ended, task, evidence)

    def _verdict(self, ended: list[Ended], task: Task, evidence: dict[str, Any]) -> Result:
        """Weigh how all tests ended: one failure is wrong, else one untold is unverified."""
        if not ended or all(one.outcome == "no_tests" for one in ended):
            return self._unverified("no_tests", evidence)
        passed = sum(one.outcome == "passed" for one in ended)
        evidence = {**evidence, "passed": passed, "total": len(ended), "tests": _listed(ended)}
        if any(case.kind == "input" for case in task.cases):
            evidence["comparison"] = RULE
        failed = [one.outcome for one in ended if one.outcome not in UNTOLD]
        if failed:
            score = passed / len(ended)
            return Result(Outcome.INCORRECT, failed[0], self.name, score, evidence)
        if passed < len(ended):
            return self._unverified("unsupported_test", evidence)
        return Result(Outcome.CORRECT, "passed", self.name, 1.0, evidence)

    def _refused(self, reason: str, evidence: dict[str, Any] | None = None) -> Result:
        return Result(Outcome.INCORRECT, reason, self.name, 0.0, evidence or {})

    def _unverified(self, reason: str, evidence: dict[str, Any]) -> Result:
        return Result(Outcome.UNVERIFIED, reason, self.name, None, evidence)


LOG = logging.getLogger(__name__)
PYTHON_NAMES = frozenset({"python", "python3", "py"})
UNTOLD = frozenset({"passed", "unsupported", "no_tests"})


def _listed(ended: list[Ended]) -> list[dict[str, Any]]:
    """Return the evidence of single tests, those that did not pass first in line to be kept."""
    kept = sorted(range(len(ended)), key=lambda k: ended[k].outcome == "passed")[:MAX_EVIDENCE]
    return [_entry(ended[k]) for k in sorted(kept)]


def _entry(one: Ended) -> dict[str, Any]:
    entry = {"case": one.case, "test": one.name[:100], "outcome": one.outcome, "ms": one.ms}
    kept = {name: value for name, value in one.detail.items() if value != ""}
    return {name: _text(value) for name, value in {**entry, **kept}.items()}


def _text(value: Any) -> Any:
    """Return a value whose text can be written: programs may print half a surrogate pair."""
    if isinstance(value, dict):
        return {_text(name): _text(part) for name, part in value.items()}
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
