"""Rounds against a teacher that is known: what is asked, how often, and what it gains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import BudgetSpent
from pipeline.records import Response
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.rounds_support import AGAIN, RIGHT, WRONG, rounds

AT_ONCE, ON_REFLECTION, NEVER = ["one", "two", "three", "four"], ["five", "six", "seven"], ["eight"]
ALL = [*AT_ONCE, *ON_REFLECTION, *NEVER]
# Right about some at once, about others when it thinks again, about one never.
RULES: list[dict[str, Any]] = [
    *({"contains": f"What is {name}?", "text": RIGHT} for name in AT_ONCE),
    *({"contains": [f"What is {name}?", AGAIN], "text": RIGHT} for name in ON_REFLECTION),
    {"text": WRONG},
]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_thinking_again_answers_what_sampling_does_not(tmp_path: Path) -> None:
    gained = {}
    with loopback_teacher(replies=RULES) as server:
        for policy in ("sample", "rethink", "both"):
            made = rounds(tmp_path / policy, server.url, ALL, rounds=2, policy=policy)
            made.run()
            gained[policy] = made.gained()
    assert gained == {"sample": [0, 4, 0], "rethink": [0, 4, 3], "both": [0, 4, 3]}


def test_both_thinks_again_at_every_other_attempt(tmp_path: Path) -> None:
    with loopback_teacher(replies=RULES) as server:
        made = rounds(tmp_path, server.url, ["eight"], rounds=3, attempts=2, policy="both")
        made.run()
        lines = [line["body"] for line in server.requests()]
    again = {line["seed"]: AGAIN in line["messages"][-1]["content"] for line in lines}
    assert again == {0: False, 1: False, 2: False, 3: True, 4: False, 5: True}


def test_a_question_is_asked_until_so_many_responses_are_correct(tmp_path: Path) -> None:
    rules: list[dict[str, Any]] = [
        {"contains": "What is slow?", "seed": 0, "text": WRONG},
        {"contains": "What is slow?", "text": RIGHT},
        {"text": RIGHT},
    ]
    with loopback_teacher(replies=rules) as server:
        made = rounds(tmp_path, server.url, ["slow", "fast"], rounds=4, correct=2)
        made.run()
        assert made.asked() == {
            ("slow", 1): 1, ("slow", 2): 1, ("slow", 3): 1, ("fast", 1): 1, ("fast", 2): 1,
        }  # fmt: skip


def test_a_hard_question_gets_more_attempts_by_its_pass_rate(tmp_path: Path) -> None:
    rules: list[dict[str, Any]] = [
        {"contains": "What is half?", "seed": 0, "text": RIGHT},
        {"contains": "What is half?", "seed": 1, "text": WRONG},
        {"text": WRONG},
    ]
    with loopback_teacher(replies=rules) as server:
        made = rounds(
            tmp_path,
            server.url,
            ["half", "hard"],
            rounds=2,
            attempts=2,
            most_attempts=6,
            correct=2,
        )
        made.run()
        assert made.asked() == {
            ("half", 1): 2, ("hard", 1): 2, ("half", 2): 4, ("hard", 2): 6,
        }  # fmt: skip


def test_each_attempt_has_its_temperature_and_the_response_says_which(tmp_path: Path) -> None:
    with loopback_teacher(replies=[{"text": WRONG}]) as server:
        made = rounds(tmp_path, server.url, ["one"], rounds=3, attempts=1, temperatures=[0.0, 0.9])
        made.run()
        rows = sorted(made.rows(), key=lambda row: row["round"])
        asked = [line["body"]["temperature"] for line in server.requests()]
    assert asked == [0.0, 0.9, 0.9]
    assert [json.loads(row["sampling"])["temperature"] for row in rows] == asked


def test_one_failed_sample_leaves_its_siblings(tmp_path: Path) -> None:
    faults = [{"fault": "400", "numbers": [2]}]
    with loopback_teacher(replies=RULES, faults=faults) as server:
        made = rounds(tmp_path, server.url, ["eight"], rounds=1, attempts=4)
        made.run()
        reasons = sorted(row["finish_reason"] for row in made.rows())
    assert reasons == ["error", "stop", "stop", "stop"]


def test_raising_max_tokens_asks_again_only_for_what_was_cut_off(tmp_path: Path) -> None:
    rules: list[dict[str, Any]] = [
        {"contains": "What is long?", "text": "word " * 50},
        {"text": RIGHT},
    ]
    teacher = {"name": "loopback", "model": "loopback-1", "revision": "1", "engine": "openai"}
    with loopback_teacher(replies=rules) as server:
        for version, limit in (("1", 20), ("2", 200)):
            made = rounds(tmp_path, server.url, ["long", "one", "two"], rounds=1)
            made.config = made.config.model_validate(
                made.config.model_dump(exclude={"recipe": {"sources"}})
                | {
                    "version": version,
                    "recipe": made.config.recipe.model_dump()
                    | {
                        "sources": [{"source": "quickstart", "name": "hand"}],
                        "teacher": {**teacher, "sampling": {"max_tokens": limit}},
                    },
                }
            )
            made.run()
            made.store.forget("responses/round=01")
        asked = [line["body"]["messages"][-1]["content"] for line in server.requests()]
    assert sorted(asked) == ["What is long?", "What is long?", "What is one?", "What is two?"]


def test_a_cap_stops_a_run_and_the_next_one_goes_on_from_there(tmp_path: Path) -> None:
    names = [f"number {number}" for number in range(200)]
    cap = {"budget": {"tokens": 40_000}}
    with loopback_teacher(replies=[{"text": RIGHT}]) as server:
        made = rounds(tmp_path, server.url, names, cap, rounds=1)
        with pytest.raises(BudgetSpent):
            made.run()
        first = server.arrived()
        assert 0 < first < 200
        made = rounds(tmp_path, server.url, names, rounds=1)
        made.run()
        assert len(made.rows()) == 200
        assert server.arrived() == 200


def test_the_account_of_a_run_is_kept_with_its_tokens(tmp_path: Path) -> None:
    with loopback_teacher(replies=RULES) as server:
        made = rounds(tmp_path, server.url, ALL, rounds=2)
        made.run()
        text = (made.store.folder / "accounts.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["stage"] for line in lines] == ["distill 1", "distill 2"]
    assert [line["servers"][0]["replies"] for line in lines] == [8, 4]
    assert all(line["servers"][0]["response_tokens"] > 0 for line in lines)


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_a_reply_that_never_ends_its_thinking_holds_no_answer(tmp_path: Path, finish: str) -> None:
    rules: list[dict[str, Any]] = [
        {"text": "The answer is \\boxed{4}, but wait", "finish_reason": finish}
    ]
    with loopback_teacher(replies=rules) as server:
        made = rounds(tmp_path, server.url, ["one"], rounds=1)
        made.run()
        (row,) = made.rows()
        assert made.gained() == [0, 0]
    assert row["answer"] is None
    assert Response.from_row(row).text.endswith("\\boxed{4}, but wait")
