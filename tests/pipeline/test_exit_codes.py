"""Every command ends with 0, 2, 130 or 1, as docs/operations.md says what each means."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import errors
from pipeline.__main__ import COMMANDS, main
from tests.whole_run import WholeRun

SERVER = "http://127.0.0.1:9/v1"  # named and never asked

# What a user may get wrong, one thing for each command.
FAULTS = {
    "run": ["nowhere.toml"],
    "forecast": ["nowhere.toml"],
    "sources": ["--check", "nowhere"],
    "status": ["nowhere.toml"],
    "show": ["quickstart", "no-id"],
    "report": ["nowhere.toml"],
    "audit": ["nowhere.toml", "--draw", "sample.html"],
    "publish": ["nowhere.toml"],
    "verify": ["nowhere.jsonl", "out.jsonl", "--verifier", "math"],
    "deduplicate": ["nowhere.jsonl", "out.jsonl"],
    "decontaminate": ["nowhere.jsonl", "out.jsonl", "--benchmarks", "nowhere"],
    "fingerprints": ["make", "nowhere", "-o", "out.fingerprints"],
    "train-reward": ["nowhere.jsonl", "-o", "head.json"],
    "thresholds": ["nowhere.toml"],
    "evaluate": ["quickstart"],
    "train": ["quickstart"],
    "ablate": ["quickstart", "quickstart"],
    "doctor": ["--no-such-option"],
}
MINIMAL = {**FAULTS, "doctor": []}  # arguments that the parser takes


def code_of(arguments: list[str]) -> int:
    """Return how the command line ends; argparse leaves by an exception."""
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


def test_every_command_is_in_the_table() -> None:
    assert sorted(FAULTS) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_users_fault_is_2_and_no_file_is_written(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert code_of([command, *FAULTS[command]]) == 2
    assert "error: " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (errors.UserError("told"), 2),
        (errors.BuildError("told"), 1),
        (errors.TeacherUnavailable("told"), 1),
        (errors.CorruptShard("told"), 1),
        (errors.DiskFull("told"), 1),
    ],
)
def test_an_error_of_each_kind_ends_any_command_with_its_code(
    command: str, error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f"pipeline.commands.{command.replace('-', '_')}")

    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr(module, "main", fail)
    assert main([command, *MINIMAL[command]]) == code


def every_error() -> list[type[errors.BuildError]]:
    found, waiting = [], [errors.BuildError]
    while waiting:
        found.append(waiting.pop())
        waiting += found[-1].__subclasses__()
    return found


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: str(kind.__name__))
def test_an_error_is_the_users_or_it_is_not(kind: type[errors.BuildError]) -> None:
    mine = issubclass(kind, errors.UserError) and kind is not errors.DiskFull
    assert kind.exit_code == (2 if mine else 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["sources"],
        ["status", "set.toml"],
        ["run", "set.toml", "--only", "collect"],
        ["deduplicate", "in.jsonl", "out.jsonl", "--exact"],
        ["verify", "in.jsonl", "out.jsonl", "--verifier", "rules", "--workers", "1"],
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_a_job_that_finished_is_0_whatever_it_found(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    WholeRun(tmp_path, SERVER, limit=3)
    row = {"id": "1", "text": "a", "answer": "no thinking"}
    (tmp_path / "in.jsonl").write_text(json.dumps(row) + "\n")
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 0


def test_ctrl_c_ends_a_real_run_with_130_and_no_process_is_left(tmp_path: Path) -> None:
    run = WholeRun(tmp_path, SERVER)
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "run", str(run.config), "--log-json"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    said = []
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(json.loads(line))
            if said[-1]["event"] == "stage_started":
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    assert process.returncode == 130, said
    assert said[-1]["event"] == "error" and said[-1]["exit_code"] == 130
    for _ in range(100):
        if not alive(process.pid):
            break
        time.sleep(0.1)
    assert not alive(process.pid)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_error_that_nobody_foresaw_is_1_with_a_traceback() -> None:
    program = (
        "import sys; from pipeline.commands import status; from pipeline.__main__ import main;"
        "status.main = lambda _: 1 / 0; sys.exit(main(['status', 'quickstart']))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr
