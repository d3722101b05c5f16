"""Verdicts on the responses of an evaluation, by the verifiers that judge a dataset.

A verdict is a `Verdict` record; where a benchmark's answers can be compared with each other,
its evidence also says which responses of the same sample set gave the same answer::

    {"extracted": "\\\\frac{1}{2}", "reference": "0.5", "group": 0, …}

The rules of a dataset (format, repetition, refusals) are not asked: here the answer counts.
No judge is asked either; what `math` cannot tell stays unverified.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pipeline.acceptance import NO_REPLY, NOTHING
from pipeline.errors import ConfigError
from pipeline.evaluation.agreement import Answer, grouped
from pipeline.evaluation.base import Benchmark
from pipeline.evaluation.config import EvaluationConfig, EvaluationRuntime, Model
from pipeline.evaluation.rounds import REFUSED
from pipeline.evaluation.tables import (
    inputs_of,
    is_current,
    origin_of,
    questions_table,
    read_questions,
    read_responses,
    responses_table,
    verdicts_table,
)
from pipeline.progress import Meter, meter
from pipeline.records import Question, Response, Verdict, canonical_json
from pipeline.store import Origin, Store, count_by
from pipeline.verify import CODE, as_row, verdict
from verifiers import Outcome, Result, Verifier, available

Pair = tuple[Question, Response]
REVISION = 2  # goes up when the same settings give other verdicts


class Judges:
    """The verifiers of an evaluation, each started when the first row needs it."""

    def __init__(self, config: EvaluationConfig) -> None:
        self.config = config
        self.started: dict[str, Verifier] = {}
        self.open = contextlib.ExitStack()

    def __enter__(self) -> Judges:
        return self

    def __exit__(self, *_: object) -> None:
        self.open.close()

    def of(self, benchmark: Benchmark) -> Verifier:
        """Return a benchmark's verifier; raises ConfigError for settings that it doesn't know."""
        name, settings = benchmark.verified_by(), self.config.evaluation.settings_of(benchmark)
        if name == CODE:
            settings |= where_programs_run(self.config.runtime)
        key = canonical_json([name, settings])
        if key not in self.started:
            try:
                made = available()[name].create(self.config.runtime.workers, **settings)
            except (TypeError, ValueError) as error:
                raise ConfigError(f"evaluation.settings.{name}: {error}") from None
            self.started[key] = self.open.enter_context(made)
        return self.started[key]


def where_programs_run(runtime: EvaluationRuntime) -> dict[str, Any]:
    """Return the code verifier's settings that are the machine's, not the evaluation's."""
    found = {name: getattr(runtime, name) for name in ("unsafe_no_sandbox", "sandbox_fusion_url")}
    return {name: value for name, value in found.items() if value}


def judge_rounds(config: EvaluationConfig, store: Store, judges: Judges, model: Model) -> None:
    """Make every verdict on a model's responses that is missing or outdated."""
    for round in range(1, config.evaluation.rounds + 1):
        jobs = list(_outdated(config, store, model, round))
        if not jobs:
            continue
        total = sum(
            _rows(store, responses_table(benchmark, model, round), shard)
            for benchmark, shard, _ in jobs
        )
        with meter(f"judge {model.name} {round}", total) as progress:
            for benchmark, shard, origin in jobs:
                start = time.monotonic()
                pairs = _pairs(store, benchmark, model, round, shard)
                found = judged(benchmark, pairs, judges, progress)
                rows = Verdict.to_table(sorted(found, key=lambda verdict: verdict.key))
                counts = count_by(rows, "outcome", "reason")
                table = verdicts_table(benchmark, model, round)
                store.write(table, shard, rows, origin, counts, time.monotonic() - start)


def _outdated(
    config: EvaluationConfig, store: Store, model: Model, round: int
) -> Iterator[tuple[Benchmark, int, Origin]]:
    for benchmark in config.evaluation.benchmarks:
        settings = config.evaluation.settings_of(benchmark)
        recipe = {"verifier": benchmark.verified_by(), "settings": settings, "revision": REVISION}
        table = verdicts_table(benchmark, model, round)
        for shard in range(store.shards):
            answered = responses_table(benchmark, model, round)
            inputs = inputs_of(store, shard, questions_table(benchmark), answered)
            origin = origin_of(recipe, inputs, store.shards)
            if not is_current(store, table, shard, origin):
                yield benchmark, shard, origin


def _rows(store: Store, table: str, shard: int) -> int:
    manifest = store.manifest(table, shard)
    return manifest.rows if manifest else 0


def _pairs(store: Store, benchmark: Benchmark, model: Model, round: int, shard: int) -> list[Pair]:
    questions = {one.id: one for one in read_questions(store, benchmark, shard)}
    responses = read_responses(store, benchmark, model, round, shard)
    return [(questions[response.id], response) for response in responses]


def judged(
    benchmark: Benchmark, pairs: list[Pair], judges: Judges, progress: Meter
) -> list[Verdict]:
    """Return a verdict on each pair, in no fixed order, with groups where there are votes."""
    told = [(pair, _untold(pair)) for pair in pairs]
    found = [(pair, result) for pair, result in told if result is not None]
    progress.advance(len(found))
    left = [pair for pair, result in told if result is None]
    if left:
        verifier = judges.of(benchmark)
        rows = (as_row(question, response) for question, response in left)
        results = []
        for pair, result in zip(left, verifier.results(rows), strict=True):
            results.append((pair, result))
            progress.advance(1)
        found += _with_groups(results, verifier) if benchmark.votes else results
    return [verdict(response, result) for (_, response), result in found]


def _untold(pair: Pair) -> Result | None:
    """Return the result for a response that no verifier can judge, None for the others."""
    question, response = pair
    if response.finish_reason == REFUSED:
        said = json.loads(response.sampling).get("error", "")
        return Result(Outcome.UNVERIFIED, NO_REPLY, NOTHING, evidence={"error": said})
    if not (question.reference_answer or question.test_cases or question.constraints):
        return Result(Outcome.UNVERIFIED, "nothing_to_check", NOTHING)
    return None


def _with_groups(
    results: list[tuple[Pair, Result]], verifier: Verifier
) -> list[tuple[Pair, Result]]:
    """Return the results with the group of each answer in its evidence."""
    answers = [_answer(place, pair, result) for place, (pair, result) in enumerate(results)]
    groups = grouped([answer for answer in answers if answer.text], verifier)
    return [
        (pair, replace(result, evidence={**result.evidence, "group": groups[place]}))
        if place in groups
        else (pair, result)
        for place, (pair, result) in enumerate(results)
    ]


def _answer(place: int, pair: Pair, result: Result) -> Answer:
    """Return what a response answers as the verifier read it; "" where it found nothing."""
    question, response = pair
    row: dict[str, Any] = {**as_row(question, response), "answer": response.answer or ""}
    extracted = result.evidence.get("extracted")
    text = extracted if isinstance(extracted, str) else ""
    return Answer(place, question.id, text, result.outcome == Outcome.CORRECT, row)
