"""What the tests of rounds share: a version whose questions are chosen, a teacher with rules.

    made = rounds(tmp_path, server.url, names=["a", "b"], rounds=2)
    made.run()
    made.gained()      [0, 1, 1]

A question named `a` asks "What is a?", and 4 is its answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config import Config
from pipeline.forecast_pilot import run_rounds
from pipeline.records import ID_SCHEMA, Label, Message, Question, Response, shard_of
from pipeline.scan import round_rows
from pipeline.stages import open_store, running
from pipeline.store import Origin, Store
from pipeline.tally import count_all

RIGHT, WRONG = (
    "<think>\nhm\n</think>\n<answer>4</answer>",
    "<think>\nhm\n</think>\n<answer>5</answer>",
)
AGAIN = "please re-answer"
NOWHERE = Origin({"recipe": "by hand"}, {})


def question(name: str, kind: str = "math") -> Question:
    prompt = [Message("user", f"What is {name}?")]
    rest = {"source_revision": "1", "licence": "MIT", "reference_answer": "4"}
    return Question.new("hand", prompt, kind=kind, **rest)


def config(folder: Path, url: str, runtime: dict[str, Any], **distill: Any) -> Config:
    teacher = {"name": "loopback", "model": "loopback-1", "revision": "1", "engine": "openai"}
    sources = [{"source": "quickstart", "name": "hand"}]
    endpoints = {"urls": [url], "concurrency": 4, "patience_s": 0.0}
    return Config.model_validate(
        {
            "name": "set",
            "version": "1",
            "recipe": {"shards": 2, "sources": sources, "teacher": teacher, "distill": distill},
            "runtime": {"data": str(folder), "workers": 1, "endpoints": endpoints, **runtime},
        }
    )


@dataclass(slots=True)
class Rounds:
    """A version in which everything up to choose is done."""

    config: Config
    store: Store
    names: dict[str, str]  # id → name

    def run(self) -> None:
        with self.store.locked(), running(self.config, self.store) as run:
            run_rounds(run)

    def rows(self) -> list[dict[str, Any]]:
        shards = range(self.store.shards)
        return [row for shard in shards for row in round_rows(self.store, "responses", shard)]

    def asked(self) -> dict[tuple[str, int], int]:
        """Return how many responses each question has in each round."""
        found: dict[tuple[str, int], int] = {}
        for row in self.rows():
            key = (self.names[row["id"]], row["round"])
            found[key] = found.get(key, 0) + 1
        return found

    def gained(self) -> list[int]:
        """Return the questions that each round answered for the first time, round 0 first."""
        tally = count_all(self.store)
        return [counts["gained"] for _, counts in sorted(tally.rounds.items())]


def write(store: Store, table: str, shard: int, rows: Any) -> None:
    store.write(table, shard, rows, NOWHERE, {}, 0.0)


def rounds(
    folder: Path,
    url: str,
    names: Sequence[str],
    runtime: dict[str, Any] | None = None,
    **distill: Any,
) -> Rounds:
    """Return a version with these questions, which are chosen."""
    made = config(folder, url, runtime or {}, **distill)
    store = open_store(made)
    questions = [question(name) for name in names]
    for shard in range(store.shards):
        mine = [q for q in questions if shard_of(q.id, store.shards) == shard]
        mine.sort(key=lambda each: each.id)
        labels = [Label(q.id, "math", "hard", "en", 5, "by hand") for q in mine]
        chosen = ID_SCHEMA.empty_table().from_pylist([{"id": q.id} for q in mine], ID_SCHEMA)
        write(store, "questions", shard, Question.to_table(mine))
        write(store, "labels", shard, Label.to_table(labels))
        write(store, "chosen", shard, chosen)
        write(store, "responses/round=00", shard, Response.to_table([]))
    return Rounds(made, store, {q.id: name for q, name in zip(questions, names, strict=True)})
