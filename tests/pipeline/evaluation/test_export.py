"""Training data: only a wrong answer that was shown, with the right one that followed."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.config import Config
from pipeline.errors import UserError
from pipeline.evaluation.config import load_evaluation
from pipeline.evaluation.export import SCHEMA, from_dataset, from_evaluation
from pipeline.evaluation.tables import open_store
from pipeline.rowfile import Row, row_writer
from pipeline.store import Origin, Store
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.conftest import TEACHER, question, response, verdict
from tests.pipeline.evaluation.support import Plan, config_of, replies_of, scores_of, write_config

LEGS = "How many legs have 3 spiders?"


def exported(folder: Path, plans: list[Plan]) -> list[Row]:
    with loopback_teacher(replies=replies_of(plans)) as server:
        config = config_of(folder, server.url, plans)
        scores_of(config)
    return list(from_evaluation(config, open_store(config)))


def test_a_row_shows_the_wrong_answer_and_teaches_the_right_one(tmp_path: Path) -> None:
    (row,) = exported(tmp_path, [Plan(LEGS, "24", [["6"], ["24"]], thinking="Wait: 8 each.")])
    user, assistant = row["messages"]
    asked = f"{LEGS}\n\nPlease reason step by step, and put your final answer within \\boxed{{}}."
    assert row["question"] == asked
    assert user == {
        "role": "user",
        "content": f"{asked}\nThe assistant's previous answer is: <answer> \\boxed{{6}} </answer>,"
        " and please re-answer.",
    }
    assert assistant["content"].startswith("<think>Wait: 8 each.")
    assert assistant["content"].endswith("</think>\n<answer>\\boxed{24}</answer>")
    assert (row["wrong_answer"], row["answer"]) == ("\\boxed{6}", "\\boxed{24}")
    assert (row["wrong_round"], row["round"], row["source"]) == (1, 2, "own")


@pytest.mark.parametrize(
    ("rounds", "pairs"),
    [
        ([["24"], ["24"]], []),  # never wrong
        ([["24"], ["6"]], []),  # right, then wrong
        ([["6"], ["7"]], []),  # never right
        ([[None], ["24"]], []),  # nothing was shown
        ([["6"], ["24"], ["24"]], [(1, 2)]),
        ([["6"], ["7"], ["24"]], [(2, 3)]),
        ([["6"], [None], ["24"]], [(1, 3)]),  # the newest answer is shown
        ([["6"], ["24"], ["6"], ["24"]], [(1, 2), (3, 4)]),
    ],
)
def test_which_rounds_make_a_pair(
    rounds: list[list[str | None]], pairs: list[tuple[int, int]], tmp_path: Path
) -> None:
    rows = exported(tmp_path, [Plan(LEGS, "24", rounds)])
    assert [(row["wrong_round"], row["round"]) for row in rows] == pairs


def test_samples_are_not_mixed(tmp_path: Path) -> None:
    rows = exported(tmp_path, [Plan(LEGS, "24", [["6", "24"], ["6", "24"]])])
    assert rows == []


def test_published_benchmarks_are_never_training_data(tmp_path: Path) -> None:
    path = write_config(tmp_path, "http://127.0.0.1:9/v1", [Plan(LEGS, "24", [["6"], ["24"]])])
    path.write_text(path.read_text().replace("local_questions", "gsm8k"))
    config = load_evaluation(str(path))
    with pytest.raises(UserError, match="must not become training data"):
        list(from_evaluation(config, open_store(config)))


def test_an_evaluation_of_one_round_has_no_second_looks(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"evaluation\.rounds to 2 or more"):
        exported(tmp_path, [Plan(LEGS, "24", [["6"]])])


def test_the_rows_fit_a_file_of_parquet(tmp_path: Path) -> None:
    rows = exported(tmp_path, [Plan(LEGS, "24", [["6"], ["24"]])])
    with row_writer(tmp_path / "out.parquet", SCHEMA) as write:
        for row in rows:
            write(row)
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == rows


def dataset(policy: str, rounds: int = 2) -> Config:
    return Config.model_validate(
        {
            "name": "set",
            "version": "1",
            "recipe": {
                "shards": 1,
                "sources": [{"source": "quickstart"}],
                "teacher": {"name": TEACHER, "model": "m", "revision": "1", "engine": "openai"},
                "distill": {"rounds": rounds, "policy": policy},
            },
        }
    )


def filled(root: Path) -> Store:
    """A version in which one question was answered wrongly, then rightly, and one the other way."""
    store = Store(root, "set", "1", 1)
    asked = [question("alpha", "two and two"), question("alpha", "three and three")]
    asked.sort(key=lambda one: one.id)
    good = "<think>Two and two again.</think>\n<answer>4</answer>"
    bad = "<think>Hm.</think>\n<answer>5</answer>"
    origin = Origin({}, {})
    store.write("questions", 0, type(asked[0]).to_table(asked), origin, {}, 0.0)
    for round, texts in ((1, (bad, good)), (2, (good, bad))):
        replies = [response(one, round, text) for one, text in zip(asked, texts, strict=True)]
        found = [
            verdict(one, "math", "correct" if one.text == good else "incorrect", "because")
            for one in replies
        ]
        tables = (("responses", replies), ("verdicts", found))
        for name, records in tables:
            rows = type(records[0]).to_table(records)  # type: ignore[arg-type]
            store.write(f"{name}/round={round:02d}", 0, rows, origin, {}, 0.0)
    return store


def test_a_dataset_that_was_thought_about_again_gives_its_pairs(tmp_path: Path) -> None:
    (row,) = from_dataset(dataset("rethink"), filled(tmp_path))
    assert (row["wrong_answer"], row["answer"], row["think"]) == ("5", "4", "Two and two again.")
    assert row["messages"][0]["content"].endswith(
        "previous answer is: <answer> 5 </answer>, and please re-answer."
    )


def test_a_dataset_whose_teacher_saw_no_answer_has_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"set distill.rounds to 2 or more and distill.policy to"):
        list(from_dataset(dataset("sample"), filled(tmp_path)))


def test_a_dataset_that_has_not_been_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="round 2 is not judged yet; run it first"):
        list(from_dataset(dataset("rethink"), Store(tmp_path, "set", "1", 1)))
