"""Zygotes: they are replaced when they die, hang or grow old, and leave nothing behind."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.verifiers.code_support import (
    children_of_zygotes,
    eventually,
    in_each_tier,
    lacks,
    zygotes_of,
)
from verifiers import Result, code_runners, sandbox_zygote
from verifiers.code_tests import CodeVerifier
from verifiers.sandbox import Confined
from verifiers.sandbox_probe import Probe, probe

ROW = {
    "answer": "```python\ndef f(x): return x + 1\n```",
    "test_cases": [{"assert": "assert f(1) == 2"}],
}
SLOW = {**ROW, "answer": "```python\nimport time\ntime.sleep(1)\ndef f(x): return x + 1\n```"}


def reasons(verifier: CodeVerifier, *rows: dict[str, Any]) -> list[str]:
    return [result.reason for result in verifier.results(rows)]


def running() -> list[int]:
    return zygotes_of(os.getpid())


def signal_all(which: signal.Signals) -> None:
    """Send a signal to every process of the sandboxes of this process."""
    for pid in running():
        with contextlib.suppress(ProcessLookupError):  # one takes others along
            os.kill(pid, which)


@in_each_tier
def test_zygote_that_was_killed_is_replaced(tier: int) -> None:
    with CodeVerifier.create(workers=1, tier=tier) as verifier:
        assert reasons(verifier, ROW) == ["passed"]
        signal_all(signal.SIGKILL)
        assert reasons(verifier, ROW) == ["passed"]


@in_each_tier
def test_program_whose_zygote_dies_is_run_again(tier: int) -> None:
    found: list[Result] = []
    with CodeVerifier.create(workers=1, tier=tier) as verifier:
        asking = threading.Thread(target=lambda: found.extend(verifier.results([SLOW])))
        asking.start()
        assert eventually(lambda: bool(children_of_zygotes(os.getpid(), {"solution"})))
        signal_all(signal.SIGKILL)
        asking.join()
    assert [result.reason for result in found] == ["passed"]


@in_each_tier
def test_zygote_that_hangs_is_replaced(tier: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with CodeVerifier.create(workers=1, tier=tier) as verifier:
        assert reasons(verifier, ROW) == ["passed"]
        monkeypatch.setattr(sandbox_zygote, "START_SECONDS", 3.0)
        signal_all(signal.SIGSTOP)
        assert reasons(verifier, ROW) == ["passed"]


@in_each_tier
def test_zygote_that_can_not_be_had_leaves_the_answer_unverified(
    tier: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CodeVerifier.create(workers=1, tier=tier) as verifier:
        assert reasons(verifier, ROW) == ["passed"]
        kind = type(verifier._runners._zygotes._sandbox)  # type: ignore[union-attr]
        failing = ["/bin/sh", "-c", "echo out of order >&2; exit 1"]
        monkeypatch.setattr(kind, "command", lambda *_: failing)
        signal_all(signal.SIGKILL)
        (result,) = verifier.results([ROW])
    assert (result.outcome.value, result.reason) == ("unverified", "sandbox_failure")
    assert "out of order" in result.evidence["error"]


@in_each_tier
def test_zygote_is_replaced_after_so_many_children(tier: int) -> None:
    with CodeVerifier.create(workers=1, tier=tier, recycle_after=3) as verifier:
        for _ in range(2):
            assert reasons(verifier, ROW) == ["passed"]  # takes a child, and one for all tests
            assert running()
            assert reasons(verifier, ROW) == ["passed"]
            assert eventually(lambda: not running())


@in_each_tier
def test_packages_are_loaded_only_where_they_are_mentioned(tier: int) -> None:
    code = "```python\nimport sys\nprint({name!r} in sys.modules)\n```"
    tests = [{"input": "", "output": "?"}]
    with CodeVerifier.create(workers=1, tier=tier) as verifier:
        for name, text in (("num" + "py", "True"), ("n", "False")):
            row = {"answer": code.format(name=name), "test_cases": tests}
            (result,) = verifier.results([row])
            assert f"got {text!r}" in result.evidence["tests"][0]["text"]


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


@in_each_tier
def test_nothing_is_left_of_a_flood(tier: int) -> None:
    hostile = [
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        "import os\nos._exit(3)",
        "open('left', 'w').write('x' * 10**6)\nwhile True: pass",
        "import os\nfor fd in range(64):\n    try: os.close(fd)\n    except OSError: pass",
    ]
    rows: list[dict[str, Any]] = [ROW] * 60
    for place, code in enumerate(hostile):
        rows.insert(10 * place, {**ROW, "answer": f"```python\n{code}\n```", "time_limit_s": 0.5})
    before = (mounts(), descriptors())
    with CodeVerifier.create(workers=2, tier=tier, recycle_after=50) as verifier:
        results = list(verifier.results(rows))
    assert sum(result.reason == "passed" for result in results) == 60
    assert sum(result.outcome.value == "incorrect" for result in results) == len(hostile)
    assert eventually(lambda: not running())
    assert (mounts(), descriptors()) == before
    sandbox = probe(("numpy",), tier).sandbox
    assert not isinstance(sandbox, Confined) or not list(sandbox._stage.files.iterdir())


PARENT = """
import sys
from tests.verifiers.code_support import judge_in
judge_in({tier}, "while True: pass", {{"assert": "assert True"}}, time_limit_s=60)
"""


@in_each_tier
def test_everything_dies_with_the_process_that_started_it(tier: int) -> None:
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(tier=tier)], cwd=root)
    try:
        assert eventually(lambda: len(zygotes_of(parent.pid)) >= 3)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert eventually(lambda: not zygotes_of(parent.pid))


@lacks(2)
def test_folder_of_a_killed_process_is_removed_by_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # `tmp_path` is this user's alone: root's programs, who are nobody, get to it all the same.
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", PARENT.format(tier=2)]
    parent = subprocess.Popen(command, cwd=root, env={**os.environ, "TMPDIR": str(tmp_path)})

    def files() -> list[Path]:
        return list(tmp_path.glob("build-dataset-sandbox-*/files/*"))

    try:
        assert eventually(lambda: bool(files()))
    finally:
        parent.kill()
        parent.wait()
    assert eventually(lambda: not zygotes_of(parent.pid)) and files()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert probe.__wrapped__(("numpy",), 2).tier == 2
    assert not files()


@pytest.fixture
def no_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Probe(None, "bwrap_missing", "install bubblewrap")
    monkeypatch.setattr(code_runners, "probe", lambda *_: missing)


@pytest.mark.usefixtures("no_tier")
def test_unsafe_option_runs_programs_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.WARNING),
        CodeVerifier.create(workers=1, unsafe_no_sandbox=True) as verifier,
    ):
        (result,) = verifier.results([ROW])
    assert (result.reason, result.evidence["tier"]) == ("passed", 0)
    assert "UNSAFE" in caplog.text


@pytest.mark.usefixtures("no_tier")
def test_without_a_sandbox_it_is_said_that_nothing_runs(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), CodeVerifier.create(workers=1) as verifier:
        assert reasons(verifier, ROW) == ["no_sandbox"]
    assert "install bubblewrap" in caplog.text and "UNSAFE" not in caplog.text


@in_each_tier
def test_unsafe_option_changes_nothing_where_a_tier_holds(tier: int) -> None:
    with CodeVerifier.create(workers=1, tier=tier, unsafe_no_sandbox=True) as verifier:
        (result,) = verifier.results([ROW])
    assert result.evidence["tier"] == tier


@pytest.mark.parametrize("name", ["recycle_after", "tier"])
def test_setting_out_of_range_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        CodeVerifier.create(**{name: -1})
