"""What a question may say of how its outputs are compared, its own checker included."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.verifiers.code_support import in_each_tier, judge_in, judge_one, needs_sandbox
from verifiers.code_compare import Comparison

STDIN = {"input": "3\n", "output": "1 2 3\n"}
SUM = "def check(input, output, expected):\n    return sum(map(int, output.split())) == int(input)"


def prints(text: str, expected: str, **comparison: Any) -> str:
    test = {"input": "", "output": expected}
    return judge_one(f"print({text!r})", test, comparison=comparison).reason


def gives(value: str, expected: Any, **comparison: Any) -> str:
    test = {"testtype": "functional", "fn_name": "f", "input": "", "output": json.dumps(expected)}
    return judge_one(f"def f(): return {value}", test, comparison=comparison).reason


@pytest.mark.parametrize(
    ("actual", "expected", "right"),
    [
        ("0.333333", "0.3333333", True),
        ("0.33", "0.3333333", False),
        ("1000001", "1000000", True),
        ("1000010", "1000000", False),
        ("x 1.0000001", "x 1", True),
        ("y 1", "x 1", False),
        ("nan", "1", False),
        ("1e999", "1e998", False),
        ("-0.0000001", "0", True),
        ("1 2", "1", False),
    ],
)
def test_tolerance_is_of_numbers(actual: str, expected: str, right: bool) -> None:
    assert Comparison(absolute=1e-6, relative=1e-6).same(actual, expected) is right


def test_case_is_ignored_only_where_said() -> None:
    assert Comparison(ignore_case=True).same("yes 1.0", "YES 1")
    assert not Comparison().same("yes", "YES")


@pytest.mark.parametrize(
    ("order", "actual", "expected", "right"),
    [
        ("lines", "b 2\na 1.0", "a 1\nb 2", True),
        ("lines", "a\na\nb", "a\nb\nb", False),
        ("lines", "2 b", "b 2", False),
        ("lines", "a", "a\na", False),
        ("tokens", "3\n2 1.0", "1 2 3", True),
        ("tokens", "1 2", "1 2 2", False),
    ],
)
def test_order_is_free_only_of_what_is_named(
    order: str, actual: str, expected: str, right: bool
) -> None:
    assert Comparison(unordered=order).same(actual, expected) is right


def test_order_and_case_go_together() -> None:
    assert Comparison(unordered="lines", ignore_case=True).same("B\na", "A\nb")


@needs_sandbox
def test_rule_is_in_the_evidence() -> None:
    found = judge_one("print('YES')", {"input": "", "output": "yes"}, comparison={"absolute": 0.1})
    expected = "lines, tokens, numbers within 0.1 or 0 of the expected one"
    assert (found.reason, found.evidence["comparison"]) == ("wrong_answer", expected)


@needs_sandbox
@pytest.mark.parametrize(
    ("value", "expected", "comparison", "reason"),
    [
        ("[0.1 + 0.2]", [0.3], {"relative": 1e-9}, "passed"),
        ("[0.31]", [0.3], {"relative": 1e-9}, "wrong_answer"),
        ("{'a': 1.0000001}", {"a": 1}, {"absolute": 1e-6}, "passed"),
        ("True", 1.0000001, {"absolute": 1e-6}, "wrong_answer"),
        ("10**400", 1.5, {"absolute": 1e-6}, "wrong_answer"),
        ("['Yes']", ["YES"], {"ignore_case": True}, "passed"),
        ("[2, [1], 2]", [[1], 2, 2], {"unordered": "items"}, "passed"),
        ("[2, 1]", [1, 1], {"unordered": "items"}, "wrong_answer"),
        ("[2, 1, 1]", [1, 2], {"unordered": "items"}, "wrong_answer"),
        ("[0.3, 0.1 + 0.2]", [0.3, 0.3], {"unordered": "items", "absolute": 1e-9}, "passed"),
    ],
)
def test_results_of_calls_may_differ_as_the_question_says(
    value: str, expected: Any, comparison: dict[str, Any], reason: str
) -> None:
    assert gives(value, expected, **comparison) == reason


@in_each_tier
@pytest.mark.parametrize(("printed", "reason"), [("1 1 1", "passed"), ("4", "wrong_answer")])
def test_own_checker_decides(tier: int, printed: str, reason: str) -> None:
    found = judge_in(tier, f"print({printed!r})", STDIN, comparison={"checker": SUM})
    assert (found.reason, found.evidence["comparison"]) == (reason, "checker")


@needs_sandbox
@pytest.mark.parametrize(
    "checker",
    [
        "def check(input, output, expected): raise ValueError",
        "def check(input, output, expected): return None",
        "def check(input, output, expected): return 1",
        "def check(): return True",
        "def check(input",
        "x = 1",
        "def check(*_):\n    while True: pass",
        "def check(*_): import os; os._exit(0)",
        "def check(*_): return [0] * 10**10",
    ],
)
@pytest.mark.parametrize("kind", ["input", "call"])
def test_checker_that_fails_is_a_broken_test(checker: str, kind: str) -> None:
    test = {"testtype": "functional", "fn_name": "f", "input": "", "output": "1"}
    code = "def f(): return 1\nprint(1)"
    given = STDIN if kind == "input" else test
    found = judge_one(code, given, comparison={"checker": checker}, time_limit_s=1)
    assert (found.outcome, found.reason) == ("unverified", "tests_broken")


@needs_sandbox
def test_checker_of_a_call_gets_arguments_result_and_expected_value() -> None:
    checker = "def check(input, output, expected): return [input, output, expected] == [[1], 2, 3]"
    test = {"testtype": "functional", "fn_name": "f", "input": "1", "output": "3"}
    assert judge_one("def f(x): return 2", test, comparison={"checker": checker}).reason == "passed"


@needs_sandbox
def test_checker_of_a_call_is_shown_no_object_of_the_program() -> None:
    checker = "def check(input, output, expected): return output[0] == 5"
    test = {"testtype": "functional", "fn_name": "f", "input": "", "output": "3"}
    code = "class A:\n    def __eq__(self, o): return True\ndef f(): return [A()]"
    found = judge_one(code, test, comparison={"checker": checker})
    assert found.reason == "wrong_answer"


@needs_sandbox
def test_program_does_not_reach_its_checker() -> None:
    code = """
import builtins, os, sys
builtins.sum = lambda *_: 3
builtins.sorted = None
open("checker.py", "w").write("def check(*_): return True")
print("9")
"""
    assert judge_one(code, STDIN, comparison={"checker": SUM}).reason == "wrong_answer"


@needs_sandbox
@pytest.mark.parametrize(
    "comparison",
    [
        {"absolut": 1},
        {"absolute": -1},
        {"absolute": True},
        {"absolute": "1e-6"},
        {"ignore_case": 1},
        {"unordered": "words"},
        {"unordered": "items"},
        {"unordered": "lines", "absolute": 0.1},
        {"checker": SUM, "ignore_case": True},
        [],
        "{",
    ],
)
def test_comparison_that_is_not_understood_is_bad_input(comparison: Any) -> None:
    found = judge_one("print(1)", STDIN, comparison=comparison)
    assert found.reason == "bad_input" and "comparison" in found.evidence["error"]


@needs_sandbox
def test_comparison_that_no_test_would_use_is_bad_input() -> None:
    found = judge_one("x = 1", {"assert": "assert x == 1"}, comparison={"absolute": 0.1})
    assert found.reason == "bad_input"


@needs_sandbox
def test_comparison_may_be_json_text() -> None:
    found = judge_one(
        "print('A')", {"input": "", "output": "a"}, comparison='{"ignore_case": true}'
    )
    assert found.reason == "passed"
