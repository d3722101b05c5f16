from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from datasets import Dataset, Features, load_dataset
from huggingface_hub import DatasetCard

from pipeline import folder as folders
from pipeline.changes import Change, plan
from pipeline.config import Config, load_config
from pipeline.errors import (
    ConfigError,
    CorruptShard,
    LedgerBroken,
    LedgerOpen,
    StaleTable,
    StoreUnwritable,
    UserError,
)
from pipeline.parquet_parts import write_parts
from pipeline.publish import publish_folder, recipe_json
from pipeline.records import Example, shard_of
from pipeline.store import ROW_GROUP_BYTES, Origin, Store

INFO_FIELDS = ["source", "reference_answer", "test_case", "think_content", "answer_content"]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "published" / "1"


def load(folder: Path, config: str, cache: Path) -> Dataset:
    return load_dataset(str(folder), config, split="train", cache_dir=str(cache))


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in folders.files_of(folder)}


@pytest.mark.parametrize(("config", "rounds"), [("open_source", {0}), ("distilled", {1, 2})])
def test_load_dataset_gives_the_rows_of_a_config_in_the_order_of_ids(
    small_store: Store, published_small: Path, tmp_path: Path, config: str, rounds: set[int]
) -> None:
    rows = load(published_small, config, tmp_path / "cache")
    wanted = [
        row
        for shard in range(small_store.shards)
        for row in small_store.read("examples", shard).to_pylist()
        if row["round"] in rounds
    ]
    assert rows.to_list() == wanted
    assert rows["id"] == sorted(rows["id"])


def test_loaded_features_are_those_of_the_header(published_small: Path, tmp_path: Path) -> None:
    out = published_small
    infos = DatasetCard.load(out / "README.md").data["dataset_info"]
    for info in infos:
        stated = Features._from_yaml_list(info["features"])
        inferred = Features.from_arrow_schema(
            pq.read_schema(next((out / info["config_name"]).glob("*.parquet")))
        )
        loaded = load(out, info["config_name"], tmp_path / "cache").features
        assert stated == inferred == loaded


def test_turns_have_the_shape_of_the_contract(published_small: Path, tmp_path: Path) -> None:
    for config in ("open_source", "distilled"):
        for row in load(published_small, config, tmp_path / "cache"):
            *asked, told = row["messages"]
            assert [turn["role"] for turn in asked[::2]] == ["user"] * len(asked[::2])
            assert all(list(turn["info"]) == INFO_FIELDS for turn in row["messages"])
            assert all(turn["info"]["source"] == row["source"] for turn in asked[::2])
            think, answer = told["info"]["think_content"], told["info"]["answer_content"]
            assert told["role"] == "assistant" and think and answer
            assert told["content"] == f"<think>{think}</think>\n<answer>{answer}</answer>"
            assert told["info"]["source"] == row["teacher"]


def test_equal_versions_give_equal_bytes_but_for_the_cards_last_section(
    small_config: Config, make_small_store: Any, tmp_path: Path
) -> None:
    for place in ("a", "b"):
        store = make_small_store(tmp_path / place)
        publish_folder(small_config, store, tmp_path / f"out-{place}")
    first, second = files(tmp_path / "out-a"), files(tmp_path / "out-b")
    cards = [made.pop("README.md").partition(b"## Run") for made in (first, second)]
    assert first == second
    assert cards[0][0] == cards[1][0] and cards[0][1] == b"## Run"


def test_files_are_zstd_with_a_page_index_and_no_time_in_them(published_small: Path) -> None:
    for path in published_small.rglob("*.parquet"):
        metadata = pq.read_metadata(path)
        column = metadata.row_group(0).column(0)
        assert column.compression == "ZSTD"
        assert column.has_offset_index and column.has_column_index
        assert set(metadata.metadata or {}) <= {b"ARROW:schema"}


def test_pending_questions_are_refused_unless_allowed(
    small_config: Config, make_small_store: Any, tmp_path: Path, out: Path
) -> None:
    store = make_small_store(
        tmp_path / "data", change=lambda data: data.remove("unselected", "never_right")
    )
    with pytest.raises(LedgerOpen, match="1 of 16 questions are pending"):
        publish_folder(small_config, store, out)
    assert not out.exists()
    publish_folder(small_config, store, out, allow_open=True)
    assert "1 of 16 questions were still pending" in (out / "README.md").read_text().replace(
        "\n", " "
    )


def test_a_broken_ledger_is_refused_even_when_open_ones_are_allowed(
    small_config: Config, make_small_store: Any, tmp_path: Path, out: Path
) -> None:
    def drop_a_published_one(data: Any) -> None:
        data.drop("left_out", "by_source", "downsampled", stage="choose")

    store = make_small_store(tmp_path / "data", change=drop_a_published_one)
    with pytest.raises(LedgerBroken, match="does not balance"):
        publish_folder(small_config, store, out, allow_open=True)
    assert not out.exists()


def test_an_older_publication_is_replaced_whole(
    small_config: Config, small_store: Store, make_small_store: Any, tmp_path: Path, out: Path
) -> None:
    publish_folder(small_config, small_store, out)
    stale = out / "distilled" / "train-00007-of-00008.parquet"
    stale.write_bytes(b"old")
    publish_folder(small_config, small_store, out)
    assert not stale.exists()
    assert [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize("name", ["notes.txt", "ledger.json"])
def test_a_folder_of_someone_else_is_refused_and_left_alone(
    small_config: Config, small_store: Store, out: Path, name: str
) -> None:
    out.mkdir(parents=True)
    (out / name).write_text("{}")
    with pytest.raises(UserError, match="not published by this program"):
        publish_folder(small_config, small_store, out)
    assert files(out) == {name: b"{}"}


def test_a_strangers_file_in_our_folder_is_not_deleted(
    small_config: Config, small_store: Store, out: Path
) -> None:
    publish_folder(small_config, small_store, out)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"such as notes\.txt"):
        publish_folder(small_config, small_store, out)
    assert (out / "notes.txt").read_text() == "mine"


def test_a_failure_while_writing_leaves_the_old_dataset_and_nothing_else(
    small_config: Config, small_store: Store, make_small_store: Any, tmp_path: Path, out: Path
) -> None:
    publish_folder(small_config, small_store, out)
    before = files(out)
    store = make_small_store(tmp_path / "other")
    store.path("examples", 2).write_bytes(b"not parquet")
    with pytest.raises(CorruptShard):
        publish_folder(small_config, store, out)
    assert files(out) == before
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_an_end_between_the_two_renames_is_put_right(
    small_config: Config, small_store: Store, out: Path
) -> None:
    publish_folder(small_config, small_store, out)
    before = files(out)
    out.rename(out.parent / ".1.old")
    with pytest.raises(RuntimeError), folders.taking_the_place_of(out):
        raise RuntimeError
    assert files(out) == before


def test_a_reader_finds_a_whole_dataset_at_every_step(
    small_config: Config, small_store: Store, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_folder(small_config, small_store, out)
    whole = set(files(out))
    seen = []
    flush = folders._flush

    def look_then_flush(new: Path) -> None:
        seen.append(set(files(out)))
        flush(new)

    monkeypatch.setattr(folders, "_flush", look_then_flush)
    publish_folder(small_config, small_store, out)
    assert seen == [whole]


def test_a_file_in_the_way_is_an_error_of_the_users(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        publish_folder(small_config, small_store, tmp_path / "file")
    with pytest.raises(StoreUnwritable, match="--to"):
        publish_folder(small_config, small_store, tmp_path / "file" / "below")


def test_a_config_without_rows_is_left_out_and_said(
    small_config: Config, make_small_store: Any, tmp_path: Path, out: Path
) -> None:
    def only_from_sources(data: Any) -> None:
        for name in ("first_round", "second_round", "several_turns", "hostile"):
            data.remove("examples", name)
            data.drop("unselected", name, "unverified", stage="select")

    store = make_small_store(tmp_path / "data", change=only_from_sources)
    done = publish_folder(small_config, store, out)
    card = DatasetCard.load(out / "README.md")
    assert done.rows == {"open_source": 3, "distilled": 0}
    assert [config["config_name"] for config in card.data["configs"]] == ["open_source"]
    assert "The config `distilled` is not there" in card.text
    assert not (out / "distilled").exists()
    assert len(load(out, "open_source", tmp_path / "cache")) == 3


def test_nothing_published_still_gives_a_valid_card_and_folder(
    small_config: Config, make_small_store: Any, tmp_path: Path, out: Path
) -> None:
    def none(data: Any) -> None:
        for id in [row.id for row in data.tables["examples"]]:
            name = next(name for name, of in data.questions.items() if of.id == id)
            data.remove("examples", name)
            data.drop("unselected", name, "unverified", stage="select")

    done = publish_folder(small_config, make_small_store(tmp_path / "data", change=none), out)
    card = DatasetCard.load(out / "README.md")
    assert done.rows == {"open_source": 0, "distilled": 0}
    assert "configs" not in card.data.to_dict() and "license" not in card.data.to_dict()
    assert "holds no rows" in card.text
    assert list(out.rglob("*.parquet")) == []
    assert json.loads((out / "ledger.json").read_text())["published"] == 0


def test_what_is_returned_is_what_is_there(
    small_config: Config, small_store: Store, out: Path
) -> None:
    done = publish_folder(small_config, small_store, out)
    assert done.folder == out.resolve()
    assert done.rows == {"open_source": 3, "distilled": 4}
    assert {name: len(data) for name, data in files(out).items()}.keys() == set(done.files)
    assert done.bytes == sum(map(len, files(out).values()))


def test_the_recipe_beside_the_card_is_the_whole_recipe(
    small_config: Config, published_small: Path
) -> None:
    told = json.loads((published_small / "recipe.json").read_text())
    assert set(told) == {"name", "version", "recipe"}
    recipe = told["recipe"]
    assert [source["name"] for source in recipe["sources"]] == ["alpha", "beta"]
    assert recipe["teacher"]["name"] == "small-teacher"
    assert set(recipe) == set(type(small_config.recipe).model_fields)


@pytest.mark.parametrize("name", ["quickstart", "real-mini"])
def test_the_recipe_beside_the_card_runs_as_the_configuration_that_it_was(
    name: str, tmp_path: Path
) -> None:
    config = load_config(name)
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe_json(config)), encoding="utf-8")
    again = load_config(str(path))
    assert (again.name, again.version) == (config.name, config.version)
    assert recipe_json(again) == recipe_json(config)
    assert again.recipe == config.recipe


def test_examples_of_an_earlier_release_are_named_with_the_remedy(
    small_config: Config, small_store: Store, out: Path
) -> None:
    rows = small_store.read("examples", 1).drop_columns(["origins"])
    small_store.write("examples", 1, rows, Origin({}, {}), {}, 0.0)
    with pytest.raises(StaleTable, match=r"earlier release, without origins.*--rebuild"):
        publish_folder(small_config, small_store, out)
    assert not out.exists()


@pytest.mark.parametrize(("text", "rule"), [("{", "is not JSON"), ("[]", "must be a JSON object")])
def test_a_recipe_that_is_no_configuration_is_said_to_be_none(
    tmp_path: Path, text: str, rule: str
) -> None:
    (tmp_path / "recipe.json").write_text(text)
    with pytest.raises(ConfigError, match=rule):
        load_config(str(tmp_path / "recipe.json"))


def test_the_ledger_beside_the_card_accounts_for_every_question(published_small: Path) -> None:
    ledger = json.loads((published_small / "ledger.json").read_text())
    dropped = sum(step["dropped"] for step in ledger["dropped"])
    assert ledger["collected"] == ledger["published"] + dropped + ledger["pending"] == 16
    assert sum(source["published"] for source in ledger["sources"]) == ledger["published"]


def test_a_changed_row_changes_one_parquet_file(
    make_small_store: Any, change_answer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {}
    for version, change in (("1", None), ("2", lambda data: change_answer(data, "hostile", "x"))):
        store = make_small_store(tmp_path / "data", version, change)
        monkeypatch.setattr("pipeline.parquet_parts.MB", 300)  # so that a file holds two rows
        write_parts(store, tmp_path / version, file_mb=10)
        made[version] = files(tmp_path / version)
    names = [name for name in made["1"] if name.startswith("distilled/")]
    assert len(names) > 1 and made["1"].keys() == made["2"].keys()
    assert sum(made["1"][name] != made["2"][name] for name in made["1"]) == 1


def test_a_row_lies_in_the_file_of_its_id(
    small_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.parquet_parts.MB", 300)
    for part in write_parts(small_store, tmp_path / "out", file_mb=10):
        assert len(part.files) > 1
        for place, name in enumerate(part.files):
            assert name.endswith(f"train-{place:05d}-of-{len(part.files):05d}.parquet")
            ids = pq.read_table(tmp_path / "out" / name, columns=["id"]).column(0).to_pylist()
            assert {shard_of(id, len(part.files)) for id in ids} <= {place}


def test_every_file_loads_when_one_has_no_rows(
    small_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.parquet_parts.MB", 10)
    parts = write_parts(small_store, tmp_path / "out", file_mb=10)
    for part in parts:
        tables = [pq.read_table(tmp_path / "out" / name) for name in part.files]
        assert any(table.num_rows == 0 for table in tables)
        assert sum(table.num_rows for table in tables) == part.rows
        assert all(table.schema.equals(Example.SCHEMA) for table in tables)


def test_row_groups_end_at_the_limit(
    small_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ROW_GROUP_BYTES < 100_000_000
    monkeypatch.setattr("pipeline.parquet_parts.ROW_GROUP_BYTES", 1)
    (part, *_) = write_parts(small_store, tmp_path / "out", file_mb=250)
    metadata = pq.read_metadata(tmp_path / "out" / part.files[0])
    assert metadata.num_row_groups > 1 and metadata.num_rows == part.rows


def test_rows_out_of_order_are_refused(make_small_store: Any, tmp_path: Path) -> None:
    store = make_small_store(tmp_path / "data", shards=1)
    rows = store.read("examples", 0)
    upside_down = rows.take(list(range(rows.num_rows))[::-1])
    store.write("examples", 0, upside_down, Origin({}, {}), {}, 0.0)
    with pytest.raises(CorruptShard, match="not sorted"):
        write_parts(store, tmp_path / "out", file_mb=250)


def test_the_plan_lists_what_would_be_added_replaced_and_removed(tmp_path: Path) -> None:
    for folder, contents in (
        ("new", {"README.md": "12", "same": "=", "distilled/b": "new"}),
        ("old", {"README.md": "34", "same": "=", "distilled/a": "old!"}),
    ):
        for name, text in contents.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    assert plan(tmp_path / "new", tmp_path / "old") == [
        Change("replace", "README.md", 2),
        Change("remove", "distilled/a", 4),
        Change("add", "distilled/b", 3),
    ]
    assert {change.action for change in plan(tmp_path / "new", tmp_path / "none")} == {"add"}
