"""Stage distill: asks the teacher, in rounds, what no earlier round has answered well.

Every reply goes into the journal (`data/journal/`) the moment it arrives and is sealed
into `responses/round=NN` when its shard has all of them. A reply that the journal holds,
from this version or any other, is not asked for again. Asking again with other sampling,
model or prompt is another key; raising `max_tokens` asks only for what was cut off.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.accounts import accounted, spent
from pipeline.asking import (
    asks_of,
    each_ask,
    open_questions,
    tokens_in,
)
from pipeline.config import Config
from pipeline.progress import Meter, meter
from pipeline.proposals import proposed_inputs
from pipeline.recipe import Teacher
from pipeline.records import Response
from pipeline.sealing import response_parts, without_request
from pipeline.stage import Run, Stage
from pipeline.store import Origin
from pipeline.teacher import open_client
from pipeline.teacher.base import Ask, Client, Reply
from pipeline.teacher.budget import Budget, Tokens
from pipeline.teacher.journal import Journal
from pipeline.teacher.keeping import JournalKeeper
from pipeline.teacher.openai_urls import some_urls


class DistillStage(Stage):
    """Writes `responses/round=NN` for a round ≥ 1; one teacher serves all shards at once."""

    name = "distill"
    revision = 2  # a reply of a thinking teacher that has no </think> holds no answer

    def __init__(self, round: int) -> None:
        self.round: int = round

    def writes(self) -> tuple[str, ...]:
        """Return the round's responses."""
        return (f"responses/round={self.round:02d}",)

    def reads(self) -> tuple[str, ...]:
        """Return the questions and all that earlier rounds found."""
        earlier = range(self.round)
        return (
            "questions",
            "chosen",
            *(f"responses/round={n:02d}" for n in earlier),
            *(f"verdicts/round={n:02d}" for n in earlier),
        )

    def origin(self, run: Run, shard: int) -> Origin:
        """Return what a shard is made from, proposed constraints among it."""
        found = super().origin(run, shard)
        taken = proposed_inputs(run.config, run.store, shard)
        return Origin(found.recipe, {**found.inputs, **taken})

    def fields(self, run: Run) -> dict[str, Any]:
        """Return the teacher, how often it is asked, and what counts as answered."""
        recipe = run.config.recipe
        teacher = recipe.teacher.identity() if recipe.teacher else {}
        distill = recipe.distill.model_dump(exclude={"rounds"})
        return {
            "teacher": teacher,
            **distill,
            "unverified": recipe.select.unverified,
            "by_kind": recipe.verify.by_kind,
        }

    def build(self, run: Run) -> None:
        """Ask for what the journal lacks, seal each shard as soon as it is whole."""
        jobs = list(self.outdated(run))
        if not jobs:
            return
        shards = [shard for shard, _ in jobs]
        total = sum(len(asks_of(run.config, run.store, shard, self.round)) for shard in shards)
        with Journal(run.store.root / "journal") as journal, meter(self.title, total) as progress:
            Round(run, self, journal, dict(jobs)).finish(progress)


def check_endpoints(config: Config) -> None:
    """Raise ConfigError where rounds are to be asked and no server is named."""
    teacher = config.recipe.teacher if config.recipe.distill.rounds else None
    if teacher is not None and teacher.engine == "openai":
        some_urls(config.runtime.endpoints, teacher.name)


@dataclass(slots=True)
class Open:
    """A shard on its way: what is still outstanding, and replies that are not journalled."""

    origin: Origin
    outstanding: int = 0
    admitted: bool = False
    refused: dict[str, Reply] = field(default_factory=dict)


class Round:
    """One round over all its shards: hands asks to the client, takes replies, seals."""

    def __init__(self, run: Run, stage: DistillStage, journal: Journal, jobs: dict[int, Origin]):
        self.run, self.stage, self.journal = run, stage, journal
        self.waiting = jobs
        self.open: dict[int, Open] = {}
        self.shard_of_ask: dict[str, int] = {}
        self.sealed = time.monotonic()
        teacher = run.config.recipe.teacher
        assert teacher is not None  # the recipe's rule: rounds above 0 have a teacher
        self.teacher: Teacher = teacher
        self.budget = open_budget(run, self.stage.round)
        shards = range(run.store.shards)
        self.answered = sum(answered(run, shard, self.stage.round) for shard in shards)

    def finish(self, progress: Meter) -> None:
        """Ask until every shard is sealed."""
        asks = self.asks(progress)
        first = next(asks, None)
        if first is not None:
            runtime = self.run.config.runtime
            client = open_client(self.teacher, self.teacher.sampling, runtime, self.budget)
            client.on_tick = lambda: progress.advance(0, self.note(client))
            keeper = JournalKeeper(self.journal, self.teacher.name)
            book = accounted(self.run.store, self.stage.title, self.teacher.name, client)
            with client, book:
                for ask, reply in client.replies(_chain(first, asks), keeper):
                    self.take(ask, reply)
                    progress.advance(1)
        for shard in sorted(self.open):
            self.seal_if_whole(shard)

    def note(self, client: Client) -> str:
        """Return what a person wants to see beside the bar."""
        return f"{client.note()}; {self.answered:,} answered before"

    def asks(self, progress: Meter) -> Iterator[Ask]:
        """Yield what is to be asked, opening one shard after the other as there is room.

        What the journal holds counts as done.
        """
        for shard, origin in sorted(self.waiting.items()):
            state = self.open[shard] = Open(origin)
            wanted = asks_of(self.run.config, self.run.store, shard, self.stage.round)
            known = self.journal.known([a.key for a in wanted], self.teacher.sampling.max_tokens)
            missing = [ask for ask in wanted if ask.key not in known]
            state.outstanding = len(missing)
            progress.advance(len(wanted) - len(missing))
            for prompt, response in known.values():
                self.budget.add(Tokens(prompt, response))
            self.shard_of_ask |= {ask.key: shard for ask in missing}
            yield from missing
            state.admitted = True
            self.seal_if_whole(shard)

    def take(self, ask: Ask, reply: Reply) -> None:
        """Seal the shard of a reply, which is kept already, if it was the last one."""
        shard = self.shard_of_ask.pop(ask.key)
        state = self.open[shard]
        if reply.finish_reason == "error":
            state.refused[ask.key] = reply
        state.outstanding -= 1
        self.seal_if_whole(shard)

    def seal_if_whole(self, shard: int) -> None:
        """Write the shard's responses when all of its replies are there."""
        state = self.open.get(shard)
        if state is None or state.outstanding or not state.admitted:
            return
        del self.open[shard]
        # Shards overlap: each counts the time since the one before it was sealed.
        self.sealed, before = time.monotonic(), self.sealed
        self.write(shard, state, self.sealed - before)

    def write(self, shard: int, state: Open, seconds: float) -> None:
        """Write a shard's responses, part by part."""
        store, round, counts = self.run.store, self.stage.round, Counter[str]()
        wanted = map(without_request, each_ask(self.run.config, store, shard, round))
        parts = response_parts(self.teacher, round, wanted, self.journal, state.refused, counts)
        (table,) = self.stage.writes()
        made = store.write_parts(
            table, shard, Response.SCHEMA, parts, state.origin, counts, seconds
        )
        self.stage.tell(shard, {table: made.rows}, seconds)


def open_budget(run: Run, round: int) -> Budget:
    """Return the version's budget with what the responses that are sealed have cost.

    Those of the shards that are still to be sealed count as their replies are found in the
    journal. A reply that another version paid for counts as if this one had.
    """
    runtime, before = run.config.runtime, spent(run.store)
    budget = Budget(runtime.budget, runtime.prices, before.seconds)
    budget.add(Tokens(response=before.lost_tokens))
    for number in range(1, round + 1):
        table = f"responses/round={number:02d}"
        for shard in range(run.store.shards):
            budget.add(tokens_in(run.store, table, shard))
    return budget


def answered(run: Run, shard: int, round: int) -> int:
    """Return how many of a shard's chosen questions need no further response."""
    chosen = int(run.store.read("chosen", shard).num_rows)
    return chosen - len(open_questions(run.config, run.store, shard, round))


def _chain(first: Ask, rest: Iterator[Ask]) -> Iterator[Ask]:
    yield first
    yield from rest
