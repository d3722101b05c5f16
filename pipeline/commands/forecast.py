"""Run a pilot and say what the whole run will cost and yield.

Builds the tables up to choose, takes a sample of the chosen questions through all rounds, and
predicts tokens, money, GPU hours, duration and yield with intervals. What the pilot asks is
kept, and the run does not ask it again.

With --offline nothing is asked: the pilot that was run before is read again, for other prices,
say. Where there is none, nothing is built or fetched either, and a plan is printed from recorded
rates (pipeline/recorded.py), of the tables if they are there, else of what is known of the sources.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pipeline.config import Config, load_config
from pipeline.errors import UserError
from pipeline.store import Store

if TYPE_CHECKING:
    from pipeline.forecast import Forecast


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("--version", metavar="V", help="of this version instead of the file's")
    parser.add_argument(
        "--questions", type=int, default=200, metavar="N", help="in the pilot (default 200)"
    )
    parser.add_argument(
        "--offline", action="store_true", help="ask nothing: the last pilot, or recorded rates"
    )
    parser.add_argument(
        "--tokens-per-second",
        type=float,
        metavar="T",
        help="response tokens of all servers together, instead of the pilot's measurement",
    )


def main(arguments: argparse.Namespace) -> int:
    """Forecast; returns the exit code."""
    from pipeline.carried import carried
    from pipeline.forecast import predict, write_forecast
    from pipeline.forecast_pilot import pilot_store, sample, strata_of, throughput, trials
    from pipeline.stages import build, open_store

    if arguments.questions < 1:
        raise UserError(f"--questions: must be at least 1, got {arguments.questions}")
    config = load_config(arguments.config, arguments.version)
    if config.recipe.teacher is None or not config.recipe.distill.rounds:
        raise UserError("recipe.distill.rounds: is 0, so that there is nothing to forecast")
    store = open_store(config)
    if arguments.offline and not _has_pilot(pilot_store(store), config):
        _print_plan(config, store, arguments.tokens_per_second)
        return 0
    with store.locked(), carried(store):
        build(config, ("collect", "label", "embed", "deduplicate", "decontaminate", "choose"))
        strata = strata_of(config, store)
        taken = sample(strata, arguments.questions, config.recipe.seed)
        pilot = pilot_store(store)
        if not arguments.offline:
            _run(config, store, pilot, taken)
        speed = arguments.tokens_per_second or throughput(pilot).tokens_a_second
        found = trials(config, pilot, taken)
        if not found:
            raise UserError("there is no chosen question that a round would ask")
        sizes = {name: len(ids) for name, ids in strata.items()}
        forecast = predict(sizes, found, speed, config.runtime.prices)
        path = write_forecast(forecast, store.folder)
    _print(forecast)
    print(f"kept in  {path}; the report compares it with what happens")
    return 0


def _run(config: Config, store: Store, pilot: Store, taken: dict[str, list[str]]) -> None:
    from pipeline.forecast_pilot import plant, run_rounds
    from pipeline.stages import running

    plant(store, pilot, [id for ids in taken.values() for id in ids])
    with running(config, pilot) as run:
        run_rounds(run)


def _has_pilot(pilot: Store, config: Config) -> bool:
    return pilot.complete(f"verdicts/round={config.recipe.distill.rounds:02d}")


def _print_plan(config: Config, store: Store, tokens_a_second: float | None) -> None:
    from pipeline.forecast_pilot import strata_of
    from pipeline.forecast_plan import lines, make_plan

    strata = None
    if all(store.complete(table) for table in ("questions", "labels", "chosen")):
        strata = {name: len(ids) for name, ids in strata_of(config, store).items()}
    for line in lines(make_plan(config, strata), config, tokens_a_second):
        print(line)


def _print(forecast: Forecast) -> None:
    """Print a line for each figure, its interval behind it."""
    from pipeline.forecast import UNITS, as_text, name_of

    print(f"{forecast.questions:,} questions, told from {forecast.trials:,} of them")
    for figure in UNITS:
        if figure in forecast.figures:
            middle, interval = as_text(figure, forecast.figures[figure])
            print(f"  {name_of(figure, forecast):<30} {middle}   (9 of 10: {interval})")
    if forecast.tokens_a_second:
        print(f"  at {forecast.tokens_a_second:,.0f} tokens of responses a second")
    else:
        print("  hours are unknown: nothing was asked; --tokens-per-second gives the speed")
