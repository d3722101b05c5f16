import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.choose import ChooseStage, place
from pipeline.config import Config
from pipeline.files import FileHashes
from pipeline.records import Drop, Label, Message, Question, Response, Verdict
from pipeline.stage import Run
from pipeline.store import Origin, Store
from pipeline.workers import worker_pool

SHARDS = 3
NOWHERE = Origin({}, {})


def config(measured: dict[str, Any] | None = None, **choose: Any) -> Config:
    recipe = {
        **({"measured": measured} if measured else {}),
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
    chosen_from(store, tmp_path, options)
    return outcome(store)


def chosen_from(store: Store, tmp_path: Path, options: dict[str, Any]) -> None:
    with worker_pool(1) as pool:
        ChooseStage().build(Run(config(**options), store, FileHashes(tmp_path / "h.json"), pool))


def outcome(store: Store) -> tuple[set[str], dict[str, str]]:
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


def test_a_category_may_have_a_share_of_its_own(tmp_path: Path) -> None:
    kept, _ = choose(tmp_path / "1", MANY, keep={"easy": 0.0}, keep_in={"others": {"easy": 1.0}})
    assert len(kept) == len(MANY)
    none, left = choose(tmp_path / "2", MANY, keep_in={"others": {"easy": 0.0}})
    assert not none
    assert set(left.values()) == {"downsampled"}


def test_shares_of_difficulties_that_are_not_there_keep_all(tmp_path: Path) -> None:
    shares = {"math": {"easy": 0.0}, "others": {"hard": 0.0}}
    kept, _ = choose(tmp_path, MANY, keep={"medium": 0.0}, keep_in=shares)
    assert len(kept) == len(MANY)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"keep": {"simple": 0.5}}, "difficulties"),
        ({"keep_in": {"others": {"simple": 0.5}}}, "difficulties"),
        ({"keep_in": {"cooking": {"easy": 0.5}}}, "must be categories"),
    ],
)
def test_unknown_names_are_faults_of_the_configuration(options: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        config(**options)


def test_a_question_that_breaks_a_rule_is_left_out_for_it(tmp_path: Path) -> None:
    linked = question("a", 0, "What does https://example.org/page say?")
    broken = question("a", 0, "Why is caf\ufffd wrong?")
    plain = question("a", 0, "Why is the sky blue?")
    rows = [linked, broken, plain]
    chosen, left = choose(tmp_path / "1", rows, rules={"url": True})
    assert chosen == {plain.id}
    assert left == {linked.id: "question_url", broken.id: "question_broken"}
    assert linked.id in choose(tmp_path / "2", rows)[0]


def judge_before(tmp_path: Path, shards: int, rates: dict[str, dict[str, list[str]]]) -> None:
    """Write a version "pilot" in which teachers answered with these outcomes."""
    from pipeline.records import shard_of

    pilot = Store(tmp_path, "set", "pilot", shards)
    origin = Origin({"shards": shards}, {})
    for shard in range(shards):
        verdicts = [
            Verdict(id, teacher, 1, n, "math", outcome, None, "r", "{}", 0.0)
            for id, teachers in sorted(rates.items())
            if shard_of(id, shards) == shard
            for teacher, outcomes in teachers.items()
            for n, outcome in enumerate(outcomes)
        ]
        pilot.write("questions", shard, Question.to_table([]), origin, {}, 0.0)
        pilot.write("verdicts/round=01", shard, Verdict.to_table(verdicts), origin, {}, 0.0)


MEASURED = {"weaker": "small", "stronger": "large", "versions": ["pilot"]}


@pytest.mark.parametrize("shards", [2, 3, 7])
def test_pass_rates_of_an_earlier_version_decide_before_the_label(
    tmp_path: Path, shards: int
) -> None:
    easy, hard, unknown = (question("a", n) for n in range(3))
    wrong, right = ["incorrect"] * 4, ["correct"] * 4
    rates = {
        easy.id: {"small": right, "large": right},
        hard.id: {"small": wrong, "large": ["incorrect", "correct"]},
        unknown.id: {"large": wrong},
    }
    judge_before(tmp_path, shards, rates)
    options = {"keep": {"very_easy": 0.0, "hard": 0.0}, "measured": MEASURED}
    chosen, left = choose(tmp_path, [easy, hard, unknown], **options)
    assert chosen == {unknown.id}  # labelled easy, and of that all are kept
    assert left == {easy.id: "downsampled", hard.id: "downsampled"}
    drops = pa.concat_tables(
        [Store(tmp_path, "set", "1", SHARDS).read("left_out", k) for k in range(SHARDS)]
    )
    evidence = {row["id"]: json.loads(row["evidence"]) for row in drops.to_pylist()}
    assert evidence[hard.id]["difficulty"] == "hard"
    assert evidence[hard.id]["measured"] is True


def test_other_verdicts_of_the_earlier_version_make_choose_run_again(tmp_path: Path) -> None:
    row = question("a", 0)
    judge_before(tmp_path, 2, {row.id: {"small": ["correct"], "large": ["correct"]}})
    options = {"keep": {"very_easy": 0.0}, "measured": MEASURED}
    assert choose(tmp_path, [row], **options)[0] == set()
    judge_before(tmp_path, 2, {row.id: {"small": ["incorrect"], "large": ["correct"]}})
    store = Store(tmp_path, "set", "1", SHARDS)
    chosen_from(store, tmp_path, options)
    assert outcome(store)[0] == {row.id}


@pytest.mark.parametrize(("name", "said"), [("1", "other versions"), ("no", "build it first")])
def test_a_version_that_cannot_be_read_is_a_fault_of_the_configuration(
    tmp_path: Path, name: str, said: str
) -> None:
    from pipeline.errors import ConfigError

    with pytest.raises(ConfigError, match=said):
        choose(tmp_path, MANY[:3], measured={**MEASURED, "versions": [name]})
