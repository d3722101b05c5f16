"""The flow `think-twice`: models on benchmarks, round by round, and training data of second looks.

    prefect deployment run think-twice/think-twice -p rounds='{"config": "think-twice"}'

It does what `build-dataset evaluate` does: what is asked stays asked, and a run that was killed
goes on where it stopped.
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from flows.artifacts import explaining, name_run, show_grid
from flows.request import Rounds
from flows.work import delays, may_pass
from pipeline.commands.evaluate import write_pairs
from pipeline.evaluation.config import EvaluationConfig, load_evaluation
from pipeline.evaluation.experiment import run
from pipeline.evaluation.report import grids


@flow(name="think-twice", persist_result=False)
def think_twice(rounds: Rounds) -> None:
    """Measure every model on every benchmark in rounds, and show the report's tables."""
    at = ["configuration"]
    with explaining(at):
        config = load_evaluation(rounds.config, rounds.version)
        name_run(f"{config.name} {config.version}")
        at.append("evaluate")
        pauses = delays(rounds.retries, rounds.retry_delay_s)
        again = measure.with_options(retries=rounds.retries, retry_delay_seconds=pauses)
        again(config, rounds.rebuild)
        if rounds.pairs:
            at.append("pairs")
            count = write_pairs(rounds.config, rounds.version, Path(rounds.pairs))
            get_run_logger().info("%s: %s pairs, wrong then right", rounds.pairs, count)


@task(
    name="measure",
    task_run_name="measure",
    cache_policy=NO_CACHE,
    persist_result=False,
    retry_condition_fn=may_pass,
)
def measure(config: EvaluationConfig, rebuild: bool) -> None:
    """Ask and judge what is missing; shows the tables and names the report's files."""
    scores, files = run(config, rebuild)
    for grid in grids(scores):
        show_grid(config.name, grid)
    get_run_logger().info("%s", "\n".join(map(str, files)))
