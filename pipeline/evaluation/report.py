"""Writes an evaluation's figures: tables as Markdown and LaTeX, all numbers as JSON, plots.

    data/evaluations/think-twice/1/report/tables.md  tables.tex  scores.json  *.png

The first two tables have the form of the paper's Tables 1 and 2. Every figure comes from the
stored responses and verdicts, so writing the report again asks nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.evaluation import paper
from pipeline.evaluation.base import Benchmark
from pipeline.evaluation.config import EvaluationConfig, Model
from pipeline.evaluation.estimates import Estimate, average_of
from pipeline.evaluation.grid import Cell, Grid
from pipeline.evaluation.samples import read_samples
from pipeline.evaluation.scores import Lengths, RoundScore, round_score
from pipeline.evaluation.words import WORDS
from pipeline.store import Store, replacing, writing

NONE = "–"
Key = tuple[str, str]  # model, benchmark


@dataclass(frozen=True, slots=True)
class Scores:
    """All figures: those of a model on a benchmark, round by round."""

    models: Sequence[Model]
    benchmarks: Sequence[Benchmark]
    rounds: Mapping[Key, Sequence[RoundScore]]

    def of(self, model: Model, benchmark: Benchmark) -> Sequence[RoundScore]:
        """Return a model's rounds on a benchmark."""
        return self.rounds[(model.name, benchmark.label)]


def read_scores(config: EvaluationConfig, store: Store) -> Scores:
    """Compute every figure from what is stored."""
    given = config.evaluation
    found = {
        (model.name, benchmark.label): _rounds(config, store, model, benchmark)
        for model in given.models
        for benchmark in given.benchmarks
    }
    return Scores(given.models, given.benchmarks, found)


def _rounds(
    config: EvaluationConfig, store: Store, model: Model, benchmark: Benchmark
) -> list[RoundScore]:
    ks = config.evaluation.pass_at
    first = before = None
    scores = []
    for round in range(1, config.evaluation.rounds + 1):
        samples = list(read_samples(store, benchmark, model, round))
        scores.append(round_score(samples, first, before, ks, benchmark.votes))
        first, before = first or samples, samples
    return scores


def write_report(config: EvaluationConfig, scores: Scores, folder: Path) -> list[Path]:
    """Write all files of the report; returns their paths. Raises StoreUnwritable."""
    from pipeline.evaluation.figures import draw

    tables = list(grids(scores))
    texts = {
        "tables.md": _markdown(config, tables),
        "tables.tex": "\n".join(table.latex() for table in tables),
        "scores.json": json.dumps(as_json(scores), indent=1, ensure_ascii=False) + "\n",
    }
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with replacing(folder / name) as file:
                file.write(text.encode())
        return [*(folder / name for name in texts), *draw(scores, folder)]


def _markdown(config: EvaluationConfig, tables: Sequence[Grid]) -> str:
    head = f"# {config.name} {config.version}\n\nFigures are explained in docs/think-twice.md."
    return "\n".join([head, "", *(table.markdown() for table in tables)])


def as_json(scores: Scores) -> list[dict[str, Any]]:
    """Return every figure, one object for each model, benchmark and round."""
    return [
        {"model": model, "benchmark": benchmark, "round": number, **asdict(score)}
        for (model, benchmark), rounds in scores.rounds.items()
        for number, score in enumerate(rounds, start=1)
    ]


def grids(scores: Scores) -> Iterator[Grid]:
    """Yield the tables in the order of the report."""
    yield accuracy(scores)
    yield response_lengths(scores)
    if (beside := beside_the_paper(scores)).rows:
        yield beside
    for benchmark in scores.benchmarks:
        yield details(scores, benchmark)
        if (paths := trajectories(scores, benchmark)).rows:
            yield paths
    if (unverified := reasons(scores)).rows:
        yield unverified


def accuracy(scores: Scores) -> Grid:
    """Return pass@1 with its error for each model and round; the best round is bold."""
    rows = []
    for model in scores.models:
        columns = [[one.pass1 for one in scores.of(model, b)] for b in scores.benchmarks]
        columns.append([average_of(row) for row in zip(*columns, strict=True)])
        best = [_best(column) for column in columns]
        for place in range(len(columns[0])):
            cells = [
                Cell(percent(column[place]), top is not None and column[place].value == top)
                for column, top in zip(columns, best, strict=True)
            ]
            rows.append([Cell(model.name), Cell(str(place + 1)), *cells])
    heads = [f"{benchmark.heading} pass@1" for benchmark in scores.benchmarks]
    note = "Percent ± standard error over questions; bold: a model's best round."
    return Grid("Accuracy", ("Model", "Round", *heads, "Average"), rows, note)


def _best(column: Sequence[Estimate]) -> float | None:
    """Return the highest value of several rounds, None where no round is above another."""
    values = {one.value for one in column if one.value is not None}
    return max(values) if len(values) > 1 else None


def response_lengths(scores: Scores) -> Grid:
    """Return the mean tokens of a response for each model and round."""
    rows = []
    for model in scores.models:
        columns = [[one.lengths.tokens for one in scores.of(model, b)] for b in scores.benchmarks]
        for number, tokens in enumerate(zip(*columns, strict=True), start=1):
            told = [one for one in tokens if one is not None]
            mean = sum(told) / len(told) if len(told) == len(tokens) else None
            cells = [Cell(decimal(one)) for one in (*tokens, mean)]
            rows.append([Cell(model.name), Cell(str(number)), *cells])
    heads = [benchmark.heading for benchmark in scores.benchmarks]
    note = "Tokens, as the server counts them."
    return Grid("Length of responses", ("Model", "Round", *heads, "Average"), rows, note)


def beside_the_paper(scores: Scores) -> Grid:
    """Return pass@1 beside the paper's, for models and benchmarks that both have."""
    rows = []
    for model in scores.models:
        for benchmark in scores.benchmarks:
            for number, score in enumerate(scores.of(model, benchmark), start=1):
                theirs = paper.PASS1.get(model.name, {}).get(number, {}).get(benchmark.benchmark)
                if theirs is not None and score.pass1.value is not None:
                    difference = f"{100 * score.pass1.value - theirs:+.1f}"
                    ours = percent(score.pass1)
                    texts = (model.name, benchmark.heading, str(number), ours, f"{theirs:.1f}")
                    rows.append([Cell(text) for text in (*texts, difference)])
    head = ("Model", "Benchmark", "Round", "Here", "Paper", "Difference")
    note = f"Pass@1 in percent beside {paper.NAME}, matched by the model's name."
    return Grid("Beside the paper", head, rows, note)


def details(scores: Scores, benchmark: Benchmark) -> Grid:
    """Return all figures of a benchmark, a row for each model and round."""
    every = [score for model in scores.models for score in scores.of(model, benchmark)]
    ks = sorted({k for score in every for k in score.pass_at})
    rows = []
    for model in scores.models:
        for number, score in enumerate(scores.of(model, benchmark), start=1):
            cells = [model.name, str(number), percent(score.pass1), signed(score.gain)]
            cells += [percent(score.pass_at.get(k)) for k in ks]
            cells += [percent(score.vote.right if score.vote else None), *_counts(score, number)]
            rows.append([Cell(text) for text in cells])
    votes = ("Majority", "Right", "Wrong", "Unverified", "Asked alone")
    head = ("Model", "Round", "pass@1", "Gain", *(f"pass@{k}" for k in ks), *votes)
    asked = f"{every[0].questions:,} questions, {benchmark.samples:,} responses to each."
    note = f"{asked} Gain: over round 1, with the error of the paired difference."
    return Grid(benchmark.heading, (*head, "Tokens", *WORDS), rows, note)


def _counts(score: RoundScore, number: int) -> list[str]:
    outcomes = (score.outcomes.get(name, 0) for name in ("correct", "incorrect", "unverified"))
    alone = f"{score.asked_alone:,}" if number > 1 else NONE
    return [*(f"{count:,}" for count in outcomes), alone, *_lengths(score.lengths)]


def _lengths(lengths: Lengths) -> list[str]:
    if not lengths.responses:
        return [NONE] * (1 + len(WORDS))
    return [decimal(lengths.tokens), *(f"{lengths.words[word]:.2f}" for word in WORDS)]


def trajectories(scores: Scores, benchmark: Benchmark) -> Grid:
    """Return what became of right and wrong responses from each round to the next."""
    rows = []
    for model in scores.models:
        for number, score in enumerate(scores.of(model, benchmark), start=1):
            total = sum(path.after.responses for path in score.trajectories.values())
            for name, path in score.trajectories.items():
                n = path.after.responses
                share = f"{100 * n / total:.1f}" if total else NONE
                pairs = zip(_lengths(path.before), _lengths(path.after), strict=True)
                lengths = [f"{then} → {now}" for then, now in pairs]
                steps = f"{number - 1} → {number}"
                texts = (model.name, steps, name, f"{n:,}", share, *lengths)
                rows.append([Cell(text) for text in texts])
    head = ("Model", "Rounds", "Path", "Responses", "%", "Tokens", *WORDS)
    note = "C is correct, I incorrect; unverified responses are on no path. Means per response."
    return Grid(f"{benchmark.heading}: from round to round", head, rows, note)


def reasons(scores: Scores) -> Grid:
    """Return why responses are unverified, none where all were decided."""
    rows = [
        [Cell(text) for text in (model, benchmark, str(number), reason, f"{count:,}")]
        for (model, benchmark), rounds in scores.rounds.items()
        for number, score in enumerate(rounds, start=1)
        for reason, count in score.unverified.items()
    ]
    head = ("Model", "Benchmark", "Round", "Reason", "Responses")
    note = "They count neither as right nor as wrong; docs/verdicts.md explains the reasons."
    return Grid("Unverified responses", head, rows, note)


def percent(estimate: Estimate | None) -> str:
    """Return an estimate in percent with its error, such as "80.3 ± 6.2"."""
    if estimate is None or estimate.value is None:
        return NONE
    error = "" if estimate.error is None else f" ± {100 * estimate.error:.1f}"
    return f"{100 * estimate.value:.1f}{error}"


def signed(estimate: Estimate | None) -> str:
    """Return a difference in points with its sign, such as "+1.8 ± 2.1"."""
    if estimate is None or estimate.value is None:
        return NONE
    text = percent(estimate)
    return text if text.startswith("-") else f"+{text}"


def decimal(value: float | None) -> str:
    """Return a mean with one decimal."""
    return NONE if value is None else f"{value:,.1f}"
