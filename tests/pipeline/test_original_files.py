"""The two files of the original: its form, its names, all rows, the same bytes each time."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard
from datasets import load_dataset

from pipeline.config import Config
from pipeline.hub import publish_hub
from pipeline.original_files import FILES, write_original
from pipeline.publish import publish_folder
from pipeline.published import published_rows
from pipeline.records import INFO_FIELDS, Example, Message, Question, content_hash, shard_of
from pipeline.store import Origin, Store
from tests.loopback_hub import LoopbackHub
from tests.pipeline.publish_support import id_of, loopback_hub, with_publish

SOURCES, TEACHER = FILES


def lines(path: Path) -> list[dict[str, Any]]:
    with zstandard.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def of_rounds(store: Store, later: bool) -> list[Any]:
    rows = (row for shard in range(store.shards) for row in published_rows(store, shard))
    return [row["messages"] for row in rows if (row["round"] > 0) == later]


@pytest.mark.parametrize(("name", "later"), [(SOURCES, False), (TEACHER, True)])
def test_a_file_has_the_conversations_of_its_config_and_nothing_else(
    small_store: Store, tmp_path: Path, name: str, later: bool
) -> None:
    write_original(small_store, tmp_path)
    found = lines(tmp_path / name)
    assert all(list(line) == ["messages"] for line in found)
    texts = sorted(json.dumps(line["messages"]) for line in found)
    assert texts == sorted(json.dumps(turns) for turns in of_rounds(small_store, later))
    for line in found:
        for turn in line["messages"]:
            assert list(turn) == ["role", "content", "info"]
            assert tuple(turn["info"]) == INFO_FIELDS


def test_the_files_have_the_names_of_the_original() -> None:
    assert FILES == ("am_0.5M.jsonl.zst", "am_0.9M.jsonl.zst")


def test_equal_rows_give_equal_bytes_for_any_number_of_shards(
    make_small_store: Any, tmp_path: Path
) -> None:
    for shards in (1, 4):
        store = make_small_store(tmp_path / f"data-{shards}", shards=shards)
        write_original(store, tmp_path / f"{shards}")
    for name in FILES:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "4" / name).read_bytes()


def test_what_shows_the_types_stands_first_and_all_else_in_the_order_of_ids(
    small_store: Store, tmp_path: Path
) -> None:
    write_original(small_store, tmp_path)
    by_text = {
        json.dumps(row["messages"]): row["id"]
        for shard in range(small_store.shards)
        for row in published_rows(small_store, shard)
    }
    ids = [by_text[json.dumps(line["messages"])] for line in lines(tmp_path / SOURCES)]
    shown = {id_of(small_store, "What is two and two?"), id_of(small_store, "What is a program?")}
    assert set(ids[:2]) == shown and ids[2:] == sorted(ids[2:])


@pytest.mark.parametrize("streaming", [False, True])
def test_a_file_loads_whose_first_10_mb_have_no_test_cases(
    tmp_path: Path, small_store: Store, streaming: bool
) -> None:
    store = big_store(tmp_path / "big", small_store, 700, size=16_000)
    with_tests_at_the_end(store)
    write_original(store, tmp_path / "out")
    rows = load_dataset(
        "json",
        data_files=str(tmp_path / "out" / TEACHER),
        split="train",
        streaming=streaming,
        cache_dir=str(tmp_path / "cache"),
    )
    cases = [turn["info"]["test_case"] for row in rows for turn in row["messages"]]
    assert len(cases) == 1_400 and [case for case in cases if case] == ["[1]"]


def with_tests_at_the_end(store: Store) -> None:
    """Give the last of the examples test cases, and all of them questions."""
    rows = list(Example.from_table(store.read("examples", 0)))
    for row in rows:
        row.messages[0]["info"]["test_case"] = "[1]" if row is rows[-1] else None
    store.write("examples", 0, Example.to_table(rows), Origin({}, {}), {}, 0.0)
    asked = [question_of(row, "[1]" if row is rows[-1] else None) for row in rows]
    store.write("questions", 0, Question.to_table(asked), Origin({}, {}), {}, 0.0)


def question_of(row: Example, cases: str | None) -> Question:
    turns = (Message("user", row.messages[0]["content"]),)
    return Question(row.id, "alpha", "r1", "MIT", turns, "code", test_cases=cases)


def test_rows_for_testing_are_in_neither_file(small_store: Store, tmp_path: Path) -> None:
    gone = id_of(small_store, "What is two and two?")
    made = write_original(small_store, tmp_path, {gone})
    assert [file.rows for file in made] == [2, 4]
    assert "two and two" not in json.dumps(lines(tmp_path / SOURCES))


def test_a_removed_row_is_in_neither_file(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    (tmp_path / "list.toml").write_text(
        '[[removals]]\nrow = "alpha#two and two"\nreason = "r"\ndate = 2026-11-24\n'
    )
    config = with_publish(small_config, original=True, removals=str(tmp_path / "list.toml"))
    out = publish_folder(config, small_store, tmp_path / "out").folder
    assert len(lines(out / SOURCES)) == 2 and "two and two" not in json.dumps(lines(out / SOURCES))


def test_a_file_without_rows_is_left_out(make_small_store: Any, tmp_path: Path) -> None:
    def only_from_sources(data: Any) -> None:
        for name in ("first_round", "second_round", "several_turns", "hostile"):
            data.remove("examples", name)

    store = make_small_store(tmp_path / "data", change=only_from_sources)
    made = write_original(store, tmp_path / "out")
    assert [file.name for file in made] == [SOURCES]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [SOURCES]


def test_the_card_says_how_to_load_them_and_that_works(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    done = publish_folder(with_publish(small_config, original=True), small_store, tmp_path / "out")
    card = (done.folder / "README.md").read_text(encoding="utf-8")
    assert set(FILES) <= set(done.files)
    assert f'load_dataset("path/to/this/folder", data_files="{SOURCES}", split="train")' in card
    rows = load_dataset(
        str(done.folder), data_files=TEACHER, split="train", cache_dir=str(tmp_path / "cache")
    )
    assert len(rows) == 4 and rows.column_names == ["messages"]


def test_publishing_without_them_again_takes_them_away(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    publish_folder(with_publish(small_config, original=True), small_store, tmp_path / "out")
    done = publish_folder(small_config, small_store, tmp_path / "out")
    assert not set(FILES) & set(done.files)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    with loopback_hub(tmp_path / "hub", monkeypatch) as served:
        yield served


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_only_the_file_whose_rows_changed_goes_up_again(
    hub: LoopbackHub,
    small_config: Config,
    make_small_store: Any,
    tmp_path: Path,
) -> None:
    def another_answer(data: Any) -> None:
        id = data.questions["hostile"].id
        rows = data.tables["examples"]
        place = next(place for place, row in enumerate(rows) if row.id == id)
        turns = [{**turn, "content": "another"} for turn in rows[place].messages]
        rows[place] = replace(rows[place], messages=turns)

    config = with_publish(small_config, original=True)
    for version, change in (("1", None), ("2", another_answer)):
        store = make_small_store(tmp_path / "data", version, change)
        folder = publish_folder(config, store, tmp_path / version).folder
        before = len(hub.uploaded)
        publish_hub(config, folder, "org/name")
    again = hub.uploaded[before:]
    for name in FILES:
        data = (tmp_path / "2" / name).read_bytes()
        assert hub.content("org/name", name) == data
        assert (hashlib.sha256(data).hexdigest() in again) == (name == TEACHER)


def test_memory_does_not_grow_with_the_rows(tmp_path: Path, small_store: Store) -> None:
    def peak(rows: int) -> int:
        store = big_store(tmp_path / str(rows), small_store, rows)
        tracemalloc.start()
        write_original(store, tmp_path / f"out-{rows}")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(6_000) < 1.5 * peak(2_000)


def big_store(root: Path, like: Store, rows: int, size: int = 2_000) -> Store:
    """Return a version of one shard with many examples of about so many characters a turn."""
    store = Store(root, "small", "1", 1)
    all_rows = (row for k in range(like.shards) for row in published_rows(like, k))
    some = next(row for row in all_rows if row["round"] > 0 and len(row["messages"]) == 2)
    turns = [{**turn, "content": turn["content"] + " x" * (size // 2)} for turn in some["messages"]]
    ids = sorted(content_hash([number]) for number in range(rows))
    assert shard_of(ids[-1], 1) == 0
    made = [Example(**{**some, "id": id, "messages": turns}) for id in ids]
    store.write("examples", 0, Example.to_table(made), Origin({}, {}), {}, 0.0)
    return store
