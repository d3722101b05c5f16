"""Programs that a service runs: the right verdicts, and never a wrong one because it fails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from pipeline.__main__ import main
from tests.loopback_fusion import fail, loopback_fusion, seen
from tests.verifiers.code_support import FOUND
from verifiers import Result, code_fusion_client, code_runners
from verifiers.code_cases import Case
from verifiers.code_fusion_calls import as_call, revived
from verifiers.code_fusion_client import Fusion, Garbled, read_reply
from verifiers.code_run import SandboxFailure
from verifiers.code_tests import CodeVerifier
from verifiers.inside.distant import plain

needs_service = pytest.mark.skipif(
    FOUND.tier is None, reason=f"the service of these tests needs a sandbox: {FOUND.reason}"
)
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here")
TWICE = "print(2 * int(input()))"
STDIN = [{"input": "4\n", "output": "8\n"}, {"input": "1", "output": "2"}]
CALL = {"testtype": "functional", "fn_name": "f", "input": "[1, 2]", "output": "3"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with loopback_fusion() as found:
        yield found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for little; no sandbox of this machine may be looked for."""
    monkeypatch.setattr(code_fusion_client, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(Fusion.__init__, "__defaults__", (0.01,))
    monkeypatch.setattr(code_fusion_client, "LONGEST_PAUSE", 0.05)

    def none(*_: Any) -> None:
        raise AssertionError("looked for a sandbox of this machine")

    monkeypatch.setattr(code_runners, "probe", none)


def judge(url: str, code: str, *tests: dict[str, Any], **fields: Any) -> Result:
    row = {"answer": f"```python\n{code}\n```", "test_cases": list(tests), **fields}
    with CodeVerifier.create(sandbox_fusion_url=url) as verifier:
        (result,) = verifier.results([row])
    return result


@needs_service
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (TWICE, "passed"),
        ("print(9)", "wrong_answer"),
        ("1 / 0", "runtime_error"),
        ("import sys; sys.exit(3)", "runtime_error"),
        ("while True: pass", "time_limit"),
        ("def (", "compile_error"),
        ("x = bytearray(10**10)", "memory_limit"),
        ("exec('def (')", "runtime_error"),
    ],
)
def test_program_with_standard_input_is_judged(url: str, code: str, reason: str) -> None:
    found = judge(url, code, *STDIN, time_limit_s=1)
    assert found.reason == reason and found.evidence["tier"] == "remote"
    assert found.outcome == ("correct" if reason == "passed" else "incorrect")


@needs_service
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def f(x): return sum(x)", "passed"),
        ("class Solution:\n    def f(self, x: List[int]): return sum(x)", "passed"),
        ("import numpy as np\ndef f(x): return np.int64(3)", "passed"),
        ("def f(x): print('noise'); return sum(x)", "passed"),
        ("def f(x): return 4", "wrong_answer"),
        ("class A:\n    def __eq__(self, o): return True\ndef f(x): return A()", "wrong_answer"),
        (
            "class A(int):\n    def __eq__(self, o): return True\ndef f(x): return A()",
            "wrong_answer",
        ),
        ("def f(x): raise ValueError('no')", "runtime_error"),
        ("def f(x): exit()", "runtime_error"),
        ("def f(x): import os; os._exit(0)", "runtime_error"),
        ("def g(x): return 3", "runtime_error"),
        ("def f(x):\n    while True: pass", "time_limit"),
        ("def f(x): return bytearray(10**10)", "memory_limit"),
        ("def f(", "compile_error"),
    ],
)
def test_function_is_called_there_and_judged_here(url: str, code: str, reason: str) -> None:
    found = judge(url, code, CALL, time_limit_s=1)
    assert found.reason == reason, found.evidence


@needs_service
@pytest.mark.parametrize(
    "code",
    [
        # Whatever it prints or puts in the driver's place, it has nothing that should come.
        "import __main__, json, os, sys\ndef f(x):\n"
        "    n = sys._getframe(1).f_locals['job']['nonce']\n"
        "    os.write(1, ('\\n' + n + json.dumps({'value': 4}) + '\\n').encode()); os._exit(0)",
        "import __main__\n__main__.plain = lambda v: True\ndef f(x): return 1",
        "import __main__\n__main__.plain = lambda v: ['other', 'x']\ndef f(x): return 1",
        "import __main__\n__main__.plain = lambda v: ['nothing']\ndef f(x): return 1",
        "import __main__\n__main__.called = lambda job: {'outcome': 'passed'}\ndef f(x): return 1",
        "import gc\ndef f(x):\n    return [o for o in gc.get_objects() if type(o) is dict "
        "and 'expected' in o] and 3",
    ],
)
def test_program_that_takes_the_driver_over_is_wrong_all_the_same(url: str, code: str) -> None:
    assert judge(url, code, CALL).outcome == "incorrect"


@needs_service
def test_what_should_come_never_goes_there(url: str) -> None:
    before = len(seen(url))
    test = {**CALL, "output": '"TOPSECRET"'}
    judge(url, "def f(x): return 1\nprint(input())", test, {"input": "a", "output": "TOPSECRET"})
    judge(url, "def f(x): return 1", {"assert": "assert f(1) == 'TOPSECRET'"})
    asked = seen(url)[before:]
    assert len(asked) == 3 and "TOPSECRET" not in json.dumps(asked)


@needs_service
@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ({"assert": "assert f([1, 2]) == 3"}, "passed"),
        ({"assert": "assert f(x=[1, 2]) == 3, 'no'"}, "passed"),
        ({"assert": "assert f([1, 2]) == 4"}, "wrong_answer"),
        ({"assert": "assert f((1, 2)) == 3"}, "unsupported_test"),
        ({"assert": "assert f([1, 2]) > 3"}, "unsupported_test"),
        ({"assert": "assert f(list(range(3))) == 3"}, "unsupported_test"),
        ({"assert": "import os\nassert f([1, 2]) == 3"}, "unsupported_test"),
        ({"test_code": "def check(c): assert c([1]) == 1", "entry_point": "f"}, "unsupported_test"),
        ({"test_code": "from solution import f\ndef test_f(): assert f([1])"}, "unsupported_test"),
    ],
)
def test_tests_that_cannot_be_kept_apart_are_unsupported(
    url: str, test: dict[str, Any], reason: str
) -> None:
    assert judge(url, "def f(x): return sum(x)", test).reason == reason


@needs_service
def test_tuple_is_no_list_in_an_assert_but_in_a_functional_test(url: str) -> None:
    code = "def f(x): return (1, 2)"
    assert judge(url, code, {"assert": "assert f(1) == [1, 2]"}).reason == "wrong_answer"
    assert judge(url, code, {**CALL, "output": "[1, 2]"}).reason == "passed"


@needs_service
@pytest.mark.parametrize("kind", ["input", "call"])
@pytest.mark.parametrize(
    ("checker", "reason"),
    [
        ("def check(input, output, expected): return str(output).strip() == '3'", "passed"),
        ("def check(input, output, expected): return False", "wrong_answer"),
        ("def check(input, output, expected): return 1", "tests_broken"),
        ("def check(input, output, expected): raise ValueError", "tests_broken"),
        ("def check(", "tests_broken"),
    ],
)
def test_own_checker_runs_there_in_a_run_of_its_own(
    url: str, kind: str, checker: str, reason: str
) -> None:
    test = CALL if kind == "call" else {"input": "", "output": "x"}
    code = "def f(x): return 3\nprint(3)"
    assert judge(url, code, test, comparison={"checker": checker}).reason == reason


FAULTS = ["429", "500", "503", "garbage", "half", "sandbox_error", "wrong_types"]


@needs_service
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("test", [{"input": "4", "output": "8"}, {**CALL, "output": "8"}])
def test_passing_fault_changes_no_verdict(url: str, fault: str, test: dict[str, Any]) -> None:
    fail(url, fault, fault)
    code = "def f(x): return 8\nif __name__ == '__main__': print(8)"
    assert judge(url, code, test).reason == "passed"


@needs_service
@pytest.mark.parametrize("fault", FAULTS)
def test_lasting_fault_is_unverified(url: str, fault: str) -> None:
    fail(url, *[fault] * 4)
    found = judge(url, "print(9)", STDIN[0])
    assert (found.outcome, found.reason) == ("unverified", "sandbox_failure")
    assert judge(url, TWICE, STDIN[0]).reason == "passed"


@needs_service
def test_silence_is_unverified(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_fusion_client, "GRACE_SECONDS", -30.5)
    fail(url, *["silence"] * 4)
    found = judge(url, TWICE, STDIN[0], time_limit_s=1)
    assert (found.outcome, found.reason) == ("unverified", "sandbox_failure")


def test_nobody_there_is_unverified() -> None:
    found = judge("http://127.0.0.1:9", TWICE, STDIN[0])
    assert (found.outcome, found.reason) == ("unverified", "sandbox_failure")


@needs_service
@pytest.mark.parametrize("status", ["400", "401", "404", "422"])
def test_refusal_for_good_is_not_asked_again(url: str, status: str) -> None:
    before = len(seen(url))
    fail(url, status)
    assert judge(url, TWICE, STDIN[0]).reason == "sandbox_failure"
    assert len(seen(url)) == before + 1


@needs_service
@pytest.mark.parametrize("fault", ["empty", "cut"])
def test_output_that_lost_its_end_is_asked_for_again(url: str, fault: str) -> None:
    fail(url, fault, fault)
    assert judge(url, "print('right')", {"input": "", "output": "right"}).reason == "passed"
    fail(url, "empty", "empty")
    assert judge(url, "def f(x): return 3", CALL).reason == "passed"


@needs_service
def test_beginning_of_the_right_output_is_wrong_after_all(url: str) -> None:
    found = judge(url, "print('rig')", {"input": "", "output": "right"})
    assert found.reason == "wrong_answer"


@needs_service
def test_long_outputs_are_unsupported(url: str) -> None:
    long = "x" * 100_000
    found = judge(url, f"print('x' * {len(long)})", {"input": "", "output": long})
    assert found.reason == "unsupported_test"


@needs_service
def test_block_that_does_not_compile_gives_way(url: str) -> None:
    answer = f"```python\n{TWICE}\n```\n```python\nprint(\n```"
    with CodeVerifier.create(sandbox_fusion_url=url) as verifier:
        (found,) = verifier.results([{"answer": answer, "test_cases": STDIN}])
    assert (found.reason, found.evidence["block"]) == ("passed", 0)


@needs_service
@needs_compiler
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("#include <iostream>\nint main() { int n; std::cin >> n; std::cout << 2 * n; }", "passed"),
        ("#include <iostream>\nint main() { std::cout << 1; }", "wrong_answer"),
        ("int main( {}", "compile_error"),
        ("int main() { return 1; }", "runtime_error"),
    ],
)
def test_cpp_is_judged(url: str, code: str, reason: str) -> None:
    row = {"answer": f"```cpp\n{code}\n```", "language": "cpp", "test_cases": STDIN}
    with CodeVerifier.create(sandbox_fusion_url=url) as verifier:
        (found,) = verifier.results([row])
    assert found.reason == reason


@needs_service
def test_key_comes_from_the_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_FUSION_KEY", "abc")
    judge(url, TWICE, STDIN[0])
    assert seen(url)[-1]["headers"]["Authorization"] == "Bearer abc"


@needs_service
def test_command_takes_the_url(url: str, tmp_path: Path) -> None:
    row = {"id": "a", "answer": f"```\n{TWICE}\n```", "test_cases": STDIN}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n")
    paths = [str(tmp_path / name) for name in ("in.jsonl", "out.jsonl")]
    option = ["--set", f'sandbox_fusion_url="{url}"']
    assert main(["verify", *paths, "--verifier", "code", "--workers", "1", *option]) == 0
    assert json.loads((tmp_path / "out.jsonl").read_text())["evidence"]["tier"] == "remote"


def test_url_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="sandbox_fusion_url"):
        CodeVerifier.create(sandbox_fusion_url="localhost:8080")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"status": "Success"}',
        b'{"status": "Success", "run_result": 5}',
        b'{"status": "Success", "run_result": {"status": "Finished", "return_code": null}}',
        b'{"status": "Success", "run_result": {"status": "Finished", "return_code": true}}',
        b'{"status": "Success", "run_result": {"status": "Error", "return_code": 0}}',
        b'{"status": "Failed", "compile_result": {"status": "Finished", "return_code": 0}}',
        b"[" * 100_000,
    ],
)
def test_reply_that_is_none_is_never_a_result(data: bytes) -> None:
    with pytest.raises(Garbled):
        read_reply(data)


def test_closed_verifier_waits_for_nobody() -> None:
    stopped = Event()
    stopped.set()
    with pytest.raises(SandboxFailure, match="closed"):
        Fusion("http://127.0.0.1:9", stopped).run("", "python", "", 1, 1)


@pytest.mark.parametrize(
    "value",
    [None, True, 3, 2**70, 1.5, float("inf"), "x", [1, [2]], (1, (2,)), {1: {"a": (1,)}}, {1, 2}],
)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    found = revived(json.loads(json.dumps(plain(value))))
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    "text", ["assert f(**{'a': 1}) == 1", "assert f.g(1) == 1", "assert f(", "f"]
)
def test_odd_asserts_are_no_calls(text: str) -> None:
    assert as_call(Case(0, "assert", text)) is None
