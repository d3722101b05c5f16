"""The command: help, what it prints, and its exit codes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import __main__ as program
from pipeline.evaluation.base import available_benchmarks
from tests.loopback_teacher import Server, loopback_teacher
from tests.pipeline.evaluation.support import Plan, replies_of, write_config

PLANS = [
    Plan("How many legs have 3 spiders?", "24", [["6", "24"], ["24", "24"]]),
    Plan("How much is 6 and 7?", "13", [["13", "1"], ["13", "13"]]),
]


@pytest.fixture
def teacher() -> Iterator[Server]:
    with loopback_teacher(replies=replies_of(PLANS)) as server:
        yield server


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command by its name, also before it is registered under it."""
    names = tuple(dict.fromkeys((*program.COMMANDS, "evaluate")))
    monkeypatch.setattr(program, "COMMANDS", names)


def test_help_says_what_it_does_and_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(["evaluate", "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "in rounds of thinking" in said
    assert all(option in said for option in ("--version", "--rebuild", "--think-twice", "CONFIG"))


def test_it_measures_prints_the_table_and_names_its_files(
    teacher: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(["evaluate", str(write_config(tmp_path, teacher.url, PLANS))]) == 0
    said = capsys.readouterr().out
    assert "50.0 ± 0.0" in said
    assert "100.0 ± 0.0" in said
    assert "8 responses, 0 of them unverified" in said
    files = [Path(line) for line in said.splitlines() if line.startswith(str(tmp_path))]
    assert {"tables.md", "tables.tex", "scores.json"} <= {path.name for path in files}
    assert all(path.is_file() for path in files)


def test_a_configuration_that_is_wrong_exits_2_and_touches_no_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_config(tmp_path, "http://127.0.0.1:9/v1", PLANS)
    path.write_text(path.read_text().replace("rounds = 2", "rounds = 0"))
    assert program.main(["evaluate", str(path)]) == 2
    assert "evaluation.rounds" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_a_missing_verifier_exits_2_before_anything_is_asked(
    teacher: Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = available_benchmarks()["local_questions"]
    monkeypatch.setattr(kind, "verified_by", lambda _: "crystal_ball")
    assert program.main(["evaluate", str(write_config(tmp_path, teacher.url, PLANS))]) == 2
    assert "the verifier 'crystal_ball', which is not here" in capsys.readouterr().err
    assert teacher.arrived() == 0


def test_settings_that_a_verifier_does_not_know_exit_2_before_anything_is_asked(
    teacher: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_config(tmp_path, teacher.url, PLANS)
    text = path.read_text().replace("rounds = 2", "rounds = 2\nsettings = { math = { x = 1 } }")
    path.write_text(text)
    assert program.main(["evaluate", str(path)]) == 2
    assert "evaluation.settings.math" in capsys.readouterr().err
    assert teacher.arrived() == 0


def test_a_file_that_is_missing_exits_2_and_names_it(
    teacher: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_config(tmp_path, teacher.url, PLANS)
    (tmp_path / "own.jsonl").unlink()
    assert program.main(["evaluate", str(path)]) == 2
    assert "own.jsonl: no such file; correct the benchmark's path" in capsys.readouterr().err


def test_a_card_of_no_dataset_is_told_before_anything_is_asked(
    teacher: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write_config(tmp_path, teacher.url, PLANS))
    assert program.main(["evaluate", path, "--card", str(tmp_path / "nowhere.toml")]) == 2
    assert "nowhere.toml" in capsys.readouterr().err
    assert teacher.arrived() == 0


@pytest.mark.parametrize(
    "option", [["--rebuild"], ["--card", "quickstart"]], ids=["rebuild", "card"]
)
def test_what_an_export_would_not_do_is_refused(
    option: list[str], teacher: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = str(write_config(tmp_path, teacher.url, PLANS)), tmp_path / "twice.jsonl"
    assert program.main(["evaluate", path, "--think-twice", str(out), *option]) == 2
    assert f"{option[0]}: " in capsys.readouterr().err
    assert not out.exists()


def test_training_data_is_exported_by_the_same_command(
    teacher: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, out = str(write_config(tmp_path, teacher.url, PLANS)), tmp_path / "out.jsonl"
    assert program.main(["evaluate", config, "--think-twice", str(out)]) == 2
    assert "is not measured yet; run evaluate without --think-twice" in capsys.readouterr().err
    assert not out.exists()
    program.main(["evaluate", config])
    asked = teacher.arrived()
    assert program.main(["evaluate", config, "--think-twice", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert sorted(row["wrong_answer"] for row in rows) == ["\\boxed{1}", "\\boxed{6}"]
    assert teacher.arrived() == asked


def test_the_parser_of_the_command_takes_a_version() -> None:
    parser = argparse.ArgumentParser()
    from pipeline.commands import evaluate

    evaluate.add(parser)
    given = parser.parse_args(["think-twice", "--version", "2"])
    assert (given.config, given.version, given.rebuild, given.think_twice) == (
        "think-twice",
        "2",
        False,
        None,
    )
