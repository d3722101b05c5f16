"""Which version came before, and what the card says has changed since."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pipeline.config import Config
from pipeline.earlier import earlier_version
from pipeline.publish import publish_folder
from pipeline.store import Store
from tests.pipeline.conftest import MakeStore, SmallData


def at(store: Store, second: int) -> Store:
    """Set when a version's examples were written."""
    os.utime(store.path("examples", 0).with_suffix(".json"), (second, second))
    return store


def test_the_newest_version_before_this_one_is_the_earlier(
    make_small_store: MakeStore, tmp_path: Path
) -> None:
    for second, version in enumerate(("c", "a", "d", "b"), start=1):
        at(make_small_store(tmp_path, version), second)
    found = earlier_version(Store(tmp_path, "small", "d", 3))
    assert found is not None
    assert found.version == "a"


def test_a_first_version_has_none_before_it(make_small_store: MakeStore, tmp_path: Path) -> None:
    first = at(make_small_store(tmp_path, "1"), 1)
    at(make_small_store(tmp_path, "2"), 2)
    assert earlier_version(first) is None


def test_an_unfinished_version_is_neither_earlier_nor_later(
    make_small_store: MakeStore, tmp_path: Path
) -> None:
    at(make_small_store(tmp_path, "1"), 1).forget("examples")
    second = at(make_small_store(tmp_path, "2"), 2)
    assert earlier_version(second) is None
    assert earlier_version(replace(second, version="1")) is None


def test_the_card_tells_what_is_new_changed_and_gone(
    make_small_store: MakeStore,
    small_config: Config,
    change_answer: Callable[[SmallData, str, str], None],
    tmp_path: Path,
) -> None:
    def differ(data: SmallData) -> None:
        change_answer(data, "by_source", "another")
        data.remove("examples", "first_round")
        data.drop("unselected", "first_round", "no_correct_response", stage="select")

    old = make_small_store(tmp_path / "data", "1")
    new = make_small_store(tmp_path / "data", "2", change=differ)
    publish_folder(small_config, new, tmp_path / "out", against=old)
    card = (tmp_path / "out" / "README.md").read_text()
    changes = card.partition("## Changes since version 1")[2].partition("## Limitations")[0]
    for line in (
        "| published by both, the same | 5 |",
        "| new | 0 |",
        "| published by both, changed | 1 |",
        "| no longer published | 1 |",
        "select: no correct response | 1 |",
        "`pass_rate` 1, `teacher` 1",
    ):
        assert line in changes, changes


def test_a_card_without_an_earlier_version_says_nothing_of_changes(published_small: Path) -> None:
    assert "Changes since" not in (published_small / "README.md").read_text()
