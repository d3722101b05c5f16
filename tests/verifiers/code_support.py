"""What the tests of the code verifier share: rows to judge, and a reason to skip."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from verifiers import Result
from verifiers.code_tests import CodeVerifier
from verifiers.sandbox_probe import probe

CASES = Path(__file__).parent / "cases" / "code.jsonl"
FOUND = probe()
needs_sandbox = pytest.mark.skipif(
    FOUND.tier is None, reason=f"no sandbox here: {FOUND.reason} {FOUND.detail}"
)


def judge(rows: Iterable[dict[str, Any]], **settings: Any) -> list[Result]:
    """Judge rows with two workers."""
    with CodeVerifier.create(workers=2, **settings) as verifier:
        return list(verifier.results(rows))


def judge_one(code: str, *tests: dict[str, Any], **fields: Any) -> Result:
    """Judge one program, given without its fence."""
    return judge([{"answer": f"```python\n{code}\n```", "test_cases": list(tests), **fields}])[0]


def labelled() -> list[dict[str, Any]]:
    """Return the labelled cases."""
    return [json.loads(line) for line in CASES.read_text().splitlines()]


def real_data(name: str) -> Path:
    """Return a file of the real data, or skip."""
    folder = os.environ.get("REAL_DATA")
    if not folder:
        pytest.skip("REAL_DATA does not name the folder with the real data")
    return Path(folder) / name


def processes_with(text: str) -> list[int]:
    """Return the processes of this machine whose command line holds a text."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if text.encode() in command and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found
