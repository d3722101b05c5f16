"""The code verifier as a whole: order, limits, evidence, and what it does without a sandbox."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.verifiers.code_support import FOUND, judge, judge_one, needs_sandbox
from verifiers import Outcome, Result, available, code_runners, code_tests
from verifiers.code_tests import CodeVerifier
from verifiers.sandbox_probe import Probe

GOOD = "```python\ndef f(x): return x + 1\n```"
TESTS = [{"assert": "assert f(1) == 2"}]
ROW = {"answer": GOOD, "test_cases": TESTS}


def test_verifier_is_found_by_its_name() -> None:
    assert available()["code"] is CodeVerifier


def test_unknown_setting_is_an_error() -> None:
    with pytest.raises(TypeError, match="speed"):
        CodeVerifier.create(speed=1)


@pytest.mark.parametrize("name", ["max_tests", "time_limit_s", "memory_limit_mb"])
def test_setting_that_is_not_positive_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        CodeVerifier.create(**{name: 0})


@needs_sandbox
def test_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(ValueError, match="no-such-package"):
        judge([ROW], packages=("no-such-package",))


def test_nothing_runs_without_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_all(*_: Any) -> None:
        raise AssertionError("ran a program")

    missing = Probe(None, "bwrap_missing", "install bubblewrap")
    monkeypatch.setattr(code_runners, "probe", lambda *_: missing)
    monkeypatch.setattr(code_tests, "run_all", run_all)
    (result,) = judge([ROW])
    assert (result.outcome, result.reason) == (Outcome.UNVERIFIED, "no_sandbox")
    assert result.evidence["why"] == "bwrap_missing"
    assert "install bubblewrap" in result.evidence["remedy"]


def test_error_inside_the_instrument_is_never_a_wrong_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run_all(*_: Any) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(code_runners, "probe", lambda *_: Probe(1, sandbox=object()))  # type: ignore[arg-type]
    monkeypatch.setattr(code_tests, "run_all", run_all)
    (result,) = judge([ROW])
    assert (result.outcome, result.reason) == (Outcome.UNVERIFIED, "sandbox_failure")


@needs_sandbox
def test_results_keep_the_order_of_the_rows() -> None:
    slow = {**ROW, "answer": "```python\nimport time\ntime.sleep(0.5)\n```"}
    wrong = {**ROW, "answer": "```python\ndef f(x): return 0\n```"}
    reasons = [result.reason for result in judge([slow, ROW, wrong])]
    assert reasons == ["runtime_error", "passed", "wrong_answer"]


@needs_sandbox
def test_rows_are_read_in_a_bounded_window() -> None:
    read = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal read
        for _ in range(40):
            read += 1
            yield {"answer": "", "test_cases": TESTS}

    with CodeVerifier.create(workers=2) as verifier:
        next(iter(verifier.results(rows())))
        assert read <= 8


@needs_sandbox
def test_only_the_first_tests_run() -> None:
    tests = [{"assert": "assert f(1) == 2"}] * 3 + [{"assert": "assert f(1) == 0"}]
    result = judge([{"answer": GOOD, "test_cases": tests}], max_tests=3)[0]
    assert (result.reason, result.evidence["total"]) == ("passed", 3)


@needs_sandbox
def test_score_is_the_share_of_tests_passed() -> None:
    tests = [{"assert": f"assert f({n}) == 2"} for n in (1, 2, 3, 1)]
    assert judge_one("def f(x): return x + 1", *tests).score == 0.5


@needs_sandbox
def test_inputs_and_asserts_can_be_mixed() -> None:
    result = judge_one(
        "def f(x): return x + 1\nif __name__ == '__main__': print(f(int(input())))",
        {"assert": "assert f(1) == 2"},
        {"input": "4\n", "output": "5\n"},
    )
    assert (result.reason, result.evidence["total"]) == ("passed", 2)


@needs_sandbox
def test_evidence_names_tier_block_and_failing_call() -> None:
    result = judge_one("def f(x): return [x]", *TESTS)
    (test,) = result.evidence["tests"]
    assert (result.evidence["tier"], result.evidence["block"]) == (FOUND.tier, 0)
    assert test["call"] == "f(1) gave [1]" and test["outcome"] == "wrong_answer"


@needs_sandbox
def test_evidence_of_a_wrong_output_shows_the_first_difference() -> None:
    result = judge_one("print(1)\nprint(3)", {"input": "", "output": "1\n2\n"})
    assert result.evidence["tests"][0]["text"] == "line 2: got '3', expected '2'"


@needs_sandbox
def test_evidence_stays_small_whatever_comes_back() -> None:
    tests = [{"assert": "assert f('y' * 100000) == 2"}] * 10
    result = judge_one("def f(x): raise ValueError('x' * 100000)", *tests)
    assert len(json.dumps(dict(result.evidence))) < 10_000


@needs_sandbox
def test_evidence_can_always_be_written() -> None:
    result = judge_one("def f(x): raise ValueError('\\ud800')", *TESTS)
    json.dumps(dict(result.evidence), ensure_ascii=False).encode()


@needs_sandbox
def test_closing_ends_the_programs_that_run() -> None:
    row = {**ROW, "answer": "```python\nwhile True: pass\n```", "time_limit_s": 60}
    verifier = CodeVerifier.create(workers=1)
    results = verifier.results([row] * 3)
    found: list[Result] = []
    asking = threading.Thread(target=lambda: found.append(next(results)))
    asking.start()
    time.sleep(0.5)
    started = time.perf_counter()
    verifier.close()
    asking.join()
    assert time.perf_counter() - started < 5
    assert found[0].outcome is Outcome.UNVERIFIED


@needs_sandbox
def test_adopted_function_is_in_the_evidence() -> None:
    code = "from solution import increase\ndef test_increase(): assert increase(1) == 2"
    result = judge_one("def f(x): return x + 1", {"test_code": code})
    assert result.evidence["tests"][0]["adopted"] == {"increase": "f"}


@needs_sandbox
def test_function_that_the_program_itself_uses_is_not_adopted() -> None:
    code = "from solution import total\ndef test_total(): assert total(2) == 3"
    program = "def add(n): return n + add(n - 1) if n else 0"
    assert judge_one(program, {"test_code": code}).reason == "runtime_error"


@needs_sandbox
def test_asserts_adopt_nothing() -> None:
    result = judge_one("def g(x): return x + 1", {"assert": "assert f(1) == 2"})
    assert result.reason == "runtime_error"


@needs_sandbox
def test_time_limit_holds_for_each_test_case() -> None:
    code = "import time\ndef f(x):\n    time.sleep(0.4)\n    return x"
    tests = [{"assert": "assert f(1) == 1"}] * 4
    result = judge_one(code, *tests, time_limit_s=1)
    assert result.reason == "passed"


@needs_sandbox
def test_test_module_is_one_test_case() -> None:
    code = "import time\ndef f(x):\n    time.sleep(0.4)\n    return x"
    module = "\n".join(f"def test_{n}(): assert f(1) == 1" for n in range(4))
    result = judge_one(code, {"test_code": module}, time_limit_s=1)
    assert result.reason == "time_limit"


@needs_sandbox
@pytest.mark.parametrize("number", ["ten", -1, True])
def test_time_limit_that_is_no_positive_number_is_bad_input(number: Any) -> None:
    (result,) = judge([{**ROW, "time_limit_s": number}])
    assert result.reason == "bad_input" and "time_limit_s" in result.evidence["error"]


@needs_sandbox
def test_malformed_row_does_not_stop_the_others() -> None:
    reasons = [result.reason for result in judge([{"answer": 1}, ROW])]
    assert reasons == ["bad_input", "passed"]


@needs_sandbox
def test_sets_come_out_in_one_order_every_time() -> None:
    code = "print(*{'alpha', 'beta', 'gamma', 'delta'})"
    first = judge_one(code, {"input": "", "output": "?"}).evidence["tests"][0]["text"]
    assert judge_one(code, {"input": "", "output": "?"}).evidence["tests"][0]["text"] == first
