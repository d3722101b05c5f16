"""What the tests of the code verifier share: rows to judge, and a reason to skip."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import pytest

from verifiers import Result
from verifiers.code_tests import CodeVerifier
from verifiers.sandbox_probe import probe

CASES = Path(__file__).parent / "cases" / "code.jsonl"
PACKAGES = ("numpy",)
FOUND = probe()
needs_sandbox = pytest.mark.skipif(
    FOUND.tier is None, reason=f"no sandbox here: {FOUND.reason} {FOUND.detail}"
)


def lacks(tier: int) -> pytest.MarkDecorator:
    """Return the mark that skips a test where a tier does not hold."""
    found = probe(PACKAGES, tier)
    reason = f"tier {tier} does not hold here: {found.reason} {found.detail}"
    return pytest.mark.skipif(found.tier is None, reason=reason)


needs_tier_1 = lacks(1)
in_each_tier = pytest.mark.parametrize(
    "tier", [pytest.param(tier, marks=lacks(tier)) for tier in (1, 2)]
)


def judge(rows: Iterable[dict[str, Any]], **settings: Any) -> list[Result]:
    """Judge rows with two workers."""
    with CodeVerifier.create(workers=2, **settings) as verifier:
        return list(verifier.results(rows))


def judge_one(code: str, *tests: dict[str, Any], **fields: Any) -> Result:
    """Judge one program, given without its fence."""
    return judge([{"answer": f"```python\n{code}\n```", "test_cases": list(tests), **fields}])[0]


def judge_in(tier: int, code: str, *tests: dict[str, Any], **fields: Any) -> Result:
    """Judge one program in the sandbox of a tier."""
    row = {"answer": f"```python\n{code}\n```", "test_cases": list(tests), **fields}
    return judge([row], tier=tier)[0]


def prints(tier: int, code: str, expected: str, **fields: Any) -> Result:
    """Judge a program by what it prints without input."""
    return judge_in(tier, code, {"input": "", "output": expected}, **fields)


def eventually(holds: Callable[[], bool]) -> bool:
    """Wait up to five seconds for something to become true."""
    deadline = time.monotonic() + 5
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def labelled() -> list[dict[str, Any]]:
    """Return the labelled cases."""
    return [json.loads(line) for line in CASES.read_text().splitlines()]


def real_data(name: str) -> Path:
    """Return a file of the real data, or skip."""
    folder = os.environ.get("REAL_DATA")
    if not folder:
        pytest.skip("REAL_DATA does not name the folder with the real data")
    return Path(folder) / name


def zygotes_of(pid: int) -> list[int]:
    """Return the processes of the sandboxes that a process has started: all have one mark."""
    return processes_with(f'"supervisor": {pid},')


OF_ONE_PROGRAM = frozenset({"holder", "solution", "program", "choice", "probe"})


def children_of_zygotes(pid: int, roles: Collection[str] = OF_ONE_PROGRAM) -> list[int]:
    """Return those of them that have one of some roles, for which they are named."""
    return [one for one in zygotes_of(pid) if _name_of(one) in roles]


def _name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


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
