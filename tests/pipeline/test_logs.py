"""Events are whole lines, name where they happened, and never hold a secret."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import logs, progress
from pipeline.__main__ import main
from pipeline.runtime_watch import Logs

PLANTED = 'sk-planted"key-0123456789'  # a quote in it is written otherwise in JSON
JSON = Logs(format="json")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave nothing configured behind."""
    yield
    logs.end()


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_nothing_is_written_until_it_is_configured(capsys: pytest.CaptureFixture[str]) -> None:
    logs.event("shard", logging.ERROR, rows=3)
    assert capsys.readouterr().err == ""


def test_an_event_is_one_line_of_json_with_version_stage_and_shard(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.begin(JSON, "set", "7")
    logs.event("shard", stage="embed", shard=3, note="two\nlines")
    (found,) = lines(capsys.readouterr().err)
    assert {"dataset": "set", "version": "7", "stage": "embed", "shard": 3}.items() <= found.items()
    assert (found["event"], found["level"], found["note"]) == ("shard", "info", "two\nlines")


def test_an_event_in_text_is_one_line_whatever_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Logs())
    logs.event("shard", shard=3, note="two\nlines")
    written = capsys.readouterr().err
    assert written.count("\n") == 1 and "shard=3" in written and "two\\nlines" in written


@pytest.mark.parametrize("form", [JSON, Logs()])
@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY"])
def test_the_value_of_a_secret_is_in_no_line(
    name: str, form: Logs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, PLANTED)
    logs.configure(form)
    logs.event("error", text=f"refused: Bearer {PLANTED}", nested={"list": [PLANTED]})
    written = capsys.readouterr().err
    assert "planted" not in written and written.count(logs.HIDDEN) == 2


def test_the_file_holds_no_secret_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", PLANTED)
    logs.configure(Logs(file=str(tmp_path / "new" / "run.jsonl")))
    logs.event("error", text=PLANTED)
    written = (tmp_path / "new" / "run.jsonl").read_text()
    assert "planted" not in written and lines(written)[0]["text"] == logs.HIDDEN


def test_a_login_in_a_url_is_hidden() -> None:
    assert logs.hide("http://me:pass@host/v1") == f"http://{logs.HIDDEN}@host/v1"


def test_a_setting_that_is_no_secret_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")
    assert logs.hide("it is true") == "it is true"


def test_an_error_on_the_terminal_holds_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", PLANTED)
    assert main(["status", f"/nowhere/{PLANTED}.toml"]) == 2
    assert "planted" not in capsys.readouterr().err


def test_an_error_is_an_event_where_json_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "/nowhere.toml", "--log-json"]) == 2
    (found,) = lines(capsys.readouterr().err)
    assert (found["event"], found["error"], found["exit_code"]) == ("error", "ConfigError", 2)


def test_progress_is_an_event_where_json_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(JSON)
    with progress.meter("verify 0", 10) as meter:
        meter.advance(10)
    (found,) = lines(capsys.readouterr().err)
    expected = {"event": "progress", "stage": "verify 0", "done": 10, "total": 10}
    assert expected.items() <= found.items()


def test_what_takes_time_is_told_twice_and_a_failure_as_such(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(JSON)
    with pytest.raises(KeyError), logs.timed("stage", stage="label"):
        raise KeyError
    started, failed = lines(capsys.readouterr().err)
    assert (started["event"], failed["event"]) == ("stage_started", "stage_failed")
    assert failed["level"] == "error" and failed["seconds"] >= 0


def test_a_worker_process_logs_as_its_parent_does(tmp_path: Path) -> None:
    program = (
        "from pipeline import logs; logs.inherit();"
        "logs.event('shard', stage='embed', shard=1); print(logs.as_json())"
    )
    logs.begin(Logs(format="json", file=str(tmp_path / "run.jsonl")), "set", "1")
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    (said,) = lines(done.stderr)
    assert done.stdout.strip() == "True" and said["version"] == "1"
    assert lines((tmp_path / "run.jsonl").read_text()) == [said]


def test_a_crash_is_an_event_with_its_traceback() -> None:
    program = (
        "from pipeline import logs; from pipeline.runtime_watch import Logs;"
        "logs.configure(Logs(format='json')); 1 / 0"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    (found,) = lines(done.stderr)
    assert done.returncode == 1 and found["event"] == "crashed"
    assert "ZeroDivisionError" in found["error"] and "Traceback" in found["traceback"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_bars_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    logs.configure(Logs())
    logs.event("shard", shard=3)
    logs.event("error", logging.ERROR)  # the command tells of it itself
    assert terminal.getvalue() == ""


def test_a_terminal_shows_a_warning_above_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    logs.configure(Logs())
    with progress.meter("distill 1", 10) as shown:
        shown.advance(1)
        logs.event("no_server_answers", logging.WARNING, silent_s=5)
    assert "no_server_answers silent_s=5" in terminal.getvalue()
