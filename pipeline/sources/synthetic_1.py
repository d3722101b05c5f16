r"""SYNTHETIC-1: verifiable tasks of several kinds with two million responses of R1.

A row::

    {"problem_id": "vfm_1", "source": "numina", "task_type": "verifiable_math",
     "prompt": "What is 1 + 1?", "gold_standard_solution": "…", "score": 1.0,
     "verification_info": "{\"ground_truth\": \"2\"}", "metadata": "{}",
     "llm_response": "<think>\n…\n</think>\n\nIt is 2."}

For `verifiable_code`, `verification_info` is `{"language": "python", "test_cases": [{"input":
"1\n", "output": "2\n", "type": "stdin_stdout"}]}`. Shape: PrimeIntellect-ai/genesys@
bc10eddd812b: src/genesys/schemas.py, src/genesys/verifiers; huggingface/open-r1@1416fa0cf215:
README.md (the tests); the revision and `score`: public loaders.

Tests of the type `function_call` have `fn_name`, and lists of arguments as input.

Traps: a task comes several times, with right and wrong responses; tasks in other languages
than Python and C++ get no tests, as their answers can't be run; a row whose tests are of both
types keeps those of standard input; the task types of real software can't be checked here at all.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, traced
from pipeline.sources.local_columns import call_cases

KINDS = {
    "verifiable_math": "math",
    "verifiable_code": "code",
    "code_output_prediction": "science",
    "llm_judgeable_groundtruth_similarity": "science",
}


class Synthetic1(HubSource):
    """Tasks, each row with one response."""

    summary: ClassVar[str] = "SYNTHETIC-1: mathematics, code, science with R1's responses"
    kinds: ClassVar[tuple[str, ...]] = ("math", "code", "science", "instruction")
    carries: ClassVar[tuple[str, ...]] = ("reference answers", "test cases", "responses")
    dataset: ClassVar[HubDataset] = HubDataset(
        id="PrimeIntellect/SYNTHETIC-1",
        columns=("prompt", "task_type", "verification_info", "llm_response"),
        optional=("source",),
        licence="Apache-2.0",
        rows=1_990_000,
    )

    def read(self, row: HubRow) -> Draft:
        """Return a task with what its verification needs, and one response."""
        kind = KINDS.get(row.text("task_type"), "instruction")
        language = row.maybe("verification_info.language") or "python"
        truth = row.value("verification_info.ground_truth") if kind != "code" else None
        return Draft(
            prompt=row.text("prompt"),
            kind=kind,
            reference=truth if isinstance(truth, str) else None,
            cases=cases(row, language) if kind == "code" else (),
            responses=[traced(row.text("llm_response"))],
            nested=row.maybe("source"),
            keep={
                "task_type": row.maybe("task_type"),
                "language": language if language == "cpp" and kind == "code" else None,
            },
        )


def cases(row: HubRow, language: str) -> list[dict[str, Any]]:
    """Return a task's test cases: those of standard input, or else those that call a function."""
    if language not in ("python", "cpp"):
        return []
    printed = list(map(case, stdin_cases(row)))
    return printed or (function_cases(row) if language == "python" else [])


def function_cases(row: HubRow) -> list[dict[str, Any]]:
    """Return the test cases that call a function, all of one function in one case."""
    calls: dict[str, dict[str, Any]] = {}
    for one in row.items("verification_info.test_cases"):
        if isinstance(one, dict) and one.get("type") == "function_call":
            name = str(one.get("fn_name"))
            made = calls.setdefault(name, {"fn_name": name, "inputs": [], "outputs": []})
            made["inputs"].append(one.get("input"))
            made["outputs"].append(one.get("output"))
    return [case for made in calls.values() for case in call_cases(made)]


def stdin_cases(row: HubRow) -> list[dict[str, Any]]:
    """Return the test cases that are given by standard input and output."""
    found = row.items("verification_info.test_cases")
    whole = (one for one in found if isinstance(one, dict) and {"input", "output"} <= set(one))
    return [one for one in whole if one.get("type", "stdin_stdout") == "stdin_stdout"]


def case(given: dict[str, Any]) -> dict[str, str]:
    """Return one test case in the form of `verify`."""
    return {"input": str(given["input"]), "output": str(given["output"])}
