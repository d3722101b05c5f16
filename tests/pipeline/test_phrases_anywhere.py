"""Phrases of a dataset are the same whatever its shards and workers are."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.config import Config
from pipeline.files import FileHashes
from pipeline.records import ID_SCHEMA, Label, Message, Question, Response, Verdict, shard_of
from pipeline.selection import SelectStage
from pipeline.stage import Run
from pipeline.store import Origin, Store
from pipeline.workers import worker_pool
from tests.pipeline.test_phrases import response
from tests.pipeline.test_select_stage import verdict

PHRASE = "so what the question wants me to look for in the first place is how often it"
HOLDERS, OTHERS = 7, 9
Answer = tuple[Question, Response, Verdict]


def answers() -> Iterator[Answer]:
    """Yield questions with two responses each: the phrase is in one, in both or in none."""
    for number in range(HOLDERS + OTHERS):
        question = Question.new(
            "s",
            [Message("user", f"How many, number {number}?")],
            source_revision="1",
            licence="MIT",
            kind="math",
            reference_answer="41",
        )
        for attempt in range(2):
            dice = random.Random(10 * number + attempt)
            babble = " ".join(f"w{dice.randrange(10**6)}x" for _ in range(40))
            holds = number < HOLDERS and (attempt == 0 or number % 2)
            given = response(question, f"{babble} {PHRASE if holds else ''}", "41", attempt)
            yield question, given, verdict(question, attempt, "41", given.teacher)


def fill(store: Store) -> None:
    given = sorted(answers(), key=lambda one: (one[0].id, one[1].attempt))
    questions = list({one[0].id: one[0] for one in given}.values())
    labels = [Label(q.id, "math", "easy", "en", 3, "linear-1") for q in questions]
    tables: list[tuple[str, Any, list[Any]]] = [
        ("questions", Question, questions),
        ("labels", Label, labels),
        ("responses/round=00", Response, [one[1] for one in given]),
        ("verdicts/round=00", Verdict, [one[2] for one in given]),
    ]
    origin = Origin({"shards": store.shards}, {})
    for shard in range(store.shards):
        for table, of, rows in tables:
            mine = [row for row in rows if shard_of(row.id, store.shards) == shard]
            store.write(table, shard, of.to_table(mine), origin, {}, 0.0)
        ids = [q.id for q in questions if shard_of(q.id, store.shards) == shard]
        chosen = pa.Table.from_pydict({"id": ids}, schema=ID_SCHEMA)
        store.write("chosen", shard, chosen, origin, {}, 0.0)


def selected(folder: Path, shards: int, workers: int) -> dict[str, list[dict[str, Any]]]:
    store, stage = Store(folder, "set", "1", shards), SelectStage(0)
    fill(store)
    recipe = {
        "shards": shards,
        "distill": {"rounds": 0},
        "sources": [{"source": "quickstart"}],
        "select": {"phrases": {"action": "drop", "words": 15, "more_than": HOLDERS - 1}},
    }
    config = Config.model_validate({"name": "set", "version": "1", "recipe": recipe})
    with worker_pool(workers) as pool:
        stage.build(Run(config, store, FileHashes(folder / "h.json"), pool))
    return {
        table: [row for shard in range(shards) for row in store.read(table, shard).to_pylist()]
        for table in ("phrases", "unselected", "examples")
    }


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    return selected(tmp_path_factory.mktemp("one"), 1, 1)


def test_the_phrase_is_found_where_it_is(one: dict[str, list[dict[str, Any]]]) -> None:
    assert len(one["phrases"]) == HOLDERS + HOLDERS // 2
    assert {row["reason"] for row in one["unselected"]} == {"common_phrase"}
    assert len(one["unselected"]) == HOLDERS // 2
    assert len(one["examples"]) == HOLDERS + OTHERS - HOLDERS // 2


@pytest.mark.parametrize(("shards", "workers"), [(1, 2), (3, 1), (8, 2)])
def test_shards_and_workers_change_no_drop(
    shards: int, workers: int, one: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    assert selected(tmp_path, shards, workers) == one
