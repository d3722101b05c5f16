"""Real programs with real tests, as rows of the `code` verifier, for the scripts here.

::

    {"id": "HumanEval/3", "answer": "```python\\nfrom typing import List\\n…```",
     "test_cases": [{"test_code": "def check(candidate): …", "entry_point": "below_zero"}]}

`REAL_DATA` names the folder that they come from (`real_data.py`).
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow.parquet as pq
from real_data import folder

Row = dict[str, Any]
# Each data set's files, the column with the reference solution, and whether the prompt is the
# code before the solution (HumanEval, MBPP) or imports for both sides (LeetCode).
SETS: dict[str, tuple[tuple[str, ...], str]] = {
    "humaneval": (("benchmarks/humaneval",), "canonical_solution"),
    "mbpp": (("benchmarks/mbpp_test", "questions/mbpp_train"), "canonical_solution"),
    "leetcode": (("questions/leetcode_dataset_train",), "completion"),
}


def table(name: str) -> list[Row]:
    """Return the rows of a file, as they are there."""
    rows: list[Row] = pq.read_table(folder() / f"{name}.parquet").to_pylist()
    return rows


def references(name: str) -> list[Row]:
    """Return the reference solutions of a data set with their tests."""
    files, solution = SETS[name]
    return [_reference(row, solution) for file in files for row in table(file)]


def _reference(row: Row, solution: str) -> Row:
    test = {"test_code": row["test"], "entry_point": row["entry_point"]}
    if solution == "completion":
        test["setup"] = row["prompt"]
    code = f"{row['prompt']}{row[solution]}"
    return {"id": row["task_id"], "code": code, "answer": fenced(code), "test_cases": [test]}


def whole(row: Row) -> Row:
    """Return solution and tests as one program that prints `ok`, for one process."""
    (test,) = row["test_cases"]
    parts = [test.get("setup", ""), row["code"], test["test_code"]]
    code = "\n".join([*parts, f"check({test['entry_point']})", "print('ok')"])
    return {"answer": fenced(code), "test_cases": [{"input": "", "output": "ok"}]}


def fenced(code: str) -> str:
    """Return a program as an answer."""
    return f"```python\n{code}\n```"


def recorded() -> list[tuple[Row, bool]]:
    """Return KodCode's answers of DeepSeek-R1 with their test modules, and whether they passed.

    Only where all three trials of a question were scored, since else nobody knows whose
    result it is.
    """
    found = []
    for row in table("traces/kodcode_r1_prefill"):
        results = json.loads(row["r1_pass_sequence"])
        if len(results) == 3:
            name = f"{row['question_id']}/{row['trial']}"
            test = {"test_code": row["test_code"]}
            made = {"id": name, "answer": row["response"], "test_cases": [test]}
            found.append((made, bool(results[row["trial"]])))
    return found


def shown(evidence: Any) -> str:
    """Return the first failing test of a verdict's evidence, for a person."""
    failed = [test for test in evidence.get("tests", ()) if test["outcome"] != "passed"]
    one = failed[0] if failed else {}
    parts = [one.get("test", ""), one.get("call", ""), one.get("text", evidence.get("error", ""))]
    return "; ".join(filter(None, parts))[:200]
