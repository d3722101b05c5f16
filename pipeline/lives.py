"""What is known of each question that may be exported, one question in memory after the other.

    for life in lives(config, store, 3):
        life.question.id, life.label["category"], life.findings, life.responses()

Left out are questions that were dropped before select (duplicates, benchmark items, what choose
left out), those whose reference is no good, and what was removed. Those of which no response was
good enough are there. All tables are sorted by id, so that each is read once, side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from operator import itemgetter
from typing import Any

from pipeline.acceptance import DISQUALIFIES, Finding, ResponseKey, findings
from pipeline.config import Config
from pipeline.published import removed_ids
from pipeline.records import Question, Response, Verdict
from pipeline.scan import rows
from pipeline.store import Store
from verifiers.base import Outcome

Row = dict[str, Any]
DROPPED_BEFORE = ("duplicates", "contaminated", "left_out")
# Reasons of select that lie with the question and not with the responses.
BROKEN = (*DISQUALIFIES, "reference_suspect")
ABOUT = ("id", "source", "source_revision", "licence", "kind")
LABELS = ("category", "difficulty", "language", "prompt_tokens")
VERDICT = ["id", "teacher", "round", "attempt", "verifier", "outcome", "score", "reason"]


@dataclass(frozen=True, slots=True)
class Life:
    """A question, its label's columns, what was found of each response, and their rows."""

    question: Question
    label: Row
    findings: dict[ResponseKey, Finding]
    response_rows: list[Row]

    def responses(self) -> Iterator[tuple[Response, Finding]]:
        """Yield the responses of which something was found; only where they were asked for."""
        for response in map(Response.from_row, self.response_rows):
            if response.key in self.findings:
                yield response, self.findings[response.key]

    def about(self) -> Row:
        """Return the columns that every export has."""
        of = {name: getattr(self.question, name) for name in ABOUT}
        return {**of, **{name: self.label[name] for name in LABELS}}

    def decided(self) -> list[bool]:
        """Return of each response that could be told whether it is correct."""
        outcomes = (finding.outcome for finding in self.findings.values())
        return [of == Outcome.CORRECT for of in outcomes if of != Outcome.UNVERIFIED]


def lives(config: Config, store: Store, shard: int, responses: bool = False) -> Iterator[Life]:
    """Yield what is known of a shard's questions, in the order of ids."""
    gone = left_out(store, shard)
    numbers = range(config.recipe.distill.rounds + 1)
    labels = Groups([rows(store, "labels", shard, ["id", *LABELS])])
    verdicts = Groups(rows(store, table("verdicts", n), shard, VERDICT) for n in numbers)
    asked = numbers if responses else ()
    replies = Groups(rows(store, table("responses", n), shard) for n in asked)
    for row in rows(store, "questions", shard):
        id = row["id"]
        if id not in gone and (label := labels.take(id)):
            said = (Verdict(**of, evidence="{}", seconds=0.0) for of in verdicts.take(id))
            found = findings(said)
            yield Life(Question.from_row(row), label[0], found, replies.take(id))


def table(name: str, number: int) -> str:
    """Return the table of a round."""
    return f"{name}/round={number:02d}"


def left_out(store: Store, shard: int) -> set[str]:
    """Return the ids of a shard's questions that no export has."""
    gone = removed_ids(store, shard)
    for name in DROPPED_BEFORE:
        gone.update(row["id"] for row in rows(store, name, shard, ["id"]))
    unselected = rows(store, "unselected", shard, ["id", "reason"])
    return gone | {row["id"] for row in unselected if row["reason"] in BROKEN}


class Groups:
    """Rows of tables that are sorted by id, given out by id; ids must be asked for ascending."""

    def __init__(self, tables: Iterable[Iterator[Row]]) -> None:
        self.rows = merge(*tables, key=itemgetter("id"))
        self.next = next(self.rows, None)

    def take(self, id: str) -> list[Row]:
        """Return the rows of an id; those of lower ids are passed over."""
        found: list[Row] = []
        while self.next is not None and self.next["id"] <= id:
            if self.next["id"] == id:
                found.append(self.next)
            self.next = next(self.rows, None)
        return found
