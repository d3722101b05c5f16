"""What a verdict says of each test: outcome, times, memory, and little text."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verifiers.code_support import in_each_tier, judge_in

SPINS = "import time\ns = time.process_time()\nwhile time.process_time() < s + 0.2: pass"
HOLDS = "x = bytearray(100 * 2**20)"
CALL = {"testtype": "functional", "fn_name": "f", "input": "", "output": "1"}
FORMS: list[dict[str, Any]] = [
    {"input": "", "output": "1"},
    {"assert": "assert f() == 1"},
    {"test_code": "def check(candidate): assert candidate() == 1", "entry_point": "f"},
    {"test_code": "from solution import f\ndef test_f(): assert f() == 1"},
    CALL,
]


def program(body: str) -> str:
    lines = "\n    ".join(body.split("\n"))
    return f"def f():\n    {lines}\n    return 1\nif __name__ == '__main__': print(f())"


@in_each_tier
@pytest.mark.parametrize("test", FORMS)
def test_cpu_time_of_a_test_is_told(tier: int, test: dict[str, Any]) -> None:
    (entry,) = judge_in(tier, program(SPINS), test).evidence["tests"]
    assert entry["outcome"] == "passed"
    assert 190 <= entry["cpu_ms"] <= 600 and entry["ms"] >= 190


@in_each_tier
@pytest.mark.parametrize("test", FORMS)
def test_peak_of_memory_is_told(tier: int, test: dict[str, Any]) -> None:
    (entry,) = judge_in(tier, program(HOLDS), test).evidence["tests"]
    assert entry["outcome"] == "passed"
    assert 100 <= entry["mb"] <= 200


@in_each_tier
def test_sleep_is_no_cpu_time(tier: int) -> None:
    (entry,) = judge_in(tier, program("import time; time.sleep(0.3)"), CALL).evidence["tests"]
    assert entry["ms"] >= 290 and entry["cpu_ms"] < 100


@in_each_tier
def test_cpu_time_is_of_each_test_alone(tier: int) -> None:
    code = "done = []\n" + program(f"if not done:\n    done.append(1)\n    {SPINS}")
    code = code.replace("\n    s =", "\n        s =").replace("\n    while", "\n        while")
    found = judge_in(tier, code, CALL, CALL).evidence["tests"]
    assert found[0]["cpu_ms"] >= 190 and found[1]["cpu_ms"] < 100


@in_each_tier
@pytest.mark.parametrize("test", FORMS)
def test_times_of_a_test_that_ran_out_of_time_are_told(tier: int, test: dict[str, Any]) -> None:
    found = judge_in(tier, program("while True: pass"), test, time_limit_s=0.5)
    entry = found.evidence["tests"][0]
    assert entry["outcome"] == "time_limit"
    assert entry["ms"] >= 400 and entry["cpu_ms"] >= 200
