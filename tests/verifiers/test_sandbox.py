"""The sandbox itself: what it holds back, what it leaves behind, and when it is refused."""

from __future__ import annotations

import ast
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.verifiers.code_support import FOUND, judge, judge_one, needs_sandbox, processes_with
from verifiers import sandbox_probe
from verifiers.sandbox import Limits, Sandbox
from verifiers.sandbox_probe import attempt, probe


def output_of(code: str, text: str = "") -> str:
    """Return what a program prints in the sandbox, by way of the difference to nothing."""
    result = judge_one(f"print(repr(({code})))", {"input": text, "output": "?"}, time_limit_s=5)
    shown: str = result.evidence["tests"][0]["text"]
    return shown.removeprefix("line 1: got ").removesuffix(", expected '?'").strip("'\"")


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def test_missing_bubblewrap_is_reported_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_probe, "find_tool", lambda _: None)
    found = probe.__wrapped__()
    assert (found.tier, found.reason, found.sandbox) == (None, "bwrap_missing", None)
    assert "install bubblewrap" in found.remedy


def test_old_bubblewrap_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_probe, "bubblewrap_version", lambda: (0, 6))
    found = probe.__wrapped__()
    assert (found.tier, found.reason, found.detail) == (None, "bwrap_too_old", "bubblewrap 0.6")


def test_forbidden_namespaces_are_reported_with_their_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusing = ["/bin/sh", "-c", "echo no permissions to create namespace; exit 1"]
    monkeypatch.setattr(Sandbox, "command", lambda *_: refusing)
    found = attempt(Sandbox())
    assert (found.tier, found.reason) == (None, "namespaces_forbidden")
    assert "no permissions" in found.detail and "user namespaces" in found.remedy


@needs_sandbox
def test_sandbox_with_a_hole_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    whole = Sandbox.command

    def with_hole(self: Sandbox, settings: str, limits: Limits) -> list[str]:
        command = whole(self, settings, limits)
        place = command.index("--remount-ro")
        return [*command[:place], "--bind", str(tmp_path), str(tmp_path), *command[place:]]

    monkeypatch.setattr(Sandbox, "command", with_hole)
    found = attempt(Sandbox(as_nobody=False))
    assert (found.tier, found.reason) == (None, "leaks")
    held = {name for name, holds in found.checks.items() if holds}
    assert not held & {"reads nothing outside", "writes nothing outside", "nothing written here"}
    assert {"no network", "no foreign processes", "victim alive"} <= held


@needs_sandbox
def test_every_probe_held() -> None:
    assert FOUND.tier == 1 and FOUND.checks and all(FOUND.checks.values())


@needs_sandbox
@pytest.mark.skipif(os.geteuid() != 0, reason="only root's processes are not counted")
def test_root_without_the_change_of_user_is_refused() -> None:
    found = attempt(Sandbox(as_nobody=False))
    assert (found.tier, found.checks["processes limited"]) == (None, False)


@needs_sandbox
@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/status", "/home", "/root/.ssh"])
def test_file_of_this_machine_is_not_there(path: str) -> None:
    assert output_of(f"__import__('os').path.exists({path!r})") == "False"


@needs_sandbox
def test_sources_of_the_project_are_not_there() -> None:
    folder = str(Path(__file__).parents[2])
    assert output_of(f"__import__('os').path.exists({folder + '/pipeline'!r})") == "False"


@needs_sandbox
def test_root_holds_only_what_python_needs() -> None:
    top = Path(sys.base_prefix).parts[1]
    allowed = {"dev", "etc", "lib", "lib64", "sandbox", "tmp", "usr", top}
    assert set(ast.literal_eval(output_of("__import__('os').listdir('/')"))) <= allowed


@needs_sandbox
def test_tmp_is_empty_for_every_program() -> None:
    code = "__import__('os').listdir('/tmp'), open('/tmp/left', 'w').close()"
    assert output_of(code) == output_of(code) == "([], None)"


@needs_sandbox
def test_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "planted")
    names = set(ast.literal_eval(output_of("list(__import__('os').environ)")))
    assert names <= {"PYTHONHASHSEED", "OPENBLAS_NUM_THREADS", "PWD", "LC_CTYPE"}


@needs_sandbox
def test_open_files_of_this_process_are_not_inherited(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("planted")
    with (tmp_path / "secret").open() as file:
        os.set_inheritable(file.fileno(), True)
        code = (
            "import os\nfor fd in range(64):\n    try: print(os.pread(fd, 9, 0))\n"
            "    except OSError: pass\n"
        )
        result = judge_one(code, {"input": "in", "output": "b'in'"})
    assert result.reason == "passed", dict(result.evidence)


@needs_sandbox
def test_listening_port_of_this_machine_is_out_of_reach() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        connect = f"__import__('socket').socket().connect_ex(('127.0.0.1', {port}))"
        assert output_of(connect) != "0"


@needs_sandbox
def test_user_is_nobody_and_stays_nobody() -> None:
    code = (
        "import os\nprint(os.getuid())\nfor change in (os.setuid, os.setgid):\n"
        "    try: change(0)\n    except OSError: print('refused')"
    )
    expected = "65534\nrefused\nrefused"
    assert judge_one(code, {"input": "", "output": expected}).reason == "passed"


@needs_sandbox
@pytest.mark.parametrize("program", ["/bin/true", "/usr/bin/env", "/bin/sh"])
def test_programs_of_this_machine_are_not_there(program: str) -> None:
    assert output_of(f"__import__('os').path.exists({program!r})") == "False"


@needs_sandbox
def test_nothing_is_left_running() -> None:
    mark = '"memory_mb": 717'
    code = (
        "import os, time\nfor _ in range(3):\n    if os.fork() == 0:\n        os.setsid()\n"
        "        os.closerange(0, 64)\n        time.sleep(600)\n"
    )
    tests = [{"assert": "assert True"}]
    judge([{"answer": f"```python\n{code}```", "test_cases": tests, "memory_limit_mb": 717}])
    assert eventually(lambda: not processes_with(mark))


@needs_sandbox
def test_sandbox_dies_with_the_process_that_started_it() -> None:
    mark = '"memory_mb": 727'
    code = (
        "from tests.verifiers.code_support import judge_one\n"
        "judge_one('while True: pass', {'assert': 'assert True'}, memory_limit_mb=727)\n"
    )
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=root)
    try:
        assert eventually(lambda: len(processes_with(mark)) >= 2)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert eventually(lambda: not processes_with(mark))


@needs_sandbox
def test_honest_program_after_a_hostile_one_is_unaffected() -> None:
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    honest = "def f(x): return x + 1"
    rows = [
        {
            "answer": f"```python\n{code}\n```",
            "test_cases": [{"assert": "assert f(1) == 2"}],
            "time_limit_s": limit,
        }
        for code, limit in ((bomb, 1), (honest, 10), (bomb, 1), (honest, 10))
    ]
    reasons = [result.reason for result in judge(rows)]
    assert reasons[1::2] == ["passed", "passed"]


@needs_sandbox
def test_descriptors_are_all_given_back() -> None:
    judge_one("def f(x): return x", {"assert": "assert f(1) == 1"})
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        judge_one("def f(x): return x", {"assert": "assert f(1) == 1"}, {"input": "", "output": ""})
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
