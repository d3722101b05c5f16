"""Measures students by `pipeline/evaluation`, and compares them question by question.

    with_students(config, {"hard": trained})     the evaluation, of these students alone
    comparison(config, store)                    a table: pass@1 with intervals, and differences

Students have answered the same questions, so that a difference has an error of its own, which is
smaller than that of two scores: it is a mean over questions. The first student is the yardstick.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.evaluation.base import Benchmark
from pipeline.evaluation.config import EvaluationConfig, Model
from pipeline.evaluation.estimates import Estimate, mean_of
from pipeline.evaluation.grid import Cell, Grid
from pipeline.evaluation.report import Scores, signed
from pipeline.evaluation.samples import read_samples
from pipeline.evaluation.scores import shares_of
from pipeline.store import Store
from pipeline.students import NORMAL_95, Score
from pipeline.training.experiment import Trained


def with_students(config: EvaluationConfig, students: Mapping[str, Trained]) -> EvaluationConfig:
    """Return an evaluation of these students, sampled as its first model is.

    Each is loaded in this process. The version says which students they are, so that a student
    that was trained anew is asked anew.
    """
    first = config.evaluation.models[0]
    models = tuple(
        first.model_copy(
            update={
                "name": name,
                "model": str(trained.model),
                "revision": trained.fingerprint,
                "engine": "transformers",
            }
        )
        for name, trained in students.items()
    )
    mark = "-".join([config.version, *(one.fingerprint[:8] for one in students.values())])
    evaluation = config.evaluation.model_copy(update={"models": models})
    runtime = config.runtime.model_copy(update={"endpoints": {}})
    update = {"version": mark, "evaluation": evaluation, "runtime": runtime}
    return config.model_copy(update=update)


def comparison(config: EvaluationConfig, store: Store) -> Grid:
    """Return pass@1 in the last round with 95 % intervals, and paired differences to the first."""
    models, round = config.evaluation.models, config.evaluation.rounds
    rows = []
    for benchmark in config.evaluation.benchmarks:
        first = _shares(store, benchmark, models[0], round)
        for model in models:
            now = _shares(store, benchmark, model, round)
            rows.append(_row(benchmark, model, first, now, model is models[0]))
    head = ("Student", "Benchmark", "Questions", "pass@1", "95 %", "Difference", "95 %")
    note = f"percent; round {round}; differences to {models[0].name}, over the questions of both"
    return Grid("Students compared", head, rows, note)


def _shares(store: Store, benchmark: Benchmark, model: Model, round: int) -> dict[str, float]:
    return shares_of(list(read_samples(store, benchmark, model, round)))


def _row(
    benchmark: Benchmark,
    model: Model,
    first: Mapping[str, float],
    now: Mapping[str, float],
    is_first: bool,
) -> list[Cell]:
    score = mean_of(list(now.values()))
    gain = mean_of([now[id] - share for id, share in first.items() if id in now])
    difference = ("–", "–") if is_first else (signed(gain), interval(gain))
    value = "–" if score.value is None else f"{100 * score.value:.1f}"
    cells = (model.name, benchmark.heading, str(len(now)), value, interval(score), *difference)
    return [Cell(text) for text in cells]


def interval(estimate: Estimate) -> str:
    """Return a 95 % interval in percent, by the normal distribution."""
    if estimate.value is None or estimate.error is None:
        return "–"
    half = NORMAL_95 * estimate.error
    low, high = 100 * (estimate.value - half), 100 * (estimate.value + half)
    return f"{low:.1f} to {high:.1f}"


def scores_of(config: EvaluationConfig, scores: Scores, version: str) -> list[Score]:
    """Return what a dataset's version is told to have come to, from the last round."""
    found = []
    for model in scores.models:
        for benchmark in scores.benchmarks:
            last = scores.of(model, benchmark)[-1]
            if last.pass1.value is None:
                continue  # nothing of it was decided, and there is no figure
            found.append(
                Score(
                    version=version,
                    student=model.name,
                    training=model.revision,
                    benchmark=benchmark.heading,
                    round=config.evaluation.rounds,
                    questions=last.pass1.of,
                    pass1=last.pass1.value,
                    error=last.pass1.error,
                    unverified=last.outcomes.get("unverified", 0),
                )
            )
    return found
