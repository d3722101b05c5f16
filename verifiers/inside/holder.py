"""The tests' process: runs them, calls the solution in the other process, reports.

It gets ``{"setup": "…", "cases": [{"kind": "assert", "code": "assert f(1) == 2"}]}`` and
reports, one message each: ready, loaded, begin and end of every test, done::

    ["end", 0, "f", "wrong_answer", 3, {"text": "assert f(1) == 2", "call": "f(1) gave 0"}]

The solution can't reach this process or what it reports: it only sees the arguments of
calls and sends plain data back. Tests that stop before the solution was even started
(syntax, a setup that raises) are reported as broken, which the solution can't bring about.
"""

from __future__ import annotations

import json
import sys
import time
import types
from typing import Any

from verifiers.inside import calls, pytest_shim, raised
from verifiers.inside.collect import Test, collect
from verifiers.inside.excerpts import call_text, shorten
from verifiers.inside.frames import BrokenChannel, Channel
from verifiers.inside.link import Link, Unsupported
from verifiers.inside.names import NAMES, RemoteModule, function_under_test
from verifiers.inside.pytest_shim import Skipped

TEST_FILE = "tests.py"


class TestsBroken(Exception):
    """The tests themselves can't run."""


class Holder:
    """Runs the cases of one question against one solution."""

    def __init__(self, report: Channel, link: Link, job: dict[str, Any]) -> None:
        self._report, self._link = report, link
        self._cases: list[dict[str, Any]] = job["cases"]
        NAMES.attach(link)
        self._namespace: dict[str, Any] = {"__name__": "tests", "__builtins__": NAMES}
        self._setup: str = job["setup"]
        self._rules: dict[str, Any] = job["rules"]
        self._checker: Any = None

    def run(self) -> None:
        """Run everything and report it."""
        try:
            codes = self._prepare()
        except TestsBroken as error:
            self._report.send(["broken", str(error)[:500]])
            return
        self._report.send_later(["ready"])
        if self._load():
            self._use_redefined_builtin(codes)
            try:
                for place, code in enumerate(codes):
                    self._run_case(place, self._cases[place], code)
            except calls.CheckerBroken as error:
                self._report.send(["broken", str(error)])
                return
        self._report.send(["done"])

    def _prepare(self) -> list[types.CodeType]:
        """Compile the tests and run the trusted setup, before the solution does anything."""
        sys.modules["tests"] = types.ModuleType("tests")
        sys.modules["pytest"] = pytest_shim
        self._execute_setup()
        self._checker = self._own_checker()
        codes = [self._compile_case(case) for case in self._cases]
        NAMES.solution_is_there = True
        sys.modules["solution"] = RemoteModule(self._link)
        return codes

    def _own_checker(self) -> Any:
        """Return the question's own function that says whether a result is right, if it has one."""
        if not self._rules["checker"]:
            return None
        namespace: dict[str, Any] = {"__name__": "checker"}
        code = self._compile(self._rules["checker"], "checker.py")
        try:
            exec(code, namespace)
            return namespace["check"]
        except Exception as error:
            raise TestsBroken(f"checker.py: {type(error).__name__}: {error}") from error

    def _compile_case(self, case: dict[str, Any]) -> types.CodeType:
        """Compile a test; of a call only the name is code."""
        if case["kind"] == "call":
            return self._compile(calls.entry(case["entry_point"]), TEST_FILE)
        return self._compile(case["code"], TEST_FILE)

    def _compile(self, source: str, file: str) -> types.CodeType:
        try:
            return compile(source, file, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise TestsBroken(f"{file}: {type(error).__name__}: {error}") from error

    def _execute_setup(self) -> None:
        code = self._compile(self._setup, "setup.py")
        before = set(self._namespace)
        try:
            exec(code, self._namespace)
        except Exception as error:
            raise TestsBroken(f"setup.py: {type(error).__name__}: {error}") from error
        for name in set(self._namespace) - before:
            value = self._namespace[name]
            if isinstance(value, type) and value.__module__ == "tests":
                self._link.shared[name] = value

    def _load(self) -> bool:
        """Have the solution run its program; says whether there is something to test."""
        try:
            hello = self._link.hello()
        except BrokenChannel:
            self._report.send(["failed", "the solution's process did not start"])
            return False
        if hello != ["hello"]:
            self._report.send(["broken", shorten(str(hello[-1]))])
            return False
        self._report.send(["loading"])
        try:
            self._link.request("load")
        except BaseException as error:  # noqa: BLE001 - whatever the solution raised
            self._report.send_later(["unloaded", *self._judge(error, loading=True)])
            return False
        return True

    def _use_redefined_builtin(self, codes: list[types.CodeType]) -> None:
        """Bind the function under test where it carries a builtin's name (MBPP's `sum`)."""
        pairs = zip(codes, self._cases, strict=True)
        asserts = [code for code, case in pairs if case["kind"] == "assert"]
        try:
            name = function_under_test(asserts, self._namespace, self._link)
            if name is not None:
                self._namespace[name] = self._link.request("name", name)
        except BaseException:  # noqa: BLE001 - whatever was raised; the first test meets it again
            return

    def _run_case(self, place: int, case: dict[str, Any], code: types.CodeType) -> None:
        """Run one test case; a test module is one case with several tests."""
        if case["kind"] == "assert":
            self._run_test(place, Test("assert", lambda: exec(code, self._namespace)))
        elif case["kind"] == "check":
            self._run_test(place, Test("check", lambda: self._check(case, code)))
        elif case["kind"] == "call":
            self._run_test(place, Test("call", lambda: self._call(case)))
        else:
            self._run_module(place, code)

    def _check(self, case: dict[str, Any], code: types.CodeType) -> None:
        namespace = dict(self._namespace)
        exec(code, namespace)
        if "check" not in namespace:
            raise Unsupported("test_code defines no function `check`")
        namespace["check"](self._link.request("entry", case["entry_point"]))

    def _call(self, case: dict[str, Any]) -> None:
        """Call the function under test with data; raises AssertionError if its result is wrong."""
        call = json.loads(case["code"])
        arguments = calls.arguments_of(call)
        result = self._link.request("entry", calls.entry(case["entry_point"]))(*arguments)
        if self._checker is not None:
            self._report.send(["judging"])
            right = calls.ask(self._checker, calls.arguments_of(call), result, call)
        else:
            right = calls.is_right(result, call, self._rules)
        if not right:
            raise AssertionError(calls.expected_text(call))

    def _run_module(self, place: int, code: types.CodeType) -> None:
        self._link.may_adopt = True
        module = types.ModuleType("tests")
        vars(module).update(self._namespace)
        sys.modules["tests"] = module
        tests: list[Test] = []

        def find() -> None:
            exec(code, vars(module))
            tests.extend(collect(vars(module)))

        if self._run_test(place, Test("module", find), quiet=True):
            for test in tests:
                self._run_test(place, test)
            if not tests:
                self._report.send_later(["end", place, "module", "no_tests", 0, {}])

    def _run_test(self, place: int, test: Test, quiet: bool = False) -> bool:
        """Run one test and report it; a quiet one is reported only when it does not pass."""
        if test.skipped:
            return True
        self._report.send(["begin", place, test.name])
        self._link.forget()
        started = time.perf_counter()
        outcome, detail = self._outcome(test)
        spent = round((time.perf_counter() - started) * 1000)
        if self._link.adopted:
            detail = {**detail, "adopted": dict(self._link.adopted)}
        if outcome != "skipped" and not (quiet and outcome == "passed"):
            self._report.send_later(["end", place, test.name, outcome, spent, detail])
        return outcome == "passed"

    def _outcome(self, test: Test) -> tuple[str, dict[str, Any]]:
        out = sys.stdout
        try:
            test.run()
        except calls.CheckerBroken:
            raise
        except BaseException as error:  # noqa: BLE001 - a test may raise anything; that is its answer
            return self._judge(error)
        finally:
            sys.stdout = out
        if self._link.lost is not None:
            return self._link.lost.outcome, {"text": str(self._link.lost)}
        if self._link.overflown:
            return "output_limit", {"text": "the solution printed too much"}
        return "passed", {}

    def _judge(self, error: BaseException, loading: bool = False) -> tuple[str, dict[str, Any]]:
        """Say what an exception means: a wrong answer, an error of the solution, or neither."""
        if self._link.lost is not None:
            return self._link.lost.outcome, {"text": str(self._link.lost)}
        if isinstance(error, Skipped) or _is_skip(error):
            return "skipped", {}
        if self._is_unsupported(error):
            return "unsupported", {"text": shorten(f"{type(error).__name__}: {error}")}
        detail = {"text": self._text(error), "call": call_text(self._link.last_call)}
        foreign = error is self._link.last_raised
        if foreign or isinstance(error, NameError | ImportError):
            return _kind_of_error(error, foreign, loading), detail
        return "wrong_answer", detail

    def _is_unsupported(self, error: BaseException) -> bool:
        """Say whether a test failed because of this instrument and not of the solution."""
        if isinstance(error, Unsupported):
            return True
        foreign = error is self._link.last_raised
        if isinstance(error, FileNotFoundError):
            return not foreign or self._link.tests_wrote_files()
        return isinstance(error, ModuleNotFoundError) and not foreign

    def _text(self, error: BaseException) -> str:
        """Describe an error with the line that raised it."""
        line = raised.last_line(error, TEST_FILE)
        remote = vars(error) if error is self._link.last_raised else {}
        text = remote.get("remote_text") or raised.text_of(error)
        where = remote.get("remote_line")
        place = f" (line {line} of the tests)" if line else ""
        place = f" (line {where} of the solution)" if where else place
        return shorten(f"{type(error).__name__}: {text}".removesuffix(": ")) + place


def _is_skip(error: BaseException) -> bool:
    unittest: Any = sys.modules.get("unittest")
    return unittest is not None and isinstance(error, unittest.SkipTest)


def _kind_of_error(error: BaseException, foreign: bool, loading: bool) -> str:
    if foreign and (limit := vars(error).get("remote_limit")):
        return str(limit)
    if loading and isinstance(error, SyntaxError):
        return "compile_error"
    return "runtime_error"


def main(report: Channel, link: Channel, job: dict[str, Any]) -> None:
    """Run the tests of a job; the report's reader is the process outside."""
    Holder(report, Link(link), job).run()
