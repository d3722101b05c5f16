"""The config `preference`: pairs that an instrument told apart, chosen the same way each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.config import Config
from pipeline.exports import write_exports
from pipeline.publish import publish_folder
from pipeline.recipe_publish import Preference
from pipeline.store import Store
from tests.pipeline.conftest import BAD, GOOD, SmallData, question, response, verdict
from tests.pipeline.publish_support import id_of, load, with_publish

Row = dict[str, Any]


def reply(answer: str, length: int) -> str:
    return f"<think>{'x' * length}</think>\n<answer>{answer}</answer>"


def pairs(config: Config, store: Store, folder: Path, **setting: Any) -> list[Row]:
    asked = with_publish(config, preference=Preference(**setting))
    write_exports(asked, store, folder)
    files = sorted(folder.glob("preference/train-*"))
    return [row for path in files for row in pq.read_table(path).to_pylist()]


def several(data: SmallData, *tried: tuple[str, str, str]) -> None:
    """Add a question with responses given as (text, verifier, outcome), all of round 1."""
    of = data.ask("several", question("alpha", "several"))
    data.drop("unselected", "several", "no_correct_response", stage="select")
    for attempt, (text, verifier, outcome) in enumerate(tried):
        given = response(of, 1, text, attempt)
        data.add("responses/round=01", given)
        data.add("verdicts/round=01", verdict(given, verifier, outcome, f"because_{attempt}"))


def only_several(make_small_store: Any, root: Path, *tried: tuple[str, str, str]) -> Store:
    def change(data: SmallData) -> None:
        data.remove("verdicts/round=01", "second_round")  # the small version's own pair
        several(data, *tried)

    store: Store = make_small_store(root, change=change)
    return store


RIGHT = [(reply("4", size), "math", "correct") for size in (100, 400)]
WRONG = [(reply("5", size), "math", "incorrect") for size in (110, 390, 5_000)]


def test_a_pair_is_a_right_and_a_wrong_response_to_one_question(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    (row,) = pairs(small_config, small_store, tmp_path)
    assert row["id"] == id_of(small_store, "What is six times six?")
    assert row["prompt"] == [{"role": "user", "content": "What is six times six?"}]
    assert row["chosen"] == [{"role": "assistant", "content": GOOD}]
    assert row["rejected"] == [{"role": "assistant", "content": BAD}]
    assert (row["chosen_info"]["round"], row["rejected_info"]["round"]) == (2, 1)
    assert (row["chosen_info"]["reason"], row["rejected_info"]["reason"]) == ("equal", "not_equal")
    assert row["pass_rate"] == 0.5


def test_what_no_instrument_judged_is_in_no_pair(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    store = only_several(
        make_small_store,
        tmp_path / "data",
        (reply("4", 10), "math", "correct"),
        (reply("5", 11), "math", "unverified"),
        (reply("5", 12), "rules", "incorrect"),
        (reply("5", 13), "perplexity", "incorrect"),
        ("5", "math", "incorrect"),  # shows no thinking
    )
    assert pairs(small_config, store, tmp_path / "out", pairs=9) == []


def test_an_unverified_response_is_never_chosen(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    tried = [(reply("4", 10), "math", "unverified"), (reply("4", 11), "none", "unverified")]
    store = only_several(make_small_store, tmp_path / "data", *tried, *WRONG)
    assert pairs(small_config, store, tmp_path / "out", pairs=9) == []


def test_at_most_so_many_pairs_and_no_response_in_two(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    store = only_several(make_small_store, tmp_path / "data", *RIGHT, *WRONG)
    assert len(pairs(small_config, store, tmp_path / "one")) == 1
    many = pairs(small_config, store, tmp_path / "many", pairs=9)
    for side in ("chosen", "rejected"):
        assert len({row[f"{side}_info"]["attempt"] for row in many}) == len(many) == 2


def test_balanced_pairs_are_those_of_about_equal_length(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    store = only_several(make_small_store, tmp_path / "data", *RIGHT, *WRONG)
    made = pairs(small_config, store, tmp_path / "out", pairs=9, lengths="balanced")
    attempts = [(row["chosen_info"]["attempt"], row["rejected_info"]["attempt"]) for row in made]
    assert attempts == [(1, 3), (0, 2)]  # 400 beside 390, 100 beside 110


def test_pairs_too_far_apart_in_length_are_left_out(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    store = only_several(make_small_store, tmp_path / "data", RIGHT[0], WRONG[2])
    assert len(pairs(small_config, store, tmp_path / "any")) == 1
    assert pairs(small_config, store, tmp_path / "near", length_ratio=2.0) == []


def test_the_choice_is_the_same_for_any_number_of_shards_and_depends_on_the_seed(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    tried = [(reply(str(n), 50), "math", "correct" if n < 5 else "incorrect") for n in range(10)]

    def made(shards: int, seed: int) -> list[Row]:
        root = tmp_path / f"{shards}-{seed}"
        store = make_small_store(root, change=lambda data: several(data, *tried), shards=shards)
        recipe = small_config.recipe.model_copy(update={"seed": seed})
        config = small_config.model_copy(update={"recipe": recipe})
        return pairs(config, store, root / "out", pairs=2, lengths="any")

    assert made(1, 0) == made(4, 0)
    assert made(1, 0) != made(1, 1)


def test_the_dataset_loads_as_trl_reads_it_and_the_card_says_what_it_is(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    config = with_publish(small_config, rl=True, preference=Preference())
    done = publish_folder(config, small_store, tmp_path / "out")
    rows = load(tmp_path / "out", "preference")
    assert done.rows == {"open_source": 3, "distilled": 4, "rl": 8, "preference": 1}
    assert rows.column_names[:3] == ["prompt", "chosen", "rejected"]
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "| `preference` | pairs of a correct" in card and "| `rl` | questions with" in card
    assert "### For preferences" in card and "### For reinforcement learning" in card


def test_a_config_that_was_asked_for_and_has_no_rows_is_left_out_and_said(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    store = only_several(make_small_store, tmp_path / "data")
    config = with_publish(small_config, preference=Preference())
    done = publish_folder(config, store, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert done.rows["preference"] == 0
    assert "The config `preference` is not there" in card
    assert "config_name: preference" not in card
