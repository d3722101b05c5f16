"""Picks the rows that the report shows in full: published, rejected and dropped ones.

    sample(store, 200)      (Shown(state="dropped", reason="deduplicate: semantic", …), …)

The same ids are picked each time: ids are hashes, so that read backwards they order the
rows as if by chance, in the same way in every version and for any number of shards. Each
reason gets its turn, so that rare ones are seen too.
"""

from __future__ import annotations

import heapq
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.acceptance import ResponseKey, findings
from pipeline.ledger import DROP_TABLES
from pipeline.published import published_rows
from pipeline.records import Drop, Label, Message, Question, Record, Response, Verdict, shard_of
from pipeline.scan import batches, rounds, rows
from pipeline.store import Store
from pipeline.tally import KEY
from verifiers.base import Outcome

T = TypeVar("T", bound=Record)
PUBLISHED, REJECTED, DROPPED = "published", "rejected", "dropped"
STATES = (PUBLISHED, REJECTED, DROPPED)
LONGEST = 20_000  # characters of one text: 200 rows of two such texts make 8 MB (guess)
SHORTEST = 4_000  # of a reference, tests or evidence


@dataclass(frozen=True, slots=True)
class Pick:
    """A row to show: a response (`key`), or a question that was dropped (`key` None)."""

    state: str
    reason: str
    id: str
    key: ResponseKey | None

    @property
    def place(self) -> tuple[Any, ...]:
        """Its place in the draw, least first."""
        return (self.id[::-1], self.key[1:] if self.key else ())


@dataclass(frozen=True, slots=True)
class Shown:
    """One row of the explorer; `question` is None where a source's row was none."""

    state: str
    reason: str
    id: str
    source: str
    question: Question | None
    label: Label | None
    response: Response | None
    verdicts: tuple[Verdict, ...]
    drops: tuple[Drop, ...]


def sample(store: Store, limit: int) -> tuple[Shown, ...]:
    """Return at most `limit` rows, a third of each state where there are enough."""
    draws = _draw(store, limit)
    by_state = (
        list(_in_turn(sorted(draws[key], key=_place) for key in sorted(draws) if key[0] == state))
        for state in STATES
    )
    picks = list(_in_turn(by_state))[:limit]
    shown = {pick: row for shard in range(store.shards) for pick, row in _load(store, shard, picks)}
    picks.sort(key=lambda pick: (STATES.index(pick.state), pick.place))
    return tuple(shown[pick] for pick in picks if pick in shown)


def _place(pick: Pick) -> tuple[Any, ...]:
    return pick.place


def _in_turn(groups: Iterable[Iterable[Pick]]) -> Iterator[Pick]:
    """Yield the first of each group, then the second of each, and so on."""
    for turn in zip_longest(*groups):
        yield from (pick for pick in turn if pick is not None)


def _draw(store: Store, limit: int) -> dict[tuple[str, str], list[Pick]]:
    """Return the first `limit` candidates of each state and reason; more are never held."""
    drawn: dict[tuple[str, str], list[Pick]] = defaultdict(list)
    for shard in range(store.shards):
        for pick in _candidates(store, shard):
            drawn[(pick.state, pick.reason)].append(pick)
        drawn = defaultdict(
            list, {key: heapq.nsmallest(limit, picks, key=_place) for key, picks in drawn.items()}
        )
    return drawn


def _candidates(store: Store, shard: int) -> Iterator[Pick]:
    published = set()
    for row in published_rows(store, shard, [*KEY, "outcome"]):
        key = (row["id"], row["teacher"], row["round"], row["attempt"])
        published.add(key)
        yield Pick(PUBLISHED, row["outcome"], row["id"], key)
    for key, finding in findings(_verdicts(store, shard)).items():
        if key not in published and finding.outcome != Outcome.CORRECT:
            yield Pick(REJECTED, f"{finding.verifier}: {finding.reason}", key[0], key)
    for table in DROP_TABLES:
        for row in rows(store, table, shard, ["id", "stage", "reason"]):
            yield Pick(DROPPED, f"{row['stage']}: {row['reason']}", row["id"], None)


def _verdicts(store: Store, shard: int) -> Iterator[Verdict]:
    columns = [*KEY, "verifier", "outcome", "reason"]
    for number in rounds(store, "verdicts"):
        for row in rows(store, f"verdicts/round={number:02d}", shard, columns):
            yield Verdict(**row, score=None, evidence="{}", seconds=0.0)


@dataclass(slots=True)
class _Found:
    """What the tables of one shard say of the wanted ids."""

    questions: dict[str, Question] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    responses: dict[ResponseKey, Response] = field(default_factory=dict)
    verdicts: dict[ResponseKey, list[Verdict]] = field(default_factory=lambda: defaultdict(list))
    drops: dict[str, list[Drop]] = field(default_factory=lambda: defaultdict(list))


def _load(store: Store, shard: int, picks: list[Pick]) -> Iterator[tuple[Pick, Shown]]:
    """Yield the picks of one shard with all that is known of them."""
    mine = [pick for pick in picks if shard_of(pick.id, store.shards) == shard]
    if not mine:
        return
    ids = {pick.id for pick in mine}
    found = _Found()
    found.questions = {q.id: q for q in _records(store, "questions", shard, ids, Question)}
    found.labels = {label.id: label for label in _records(store, "labels", shard, ids, Label)}
    for number in rounds(store, "responses"):
        for reply in _records(store, f"responses/round={number:02d}", shard, ids, Response):
            found.responses[reply.key] = reply
    for number in rounds(store, "verdicts"):
        for said in _records(store, f"verdicts/round={number:02d}", shard, ids, Verdict):
            found.verdicts[said.key].append(said)
    for table in DROP_TABLES:
        for drop in _records(store, table, shard, ids, Drop):
            found.drops[drop.id].append(drop)
    yield from ((pick, _shown(pick, found)) for pick in mine)


def _records(store: Store, table: str, shard: int, ids: set[str], of: type[T]) -> Iterator[T]:
    wanted = pa.array(sorted(ids))
    for batch in batches(store, table, shard):
        yield from of.from_table(batch.filter(pc.is_in(batch.column("id"), wanted)))


def _shown(pick: Pick, found: _Found) -> Shown:
    question = found.questions.get(pick.id)
    drops = tuple(found.drops[pick.id])
    refused_by = next((drop.of for drop in drops if drop.of), None)
    return Shown(
        state=pick.state,
        reason=pick.reason,
        id=pick.id,
        source=question.source if question else (refused_by or "?"),
        question=question,
        label=found.labels.get(pick.id),
        response=found.responses.get(pick.key) if pick.key else None,
        verdicts=tuple(found.verdicts[pick.key]) if pick.key else (),
        drops=drops,
    )


def clip(text: str, longest: int = LONGEST) -> str:
    """Return a text that is at most `longest` characters long, and says what it lacks."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}\n… {len(text) - longest:,} more characters"


def evidence(text: str) -> str:
    """Return evidence (JSON text) as a person reads it; empty where there is none."""
    value = json.loads(text)
    return clip(json.dumps(value, ensure_ascii=False, indent=1), SHORTEST) if value else ""


def conversation(shown: Shown) -> tuple[Message, ...]:
    """Return the turns of the question, or the excerpt of a row that was no question."""
    if shown.question is not None:
        return tuple(Message(turn.role, clip(turn.content)) for turn in shown.question.prompt)
    excerpts = (json.loads(drop.evidence).get("excerpt", "") for drop in shown.drops)
    return tuple(Message("source row", clip(str(text))) for text in excerpts if text)
