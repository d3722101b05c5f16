"""Stage select over tables: measured difficulty, suspects, and questions dropped for both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.config import Config
from pipeline.files import FileHashes
from pipeline.records import (
    ID_SCHEMA,
    Label,
    Message,
    Question,
    Response,
    Verdict,
    canonical_json,
    shard_of,
)
from pipeline.selection import SelectStage
from pipeline.stage import Run
from pipeline.store import Origin, Store
from pipeline.workers import worker_pool

SHARDS = 2
ORIGIN = Origin({"shards": SHARDS}, {})
ANSWERS = {"agreed": ("42", "42", "42", "41"), "right": ("41", "41", "41", "41")}
QUESTIONS = {
    name: Question.new(
        "s",
        [Message("user", f"How many, {name}?")],
        source_revision="1",
        licence="MIT",
        kind="math",
        reference_answer="41",
    )
    for name in ANSWERS
}


def config(**recipe: Any) -> Config:
    given = {
        "shards": SHARDS,
        "distill": {"rounds": 0},
        "sources": [{"source": "quickstart"}],
        **recipe,
    }
    return Config.model_validate({"name": "set", "version": "1", "recipe": given})


def response(of: Question, attempt: int, answer: str) -> Response:
    return Response.parse(
        f"<think>attempt {attempt}</think>{answer}",
        id=of.id,
        teacher="large",
        round=0,
        attempt=attempt,
        finish_reason="stop",
        prompt_tokens=None,
        response_tokens=9,
    )


def verdict(of: Question, attempt: int, answer: str, teacher: str = "large") -> Verdict:
    right = answer == of.reference_answer
    outcome, score = ("correct", 1.0) if right else ("incorrect", 0.0)
    told = canonical_json({"extracted": answer})
    return Verdict(of.id, teacher, 0, attempt, "math", outcome, score, "r", told, 0.0)


def write(store: Store, table: str, records: list[Any], of: Any) -> None:
    for shard in range(SHARDS):
        mine = [row for row in records if shard_of(row.id, SHARDS) == shard]
        store.write(table, shard, of.to_table(mine), ORIGIN, {}, 0.0)


def fill(store: Store) -> None:
    asked = sorted(QUESTIONS.values(), key=lambda q: q.id)
    given = [(q, n, a) for name, q in QUESTIONS.items() for n, a in enumerate(ANSWERS[name])]
    given.sort(key=lambda row: (row[0].id, row[1]))
    write(store, "questions", asked, Question)
    write(store, "labels", [Label(q.id, "math", "easy", "en", 3, "linear-1") for q in asked], Label)
    write(store, "responses/round=00", [response(*row) for row in given], Response)
    write(store, "verdicts/round=00", [verdict(*row) for row in given], Verdict)
    for shard in range(SHARDS):
        ids = [q.id for q in asked if shard_of(q.id, SHARDS) == shard]
        rows = pa.Table.from_pydict({"id": ids}, schema=ID_SCHEMA)
        store.write("chosen", shard, rows, ORIGIN, {}, 0.0)


def select(tmp_path: Path, **recipe: Any) -> dict[str, list[dict[str, Any]]]:
    store = Store(tmp_path, "set", "1", SHARDS)
    fill(store)
    stage = SelectStage(0)
    with worker_pool(1) as pool:
        stage.build(Run(config(**recipe), store, FileHashes(tmp_path / "h.json"), pool))
    return {
        table: [row for shard in range(SHARDS) for row in store.read(table, shard).to_pylist()]
        for table in stage.writes()
    }


def test_suspects_are_listed_and_published_all_the_same(tmp_path: Path) -> None:
    found = select(tmp_path)
    (suspect,) = found["suspects"]
    assert suspect["id"] == QUESTIONS["agreed"].id
    assert (suspect["answer"], suspect["agreeing"], suspect["correct"]) == ("42", 3, 1)
    assert len(found["examples"]) == 2
    assert not found["unselected"]


def test_a_suspect_and_one_without_variation_are_dropped_where_the_recipe_says_so(
    tmp_path: Path,
) -> None:
    policy = {"suspects": {"drop": True}, "variation": {"least": 0.05}}
    found = select(tmp_path, select=policy)
    reasons = {row["id"]: row["reason"] for row in found["unselected"]}
    assert reasons == {
        QUESTIONS["agreed"].id: "reference_suspect",
        QUESTIONS["right"].id: "low_variation",
    }
    assert not found["examples"]


MEASURED = {"weaker": "small", "stronger": "large", "versions": ["pilot"]}


@pytest.mark.parametrize("known", [True, False])
def test_measured_difficulty_is_of_this_version_and_earlier_ones(
    tmp_path: Path, known: bool
) -> None:
    pilot = Store(tmp_path, "set", "pilot", SHARDS)
    asked = QUESTIONS["agreed"]
    write(pilot, "questions", [], Question)
    rows = [verdict(asked, n, answer, "small") for n, answer in enumerate(("41", "7"))]
    write(pilot, "verdicts/round=00", rows if known else [], Verdict)
    found = select(tmp_path, measured=MEASURED)
    by_id = {row["id"]: row["measured_difficulty"] for row in found["examples"]}
    # small is right once in two, large once in four
    assert by_id[asked.id] == (pytest.approx(0.625) if known else None)
    assert by_id[QUESTIONS["right"].id] is None


def test_the_evidence_of_a_suspect_is_whole(tmp_path: Path) -> None:
    found = select(tmp_path, select={"suspects": {"drop": True}})
    (drop,) = found["unselected"]
    assert json.loads(drop["evidence"])["reference"] == "41"


def with_phrases(action: str) -> dict[str, Any]:
    return {"phrases": {"action": action, "words": 2, "more_than": 1}}


# "attempt 3" is in an accepted response to both questions; of one of them, it is the only one.
SHARED = {(QUESTIONS[name].id, 3, "attempt 3", 2) for name in ANSWERS}


def shared(found: dict[str, list[dict[str, Any]]]) -> set[tuple[Any, ...]]:
    names = ("id", "attempt", "phrase", "questions")
    return {tuple(row[name] for name in names) for row in found["phrases"]}


def test_a_flagged_phrase_is_told_of_in_the_published_verdicts(tmp_path: Path) -> None:
    found = select(tmp_path, select=with_phrases("flag"))
    assert shared(found) == SHARED
    flags = {
        row["id"]: [one for one in json.loads(row["verdicts"]) if one["verifier"] == "phrases"]
        for row in found["examples"]
    }
    assert flags[QUESTIONS["right"].id] == []
    (flag,) = flags[QUESTIONS["agreed"].id]
    assert (flag["outcome"], flag["reason"]) == ("correct", "common_phrase")
    assert flag["evidence"] == {"phrase": "attempt 3", "questions": 2}


def test_a_response_with_a_dropped_phrase_gives_way_to_another_or_its_question_goes(
    tmp_path: Path,
) -> None:
    found = select(tmp_path, select=with_phrases("drop"))
    assert shared(found) == SHARED
    assert [(row["id"], row["attempt"]) for row in found["examples"]] == [
        (QUESTIONS["right"].id, 0)
    ]
    (drop,) = found["unselected"]
    assert (drop["id"], drop["reason"]) == (QUESTIONS["agreed"].id, "common_phrase")
    told = json.loads(drop["evidence"])
    assert (told["phrase"], told["questions"]) == ("attempt 3", 2)


def test_nothing_is_counted_where_phrases_are_off(tmp_path: Path) -> None:
    found = select(tmp_path, select=with_phrases("off"))
    assert not found["phrases"]
    assert len(found["examples"]) == 2


FULL = shard_of(QUESTIONS["right"].id, SHARDS)


@pytest.mark.parametrize(("action", "outdated"), [("flag", [0, 1]), ("off", [FULL])])
def test_verdicts_of_one_shard_make_all_shards_anew_only_where_phrases_are_counted(
    action: str, outdated: list[int], tmp_path: Path
) -> None:
    select(tmp_path, select=with_phrases(action))
    store, stage = Store(tmp_path, "set", "1", SHARDS), SelectStage(0)
    store.write("verdicts/round=00", FULL, Verdict.to_table([]), ORIGIN, {}, 0.0)
    with worker_pool(1) as pool:
        run = Run(config(select=with_phrases(action)), store, FileHashes(tmp_path / "h"), pool)
        assert [shard for shard, _ in stage.outdated(run)] == outdated


def test_counts_are_gone_when_the_stage_is_done(tmp_path: Path) -> None:
    select(tmp_path, select=with_phrases("flag"))
    assert not list((tmp_path / "set" / "1" / ".staging").glob("*"))
