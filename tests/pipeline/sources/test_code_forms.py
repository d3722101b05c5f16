"""What sources make of tests is what the verifier `code` reads: each form is run once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.evaluation.programs import contest_case
from pipeline.sources.hub_draft import HubRow
from pipeline.sources.local_columns import ready_cases
from tests.pipeline.sources.hub_support import HUB, repository, source, told
from tests.verifiers.code_support import judge, needs_sandbox

ADD = "def add(a, b): return a + b"
PRINTS = "print(int(input()) + int(input()))"


def reason(code: str, cases: list[dict[str, Any]]) -> str:
    stored = json.loads(json.dumps(cases))
    return judge([{"answer": f"```python\n{code}\n```", "test_cases": stored}])[0].reason


@needs_sandbox
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"fn_name": "add", "inputs": [[1, 2]], "outputs": [[3]]}, ADD),
        ({"fn_name": "add", "inputs": ["1\n2"], "outputs": ["3"]}, ADD),
        ({"inputs": ["1\n2\n"], "outputs": ["3\n"]}, PRINTS),
        ({"inputs": [["1", "2"]], "outputs": [["3"]]}, PRINTS),
    ],
)
def test_tests_of_a_bundle_pass_a_right_program(given: dict[str, Any], code: str) -> None:
    cases = HubRow({"tests": json.dumps(given)}).cases("tests")
    assert reason(code, cases) == "passed"
    wrong = code.replace("+", "-")
    assert reason(wrong, cases) == "wrong_answer"


@needs_sandbox
@pytest.mark.parametrize("code", [ADD, f"class Solution:\n    {ADD.replace('a, b', 'self, a, b')}"])
def test_tests_of_livecodebench_pass_a_right_program(code: str) -> None:
    test = {"input": "1\n2", "output": "3", "testtype": "functional"}
    assert reason(code, [contest_case(test, "add")]) == "passed"


@needs_sandbox
def test_tests_in_a_file_of_ones_own_pass_a_right_program() -> None:
    given = [{"input": "1\n2", "output": "3", "testtype": "functional", "fn_name": "add"}]
    assert reason(ADD, ready_cases(given)) == "passed"


def test_language_of_a_config_is_in_the_metadata(tmp_path: Path) -> None:
    row = {"id": "1/A", "prompt": "Print 1.", "generation": "<think>x</think>1", "examples": None}
    row["finish_reason"] = "stop"
    made = {}
    for config in HUB["codeforces_cots"].dataset.configs:
        folder = repository(tmp_path / config, "codeforces_cots", [row])
        (folder / "README.md").write_text(
            (folder / "README.md").read_text().replace("'solutions_py'", f"'{config}'")
        )
        rows = source("codeforces_cots", config=config, folder=str(folder)).rows()
        made[config] = told(next(iter(rows)))["metadata"].get("language")
    assert made == {
        "solutions_py": None,
        "solutions_py_decontaminated": None,
        "solutions": "cpp",
        "solutions_decontaminated": "cpp",
    }
