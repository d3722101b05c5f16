"""Tests that call one function with data: their forms, and when a result is right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.verifiers.code_support import in_each_tier, judge, judge_in, judge_one, needs_sandbox

ADD = "def add(a, b):\n    return a + b"
METHOD = "class Solution:\n    def add(self, a, b):\n        return a + b"


def lcb(given: str, output: str, name: str = "add") -> dict[str, Any]:
    return {"testtype": "functional", "fn_name": name, "input": given, "output": output}


def gives(value: str, expected: Any, **fields: Any) -> str:
    """Judge a function that gives some expression, by a test in LiveCodeBench's form."""
    test = lcb("", json.dumps(expected), "f")
    return judge_one(f"def f():\n    return {value}", test, **fields).reason


def bundle(value: str, outputs: list[Any], **fields: Any) -> str:
    """Judge a function of a number, `n`, by tests in the form of APPS and TACO."""
    tests = {"fn_name": "f", "inputs": [[n] for n in range(len(outputs))], "outputs": outputs}
    row = {"answer": f"```python\ndef f(n):\n    return {value}\n```", "test_cases": tests}
    return judge([{**row, **fields}])[0].reason


@in_each_tier
@pytest.mark.parametrize("code", [ADD, METHOD])
def test_function_or_method_of_solution_is_called(tier: int, code: str) -> None:
    assert judge_in(tier, code, lcb("1\n2", "3"), lcb('"a"\n"b"', '"ab"')).reason == "passed"


@needs_sandbox
def test_method_is_taken_before_a_function_of_that_name() -> None:
    code = f"{METHOD}\ndef add(a, b): return 0"
    assert judge_one(code, lcb("1\n2", "3")).reason == "passed"


@needs_sandbox
def test_each_test_gets_a_solution_of_its_own() -> None:
    code = "class Solution:\n    def __init__(self): self.n = 0\n"
    code += "    def up(self):\n        self.n += 1\n        return self.n"
    assert judge_one(code, lcb("", "1", "up"), lcb("", "1", "up")).reason == "passed"


@needs_sandbox
def test_row_may_name_the_function() -> None:
    tests = [{"testtype": "functional", "input": "1\n2", "output": "3"}]
    assert judge_one(ADD, *tests, fn_name="add").reason == "passed"


@needs_sandbox
def test_tests_of_standard_input_stay_such_beside_a_name_of_the_row() -> None:
    test = {"testtype": "stdin", "input": "1", "output": "2"}
    assert judge_one("print(int(input()) + 1)", test, fn_name="add").reason == "passed"


@needs_sandbox
@pytest.mark.parametrize(
    ("value", "expected", "reason"),
    [
        ("(1, 2)", [1, 2], "passed"),
        ("[(1, 2)]", [[1, 2]], "wrong_answer"),
        ("3.0", 3, "passed"),
        ("True", 1, "passed"),
        ("'3'", 3, "wrong_answer"),
        ("0.1 + 0.2", 0.3, "wrong_answer"),
        ("{1, 2}", [1, 2], "wrong_answer"),
        ("None", None, "passed"),
        ("iter([1])", [1], "wrong_answer"),
        ("{'a': [1]}", {"a": [1]}, "passed"),
        ("float('nan')", 1, "wrong_answer"),
    ],
)
def test_results_compare_as_in_livecodebench(value: str, expected: Any, reason: str) -> None:
    assert gives(value, expected) == reason


@needs_sandbox
def test_numpy_results_count_by_their_value_and_arrays_are_no_lists() -> None:
    code = "import numpy as np\ndef f(): return np.int64(3)\ndef g(): return np.array([1, 2])"
    assert judge_one(code, lcb("", "3", "f")).reason == "passed"
    assert judge_one(code, lcb("", "[1, 2]", "g")).reason == "wrong_answer"


@needs_sandbox
@pytest.mark.parametrize(
    ("value", "outputs", "reason"),
    [
        ("n", [[0], [1]], "passed"),  # wrapped
        ("[n]", [[0], [1]], "passed"),  # or not
        ("list(range(n))", [[], [0]], "passed"),
        ("n", [[0, 7], [1, 7]], "wrong_answer"),  # the harnesses let this one pass
        ("str(n)", ["0", "1"], "passed"),  # a value as it is, beside a list of arguments
        ("n", ["0", "1"], "wrong_answer"),
        ("[(n, n)]", [[[[0, 0]]]], "passed"),
        ("{n: n}", [{"0": 0}], "passed"),
        ("{'0': n}", [{"0": 0}], "passed"),
        ("{'x': n}", [{"0": 0}], "wrong_answer"),
    ],
)
def test_results_compare_by_the_habits_of_taco(value: str, outputs: list[Any], reason: str) -> None:
    assert bundle(value, outputs) == reason


@needs_sandbox
@pytest.mark.parametrize("outputs", [["0", "1"], ["[0]", "[1]"]])
def test_outputs_are_json_beside_inputs_that_are_text(outputs: list[str]) -> None:
    tests = {"fn_name": "f", "inputs": ["0", "1"], "outputs": outputs}
    row = {"answer": "```python\ndef f(n): return n\n```", "test_cases": tests}
    assert judge([row])[0].reason == "passed"


@needs_sandbox
def test_keys_that_are_whole_numbers_are_such_again_in_arguments() -> None:
    tests = {"fn_name": "f", "inputs": [[{"1": 2}, {"a": 1}]], "outputs": [[3]]}
    code = "def f(x, y):\n    return x[1] + y['a']"
    row = {"answer": f"```python\n{code}\n```", "test_cases": json.dumps(tests)}
    assert judge([row])[0].reason == "passed"


@needs_sandbox
def test_bundle_in_a_list_is_all_of_its_tests() -> None:
    tests = {"fn_name": "add", "inputs": [[1, 2], "3\n4"], "outputs": [[3], "[7]"]}
    found = judge_one(ADD, tests)
    assert (found.reason, found.evidence["total"]) == ("passed", 2)


@needs_sandbox
def test_bundle_without_a_function_is_standard_input_and_output() -> None:
    tests = {"inputs": ["1 2\n", ["3", "4"]], "outputs": ["1 2", ["3", "4"]]}
    code = "import sys\nprint(sys.stdin.read())"
    assert judge_one(code, tests).evidence["passed"] == 2


@needs_sandbox
def test_most_tests_counts_those_of_a_bundle() -> None:
    tests = {"fn_name": "f", "inputs": [[1]] * 20, "outputs": [[1]] * 20}
    row = {"answer": "```python\ndef f(n): return n\n```", "test_cases": tests}
    assert judge([row], max_tests=3)[0].evidence["total"] == 3


@needs_sandbox
def test_expected_values_are_not_in_the_process_of_the_program() -> None:
    code = """
import gc, sys
def f():
    held = [o for o in gc.get_objects() if isinstance(o, (list, dict)) and 'TOPSECRET' in str(o)]
    return 'TOPSECRET'[:0] + str(len(held) > 1 and held)
"""
    found = judge_one(code, lcb("", '"TOPSECRET"', "f"))
    assert found.reason == "wrong_answer"


@needs_sandbox
@pytest.mark.parametrize(
    "code",
    [
        "class A(list):\n    def __eq__(self, o): return True\ndef f(): return A([1])",
        "class A:\n    def __eq__(self, o): return True\ndef f(): return A()",
        "class A:\n    def __eq__(self, o): return True\ndef f(): return [A()]",
        "class A(int):\n    def __eq__(self, o): return True\ndef f(): return A(1)",
    ],
)
def test_object_that_equals_everything_equals_nothing(code: str) -> None:
    assert judge_one(code, lcb("", "[2]", "f")).outcome == "incorrect"


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("x = 1", "runtime_error"),
        ("add = 3", "wrong_answer"),
        ("def add(a): return a", "runtime_error"),
        ("def add(a, b): raise ValueError", "runtime_error"),
        ("def add(a, b):\n    while True: pass", "time_limit"),
        ("def add(a, b", "compile_error"),
        ("def add(a, b): return [0] * 10**9", "memory_limit"),
        ("def add(a, b): return 'x' * 10**8", "output_limit"),
    ],
)
def test_program_that_fails_gets_its_own_outcome(code: str, reason: str) -> None:
    found = judge_one(code, lcb("1\n2", "3"), time_limit_s=1)
    assert (found.outcome, found.reason) == ("incorrect", reason)


@needs_sandbox
@pytest.mark.parametrize(
    "tests",
    [
        lcb("1\n{", "3"),
        lcb("1\n2", "three"),
        {**lcb("1\n2", "3"), "fn_name": "os.system"},
        {"testtype": "functional", "input": "1", "output": "2"},
        {"testtype": "interactive", "input": "1", "output": "2"},
        {"fn_name": "f", "inputs": [[1]], "outputs": []},
        {"fn_name": "f", "inputs": [1], "outputs": [1]},
        {"fn_name": "f", "inputs": "x", "outputs": [1]},
        {"inputs": [{"a": 1}], "outputs": ["1"]},
        {"inputs": [True], "outputs": ["1"]},
    ],
)
def test_tests_that_cannot_be_read_are_bad_input(tests: dict[str, Any]) -> None:
    assert judge_one(ADD, tests).reason == "bad_input"


@needs_sandbox
def test_block_is_chosen_by_the_name_of_the_function() -> None:
    answer = f"```python\n{METHOD}\n```\n```python\nprint('usage')\n```"
    row = {"answer": answer, "test_cases": [lcb("1\n2", "3")]}
    assert judge([row])[0].evidence["block"] == 0


@needs_sandbox
def test_evidence_shows_the_call_and_what_was_expected() -> None:
    found = judge_one("def add(a, b): return 0", lcb("1\n2", "3"))
    (test,) = found.evidence["tests"]
    assert test["call"] == "add(1, 2) gave 0" and "expected 3" in test["text"]
    assert found.evidence["comparison"] == "equal values"
