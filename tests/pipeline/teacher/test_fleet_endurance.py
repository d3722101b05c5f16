"""The two trials of benchmarks/fleet_*.py in small: every fault at once, and kills under load."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from pipeline.teacher.openai_retry import Pace

COUNT = 600
BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module(request.param)


@pytest.mark.parametrize("script", ["fleet_faults"], indirect=True)
def test_under_every_fault_and_a_restart_each_question_is_answered_and_paid_for_once(
    script: Any, tmp_path: Path
) -> None:
    found = script.run(tmp_path, COUNT, pause=0.6, pace=Pace(first_s=0.1, cap_s=0.5))
    assert len(found.yielded) == len(set(found.yielded)) == found.journalled == COUNT
    assert found.total("requests") == COUNT + found.failed().total()
    assert found.total("open") == 0
    assert set(found.failed()) >= {"429", "500", "503", "cut", "garbage", "silence"}
    assert len(found.paid_twice()) <= 1  # one may have been written as its server was killed


@pytest.mark.parametrize("script", ["fleet_kills"], indirect=True)
def test_a_kill_loses_no_reply_that_had_arrived_and_none_is_asked_for_again(
    script: Any, tmp_path: Path
) -> None:
    found = script.run(tmp_path, kills=3, count=20_000)
    assert found.asked_again == 0
    assert found.lost[1_000] == 0
    assert found.kept > 0
