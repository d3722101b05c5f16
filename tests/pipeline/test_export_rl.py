"""The config `rl`: every question that can be judged, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.config import Config
from pipeline.exports import write_exports
from pipeline.publish import publish_folder
from pipeline.recipe import Select
from pipeline.records import shard_of
from pipeline.store import Store
from tests.pipeline.conftest import GOOD, question
from tests.pipeline.publish_support import id_of, load, with_publish

Row = dict[str, Any]


def rows_of(config: Config, store: Store, folder: Path, **settings: Any) -> dict[str, Row]:
    """Return the rows of `rl` by the beginning of their questions."""
    write_exports(with_publish(config, rl=True, **settings), store, folder)
    found = pq.read_table(next(folder.glob("rl/train-*"))).to_pylist()
    return {row["prompt"][0]["content"]: row for row in found}


@pytest.fixture
def rows(small_config: Config, small_store: Store, tmp_path: Path) -> dict[str, Row]:
    return rows_of(small_config, small_store, tmp_path)


def test_each_question_with_an_instrument_is_there_once_published_or_not(
    rows: dict[str, Row],
) -> None:
    starts = {start[:24] for start in rows}
    assert starts == {
        "What is two and two?",
        "What is a program?",
        "What is five times five?",
        "What is six times six?",
        "What is seven times seve",  # never answered rightly
        "What is quickly?",  # answered without thinking
        "二加二是多少？",
        "</script><img src=x oner",
    }


def test_dropped_and_unjudgeable_questions_are_not_there(rows: dict[str, Row]) -> None:
    texts = " ".join(rows)
    for gone in ("an olympiad item", "two plus two", "one and one", "broken key", "a poem"):
        assert gone not in texts


def test_a_removed_question_is_not_there(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    (tmp_path / "list.toml").write_text(
        '[[removals]]\nrow = "alpha#seven times seven"\nreason = "r"\ndate = 2026-11-24\n'
    )
    config = with_publish(small_config, rl=True, removals=str(tmp_path / "list.toml"))
    publish_folder(config, small_store, tmp_path / "out")
    ids = load(tmp_path / "out", "rl")["id"]
    assert len(ids) == 7
    assert id_of(small_store, "What is seven times seven?") not in ids


def test_a_question_whose_reference_is_doubted_is_not_there(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    def doubt(data: Any) -> None:
        data.remove("unselected", "never_right")
        data.drop("unselected", "never_right", "reference_suspect", stage="select")

    store = make_small_store(tmp_path / "data", change=doubt)
    assert "What is seven times seven?" not in rows_of(small_config, store, tmp_path / "out")


def test_pass_rates_count_decided_responses_of_all_rounds(rows: dict[str, Row]) -> None:
    def rate(start: str) -> tuple[float | None, int, int]:
        row = rows[start]
        return row["pass_rate"], row["correct"], row["decided"]

    assert rate("What is six times six?") == (0.5, 1, 2)
    assert rate("What is seven times seven?") == (0.0, 0, 2)
    assert rate("What is two and two?") == (1.0, 1, 1)


def test_a_question_that_nobody_answered_has_no_pass_rate(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    def pending(data: Any) -> None:
        data.ask("nobody", question("alpha", "nobody"))

    store = make_small_store(tmp_path / "data", change=pending)
    row = rows_of(small_config, store, tmp_path / "out")["What is nobody?"]
    assert (row["pass_rate"], row["decided"]) == (None, 0)


def test_verl_reads_what_the_verifier_needs(rows: dict[str, Row]) -> None:
    code, math = rows["What is a program?"], rows["What is two and two?"]
    assert (code["verifier"], math["verifier"]) == ("code", "math")
    assert json.loads(code["reward_model"]["ground_truth"]) == [{"input": "1\n", "output": "2\n"}]
    assert math["reward_model"] == {"style": "rule", "ground_truth": "4"}
    assert code["test_cases"] == code["reward_model"]["ground_truth"]
    for row in rows.values():
        assert (row["data_source"], row["ability"]) == (row["source"], row["kind"])
        assert row["extra_info"] == {"split": "train", "index": row["id"]}


def test_earlier_turns_stand_in_the_published_template(rows: dict[str, Row]) -> None:
    turns = rows["二加二是多少？"]["prompt"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[1]["content"].endswith("<answer>四。</answer>")


def test_personal_data_is_masked_where_the_examples_mask_it(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    def mail(data: Any) -> None:
        data.ask("mail", question("alpha", "mail", "Mail jo.li@uni.edu, and add 2 to 2."))
        data.publish("mail", data.try_("mail", 0, GOOD, "correct", "equal"))

    store = make_small_store(tmp_path / "data", change=mail)
    recipe = small_config.recipe.model_copy(update={"select": Select(personal_data="mask")})
    masking = small_config.model_copy(update={"recipe": recipe})
    assert "Mail jo.li@uni.edu, and add 2 to 2." in rows_of(small_config, store, tmp_path / "a")
    assert "Mail [email], and add 2 to 2." in rows_of(masking, store, tmp_path / "b")


def test_rows_are_in_the_order_of_ids_and_nothing_else_is_left_in_the_folder(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    write_exports(with_publish(small_config, rl=True), small_store, tmp_path / "out")
    ids = pq.read_table(tmp_path / "out" / "rl" / "train-00000-of-00001.parquet")["id"].to_pylist()
    assert ids == sorted(ids) and len(set(ids)) == 8
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["rl"]


def test_equal_tables_give_equal_bytes_for_any_number_of_shards(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    made = []
    for shards in (1, 5):
        store = make_small_store(tmp_path / f"data-{shards}", shards=shards)
        rows_of(small_config, store, tmp_path / f"out-{shards}")
        made.append(next((tmp_path / f"out-{shards}").rglob("*.parquet")).read_bytes())
    assert made[0] == made[1]


def test_without_being_asked_for_nothing_is_written(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    done = publish_folder(small_config, small_store, tmp_path / "out")
    assert set(done.rows) == {"open_source", "distilled"}
    assert not (tmp_path / "out" / "rl").exists()
    assert not (tmp_path / "out" / "preference").exists()


def test_rows_are_cut_into_files_by_their_ids(
    small_config: Config, small_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.parquet_parts.MB", 300)
    (part,) = write_exports(
        with_publish(small_config, rl=True, file_mb=10), small_store, tmp_path / "out"
    )
    assert len(part.files) > 1 and part.rows == 8
    for place, name in enumerate(part.files):
        ids = pq.read_table(tmp_path / "out" / name, columns=["id"])["id"].to_pylist()
        assert {shard_of(id, len(part.files)) for id in ids} <= {place}
