"""What is asked, round after round, and what is not asked again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import StaleTable
from pipeline.evaluation.config import load_evaluation
from pipeline.evaluation.experiment import run
from pipeline.evaluation.report import Scores, accuracy
from pipeline.evaluation.tables import open_store, read_responses
from pipeline.records import Response
from tests.loopback_teacher import Server, loopback_teacher
from tests.pipeline.evaluation.support import (
    Plan,
    config_of,
    replies_of,
    scores_of,
    write_config,
)

LEGS = Plan("How many legs have 3 spiders?", "24", [["6", "24"], ["24", "24"], ["24", "6"]])
SUM = Plan("How much is 6 and 7?", "13", [["13", "12"], ["13", "12"], ["12", "13"]])
PLANS = [LEGS, SUM]


@pytest.fixture
def teacher() -> Iterator[Server]:
    with loopback_teacher(replies=replies_of(PLANS)) as server:
        yield server


def prompts(server: Server) -> list[str]:
    return [line["body"]["messages"][-1]["content"] for line in server.requests()]


def measured(folder: Path, server: Server, plans: list[Plan] = PLANS, **rest: Any) -> Scores:
    return scores_of(config_of(folder, server.url, plans, **rest))


def responses(folder: Path, round: int) -> list[Response]:
    config = load_evaluation(str(folder / "small.toml"))
    (model,), (benchmark,) = config.evaluation.models, config.evaluation.benchmarks
    store = open_store(config)
    return [
        response
        for shard in range(store.shards)
        for response in read_responses(store, benchmark, model, round, shard)
    ]


def test_a_later_round_sees_the_question_and_the_last_answer_and_no_thinking(
    tmp_path: Path, teacher: Server
) -> None:
    measured(tmp_path, teacher)
    asked = [text for text in prompts(teacher) if LEGS.question in text]
    first = f"{LEGS.question}\n\nPlease reason step by step, and put your final answer within"
    first += " \\boxed{}."
    again = "\nThe assistant's previous answer is: <answer> \\boxed{%s} </answer>,"
    again += " and please re-answer."
    in_round_2 = [first + again % "6", first + again % "24"]
    in_round_3 = [first + again % "24", first + again % "24"]
    assert sorted(asked) == sorted([first, first, *in_round_2, *in_round_3])


def test_every_reply_of_the_plan_arrives_in_its_round_and_place(
    tmp_path: Path, teacher: Server
) -> None:
    measured(tmp_path, teacher)
    texts = {
        (round, response.attempt, response.text)
        for round in (1, 2, 3)
        for response in responses(tmp_path, round)
    }
    assert texts == {
        (round, sample, plan.text(round, sample))
        for plan in PLANS
        for round in (1, 2, 3)
        for sample in (0, 1)
    }


def test_a_model_that_repeats_its_answer_is_asked_anew_and_not_given_its_own_reply(
    tmp_path: Path, teacher: Server
) -> None:
    measured(tmp_path, teacher)
    assert teacher.answered() == {"reply": 12}
    seeds = [line["body"]["seed"] for line in teacher.requests()]
    assert sorted(seeds) == sorted(2 * [0, 1, 1000, 1001, 2000, 2001])


def test_where_there_is_no_answer_the_newest_earlier_one_is_shown(tmp_path: Path) -> None:
    plans = [Plan("How many legs have 3 spiders?", "24", [["6"], [None], ["24"]])]
    with loopback_teacher(replies=replies_of(plans)) as server:
        measured(tmp_path, server, plans)
        assert "previous answer is: <answer> \\boxed{6} </answer>" in prompts(server)[2]


def test_without_any_answer_the_question_is_asked_alone_as_a_new_sample(tmp_path: Path) -> None:
    plans = [Plan("How many legs have 3 spiders?", "24", [[None], ["24"]])]
    with loopback_teacher(replies=replies_of(plans)) as server:
        scores = measured(tmp_path, server, plans)
        assert len(set(prompts(server))) == 1
        assert server.answered() == {"reply": 2}
    (rounds,) = scores.rounds.values()
    assert [score.outcomes for score in rounds] == [{"incorrect": 1}, {"correct": 1}]
    assert rounds[1].asked_alone == 1


def test_running_again_asks_nothing_and_finds_the_same(tmp_path: Path, teacher: Server) -> None:
    first = measured(tmp_path, teacher)
    assert measured(tmp_path, teacher).rounds == first.rounds
    assert teacher.arrived() == 12


def test_another_version_shares_the_replies(tmp_path: Path, teacher: Server) -> None:
    measured(tmp_path, teacher)
    config = load_evaluation(str(write_config(tmp_path, teacher.url, PLANS)), "2")
    scores_of(config)
    assert teacher.arrived() == 12


def test_rebuilding_asks_nothing(tmp_path: Path, teacher: Server) -> None:
    first = measured(tmp_path, teacher)
    again, _ = run(config_of(tmp_path, teacher.url, PLANS), rebuild=True)
    assert teacher.arrived() == 12
    assert again.rounds == first.rounds


def test_more_rounds_ask_only_for_the_new_ones(tmp_path: Path, teacher: Server) -> None:
    short = [Plan(plan.question, plan.answer, plan.rounds[:2]) for plan in PLANS]
    measured(tmp_path, teacher, short)
    assert teacher.arrived() == 8
    measured(tmp_path, teacher)
    assert teacher.arrived() == 12


def test_other_settings_under_one_version_are_refused_by_name(
    tmp_path: Path, teacher: Server
) -> None:
    measured(tmp_path, teacher)
    path = write_config(tmp_path, teacher.url, PLANS)
    path.write_text(path.read_text().replace("samples = 2", "samples = 1"))
    with pytest.raises(StaleTable, match="samples was 2, is 1"):
        scores_of(load_evaluation(str(path)))


def test_questions_that_changed_on_disk_are_measured_again(tmp_path: Path, teacher: Server) -> None:
    measured(tmp_path, teacher)
    path = write_config(tmp_path, teacher.url, PLANS)
    rows = [json.loads(line) for line in (tmp_path / "own.jsonl").read_text().splitlines()]
    rows[0]["answer"] = "6"
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (rounds,) = scores_of(load_evaluation(str(path))).rounds.values()
    assert teacher.arrived() == 12
    assert rounds[0].outcomes == {"correct": 2, "incorrect": 2}


def test_what_the_server_refuses_is_unverified_and_asked_again_by_the_next_run(
    tmp_path: Path,
) -> None:
    fault = {"fault": "400", "contains": LEGS.question, "until": 12}
    with loopback_teacher(replies=replies_of(PLANS), faults=[fault]) as server:
        (rounds,) = measured(tmp_path, server).rounds.values()
        assert [score.unverified for score in rounds] == 3 * [{"no_reply": 2}]
        assert rounds[0].pass1.value == 0.5  # over the question that was answered
        assert server.answered() == {"400": 6, "reply": 6}
        (rounds,) = measured(tmp_path, server).rounds.values()
        assert [score.unverified for score in rounds] == 3 * [{}]
        assert server.answered()["reply"] == 12


def test_one_question_in_two_benchmarks_is_asked_once(tmp_path: Path, teacher: Server) -> None:
    path = write_config(tmp_path, teacher.url, PLANS)
    table = '[[evaluation.benchmarks]]\nbenchmark = "local_questions"\n'
    extra = f'{table}name = "too"\nsamples = 2\npath = "{tmp_path}/own.jsonl"\n'
    path.write_text(path.read_text().replace("[runtime]", f"{extra}\n[runtime]"))
    scores = scores_of(load_evaluation(str(path)))
    own, too = scores.rounds.values()
    assert own == too
    assert teacher.answered() == {"reply": 12}


def test_replies_that_were_cut_off_are_asked_again_with_more_room(tmp_path: Path) -> None:
    plans = [Plan("How many legs have 3 spiders?", "24", [["24"]])]
    plans.append(Plan("6 and 7?", "13", [["13"]]))
    sampling = 'revision = "1"\nsampling = { max_tokens = %d }'
    with loopback_teacher(replies=replies_of(plans)) as server:
        path = write_config(tmp_path, server.url, plans)
        text = path.read_text()
        for version, (room, arrived, right) in enumerate([(5, 2, 0), (500, 4, 2), (900, 4, 2)]):
            path.write_text(text.replace('revision = "1"', sampling % room))
            (rounds,) = scores_of(load_evaluation(str(path), str(version))).rounds.values()
            assert rounds[0].outcomes.get("correct", 0) == right
            assert server.arrived() == arrived


def test_nothing_is_bold_where_no_round_is_better_than_another(tmp_path: Path) -> None:
    plans = [Plan("How many legs have 3 spiders?", "\\frac{1}{2", [["24"], ["24"]])]
    with loopback_teacher(replies=replies_of(plans)) as server:
        grid = accuracy(measured(tmp_path, server, plans))
    assert [[cell.text for cell in row] for row in grid.rows] == [
        ["loopback", "1", "–", "–"],
        ["loopback", "2", "–", "–"],
    ]
    assert not any(cell.bold for row in grid.rows for cell in row)
