"""What the removal list names never reaches a teacher, and says why it left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.choose import ChooseStage
from pipeline.config import Config
from pipeline.ledger import read_ledger
from pipeline.records import Drop, Question
from pipeline.removals import prompt_hash
from pipeline.stages import running
from pipeline.store import Store
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.publish_support import with_publish
from tests.pipeline.rounds_support import RIGHT, Rounds, question, rounds, write

URL = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def version(folder: Path, url: str = URL, **entry: str) -> Rounds:
    """Return a version of three questions before choose; with an entry, its list names that."""
    made = rounds(folder, url, ["one", "two", "three"], rounds=1)
    for shard in range(made.store.shards):
        for table in ("duplicates", "contaminated"):
            write(made.store, table, shard, Drop.to_table([]))
    made.store.forget("chosen")
    made.config = naming(made.config, folder, **entry) if entry else made.config
    return made


def naming(config: Config, folder: Path, **entry: str) -> Config:
    told = {"reason": "asked for by its author", "date": "2026-11-24", **entry}
    (folder / "list.jsonl").write_text(json.dumps(told) + "\n")
    return with_publish(config, removals=str(folder / "list.jsonl"))


def choose(made: Rounds) -> None:
    with made.store.locked(), running(made.config, made.store) as run:
        ChooseStage().build(run)


def left_out(store: Store) -> list[Drop]:
    tables = (store.read("left_out", shard) for shard in range(store.shards))
    return [drop for table in tables for drop in Drop.from_table(table)]


NAMES: dict[str, Callable[[Question], str]] = {
    "id": lambda of: of.id,
    "prompt": lambda of: prompt_hash(of.user_text),
}


@pytest.mark.parametrize("by", NAMES)
def test_a_named_question_is_not_asked_and_all_others_are(tmp_path: Path, by: str) -> None:
    with loopback_teacher(replies=[{"text": RIGHT}]) as server:
        made = version(tmp_path, server.url, **{by: NAMES[by](question("two"))})
        choose(made)
        made.run()
        asked = [line["body"]["messages"][-1]["content"] for line in server.requests()]
    assert sorted(asked) == ["What is one?", "What is three?"]


def test_its_drop_says_why_and_by_what_it_was_named(tmp_path: Path) -> None:
    made = version(tmp_path, id=question("two").id)
    choose(made)
    (drop,) = left_out(made.store)
    assert (drop.id, drop.stage, drop.reason) == (question("two").id, "choose", "removed")
    told = {"by": "id", "date": "2026-11-24", "why": "asked for by its author"}
    assert json.loads(drop.evidence) == told


def test_a_source_that_is_named_leaves_nothing_to_ask(tmp_path: Path) -> None:
    made = version(tmp_path, source="hand")
    choose(made)
    assert [drop.reason for drop in left_out(made.store)] == ["removed"] * 3


def test_a_later_entry_makes_choose_again_and_no_entry_leaves_it(tmp_path: Path) -> None:
    made = version(tmp_path)
    choose(made)
    before = stamps(made.store)
    choose(made)
    assert stamps(made.store) == before and left_out(made.store) == []
    made.config = naming(made.config, tmp_path, id=question("two").id)
    choose(made)
    assert [drop.id for drop in left_out(made.store)] == [question("two").id]


def stamps(store: Store) -> list[Any]:
    return [store.path("chosen", shard).stat().st_mtime_ns for shard in range(store.shards)]


def test_what_an_earlier_version_removed_is_left_out_without_a_list(tmp_path: Path) -> None:
    made = version(tmp_path)
    kept = made.store.root / made.store.name / "removals.jsonl"
    entry = {"id": question("two").id, "reason": "asked for", "date": "2026-11-24"}
    kept.write_text(json.dumps(entry) + "\n")
    choose(made)
    assert [drop.id for drop in left_out(made.store)] == [question("two").id]


def test_the_ledger_counts_by_why_what_choose_left_out(tmp_path: Path) -> None:
    from pipeline.removals import all_removals, write_removed

    made = version(tmp_path, id=question("two").id)
    choose(made)
    write_removed(made.store, all_removals(made.config, made.store))
    ledger = read_ledger(made.store)
    assert ledger.removed == {"asked for by its author": 1}
    assert ledger.dropped == {("choose", "removed"): 1}
