"""Servers of judges, labellers and reward models that refuse, babble, or say nothing at all.

What each path makes of single bad replies is in its own tests; here are all of them against a
socket that takes every connection and never answers, and the quality judge over the wire.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.config import (
    JudgeEndpoints,
    PerplexityEndpoints,
    QualityEndpoints,
    RewardEndpoints,
    Runtime,
    load_config,
)
from pipeline.errors import TeacherUnavailable
from pipeline.judging import open_judge, open_quality
from pipeline.recipe_judges import Quality
from pipeline.recipe_reward import Improbable, Reward
from pipeline.records_proposed import Proposal
from pipeline.rewards import open_reward
from pipeline.rewards.likelihoods import open_perplexity
from pipeline.stages import open_store
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.judge_support import make_judge
from tests.pipeline.labelling import test_labelled_run, test_proposed_run
from verifiers import Result

BRIEF: dict[str, Any] = {"retries": 0, "timeout_s": 0.3, "concurrency": 4}
ROWS = [
    {"prompt": "Name a river.", "answer": f"<think>x</think>the {name}", "reference_answer": "y"}
    for name in ("Ebro and its valley", "Po and its plain", "Elbe and its mouth")
]
Judged = Callable[[str, Path, bool], list[Result]]


@pytest.fixture(autouse=True)
def _no_proxy_and_short_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("pipeline.teacher.openai_http.CHECK_S", 0.3)


@pytest.fixture
def mute() -> Iterator[str]:
    """Give the URL of a socket that takes connections and never answers."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen(64)
        yield f"http://127.0.0.1:{one.getsockname()[1]}/v1"


def judge(url: str, folder: Path, outlive: bool) -> list[Result]:
    runtime = Runtime(judge=JudgeEndpoints(urls=(url,), **BRIEF))
    with open_judge(make_judge(), runtime, folder, outlive=outlive) as verifier:
        return list(verifier.results(ROWS))


def quality(url: str, folder: Path, outlive: bool, **settings: Any) -> list[Result]:
    runtime = Runtime(quality=QualityEndpoints(urls=(url,), **{**BRIEF, **settings}))
    grader = Quality(model="grader", revision="1")
    with open_quality(grader, runtime, folder, outlive=outlive) as verifier:
        return list(verifier.results(ROWS))


def reward(url: str, folder: Path, outlive: bool) -> list[Result]:
    runtime = Runtime(reward=RewardEndpoints(urls=(url,), **BRIEF))
    model = Reward(engine="vllm", model="small", revision="1")
    with open_reward(model, runtime, folder, outlive=outlive) as verifier:
        return list(verifier.results(ROWS))


def perplexity(url: str, folder: Path, outlive: bool) -> list[Result]:
    runtime = Runtime(perplexity=PerplexityEndpoints(urls=(url,), **BRIEF))
    model = Improbable(engine="vllm", model="small", revision="1", fewest=2)
    with open_perplexity(model, runtime, folder, outlive=outlive) as verifier:
        return list(verifier.results(ROWS))


PATHS = {"judge": judge, "quality": quality, "reward": reward, "perplexity": perplexity}


@pytest.mark.parametrize("name", PATHS)
def test_servers_that_never_answer_end_a_run_and_are_named(
    name: str, mute: str, tmp_path: Path
) -> None:
    with pytest.raises(TeacherUnavailable, match=rf"^{name} .*\[runtime\.{name}\]"):
        PATHS[name](mute, tmp_path, False)


@pytest.mark.parametrize("name", PATHS)
def test_for_a_file_servers_that_never_answer_leave_every_row_unverified(
    name: str, mute: str, tmp_path: Path
) -> None:
    found = PATHS[name](mute, tmp_path, True)
    assert len(found) == len(ROWS)
    assert {one.outcome.value for one in found} == {"unverified"}
    assert {one.reason.rpartition("_")[2] for one in found} == {"unavailable"}


def test_a_grader_that_babbles_refuses_or_is_refused_says_nothing_about_the_others(
    tmp_path: Path,
) -> None:
    replies = [
        {"contains": "Ebro", "text": "I'm sorry, I can't grade this."},
        {"contains": "Elbe", "text": "Good.\nSCORE: 5"},
    ]
    refused = {"fault": "400", "contains": "Po and", "message": "no"}
    with loopback_teacher(replies=replies, faults=[refused]) as server:
        found = quality(server.url, tmp_path, False)
    reasons = ["judge_unreadable", "judge_unavailable", "good_enough"]
    assert [one.reason for one in found] == reasons


def test_a_request_that_a_grader_never_answers_is_unavailable_and_the_others_are_graded(
    tmp_path: Path,
) -> None:
    silent = {"fault": "silence", "contains": "Ebro"}
    replies = [{"contains": "river", "text": "SCORE: 2"}]
    with loopback_teacher(replies=replies, faults=[silent]) as server:
        found = quality(server.url, tmp_path, False, timeout_s=1.0)
    reasons = ["judge_unavailable", "not_good_enough", "not_good_enough"]
    assert [one.reason for one in found] == reasons


def test_a_grader_that_is_down_ends_the_run_and_what_was_graded_is_kept(tmp_path: Path) -> None:
    replies = [{"contains": "river", "text": "SCORE: 5"}]
    dead = {"fault": "500", "numbers": list(range(1, 1000))}
    with (
        loopback_teacher(replies=replies, faults=[dead]) as server,
        pytest.raises(TeacherUnavailable, match="quality grader"),
    ):
        quality(server.url, tmp_path, False, concurrency=1)
    with loopback_teacher(replies=replies) as server:
        assert [one.reason for one in quality(server.url, tmp_path, False)] == ["good_enough"] * 3
        assert server.answered()["reply"] == 2


def hurried(config: str, timeout_s: float) -> str:
    """Return a configuration whose servers are given up on after so long."""
    brief = f"retries = 0\ntimeout_s = {timeout_s}\n"
    Path(config).write_text(Path(config).read_text().replace("retries = 1\n", brief))
    return config


@pytest.mark.parametrize(
    ("case", "table", "name"),
    [(test_labelled_run, "labels", "labeller"), (test_proposed_run, "proposed", "proposer")],
)
def test_a_model_that_never_answers_ends_the_run_before_its_table(
    case: Any, table: str, name: str, mute: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = hurried(case.write(tmp_path, mute), 0.3)
    assert case.run(config) == 1
    said = capsys.readouterr().err
    assert f"[runtime.{name}]" in said and "Traceback" not in said
    assert not open_store(load_config(config)).complete(table)


def test_a_question_that_a_labeller_never_answers_gets_the_baselines_label(tmp_path: Path) -> None:
    silent = "Write a haiku about snow."
    rules = [{"contains": "", "text": '{"category": "planning", "difficulty": "hard"}'}]
    faults = [{"fault": "silence", "contains": silent}]
    with loopback_teacher(replies=rules, faults=faults) as server:
        config = hurried(test_labelled_run.write(tmp_path, server.url), 2.0)
        assert test_labelled_run.run(config) == 0
    found = test_labelled_run.labels(config)
    assert found[silent].labeller == f"linear-1 (refused reply of {test_labelled_run.NAME})"
    assert {one.category for text, one in found.items() if text != silent} == {"planning"}


def test_a_question_that_a_proposer_never_answers_has_no_constraints_and_says_so(
    tmp_path: Path,
) -> None:
    with test_proposed_run.serve({"fault": "silence", "contains": "rivers"}) as server:
        config = hurried(test_proposed_run.write(tmp_path, server.url), 2.0)
        assert main(["run", config, "--only", "collect,embed,label,propose"]) == 0
    asked = test_proposed_run.asked_by_id(config)
    rows = test_proposed_run.rows(config, "proposed", Proposal)
    found = {asked[one.id]: (one.why, json.loads(one.constraints)) for one in rows}
    assert found["Name two rivers, no commas."] == ("refused", [])
    assert found["Name two lakes, no commas."][0] == ""
