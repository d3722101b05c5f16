from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.compare import SHOWN, Differences, Moves, compare_versions, published
from pipeline.store import Origin, Store


def test_a_version_does_not_differ_from_itself(small_store: Store) -> None:
    by_source = {"alpha": Moves(same=3), "beta": Moves(same=4)}
    assert compare_versions(small_store, small_store) == Differences(same=7, by_source=by_source)


@pytest.mark.parametrize("shards", [1, 3, 8])
def test_added_removed_and_changed_rows_are_told_apart(
    small_store: Store, make_small_store: Any, change_answer: Any, tmp_path: Path, shards: int
) -> None:
    ids: dict[str, str] = {}

    def change(data: Any) -> None:
        ids.update({name: of.id for name, of in data.questions.items()})
        data.remove("examples", "code")
        data.drop("unselected", "code", "unverified", stage="select")
        change_answer(data, "hostile", "other-teacher")

    new = make_small_store(tmp_path / "data", "2", change, shards)
    there = compare_versions(new, small_store)
    assert (there.same, there.added, there.removed, there.changed) == (5, 0, 1, 1)
    assert there.removed_ids == {ids["code"]: "select: unverified"}
    assert there.changed_ids == {ids["hostile"]: ("teacher", "pass_rate")}
    assert there.columns == {"teacher": 1, "pass_rate": 1}
    back = compare_versions(small_store, new)
    assert (back.added_ids, back.removed) == ({ids["code"]: "select: unverified"}, 0)
    assert back.came == {"select: unverified": 1}
    assert back.by_source["beta"] == Moves(added=1, changed=1, same=2)
    assert there.by_source["beta"] == Moves(removed=1, changed=1, same=2)


def test_a_removed_row_is_sought_in_the_new_version(
    small_store: Store, make_small_store: Any, tmp_path: Path
) -> None:
    def change(data: Any) -> None:
        for table in ("questions", "examples"):
            data.remove(table, "by_source")
        data.remove("examples", "code")

    there = compare_versions(make_small_store(tmp_path / "data", "2", change), small_store)
    assert there.gone == {"not collected": 1, "pending": 1}


def test_the_first_drop_has_the_last_word(
    small_store: Store, make_small_store: Any, tmp_path: Path
) -> None:
    def change(data: Any) -> None:
        data.remove("examples", "code")
        data.drop("unselected", "code", "unverified", stage="select")
        data.drop("contaminated", "code", "exact", stage="decontaminate")

    there = compare_versions(make_small_store(tmp_path / "data", "2", change), small_store)
    assert there.gone == {"decontaminate: exact": 1}


def test_rows_of_one_question_are_compared_together(
    small_store: Store, make_small_store: Any, tmp_path: Path
) -> None:
    def twice(data: Any) -> None:
        again = data.try_("by_source", 2, "<think>again</think>4", "correct", "equal")
        data.publish("by_source", again)

    there = compare_versions(make_small_store(tmp_path / "data", "2", twice), small_store)
    assert (there.same, there.changed, there.columns) == (6, 1, {"number of rows": 1})


def test_a_column_that_the_older_release_did_not_write_is_no_fault(
    small_store: Store, make_small_store: Any, tmp_path: Path
) -> None:
    old = make_small_store(tmp_path / "data", "0")
    for shard in range(old.shards):
        rows = old.read("examples", shard).drop_columns(["origins", "nested_source"])
        old.write("examples", shard, rows, Origin({}, {}), {}, 0.0)
    there = compare_versions(small_store, old)
    assert (there.changed, there.columns) == (7, {"origins": 7})


def test_only_the_first_ids_are_kept() -> None:
    there = Differences()
    for number in range(SHOWN + 5):
        there.add(str(number), [{"source": "alpha"}], "not collected")
        there.remove(str(number), [{"source": "alpha"}], "pending")
    assert (there.added, there.removed) == (SHOWN + 5, SHOWN + 5)
    assert len(there.added_ids) == len(there.removed_ids) == SHOWN


def test_published_rows_come_in_the_order_of_ids(small_store: Store) -> None:
    ids = [id for id, _ in published(small_store)]
    assert len(ids) == 7 and ids == sorted(ids)
