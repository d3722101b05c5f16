"""The loopback teacher as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parent.parent


def start(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.loopback_teacher", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def post(url: str, body: dict[str, Any]) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.post(f"{url}/completions", json=body)


def test_it_serves_rules_and_faults_logs_each_request_and_ends_with_its_input(
    tmp_path: Path,
) -> None:
    log, rules, plan = tmp_path / "log.jsonl", tmp_path / "rules.jsonl", tmp_path / "plan.json"
    rules.write_text('{"contains": "apples", "text": "seven"}\n', encoding="utf-8")
    plan.write_text('[{"fault": "500", "numbers": [1]}]', encoding="utf-8")
    process = start("--log", str(log), "--replies", str(rules), "--faults", str(plan))
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    body = {"prompt": "how many apples", "seed": 1, "max_tokens": 9}
    answers = [post(url, body) for _ in range(3)]
    process.communicate(timeout=10)  # closes its standard input
    assert process.returncode == 0
    assert [answer.status_code for answer in answers] == [200, 500, 200]
    assert answers[0].json()["choices"][0]["text"] == "seven"
    assert answers[0].content == answers[2].content
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["answered"] for line in lines] == ["reply", "500", "reply"]
    assert len({line["hash"] for line in lines}) == 1
