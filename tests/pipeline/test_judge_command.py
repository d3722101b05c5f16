"""`build-dataset verify` with a judge: alone, after math, and every way to ask for it wrongly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from tests.loopback_teacher import Server, loopback_teacher
from tests.pipeline.judge_support import row, rule

LONG = "x^{2} + " * 12 + "1"
RULES = [
    rule(7, "Same.\nCORRECT"),
    rule(8, "Not the same.\nINCORRECT"),
    rule(9, "UNSURE"),
    {"contains": LONG, "text": "CORRECT"},
]
ROWS = [row(7), row(8), row(9), row(10), {"id": "x"}, row(7)]
REASONS = [
    "judge_correct",
    "judge_incorrect",
    "judge_unsure",
    "judge_unreadable",
    "bad_input",
    "judge_correct",
]
FAST = ["--set", "judge.retries=0"]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def verify(folder: Path, rows: list[dict[str, Any]], *options: str) -> list[dict[str, Any]]:
    """Judge rows by the command and return the lines that it writes."""
    (folder / "in.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    command = ["verify", str(folder / "in.jsonl"), str(folder / "out.jsonl"), *options]
    assert main([*command, "--workers", "1"]) == 0
    return [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]


def served(server: Server, verifier: str = "judge") -> list[str]:
    return ["--verifier", verifier, "--judge-url", server.url, "--judge-model", "small-judge"]


def test_the_judge_judges_any_file(tmp_path: Path) -> None:
    with loopback_teacher(replies=RULES) as server:
        found = verify(tmp_path, ROWS, *served(server))
    assert [line["reason"] for line in found] == REASONS
    assert [line["id"] for line in found] == ["7", "8", "9", "10", "x", "7"]
    assert {line["verifier"] for line in found} == {"judge"}
    assert found[0]["evidence"]["model"] == "small-judge"


def test_equal_rows_are_asked_about_once_without_a_journal_too(tmp_path: Path) -> None:
    with loopback_teacher(replies=RULES) as server:
        verify(tmp_path, [row(7)] * 20, *served(server))
        assert server.arrived() == 1


def test_a_journal_keeps_the_replies_for_the_next_time(tmp_path: Path) -> None:
    journal = ["--judge-journal", str(tmp_path / "replies")]
    with loopback_teacher(replies=RULES) as server:
        before = verify(tmp_path, ROWS, *served(server), *journal)
        asked = server.arrived()
        after = verify(tmp_path, ROWS, *served(server), *journal)
        assert server.arrived() == asked == 4
    for line in (*before, *after):
        del line["seconds"]
    assert before == after


def test_after_math_the_judge_decides_what_math_could_not(tmp_path: Path) -> None:
    long = {"id": "long", "answer": f"\\boxed{{{LONG}}}", "reference_answer": "y"}
    rows = [row(7), row(8), long, {"id": "x"}, {**long, "reference_answer": "\\frac{1"}]
    with loopback_teacher(replies=RULES) as server:
        found = verify(tmp_path, rows, *served(server, "math"), "--set", "max_chars=60")
        assert server.arrived() == 1
    assert [(line["verifier"], line["reason"]) for line in found] == [
        ("math", "equal"),
        ("math", "different"),
        ("judge", "judge_correct"),
        ("math", "bad_input"),
        ("math", "reference_unusable"),
    ]
    assert found[2]["evidence"]["math"]["reason"] == "too_complex"


def test_the_judge_after_math_takes_settings_of_its_own(tmp_path: Path) -> None:
    unmarked = {"id": 1, "answer": "They ran out of it as we know", "reference_answer": "7"}
    settings = ["judge.reasons=['no_answer']", "judge.sampling.max_tokens=50", "judge.tail_chars=9"]
    options = [part for setting in settings for part in ("--set", setting)]
    with loopback_teacher(replies=[{"text": "UNSURE"}]) as server:
        (found,) = verify(tmp_path, [unmarked], *served(server, "math"), *options)
        (request,) = server.requests()
    assert (found["verifier"], found["reason"]) == ("math", "no_answer")
    assert found["evidence"]["judge"]["reason"] == "judge_unsure"
    assert request["body"]["max_tokens"] == 50
    assert "<answer>\ns we know\n</answer>" in request["body"]["messages"][0]["content"]


def test_the_judge_alone_takes_its_settings_by_their_names(tmp_path: Path) -> None:
    prompt = 'prompt="Compare {reference} with {answer}."'
    with loopback_teacher(replies=[{"contains": "Compare", "text": "CORRECT"}]) as server:
        (found,) = verify(tmp_path, [row(7)], *served(server), "--set", prompt)
    assert found["reason"] == "judge_correct"


def test_servers_that_are_down_leave_every_row_unavailable(tmp_path: Path) -> None:
    where = ["--judge-url", "http://127.0.0.1:9/v1", "--judge-model", "small-judge"]
    found = verify(tmp_path, ROWS, "--verifier", "judge", *where, *FAST)
    assert [line["reason"] for line in found] == [
        "bad_input" if line["id"] == "x" else "judge_unavailable" for line in found
    ]
    assert all(line["outcome"] == "unverified" for line in found)


def test_the_key_is_in_the_variable_that_is_named_and_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-very-secret")
    named = ["--set", 'judge.api_key_env="JUDGE_KEY"']
    fault = {"fault": "400", "message": "wrong: sk-very-secret"}
    with loopback_teacher(faults=[fault]) as server:
        found = verify(tmp_path, [row(7)], *served(server), *named)
        assert [line["keyed"] for line in server.requests()] == [True]
    assert found[0]["reason"] == "judge_unavailable"
    said = capsys.readouterr()
    assert "secret" not in json.dumps(found) + said.out + said.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--judge-url: is missing"),
        (["--judge-url", "http://127.0.0.1:9/v1"], "--judge-model: is missing"),
        (["--judge-model", "m"], "--judge-url: is missing"),
        (["--judge-url", "nowhere", "--judge-model", "m"], "must begin with http://"),
        (["--judge-url", "http://h/v1", "--judge-model", "m", "--set", "colour=1"], "judge.colour"),
        (["--judge-url", "http://h/v1", "--judge-model", "m", "--set", "judge=1"], "--set judge"),
        (
            ["--judge-url", "http://h/v1", "--judge-model", "m", "--set", 'prompt="x"'],
            "must contain {reference}",
        ),
    ],
)
def test_a_judge_that_cannot_work_is_the_users_fault_and_the_remedy_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps(row(7)), encoding="utf-8")
    command = ["verify", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl")]
    assert main([*command, "--verifier", "judge", *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize(
    ("verifier", "options", "said"),
    [
        ("rules", ["--judge-url", "http://h/v1", "--judge-model", "m"], "only --verifier judge or"),
        ("math", ["--judge-model", "m"], "--judge-url: is missing"),
        ("math", ["--judge-journal", "x"], "--judge-url: is missing"),
        ("math", ["--set", "judge.retries=1"], "judge"),
    ],
)
def test_an_option_of_a_judge_that_nothing_would_use_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    verifier: str,
    options: list[str],
    said: str,
) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps(row(7)), encoding="utf-8")
    command = ["verify", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl")]
    assert main([*command, "--verifier", verifier, *options]) == 2
    assert said in capsys.readouterr().err
