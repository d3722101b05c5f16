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

from pipeline.acceptance import can_be_accepted, closed, findings, verdict_rows
from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.progress import Meter, meter
from pipeline.recipe import Distill, Teacher
from pipeline.records import Question, Response, canonical_json
from pipeline.stage import Run, Stage
from pipeline.store import Origin, Store
from pipeline.teacher import open_client
from pipeline.teacher.base import Ask, Reply, ask_key
from pipeline.teacher.journal import Journal
from pipeline.teacher.prompts import build_request
from verifiers.response import final_answer


class DistillStage(Stage):
    """Writes `responses/round=NN` for a round ≥ 1; one teacher serves all shards at once."""

    name = "distill"

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
        with Journal(run.store.root / "journal") as journal:
            work = Round(run, self, journal, dict(jobs))
            attempts = run.config.recipe.distill.attempts
            shards = (shard for shard, _ in jobs)
            questions = sum(
                len(open_questions(run.config, run.store, shard, self.round)) for shard in shards
            )
            with meter(self.title, questions * attempts) as progress:
                work.finish(progress)


def check_endpoints(config: Config) -> None:
    """Raise ConfigError where rounds are to be asked and no server is named."""
    teacher = config.recipe.teacher if config.recipe.distill.rounds else None
    if teacher is not None and teacher.engine == "openai" and not config.runtime.endpoints.urls:
        raise ConfigError(
            f"runtime.endpoints.urls: is empty, and teacher {teacher.name} is asked over HTTP;"
            ' name its server, such as urls = ["http://127.0.0.1:8000/v1"]'
        )


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

    def finish(self, progress: Meter) -> None:
        """Ask until every shard is sealed."""
        asks = self.asks(progress)
        first = next(asks, None)
        if first is not None:
            client = open_client(self.teacher, self.teacher.sampling, self.run.config.runtime)
            with client:
                for ask, reply in client.replies(_chain(first, asks)):
                    self.take(ask, reply)
                    progress.advance(1)
        for shard in sorted(self.open):
            self.seal_if_whole(shard)

    def asks(self, progress: Meter) -> Iterator[Ask]:
        """Yield what is to be asked, opening one shard after the other as there is room.

        What the journal holds counts as done.
        """
        for shard, origin in sorted(self.waiting.items()):
            state = self.open[shard] = Open(origin)
            wanted = asks_of(self.run.config, self.run.store, shard, self.stage.round)
            known = self.journal.get([a.key for a in wanted], self.teacher.sampling.max_tokens)
            missing = [ask for ask in wanted if ask.key not in known]
            state.outstanding = len(missing)
            progress.advance(len(wanted) - len(missing))
            self.shard_of_ask |= {ask.key: shard for ask in missing}
            yield from missing
            state.admitted = True
            self.seal_if_whole(shard)

    def take(self, ask: Ask, reply: Reply) -> None:
        """Make a reply durable, and seal its shard if it was the last one."""
        shard = self.shard_of_ask.pop(ask.key)
        state = self.open[shard]
        if reply.finish_reason == "error":
            state.refused[ask.key] = reply
        else:
            self.journal.put(ask.key, reply, teacher=self.teacher.name)
        state.outstanding -= 1
        self.seal_if_whole(shard)

    def seal_if_whole(self, shard: int) -> None:
        """Write the shard's responses when all of its replies are there."""
        state = self.open.get(shard)
        if state is None or state.outstanding or not state.admitted:
            return
        del self.open[shard]
        wanted = asks_of(self.run.config, self.run.store, shard, self.stage.round)
        replies = self.journal.get([a.key for a in wanted], self.teacher.sampling.max_tokens)
        replies |= state.refused
        rows = [as_response(self.teacher, self.stage.round, a, replies[a.key]) for a in wanted]
        rows.sort(key=lambda response: response.key)
        counts = Counter(response.finish_reason for response in rows)
        made = {self.stage.writes()[0]: (Response.to_table(rows), dict(sorted(counts.items())))}
        # Shards overlap: each counts the time since the one before it was sealed.
        self.sealed, before = time.monotonic(), self.sealed
        seconds = self.sealed - before
        self.stage.save(self.run.store, shard, state.origin, made, seconds)


def _chain(first: Ask, rest: Iterator[Ask]) -> Iterator[Ask]:
    yield first
    yield from rest


def asks_of(config: Config, store: Store, shard: int, round: int) -> list[Ask]:
    """Return everything that a round asks about a shard's open questions, in order of id."""
    recipe = config.recipe
    assert recipe.teacher is not None
    questions = open_questions(config, store, shard, round)
    answers: dict[str, str] = {}
    if recipe.distill.policy == "rethink" and round > 1:
        answers = last_answers(store, shard, round, recipe.teacher.name)
    first = (round - 1) * recipe.distill.attempts
    return [
        make_ask(recipe.teacher, recipe.distill, question, attempt, answers.get(question.id))
        for question in questions
        for attempt in range(first, first + recipe.distill.attempts)
    ]


def open_questions(config: Config, store: Store, shard: int, round: int) -> list[Question]:
    """Return the chosen questions that no earlier round closed, and that a reply could close."""
    chosen = set(store.read("chosen", shard).column("id").to_pylist())
    rows = (q for q in Question.from_table(store.read("questions", shard)) if q.id in chosen)
    questions = [question for question in rows if can_be_accepted(question, round, config.recipe)]
    kinds = {question.id: question.kind for question in questions}
    verdicts = (v for v in verdict_rows(store, shard, range(round)) if v.id in kinds)
    done = closed(findings(verdicts), kinds, config.recipe.select)
    return [question for question in questions if question.id not in done]


def last_answers(store: Store, shard: int, round: int, teacher: str) -> dict[str, str]:
    """Return the newest answer of the teacher to each question, thinking left out."""
    answers: dict[str, str] = {}
    for number in range(1, round):
        for response in Response.from_table(store.read(f"responses/round={number:02d}", shard)):
            if response.teacher == teacher and response.answer and response.answer.strip():
                answers[response.id] = final_answer(response.answer)
    return answers


def make_ask(
    teacher: Teacher, distill: Distill, question: Question, attempt: int, last: str | None
) -> Ask:
    """Return one request for one reply; with a last answer, the request to re-answer."""
    again = (distill.rethink_prompt, last) if last is not None else None
    request = build_request(teacher, question.prompt, again)
    key = ask_key(teacher, teacher.sampling, request, attempt)
    return Ask(question.id, attempt, request, key)


def as_response(teacher: Teacher, round: int, ask: Ask, reply: Reply) -> Response:
    """Return a reply as the record of a response."""
    sampling = teacher.sampling.model_dump(mode="json", exclude={"stop"})
    if reply.error:
        sampling["error"] = reply.error[:500]
    return Response.parse(
        teacher.reply_prefix + reply.text if reply.finish_reason != "error" else "",
        id=ask.id,
        teacher=teacher.name,
        round=round,
        attempt=ask.attempt,
        finish_reason=reply.finish_reason,
        prompt_tokens=reply.prompt_tokens,
        response_tokens=reply.response_tokens,
        sampling=canonical_json(sampling),
    )
