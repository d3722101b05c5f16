"""The code verifier on real data: hostile programs, and reference solutions that must pass."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.verifiers.code_support import in_each_tier, judge, needs_sandbox, real_data

pytestmark = needs_sandbox


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


@in_each_tier
def test_hostile_programs_are_refused_and_change_nothing(
    tier: int, tmp_path: Path, victim: subprocess.Popen[bytes]
) -> None:
    lines = real_data("code_hostile_dev.jsonl").read_text().splitlines()
    tmp_path.chmod(0o777)
    (tmp_path / "secret.txt").write_text("TOPSECRET")
    (tmp_path / "victim.pid").write_text(str(victim.pid))
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    rows = [json.loads(line.replace("@OUTSIDE@", str(tmp_path))) for line in lines]
    found = [result.outcome.value for result in judge(rows, time_limit_s=2, tier=tier)]
    labels = [row["expected"].replace("not_correct", "incorrect") for row in rows]
    assert found == labels
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before
    assert victim.poll() is None


def reference_rows(path: Path, step: int) -> list[dict[str, Any]]:
    rows = pq.read_table(path).to_pylist()[::step]
    solution = "canonical_solution" if "canonical_solution" in rows[0] else "completion"
    with_setup = solution == "completion"
    return [
        {
            "answer": f"```python\n{row['prompt']}{row[solution]}\n```",
            "test_cases": [
                {
                    "test_code": row["test"],
                    "entry_point": row["entry_point"],
                    "setup": row["prompt"] if with_setup else None,
                }
            ],
        }
        for row in rows
    ]


@pytest.mark.parametrize(
    ("name", "step"),
    [("benchmarks/humaneval.parquet", 8), ("questions/leetcode_dataset_train.parquet", 100)],
)
def test_reference_solutions_pass(name: str, step: int) -> None:
    results = judge(reference_rows(real_data(name), step))
    assert {result.reason for result in results} == {"passed"}
