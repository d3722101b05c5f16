"""What a list names is published by no version, and every place says so."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.audit import draw
from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.evaluation.export import from_dataset
from pipeline.ledger import read_ledger
from pipeline.publish import Published, publish_folder
from pipeline.published import published_rows
from pipeline.recipe import Distill
from pipeline.removals import Removal, all_removals, prompt_hash, read_removals
from pipeline.store import Store
from tests.pipeline.publish_support import id_of, with_publish

DATE = "2026-11-24"


def naming(config: Config, path: Path, *entries: dict[str, str]) -> Config:
    """Return the configuration with a list of these entries."""
    told = [{"reason": "asked for", "date": DATE, **entry} for entry in entries]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in told))
    return with_publish(config, removals=str(path))


def ids_in(folder: Path) -> Counter[str]:
    """Return all ids in a published folder's Parquet files."""
    tables = (pq.read_table(path, columns=["id"]) for path in folder.rglob("*.parquet"))
    return Counter(id for table in tables for id in table.column("id").to_pylist())


ENTRIES: dict[str, Callable[[Store], dict[str, str]]] = {
    "id": lambda store: {"id": id_of(store, "What is two and two?")},
    "prompt": lambda _: {"prompt": prompt_hash("What  is two\nand two? ")},
    "row": lambda _: {"row": "alpha#two and two"},
}


@pytest.mark.parametrize("by", ENTRIES)
def test_a_named_question_is_not_published_and_all_others_are(
    small_config: Config, small_store: Store, tmp_path: Path, by: str
) -> None:
    publish_folder(small_config, small_store, tmp_path / "before")
    gone = id_of(small_store, "What is two and two?")
    config = naming(small_config, tmp_path / "list.jsonl", ENTRIES[by](small_store))
    done = publish_folder(config, small_store, tmp_path / "after")
    assert ids_in(tmp_path / "before") - ids_in(tmp_path / "after") == Counter({gone: 1})
    assert done.rows == {"open_source": 2, "distilled": 4}


def test_a_named_source_goes_with_all_its_rows(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    config = naming(small_config, tmp_path / "list.jsonl", {"source": "beta"})
    publish_folder(config, small_store, tmp_path / "out")
    tables = [pq.read_table(path).to_pylist() for path in (tmp_path / "out").rglob("*.parquet")]
    assert {row["source"] for rows in tables for row in rows} == {"alpha"}


def test_the_ledger_balances_and_counts_a_removed_one_where_it_left_first(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    left_out = id_of(small_store, "What is one and one?")
    published = id_of(small_store, "What is two and two?")
    config = naming(small_config, tmp_path / "list.jsonl", {"id": left_out}, {"id": published})
    publish_folder(config, small_store, tmp_path / "out")
    ledger = read_ledger(small_store)
    assert ledger.balanced and ledger.pending == 0
    assert ledger.dropped[("publish", "removed")] == 1
    assert ledger.dropped[("choose", "downsampled")] == 1
    assert ledger.removed == {"asked for": 1}


def test_the_card_and_the_ledger_file_say_how_many_and_why(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    config = naming(
        small_config,
        tmp_path / "list.jsonl",
        {"row": "alpha#two and two", "reason": "by its author"},
        {"row": "beta#a poem", "reason": "a | licence"},
        {"row": "beta#a program", "reason": "by its author"},
    )
    out = publish_folder(config, small_store, tmp_path / "out").folder
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "with all their rows: 3." in card
    assert "| by its author | 2 |" in card and "| a \\| licence | 1 |" in card
    assert json.loads((out / "ledger.json").read_text())["removed"] == {
        "by its author": 2,
        "a | licence": 1,
    }


def test_a_new_version_without_the_list_does_not_bring_a_row_back(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    first = make_small_store(tmp_path / "data", "1")
    config = naming(small_config, tmp_path / "list.jsonl", {"row": "alpha#two and two"})
    publish_folder(config, first, tmp_path / "1")
    second = make_small_store(tmp_path / "data", "2")
    publish_folder(small_config, second, tmp_path / "2")
    assert id_of(second, "What is two and two?") not in ids_in(tmp_path / "2")
    assert (tmp_path / "data" / "small" / "removals.jsonl").is_file()


def test_another_dataset_of_the_data_folder_is_not_touched(
    small_config: Config, small_store: Store, make_small_store: Any, tmp_path: Path
) -> None:
    config = naming(small_config, tmp_path / "list.jsonl", {"source": "alpha"})
    publish_folder(config, small_store, tmp_path / "1")
    (small_store.root / "small").rename(small_store.root / "other")
    make_small_store(small_store.root)
    publish_folder(small_config, small_store, tmp_path / "2")
    assert ids_in(tmp_path / "2").total() == 7


def test_a_trial_keeps_nothing_for_later_versions(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    config = naming(small_config, tmp_path / "list.jsonl", {"source": "alpha"})
    publish_folder(config, small_store, tmp_path / "trial", trial=True)
    publish_folder(small_config, small_store, tmp_path / "out")
    assert ids_in(tmp_path / "out").total() == 7


def test_the_first_entry_about_a_question_says_why_for_ever(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    for why in ("first", "second"):
        entry = {"source": "alpha", "reason": why}
        config = naming(small_config, tmp_path / "list.jsonl", entry)
        publish_folder(config, small_store, tmp_path / "out")
    assert [removal.reason for removal in all_removals(config, small_store)] == ["first"]


def test_entries_that_name_nothing_are_returned(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    config = naming(small_config, tmp_path / "list.jsonl", {"source": "gamma"}, {"source": "beta"})
    done: Published = publish_folder(config, small_store, tmp_path / "out")
    assert [removal.key for removal in done.removed.idle] == [("source", "gamma")]
    assert done.removed.questions == {"asked for": 8}


def test_the_audit_and_every_reader_of_published_rows_leave_them_out(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    config = naming(small_config, tmp_path / "list.jsonl", {"source": "alpha"})
    publish_folder(config, small_store, tmp_path / "out")
    assert {row.source for row in draw(small_store, 10, ["category"], seed=0)} == {"beta"}
    every = [row for k in range(small_store.shards) for row in published_rows(small_store, k)]
    rounds = [row for k in range(small_store.shards)
              for row in published_rows(small_store, k, ["round"])]  # fmt: skip
    assert [{"round": row["round"]} for row in every] == rounds and len(rounds) == 4


def test_toml_and_jsonl_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(f'[[removals]]\nsource = "x"\nreason = "r"\ndate = {DATE}\n')
    (tmp_path / "a.jsonl").write_text(f'{{"source": "x", "reason": "r", "date": "{DATE}"}}\n')
    assert read_removals(tmp_path / "a.toml") == read_removals(tmp_path / "a.jsonl")
    assert read_removals(tmp_path / "a.toml")[0].key == ("source", "x")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", '{"reason": "r", "date": "2026-11-24"}', "exactly one of id, prompt"),
        ("a.jsonl", '{"id": "1", "row": "2", "reason": "r", "date": "2026-11-24"}', "id"),
        ("a.jsonl", '{"source": "x", "reason": "r"}', "date"),
        ("a.jsonl", '{"source": "x", "reason": "r", "date": "soon"}', "date"),
        ("a.jsonl", '{"source": "x", "reason": "a\\nb", "date": "2026-11-24"}', "reason"),
        ("a.jsonl", '{"sauce": "x", "reason": "r", "date": "2026-11-24"}', "sauce"),
        ("a.jsonl", "{", "a.jsonl"),
        ("a.toml", "[[removal]]\n", "nothing but"),
        ("a.csv", "", "must end in"),
    ],
)
def test_a_wrong_list_is_refused_and_nothing_is_published(
    small_config: Config, small_store: Store, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    config = with_publish(small_config, removals=str(tmp_path / name))
    with pytest.raises(ConfigError, match=said):
        publish_folder(config, small_store, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_list_is_refused(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    config = with_publish(small_config, removals=str(tmp_path / "none.toml"))
    with pytest.raises(ConfigError, match="cannot be read"):
        publish_folder(config, small_store, tmp_path / "out")


def test_the_command_gives_the_hash_of_a_prompt() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.removals"],
        input="What is it?\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == prompt_hash("What is it?")
    assert Removal(prompt=done.stdout.strip(), reason="r", date=DATE).key[0] == "prompt"


def test_training_data_of_the_dataset_has_no_removed_question(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    distill = Distill(rounds=2, policy="rethink")
    recipe = small_config.recipe.model_copy(update={"distill": distill})
    config = small_config.model_copy(update={"recipe": recipe})
    asked = id_of(small_store, "What is six times six?")
    assert [row["id"] for row in from_dataset(config, small_store)] == [asked]
    publish_folder(
        naming(config, tmp_path / "list.jsonl", {"id": asked}), small_store, tmp_path / "o"
    )
    assert list(from_dataset(config, small_store)) == []


def test_a_person_is_told_what_went_and_which_entries_name_nothing(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    config = naming(small_config, tmp_path / "list.jsonl", {"source": "beta"}, {"source": "gamma"})
    assert list(publish_folder(config, small_store, tmp_path / "out").removed.told()) == [
        "removed  8 questions",
        "removed  1 entries name nothing here, such as source gamma",
    ]


def test_without_a_list_no_table_is_written(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    publish_folder(small_config, small_store, tmp_path / "out")
    assert "removed" not in small_store.tables()
    assert not (small_store.root / "small" / "removals.jsonl").exists()
