"""Asks a model, round after round, what its journal lacks, and seals the responses.

All benchmarks of a round are asked in one stream, so that the servers stay busy while the
last long answers of one of them arrive. A reply is in the journal before it counts, and a
shard's responses are written when all of its replies are there. What a server refused is
kept as a response without text, and asked again by the next run.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, product
from typing import Any

from pipeline.asking import reply_text, tokens_in
from pipeline.evaluation.asking import Wanted, last_answers, wanted
from pipeline.evaluation.base import Benchmark
from pipeline.evaluation.config import EvaluationConfig, Model
from pipeline.evaluation.tables import (
    inputs_of,
    is_current,
    origin_of,
    questions_table,
    read_questions,
    read_responses,
    responses_table,
)
from pipeline.progress import Meter, meter
from pipeline.recipe import Teacher
from pipeline.records import Response, canonical_json
from pipeline.store import Origin, Store
from pipeline.teacher import open_client
from pipeline.teacher.base import Ask, Reply
from pipeline.teacher.budget import Budget, Tokens
from pipeline.teacher.journal import Journal
from pipeline.teacher.keeping import JournalKeeper

REFUSED = "error"  # the finish reason of what a server refuses for good


@dataclass(slots=True)
class Job:
    """A shard of a benchmark's responses on its way."""

    benchmark: Benchmark
    teacher: Teacher
    shard: int
    origin: Origin
    wanted: list[Wanted] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    admitted: bool = False


def open_budget(config: EvaluationConfig, store: Store) -> Budget:
    """Return the version's budget, with what the responses that are sealed have cost.

    Those of shards that are still to be sealed count when their replies are found in the journal,
    also where another version has paid for them.
    """
    budget = Budget(config.runtime.budget, config.runtime.prices)
    given = config.evaluation
    for benchmark, model in product(given.benchmarks, given.models):
        for round, shard in product(range(1, given.rounds + 1), range(store.shards)):
            table = responses_table(benchmark, model, round)
            budget.add(tokens_in(store, table, shard))
    return budget


def ask_rounds(
    config: EvaluationConfig, store: Store, journal: Journal, model: Model, budget: Budget
) -> None:
    """Make every round's responses of a model; raises what the client and the journal raise."""
    for round in range(1, config.evaluation.rounds + 1):
        jobs = list(_outdated(config, store, model, round))
        by_sampling: dict[str, list[Job]] = {}
        for job in jobs:
            by_sampling.setdefault(job.teacher.sampling.model_dump_json(), []).append(job)
        total = sum(_rows(store, job) * job.benchmark.samples for job in jobs)
        if jobs:
            with meter(f"{model.name} {round}", total) as progress:
                for group in by_sampling.values():
                    Round(config, store, journal, model, round, progress, budget).finish(group)


def _outdated(config: EvaluationConfig, store: Store, model: Model, round: int) -> Iterator[Job]:
    """Yield the shards that are missing, made from other inputs, or have refused replies."""
    for benchmark in config.evaluation.benchmarks:
        teacher = model.sampled(benchmark)
        table = responses_table(benchmark, model, round)
        for shard in range(store.shards):
            before = [responses_table(benchmark, model, n) for n in range(1, round)]
            inputs = inputs_of(store, shard, questions_table(benchmark), *before)
            recipe = _recipe(config, benchmark, teacher, round)
            origin = origin_of(recipe, inputs, store.shards)
            whole = is_current(store, table, shard, origin)
            if not (whole and _nothing_refused(store, table, shard)):
                yield Job(benchmark, teacher, shard, origin)


def _nothing_refused(store: Store, table: str, shard: int) -> bool:
    manifest = store.manifest(table, shard)
    return manifest is not None and not manifest.counts.get(REFUSED)


def _recipe(
    config: EvaluationConfig, benchmark: Benchmark, teacher: Teacher, round: int
) -> dict[str, Any]:
    """Return what decides a round's responses; round 1 knows nothing of the later prompt."""
    recipe = {"model": teacher.identity(), "samples": benchmark.samples}
    return recipe if round == 1 else {**recipe, "prompt": config.evaluation.prompt}


def _rows(store: Store, job: Job) -> int:
    manifest = store.manifest(questions_table(job.benchmark), job.shard)
    return manifest.rows if manifest else 0


class Round:
    """One round over some shards: hands asks to the client, takes replies, seals."""

    def __init__(
        self,
        config: EvaluationConfig,
        store: Store,
        journal: Journal,
        model: Model,
        round: int,
        progress: Meter,
        budget: Budget,
    ) -> None:
        self.config, self.store, self.journal = config, store, journal
        self.model, self.round, self.progress = model, round, progress
        self.budget = budget
        self.waiting: dict[str, list[Job]] = {}  # key → the shards that wait for its reply
        self.refused: dict[str, Reply] = {}
        self.sealed = time.monotonic()

    def finish(self, jobs: list[Job]) -> None:
        """Ask until every shard is sealed; all jobs sample alike."""
        asks = self._asks(jobs)
        first = next(asks, None)
        if first is None:
            return
        teacher = jobs[0].teacher
        runtime = self.config.runtime.of(self.model)
        keeper = JournalKeeper(self.journal, self.model.name)
        with open_client(teacher, teacher.sampling, runtime, self.budget) as client:
            client.on_tick = lambda: self.progress.advance(0, client.note())
            for ask, reply in client.replies(chain([first], asks), keeper):
                self._take(ask, reply)

    def _asks(self, jobs: list[Job]) -> Iterator[Ask]:
        """Yield what the journal lacks, one shard after the other as there is room."""
        for job in jobs:
            job.wanted = [_light(one) for one in self._wanted(job)]
            known = self._replies(job)
            self._count(job, known)
            job.missing = {one.ask.key for one in job.wanted} - set(known)
            self.progress.advance(sum(one.ask.key in known for one in job.wanted))
            mine = self._register(job)
            for one in self._wanted(job) if mine else ():
                if one.ask.key in mine:
                    mine.discard(one.ask.key)
                    yield one.ask
            job.admitted = True
            self._seal_if_whole(job)

    def _count(self, job: Job, known: dict[str, Reply]) -> None:
        """Count what the replies that are there have cost, in place of what was counted.

        The budget was opened with the cost of the shard's rows, if it has any; they are replaced.
        """
        table = responses_table(job.benchmark, self.model, self.round)
        before = tokens_in(self.store, table, job.shard)
        self.budget.add(Tokens(-before.prompt, -before.response))
        for reply in known.values():
            self.budget.add(Tokens(reply.prompt_tokens or 0, reply.response_tokens or 0))

    def _register(self, job: Job) -> set[str]:
        """Wait for what is missing; returns what no other shard is waiting for already.

        All of it before the first is asked: a reply may come while the next ask is wanted.
        """
        mine = set()
        for key in job.missing:
            waiting = self.waiting.setdefault(key, [])
            if not waiting:
                mine.add(key)
            waiting.append(job)
        return mine

    def _wanted(self, job: Job) -> Iterator[Wanted]:
        earlier = (
            read_responses(self.store, job.benchmark, self.model, round, job.shard)
            for round in range(1, self.round)
        )
        questions = read_questions(self.store, job.benchmark, job.shard)
        answers = last_answers(earlier)
        prompt, samples = self.config.evaluation.prompt, job.benchmark.samples
        return wanted(job.teacher, questions, answers, self.round, samples, prompt)

    def _replies(self, job: Job) -> dict[str, Reply]:
        """Return the replies to a shard's asks that are there, refusals among them."""
        keys = [one.ask.key for one in job.wanted]
        kept = self.journal.get(keys, job.teacher.sampling.max_tokens)
        return {**{key: self.refused[key] for key in keys if key in self.refused}, **kept}

    def _take(self, ask: Ask, reply: Reply) -> None:
        """Seal the shards for which a reply, which is kept already, was the last one."""
        if reply.finish_reason == REFUSED:
            self.refused[ask.key] = reply
        waiting = self.waiting.pop(ask.key)
        self.progress.advance(len(waiting))
        for job in waiting:
            job.missing.discard(ask.key)
            self._seal_if_whole(job)

    def _seal_if_whole(self, job: Job) -> None:
        """Write a shard's responses when all of its replies are there."""
        if job.missing or not job.admitted:
            return
        replies = self._replies(job)
        rows = [
            as_response(job.teacher, self.round, one, replies[one.ask.key]) for one in job.wanted
        ]
        rows.sort(key=lambda response: response.key)
        counts = Counter(response.finish_reason for response in rows)
        table = responses_table(job.benchmark, self.model, self.round)
        self.sealed, before = time.monotonic(), self.sealed
        seconds = self.sealed - before  # since the shard before it: shards overlap
        made = Response.to_table(rows)
        self.store.write(table, job.shard, made, job.origin, dict(sorted(counts.items())), seconds)


def _light(one: Wanted) -> Wanted:
    """Return an ask without its text: a round's prompts need not stay in memory."""
    return Wanted(Ask(one.ask.id, one.ask.attempt, {}, one.ask.key), one.sample, one.shows_answer)


def as_response(teacher: Teacher, round: int, one: Wanted, reply: Reply) -> Response:
    """Return a reply as the record of a response, whose attempt is the number of its sample."""
    sampling: dict[str, Any] = teacher.sampling.model_dump(mode="json", exclude={"stop"})
    sampling |= {"attempt": one.ask.attempt, "shows_answer": one.shows_answer}
    if reply.error:
        sampling["error"] = reply.error[:500]
    return Response.parse(
        reply_text(teacher, reply),
        id=one.ask.id,
        teacher=teacher.name,
        round=round,
        attempt=one.sample,
        finish_reason=reply.finish_reason,
        prompt_tokens=reply.prompt_tokens,
        response_tokens=reply.response_tokens,
        sampling=canonical_json(sampling),
    )
