import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.choose import ChooseStage, place
from pipeline.config import Config
from pipeline.files import FileHashes
from pipeline.records import Drop, Label, Message, Question, Response
from pipeline.stage import Run
from pipeline.store import Origin, Store
from pipeline.workers import worker_pool

SHARDS = 3
NOWHERE = Origin({}, {})


def config(**choose: Any) -> Config:
    recipe = {
        "shards": SHARDS,
        "distill": {"rounds": 1},
        "teacher": {"name": "t", "model": "t", "revision": "1", "engine": "openai"},
        "sources": [{"source": "quickstart"}],
        "select": {"unverified": {"chat": "keep"}},
        "choose": choose,
    }
    return Config.model_validate({"name": "set", "version": "1", "recipe": recipe})


def question(source: str, number: int, *turns: str) -> Question:
    roles = ("user", "assistant")
    texts = turns or (f"question {number}",)
    prompt = [Message(roles[n % 2], text) for n, text in enumerate(texts)]
    return Question.new(source, prompt, source_revision="1", licence="MIT", kind="chat")


def fill(store: Store, questions: list[Question], gone: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    from pipeline.records import shard_of

    for shard in range(SHARDS):
        mine = sorted((q for q in questions if shard_of(q.id, SHARDS) == shard), key=lambda q: q.id)
        labels = [Label(q.id, "others", "easy", "en", 3, "heuristic-1") for q in mine]
        drops = [Drop(q.id, "deduplicate", "exact") for q in mine if q.id in gone]
        tables = {
            "questions": Question.to_table(mine),
            "labels": Label.to_table(labels),
            "duplicates": Drop.to_table(drops),
            "contaminated": Drop.to_table([]),
            "responses/round=00": Response.to_table([]),
        }
        for name, rows in tables.items():
            store.write(name, shard, rows, NOWHERE, {}, 0.0)


def choose(
    tmp_path: Path, questions: list[Question], **options: Any
) -> tuple[set[str], dict[str, str]]:
    store = Store(tmp_path, "set", "1", SHARDS)
    fill(store, questions, options.pop("gone", set()))
    with worker_pool(1) as pool:
        ChooseStage().build(Run(config(**options), store, FileHashes(tmp_path / "h.json"), pool))
    chosen = [store.read("chosen", k) for k in range(SHARDS)]
    left = [store.read("left_out", k) for k in range(SHARDS)]
    drops = pa.concat_tables(left).to_pylist()
    return set(pa.concat_tables(chosen).column("id").to_pylist()), {
        d["id"]: d["reason"] for d in drops
    }


MANY = [question("a", n) for n in range(200)] + [question("b", n) for n in range(50)]


def test_without_options_everything_is_chosen(tmp_path: Path) -> None:
    assert choose(tmp_path, MANY) == ({q.id for q in MANY}, {})


def test_a_dropped_question_is_neither_chosen_nor_left_out(tmp_path: Path) -> None:
    gone = {MANY[0].id}
    chosen, left = choose(tmp_path, MANY, gone=gone)
    assert chosen == {q.id for q in MANY} - gone
    assert not left


def test_a_quota_is_met_exactly_and_others_are_free(tmp_path: Path) -> None:
    chosen, left = choose(tmp_path, MANY, per_source={"a": 30})
    assert sum(q.id in chosen for q in MANY if q.source == "a") == 30
    assert sum(q.id in chosen for q in MANY if q.source == "b") == 50
    assert set(left.values()) == {"over_quota"}


@pytest.mark.parametrize("quota", [0, 1_000])
def test_a_quota_may_be_nothing_or_more_than_there_is(tmp_path: Path, quota: int) -> None:
    chosen, _ = choose(tmp_path, MANY, per_source={"a": quota})
    assert sum(q.source == "a" and q.id in chosen for q in MANY) == min(quota, 200)


def test_a_share_keeps_about_so_many_and_the_same_when_data_is_added(tmp_path: Path) -> None:
    first, left = choose(tmp_path / "1", MANY, keep={"easy": 0.5})
    more = [*MANY, *(question("c", n) for n in range(300))]
    second, _ = choose(tmp_path / "2", more, keep={"easy": 0.5})
    assert 90 <= len(first) <= 160
    assert {q.id for q in MANY} & second == first
    assert set(left.values()) == {"downsampled"}


def test_a_conversation_that_hides_its_thinking_is_left_out(tmp_path: Path) -> None:
    silent = question("a", 0, "Hi", "Hello!", "How are you?")
    shown = question("a", 0, "Hi", "<think>greet</think>Hello!", "How are you?")
    chosen, left = choose(tmp_path, [silent, shown])
    assert chosen == {shown.id}
    assert left == {silent.id: "no_thinking"}


def test_a_question_whose_answers_nothing_can_check_is_left_out(tmp_path: Path) -> None:
    unchecked = Question.new(
        "a", [Message("user", "prove it")], source_revision="1", licence="MIT", kind="math"
    )
    checked = Question.new(
        "a",
        [Message("user", "2+2?")],
        source_revision="1",
        licence="MIT",
        kind="math",
        reference_answer="4",
    )
    chosen, left = choose(tmp_path, [unchecked, checked])
    assert chosen == {checked.id}
    assert left == {unchecked.id: "not_checkable"}


def test_a_place_in_the_draw_depends_on_the_seed() -> None:
    assert place(0, "a") != place(1, "a")
    assert 0 <= place(0, "a") < 1


def test_a_drop_says_by_what_it_was_left_out(tmp_path: Path) -> None:
    store = Store(tmp_path, "set", "1", SHARDS)
    fill(store, MANY)
    with worker_pool(1) as pool:
        quota = config(per_source={"a": 1})
        ChooseStage().build(Run(quota, store, FileHashes(tmp_path / "h.json"), pool))
    drop = store.read("left_out", 0).to_pylist()[0]
    assert json.loads(drop["evidence"]) == {"source": "a", "quota": 1}
