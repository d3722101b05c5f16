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

Traps: a task comes several times, with right and wrong responses; tasks in other languages
than Python get no tests, as their answers can't be run; tests of a type other than
stdin_stdout are left; the task types of real software can't be checked here at all.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pipeline.sources.hub_base import HubDataset, HubSource
from pipeline.sources.hub_draft import Draft, HubRow, traced

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
        python = (row.maybe("verification_info.language") or "python") == "python"
        truth = row.value("verification_info.ground_truth") if kind != "code" else None
        return Draft(
            prompt=row.text("prompt"),
            kind=kind,
            reference=truth if isinstance(truth, str) else None,
            cases=list(map(case, stdin_cases(row))) if kind == "code" and python else (),
            responses=[traced(row.text("llm_response"))],
            nested=row.maybe("source"),
            keep={"task_type": row.maybe("task_type")},
        )


def stdin_cases(row: HubRow) -> list[dict[str, Any]]:
    """Return the test cases that are given by standard input and output."""
    found = row.items("verification_info.test_cases")
    whole = (one for one in found if isinstance(one, dict) and {"input", "output"} <= set(one))
    return [one for one in whole if one.get("type", "stdin_stdout") == "stdin_stdout"]


def case(given: dict[str, Any]) -> dict[str, str]:
    """Return one test case in the form of `verify`."""
    return {"input": str(given["input"]), "output": str(given["output"])}
