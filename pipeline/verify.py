"""Stage verify: verdicts on every response of a round, each with its reason.

Rules look at every response; one that they do not refuse goes to the verifier of its
question's kind, and one of which that cannot tell goes to a judge, where the recipe names one.
Where there is nothing to check against, the verdict says so.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.acceptance import (
    JUDGE,
    NO_REPLY,
    NOTHING,
    PERPLEXITY,
    QUALITY,
    REWARD,
    RULES,
    instrument,
)
from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.judging import doubtful, open_judge, open_quality, to_be_graded
from pipeline.progress import Meter, meter
from pipeline.proposals import proposed, proposed_inputs, with_proposed
from pipeline.records import Question, Response, Verdict, canonical_json
from pipeline.records_proposed import Proposal
from pipeline.rewards import open_reward
from pipeline.stage import Claimed, Run, Stage, giving_way
from pipeline.store import Origin, count_by
from verifiers import Outcome, Result, Verifier, available

Pair = tuple[Question, Response]
CODE = "code"
# Of a question's metadata.
CODE_SETTINGS = ("language", "time_limit_s", "memory_limit_mb", "comparison", "fn_name")


class VerifyStage(Stage):
    """Writes `verdicts/round=NN`; verifiers have processes of their own."""

    name = "verify"
    revision = 2  # loops, lists of true options, what a judge is shown, phone numbers

    def __init__(self, round: int, labelled: bool = False) -> None:
        """Judge a round; `labelled` if categories count, so that other labels judge anew."""
        self.round: int = round
        self._labelled = labelled

    def writes(self) -> tuple[str, ...]:
        """Return the round's verdicts."""
        return (f"verdicts/round={self.round:02d}",)

    def reads(self) -> tuple[str, ...]:
        """Return the round's responses and the questions that they answer."""
        tables = ("questions", "chosen", f"responses/round={self.round:02d}")
        return (*tables, "labels") if self._labelled else tables

    def fields(self, run: Run) -> dict[str, Any]:
        """Return which verifier judges what, with its settings."""
        return run.config.recipe.verify.identity()

    def origin(self, run: Run, shard: int) -> Origin:
        """Return what a shard is made from, proposed constraints among it."""
        found = super().origin(run, shard)
        taken = proposed_inputs(run.config, run.store, shard)
        return Origin(found.recipe, {**found.inputs, **taken})

    def alone(self, config: Config) -> bool:
        """One worker asks a served judge; what needs no model is judged by all of them."""
        recipe = config.recipe.verify
        return any((recipe.judge, recipe.reward, recipe.quality, recipe.perplexity))

    def build(self, run: Run) -> None:
        """Judge the outdated shards one after the other."""
        jobs = [Claimed(shard, origin, run.store) for shard, origin in self.outdated(run)]
        if jobs:
            self.go_through(run, jobs)

    def go_through(self, run: Run, claimed: Iterable[Claimed]) -> None:
        """Judge shards one after the other."""
        instruments = Instruments(run.config, run.store.root / "journal")
        table = f"responses/round={self.round:02d}"
        total = self.rows_of(run, table, (shard for shard, _ in self.outdated(run)))
        with instruments, meter(self.title, total) as progress:
            for one in claimed:
                start = time.monotonic()
                pairs = answered(run, one.shard, self.round)
                instruments.categories = categories(run, one.shard) if self._labelled else {}
                instruments.proposed = proposed(run.config, run.store, one.shard)
                found = instruments.judge(pairs, progress)
                verdicts = sorted(found, key=lambda v: (v.key, v.verifier))
                rows = Verdict.to_table(verdicts)
                counts = count_by(rows, "verifier", "outcome", "reason")
                made = {self.writes()[0]: (rows, counts)}
                with giving_way():
                    self.save(one.store, one.shard, one.origin, made, time.monotonic() - start)
                progress.advance(self.rows_of(run, table, [one.shard]), f"{len(pairs):,} judged")


def answered(run: Run, shard: int, round: int) -> list[Pair]:
    """Return a shard's chosen questions with their responses of a round."""
    chosen = set(run.store.read("chosen", shard).column("id").to_pylist())
    table = run.store.read(f"responses/round={round:02d}", shard)
    responses = [r for r in Response.from_table(table) if r.id in chosen]
    wanted = {response.id for response in responses}
    rows = with_proposed(run.config, run.store, shard)
    questions = {question.id: question for question in rows if question.id in wanted}
    return [(questions[response.id], response) for response in responses]


def categories(run: Run, shard: int) -> dict[str, str]:
    """Return the category of each question of a shard."""
    columns = run.store.read("labels", shard, ["id", "category"]).to_pydict()
    return dict(zip(columns["id"], columns["category"], strict=True))


class Instruments:
    """The verifiers that a recipe names, each started when the first row needs it."""

    def __init__(self, config: Config, journal: Path) -> None:
        self.recipe, self.runtime, self.journal = config.recipe.verify, config.runtime, journal
        self.known = available()
        self.open = contextlib.ExitStack()
        self.started: dict[str, Verifier] = {}
        self.categories: dict[str, str] = {}  # of questions, where a verifier goes by them
        self.proposed: dict[str, Proposal] = {}  # constraints that no source gave
        for name in {*self.recipe.by_kind.values(), *self.recipe.settings}:
            if name not in self.known:
                raise ConfigError(
                    f"recipe.verify: verifier must be one of {sorted(self.known)}, got {name!r}"
                )

    def __enter__(self) -> Instruments:
        return self

    def __exit__(self, *_: object) -> None:
        self.open.close()

    def get(self, name: str) -> Verifier:
        """Return a verifier, starting it; raises ConfigError for settings that it doesn't know."""
        if name not in self.started:
            makers = {
                JUDGE: self._judge,
                REWARD: self._reward,
                QUALITY: self._quality,
                PERPLEXITY: self._perplexity,
            }
            context = makers[name]() if name in makers else self._made(name)
            self.started[name] = self.open.enter_context(context)
        return self.started[name]

    def _judge(self) -> contextlib.AbstractContextManager[Verifier]:
        assert self.recipe.judge is not None  # the recipe's rule: nothing goes to a judge without
        return open_judge(self.recipe.judge, self.runtime, self.journal)

    def _reward(self) -> contextlib.AbstractContextManager[Verifier]:
        assert self.recipe.reward is not None  # the recipe's rule again
        return open_reward(self.recipe.reward, self.runtime, self.journal)

    def _quality(self) -> contextlib.AbstractContextManager[Verifier]:
        assert self.recipe.quality is not None  # and again
        return open_quality(self.recipe.quality, self.runtime, self.journal)

    def _perplexity(self) -> contextlib.AbstractContextManager[Verifier]:
        from pipeline.rewards.likelihoods import open_perplexity  # torch takes seconds

        assert self.recipe.perplexity is not None
        return open_perplexity(self.recipe.perplexity, self.runtime, self.journal)

    def _made(self, name: str) -> Verifier:
        settings = self.recipe.settings.get(name, {})
        if name == CODE and self.runtime.unsafe_no_sandbox:
            settings = {**settings, "unsafe_no_sandbox": True}
        if name == CODE and self.runtime.sandbox_fusion_url:
            settings = {**settings, "sandbox_fusion_url": self.runtime.sandbox_fusion_url}
        try:
            return self.known[name].create(workers=self.runtime.workers, **settings)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"recipe.verify.settings.{name}: {error}") from None

    def judge(self, pairs: list[Pair], progress: Meter) -> Iterator[Verdict]:
        """Yield the verdicts on pairs: the rules', the others' on what is left, then the judge's.

        The judge comes last, so that all that it is asked about a shard is asked at once.
        """
        left: dict[str, list[Pair]] = {}
        for _, response in (pair for pair in pairs if pair[1].finish_reason == "error"):
            yield verdict(response, Result(Outcome.UNVERIFIED, NO_REPLY, NOTHING))
        replies = [pair for pair in pairs if pair[1].finish_reason != "error"]
        passed: list[Pair] = []
        yield from self._vetoes(replies, passed)
        for pair in passed:
            left.setdefault(instrument(pair[0], self.recipe), []).append(pair)
        last = {name: left.pop(name, []) for name in (QUALITY, JUDGE)}
        for name, group in left.items():
            for pair, result in self._results(name, group):
                yield verdict(pair[1], self._told(pair[0], result))
                if self.recipe.judge is not None and doubtful(result, self.recipe.judge):
                    last[JUDGE].append(pair)
                if self.recipe.quality is not None and to_be_graded(result, self.recipe.quality):
                    last[QUALITY].append(pair)
        for name, group in last.items():
            for place, (pair, result) in enumerate(self._results(name, group), start=1):
                yield verdict(pair[1], result)
                progress.advance(0, f"{name} {place:,} of {len(group):,}")

    def _told(self, question: Question, result: Result) -> Result:
        """Return a result that says whose constraints were checked, where a model proposed them."""
        if result.verifier != "instruction" or question.id not in self.proposed:
            return result
        by = {"proposed_by": self.proposed[question.id].model}
        return replace(result, evidence={**result.evidence, **by})

    def _vetoes(self, pairs: list[Pair], passed: list[Pair]) -> Iterator[Verdict]:
        """Yield the verdicts of what looks at every response; `passed` gets what none refuses."""
        names = [RULES] if self.recipe.perplexity is None else [RULES, PERPLEXITY]
        for name in names:
            kept: list[Pair] = []
            for pair, result in self._results(name, pairs):
                yield verdict(pair[1], result)
                if result.outcome != Outcome.INCORRECT:
                    kept.append(pair)
            pairs = kept
        passed += pairs

    def _results(self, name: str, pairs: list[Pair]) -> Iterator[tuple[Pair, Result]]:
        if not pairs:
            return  # and start nothing
        if name == NOTHING:
            yield from ((pair, _nothing(pair[0])) for pair in pairs)
            return
        rows = (as_row(q, response, self.categories.get(q.id)) for q, response in pairs)
        yield from zip(pairs, self.get(name).results(rows), strict=True)


def _nothing(question: Question) -> Result:
    """Return the verdict where no verifier looks: is there anything that one could check?"""
    checkable = question.reference_answer or question.test_cases or question.constraints
    reason = "no_verifier" if checkable else "nothing_to_check"
    return Result(Outcome.UNVERIFIED, reason, NOTHING, evidence={"kind": question.kind})


def as_row(question: Question, response: Response, category: str | None = None) -> dict[str, Any]:
    """Return a question and its response in the form of the `verify` command."""
    row: dict[str, Any] = {
        "id": question.id,
        "answer": response.text,
        "prompt": [{"role": turn.role, "content": turn.content} for turn in question.prompt],
        "finish_reason": response.finish_reason,
    }
    if category is not None:
        row["category"] = category
    if question.reference_answer is not None:
        row["reference_answer"] = question.reference_answer
    for name in ("test_cases", "constraints"):
        if (text := getattr(question, name)) is not None:
            row[name] = json.loads(text)
    metadata = json.loads(question.metadata)
    wanted = CODE_SETTINGS if question.kind == "code" else ("options",)
    return row | {name: metadata[name] for name in wanted if name in metadata}


def verdict(response: Response, result: Result) -> Verdict:
    """Return a verifier's result as a record."""
    return Verdict(
        id=response.id,
        teacher=response.teacher,
        round=response.round,
        attempt=response.attempt,
        verifier=result.verifier,
        outcome=result.outcome.value,
        score=result.score,
        reason=result.reason,
        evidence=canonical_json(dict(result.evidence)),
        seconds=round(result.seconds, 6),
    )
