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
one), `sandbox_failure`, `no_tests`, `tests_broken`, `unsupported_test`, `no_compiler`,
`language_unsupported`. Packages that the sandbox lacks are the program's error.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, ClassVar, Self

from verifiers.base import BadInput, Outcome, Result, Row, Verifier, bad_input, text_field
from verifiers.code_answer import Program, programs
from verifiers.code_cases import Task, read_task
from verifiers.code_evidence import listed, writable
from verifiers.code_run import Ended, SandboxFailure, TestsBroken, run_all
from verifiers.code_runners import NoRunner, Runners
from verifiers.code_settings import CodeSettings
from verifiers.response import judged_text

UNTOLD = frozenset({"passed", "unsupported", "no_tests"})
MAX_ERROR = 300


class CodeVerifier(Verifier):
    """Runs the tests of each row against the program in its answer."""

    name: ClassVar[str] = "code"

    def __init__(self, workers: int, settings: CodeSettings) -> None:
        self._workers, self._settings = workers, settings
        self._runners = Runners(settings, workers)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="code")

    @classmethod
    def create(cls, workers: int = 1, **settings: Any) -> Self:
        """Make the verifier; `workers` programs run at once, each in processes of its own.

        Raises ValueError where a package is not installed.
        """
        return cls(workers, CodeSettings(**settings))

    def results(self, rows: Iterable[Row]) -> Iterator[Result]:
        """Yield one result for each row in order; at most four rows a worker are held."""
        self._runners.prepare()
        window: deque[Future[Result]] = deque()
        for row in rows:
            window.append(self._pool.submit(self._result, row))
            if len(window) >= 4 * self._workers:
                yield window.popleft().result()
        while window:
            yield window.popleft().result()

    def close(self) -> None:
        """End the workers and the programs that still run, within a second."""
        self._runners.stop()
        self._pool.shutdown(cancel_futures=True)
        self._runners.close()

    def _result(self, row: Row) -> Result:
        started = time.perf_counter()
        try:
            result = self._judge(row)
        except BadInput as error:
            result = bad_input(self.name, str(error))
        except Exception as error:  # noqa: BLE001 - the verifier boundary
            text = f"{type(error).__name__}: {error}"[:MAX_ERROR]
            result = self._unverified("sandbox_failure", {"error": text})
        return replace(result, seconds=time.perf_counter() - started)

    def _judge(self, row: Row) -> Result:
        answer = judged_text(text_field(row, "answer"))
        given = self._settings
        task = read_task(row, given.max_tests, given.time_limit_s, given.memory_limit_mb)
        if not self._runners.know(task.languages):
            language = ", ".join(task.languages)
            return self._unverified("language_unsupported", {"language": language})
        if not task.cases:
            return self._unverified("no_tests", {})
        if answer is None:
            return self._refused("not_closed")
        candidates = programs(answer, task.wanted(), task.languages)
        if not candidates:
            return self._refused("no_code")
        return self._run(task, candidates)

    def _run(self, task: Task, candidates: list[Program]) -> Result:
        language = candidates[0].language
        try:
            runner = self._runners.runner(language)
        except NoRunner as error:
            return self._unverified(error.reason, error.evidence)
        evidence = self._runners.evidence()
        if len(task.languages) > 1:
            evidence["language"] = language
        try:
            chosen, ended = run_all(runner, task, [one.source for one in candidates])
        except TestsBroken as error:
            return self._unverified("tests_broken", {**evidence, "error": _text(error)})
        except SandboxFailure as error:
            return self._unverified("sandbox_failure", {**evidence, "error": _text(error)})
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
        evidence = {**evidence, "passed": passed, "total": len(ended), "tests": listed(ended)}
        if rule := task.rule:
            evidence["comparison"] = rule
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


def _text(error: Exception) -> Any:
    return writable(str(error)[:MAX_ERROR])
