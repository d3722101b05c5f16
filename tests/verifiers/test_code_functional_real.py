"""Functional tests on real data: LeetCode's reference solutions pass in both forms of them."""

from __future__ import annotations

import ast
import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.verifiers.code_support import judge, needs_sandbox, real_data

pytestmark = needs_sandbox
FILE = "questions/leetcode_dataset_train.parquet"
# Lists and trees of nodes are no JSON; the one package is not among those that programs may import.
NOT_PLAIN = ("ListNode", "TreeNode", "sortedcontainers", "SortedList")
STEP = 16


def problems() -> list[tuple[str, str, list[list[Any]], list[Any]]]:
    """Return the answer of each problem, the name of its method, arguments and results."""
    found = []
    for row in pq.read_table(real_data(FILE)).to_pylist()[::STEP]:
        answer = f"```python\n{row['prompt']}\n{row['completion']}\n```"
        plain = not any(word in row["completion"] for word in NOT_PLAIN)
        if plain and row["entry_point"].startswith("Solution()."):
            try:
                calls = [_call(one) for one in json.loads(row["input_output"])]
            except (ValueError, SyntaxError):
                continue  # a result that is no literal
            name = row["entry_point"].partition(".")[2]
            found.append((answer, name, [c[0] for c in calls], [c[1] for c in calls]))
    return found


def _call(one: dict[str, str]) -> tuple[list[Any], Any]:
    tree = ast.parse(f"f({one['input']})", mode="eval").body
    assert isinstance(tree, ast.Call)
    given = [*tree.args, *(keyword.value for keyword in tree.keywords)]
    return [ast.literal_eval(value) for value in given], ast.literal_eval(one["output"])


def test_form_of_livecodebench() -> None:
    rows = [
        {
            "answer": answer,
            "fn_name": name,
            "test_cases": [
                {
                    "testtype": "functional",
                    "input": "\n".join(map(json.dumps, arguments)),
                    "output": json.dumps(wanted),
                }
                for arguments, wanted in zip(inputs, outputs, strict=True)
            ],
        }
        for answer, name, inputs, outputs in problems()
    ]
    assert len(rows) > 80
    assert {result.reason for result in judge(rows)} == {"passed"}


@pytest.mark.parametrize("wrapped", [False, True])
def test_form_of_taco(wrapped: bool) -> None:
    rows = [
        {
            "answer": answer,
            "test_cases": {
                "fn_name": name,
                "inputs": inputs,
                "outputs": [[wanted] for wanted in outputs] if wrapped else outputs,
            },
        }
        for answer, name, inputs, outputs in problems()
    ]
    assert {result.reason for result in judge(rows)} == {"passed"}
