"""A served reward model: faults pass, refusals are told, nothing is asked for twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import RewardEndpoints, Runtime
from pipeline.errors import TeacherUnavailable, Unavailable
from pipeline.recipe_reward import Reward
from pipeline.rewards import open_reward
from tests.loopback_rewards import RewardServer, loopback_rewards
from verifiers import Result

REWARD = Reward(engine="vllm", model="small", revision="1")


@pytest.fixture(scope="module")
def server() -> Iterator[RewardServer]:
    with loopback_rewards() as running:
        yield running


def judge(
    url: str, folder: Path, *answers: str, outlive: bool = False, **settings: Any
) -> list[Result]:
    given = {"retries": 3, "concurrency": 4, "connect_timeout_s": 2.0, **settings}
    served = RewardEndpoints(urls=(url,), **given)
    rows = [{"prompt": "?", "answer": f"<think>x</think>{answer}"} for answer in answers]
    with open_reward(REWARD, Runtime(reward=served), folder, outlive=outlive) as verifier:
        return list(verifier.results(rows))


def test_scores_come_back_in_order(server: RewardServer, tmp_path: Path) -> None:
    found = judge(server.url, tmp_path, "a good one", "another", "good too")
    assert [one.score for one in found] == [1.0, 0.25, 1.0]
    assert [one.outcome.value for one in found] == ["correct", "incorrect", "correct"]


@pytest.mark.parametrize("fault", ["[429]", "[500]", "[garbage]", "[cut]"])
def test_a_fault_that_passes_changes_nothing(
    server: RewardServer, tmp_path: Path, fault: str
) -> None:
    found = judge(server.url, tmp_path, f"good {fault}", f"good beside {fault[1:]}")
    assert [one.score for one in found] == [1.0, 1.0]


def test_outputs_that_are_no_numbers_are_never_a_score(
    server: RewardServer, tmp_path: Path
) -> None:
    found = judge(server.url, tmp_path, "good [nan]", "good and whole", retries=0)
    assert [one.reason for one in found] == ["reward_unavailable", "above_threshold"]


def test_another_number_of_outputs_is_unreadable(server: RewardServer, tmp_path: Path) -> None:
    (found,) = judge(server.url, tmp_path, "good [two]")
    assert found.reason == "reward_unreadable"


def test_a_conversation_that_the_server_finds_too_long_is_told(
    server: RewardServer, tmp_path: Path
) -> None:
    found = judge(server.url, tmp_path, "good [long]", "good and short")
    assert [one.reason for one in found] == ["too_long", "above_threshold"]


@pytest.mark.parametrize("fault", ["[refused]", "[words]", "[silence]"])
def test_what_a_server_does_not_score_is_unavailable_and_the_others_are_scored(
    server: RewardServer, tmp_path: Path, fault: str
) -> None:
    found = judge(server.url, tmp_path, f"good {fault}", "good and heard", retries=0, timeout_s=0.5)
    assert [one.reason for one in found] == ["reward_unavailable", "above_threshold"]


def test_a_score_is_asked_for_once(server: RewardServer, tmp_path: Path) -> None:
    first = judge(server.url, tmp_path, "good once")
    again = judge(server.url, tmp_path, "good once")
    assert [one.score for one in again] == [one.score for one in first]
    assert [line["text"] for line in server.asked()].count("good once") == 1


def test_a_server_that_is_down_ends_a_run_or_leaves_rows_unverified(tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9/v1"
    with pytest.raises(TeacherUnavailable, match="reward small"):
        judge(nobody, tmp_path, "good", retries=0)
    (found,) = judge(nobody, tmp_path, "good", outlive=True, retries=0)
    assert found.reason == "reward_unavailable"


def test_a_server_without_the_api_is_told(server: RewardServer, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="reward small"):
        judge(f"{server.url}/elsewhere", tmp_path, "good")
