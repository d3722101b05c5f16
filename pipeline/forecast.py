"""What a run will cost and yield, told from a pilot, with intervals.

    forecast = predict({"math/hard": 9000}, trials, Rates(tokens_a_second=5200.0, gpus=8), prices)
    forecast.figures["response_tokens"]      Interval(low=61.2e6, middle=66.0e6, high=71.1e6)

A stratum's mean speaks for all its questions; the intervals, 90 % wide, come from drawing each
stratum's trials again with replacement, a thousand times, with a fixed seed. They hold what a
sample of that size leaves open and nothing else: a server that slows down, a price that changes,
rounds that go differently for questions unlike those of the pilot are not in them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.accounts import Spent
from pipeline.config import Prices
from pipeline.facts import RoundFacts
from pipeline.forecast_pilot import Trial
from pipeline.store import replacing, writing
from pipeline.teacher.budget import Tokens

DRAWS = 1_000  # the interval's ends then move by about 3 % of its width; a guess
INSIDE = 0.9
SEED = 0
FILE = "forecast.json"
COLUMNS = ("requests", "prompt_tokens", "response_tokens", "answered")
# figure → its name for people, and what one of its units is divided by
UNITS = {
    "requests": ("requests", 1),
    "tokens": ("tokens, prompts and responses", 1),
    "response_tokens": ("tokens of responses", 1),
    "answered": ("questions answered", 1),
    "yield": ("share answered", 1),
    "seconds": ("hours of asking", 3_600),
    "gpu_hours": ("GPU hours", 1),
    "money": ("money", 1),
}


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the bounds between which it lies nine times of ten."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of a run over `questions`, told from `trials` of them.

    Figures: requests, prompt_tokens, response_tokens, tokens (both), answered, yield (a share),
    and, where the throughput is known, seconds and gpu_hours; money at the prices.
    """

    questions: int
    trials: int
    tokens_a_second: float
    currency: str
    figures: dict[str, Interval]


def predict(
    sizes: Mapping[str, int], trials: Sequence[Trial], tokens_a_second: float, prices: Prices
) -> Forecast:
    """Return the forecast for strata of these sizes; 0 tokens a second means unknown.

    A stratum without a trial takes the mean of all trials; raises ValueError without any.
    """
    if not trials:
        raise ValueError("trials: are needed, got none")
    draws = _draws(sizes, trials)
    total = sum(sizes.values())
    figures = {name: _interval(draws[:, place]) for place, name in enumerate(COLUMNS)}
    figures["tokens"] = _interval(draws[:, 1] + draws[:, 2])
    figures["yield"] = _interval(draws[:, 3] / max(1, total))
    tokens = [Tokens(prompt, response) for _, prompt, response, _ in draws.tolist()]
    money = np.array([each.money(prices) for each in tokens])
    if tokens_a_second > 0:
        seconds = draws[:, 2] / tokens_a_second
        hours = seconds / 3_600 * prices.gpus
        money = money + hours * prices.gpu_hour
        figures |= {"seconds": _interval(seconds), "gpu_hours": _interval(hours)}
    figures["money"] = _interval(money)
    return Forecast(total, len(trials), tokens_a_second, prices.currency, figures)


def _draws(sizes: Mapping[str, int], trials: Sequence[Trial]) -> NDArray[np.float64]:
    """Return totals, a row for each time the trials are drawn again; the first is as they were."""
    grouped: dict[str, list[list[float]]] = defaultdict(list)
    for trial in trials:
        costs = (trial.requests, trial.prompt_tokens, trial.response_tokens, trial.answered)
        grouped[trial.stratum].append([float(value) for value in costs])
    everything = np.array([row for rows in grouped.values() for row in rows])
    dice = np.random.default_rng(SEED)
    totals = np.zeros((DRAWS + 1, len(COLUMNS)))
    for stratum, size in sorted(sizes.items()):
        rows = np.array(grouped[stratum]) if stratum in grouped else everything
        picks = dice.integers(0, len(rows), (DRAWS, len(rows)))
        totals[0] += size * rows.mean(axis=0)
        totals[1:] += size * rows[picks].mean(axis=1)
    return totals


def _interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(values[1:], [(1 - INSIDE) / 2, (1 + INSIDE) / 2])
    return Interval(float(low), float(values[0]), float(high))


def write_forecast(forecast: Forecast, folder: Path) -> Path:
    """Keep a forecast beside the version's tables, for the report to compare with."""
    path = folder / FILE
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(json.dumps(asdict(forecast), indent=2).encode())
    return path


def read_forecast(folder: Path) -> Forecast | None:
    """Return the last forecast that was made of a version, None where there is none."""
    path = folder / FILE
    if not path.exists():
        return None
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    figures = {name: Interval(**bounds) for name, bounds in data.pop("figures").items()}
    return Forecast(figures=figures, **data)


def beside(
    forecast: Forecast, rounds: Sequence[RoundFacts], spent: Spent, prices: Prices
) -> list[tuple[str, str, str, str]]:
    """Return rows for people: figure, forecast, its interval, and what has happened by now.

    Rounds are those of a teacher, so without 0. Time is that of runs that ended by themselves.
    """
    asked = [of for of in rounds if of.round]
    hours = spent.seconds / 3_600
    tokens = Tokens(spent.prompt_tokens, spent.response_tokens)
    answered = sum(of.gained for of in rounds)
    actual = {
        "requests": sum(of.responses for of in asked),
        "tokens": sum(of.tokens for of in asked),
        "answered": answered,
        "yield": answered / max(1, forecast.questions),
        "seconds": spent.seconds,
        "gpu_hours": hours * prices.gpus,
        "money": tokens.money(prices) + hours * prices.gpus * prices.gpu_hour,
    }
    return [
        (name_of(name, forecast), *as_text(name, forecast.figures[name]), number(name, value))
        for name, value in actual.items()
        if name in forecast.figures
    ]


def name_of(figure: str, forecast: Forecast) -> str:
    """Return what a figure is called, money by its currency."""
    return forecast.currency if figure == "money" else UNITS[figure][0]


def as_text(figure: str, found: Interval) -> tuple[str, str]:
    """Return a figure and its interval as people read them."""
    return number(
        figure, found.middle
    ), f"{number(figure, found.low)} to {number(figure, found.high)}"


def number(figure: str, value: float) -> str:
    """Return a value in a figure's unit."""
    scaled = value / UNITS[figure][1]
    return f"{scaled:,.0f}" if abs(scaled) >= 100 or scaled == int(scaled) else f"{scaled:,.3g}"
