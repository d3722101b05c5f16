"""Every limit ends a program in its own way, and what is within it is left alone."""

from __future__ import annotations

import resource
from typing import Any

import pytest

from tests.verifiers.code_support import in_each_tier, judge_in, lacks, needs_tier_1, prints
from verifiers import code_calls, code_inputs
from verifiers.inside.isolation import within
from verifiers.sandbox_child import Limits

CALL = {"assert": "assert f(1) == 2"}
INPUT = {"input": "1", "output": "2"}
both_ways = pytest.mark.parametrize("test", [CALL, INPUT], ids=["call", "input"])


def program(body: str) -> str:
    """Return a program that does something when it is called, or run."""
    function = f"def f(x):\n    {body}\n    return x + 1\n"
    return f"import os, sys, time\n{function}if __name__ == '__main__': print(f(1))"


def outcome(tier: int, body: str, test: dict[str, Any], **fields: Any) -> str:
    return judge_in(tier, program(body), test, **fields).reason


@pytest.mark.parametrize(
    ("inherited", "limit"), [(resource.RLIM_INFINITY, 100), (200, 100), (50, 50)]
)
def test_lower_limit_that_was_inherited_stays(inherited: int, limit: int) -> None:
    assert within(100, inherited) == limit


@in_each_tier
@both_ways
def test_sleep_ends_at_the_time_limit(tier: int, test: dict[str, Any]) -> None:
    assert outcome(tier, "time.sleep(60)", test, time_limit_s=0.5) == "time_limit"


@in_each_tier
@both_ways
def test_busy_loop_ends_at_the_time_limit(tier: int, test: dict[str, Any]) -> None:
    assert outcome(tier, "while True: pass", test, time_limit_s=0.5) == "time_limit"


@in_each_tier
@both_ways
def test_cpu_time_beyond_the_limit_has_its_own_outcome(
    tier: int, test: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # So that it comes before the wall time of a program that keeps one processor busy.
    for module in (code_calls, code_inputs):
        monkeypatch.setattr(module, "GRACE_SECONDS", -19.5)
    assert outcome(tier, "while True: pass", test, time_limit_s=20) == "cpu_limit"


@in_each_tier
@both_ways
def test_large_allocation_meets_the_memory_limit(tier: int, test: dict[str, Any]) -> None:
    assert outcome(tier, "bytearray(300 << 20)", test, memory_limit_mb=256) == "memory_limit"


@in_each_tier
@both_ways
def test_allocation_within_the_limit_is_fine(tier: int, test: dict[str, Any]) -> None:
    assert outcome(tier, "bytearray(200 << 20)", test, memory_limit_mb=256) == "passed"


@in_each_tier
def test_what_is_loaded_beforehand_is_not_the_programs_memory(tier: int) -> None:
    code = "import numpy as np\nprint(len(np.ones(8 << 20)))"
    assert prints(tier, code, str(8 << 20), memory_limit_mb=100).reason == "passed"


@needs_tier_1
def test_memory_of_all_processes_counts_together() -> None:
    code = (
        "import os, time\nfor _ in range(3): os.fork()\n"
        "kept = bytearray(b'x') * (100 << 20)\ntime.sleep(20)"
    )
    assert prints(1, code, "", memory_limit_mb=256).reason == "memory_limit"


@in_each_tier
@both_ways
def test_flood_meets_the_output_limit(tier: int, test: dict[str, Any]) -> None:
    body = "while True: os.write(1, b'x' * 65536)"
    assert outcome(tier, body, test, time_limit_s=20) == "output_limit"


@in_each_tier
def test_flood_of_errors_is_bounded_by_time_alone(tier: int) -> None:
    code = "import os\nfor _ in range(1000): os.write(2, b'x' * 65536)\nprint(2)"
    assert prints(tier, code, "2", time_limit_s=20).reason == "passed"


@needs_tier_1
def test_processes_beyond_the_limit_are_an_error_of_the_program() -> None:
    code = (
        "import os, time\nmade = 0\ntry:\n    while True:\n"
        "        if os.fork() == 0: time.sleep(60)\n        made += 1\n"
        "except BlockingIOError: print(made <= 40)"
    )
    assert prints(1, code, "True").reason == "passed"
    result = judge_in(1, code.replace("BlockingIOError", "ZeroDivisionError"), CALL)
    assert result.reason == "process_limit"
    assert "BlockingIOError" in result.evidence["tests"][0]["text"]


@in_each_tier
@both_ways
def test_threads_without_end_are_an_error_of_the_program(tier: int, test: dict[str, Any]) -> None:
    body = (
        "import _thread; lock = _thread.allocate_lock(); lock.acquire()\n"
        "    _thread.stack_size(32768)\n"
        "    while True: _thread.start_new_thread(lock.acquire, ())"
    )
    assert outcome(tier, body, test, time_limit_s=20) in ("runtime_error", "memory_limit")


@in_each_tier
@both_ways
def test_thread_beyond_the_limit_has_the_outcome_of_processes(
    tier: int, test: dict[str, Any]
) -> None:
    body = (
        "import threading; threading.stack_size(32768)\n"
        "    while True: threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    )
    assert outcome(tier, body, test, time_limit_s=20) == "process_limit"


@in_each_tier
@both_ways
def test_mapping_beyond_the_limit_meets_the_memory_limit(tier: int, test: dict[str, Any]) -> None:
    body = "import mmap; mmap.mmap(-1, 300 << 20)"
    assert outcome(tier, body, test, memory_limit_mb=256) == "memory_limit"


@in_each_tier
@both_ways
def test_limit_that_a_program_copes_with_is_no_error(tier: int, test: dict[str, Any]) -> None:
    body = (
        f"\n    try: open('a', 'wb').write(bytes({Limits().file_mb + 1} << 20))\n"
        "    except OSError: pass"
    )
    assert outcome(tier, body, test) == "passed"


@in_each_tier
@both_ways
def test_large_file_is_an_error_of_the_program(tier: int, test: dict[str, Any]) -> None:
    body = f"open('a', 'wb').write(bytes({Limits().file_mb + 1} << 20))"
    result = judge_in(tier, program(body), test)
    assert result.reason == "file_limit"
    assert "File too large" in result.evidence["tests"][0]["text"]


@in_each_tier
@both_ways
def test_open_files_beyond_the_limit_are_an_error_of_the_program(
    tier: int, test: dict[str, Any]
) -> None:
    result = judge_in(tier, program("kept = [open('/dev/null') for _ in range(100)]"), test)
    assert result.reason == "open_files_limit"
    assert "Too many open files" in result.evidence["tests"][0]["text"]


@in_each_tier
def test_full_disk_is_an_error_of_the_program(tier: int) -> None:
    code = (
        "import time\nfor name in range(20):\n    open(str(name), 'wb').write(bytes(15 << 20))\n"
        "    time.sleep(0.05)"
    )
    result = prints(tier, code, "")
    assert result.reason == "disk_limit"
    assert "No space left" in result.evidence["tests"][0]["text"]


@in_each_tier
def test_files_without_end_are_an_error_of_the_program(tier: int) -> None:
    code = "for name in range(10**6): open(str(name), 'w').close()"
    assert prints(tier, code, "", time_limit_s=20).reason == "disk_limit"


@lacks(2)
def test_folder_that_nobody_can_enter_is_removed_all_the_same() -> None:
    code = (
        "import os\nfor _ in range(3000):\n    os.mkdir('d' * 200); os.chdir('d' * 200)\n"
        "os.mkdir('locked', 0)\nprint('made')"
    )
    result = prints(2, code, "made", time_limit_s=20)
    assert result.reason in ("passed", "disk_limit"), dict(result.evidence)


@in_each_tier
def test_time_of_one_input_is_not_taken_from_the_next(tier: int) -> None:
    tests = [{"input": "", "output": "1"}] * 4
    code = "import time\ntime.sleep(0.4)\nprint(1)"
    assert judge_in(tier, code, *tests, time_limit_s=1).reason == "passed"


@in_each_tier
def test_inputs_after_a_time_limit_are_not_run(tier: int) -> None:
    tests = [{"input": "", "output": "1"}] * 3
    result = judge_in(tier, "while True: pass", *tests, time_limit_s=0.3)
    found = [test["outcome"] for test in result.evidence["tests"]]
    assert found == ["time_limit", "not_run", "not_run"]
