"""Serves the flows from this machine, and starts runs by the schedules of configurations.

    python -m flows.serve quickstart                    started from the server's pages or by
                                                        `prefect deployment run`
    python -m flows.serve my.toml --cron "0 3 * * 1"    and every Monday at three

Needs a server (PREFECT_API_URL). While this command does not run, nothing starts: its schedules
are paused when it ends. To have work done by workers elsewhere, see prefect.yaml.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from prefect import Flow, serve
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Interval
from prefect.schedules import Schedule as PrefectSchedule
from prefect.types.entrypoint import EntrypointType

from flows.build import build_dataset
from flows.republish import republish_dataset
from flows.request import Build
from flows.think_twice import think_twice
from flows.train import train_student
from pipeline.config import find_config, load_config
from pipeline.errors import BuildError, ConfigError
from pipeline.schedule import Schedule

# What the form begins with; a run names its own.
STUDENT = {"training": "training/qwen2.5-7b", "evaluation": "think-twice"}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m flows.serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("configs", metavar="CONFIG", nargs="+", help="the first is the default")
    made.add_argument("--cron", help="in place of runtime.schedule.cron, for all of them")
    made.add_argument("--every", type=float, metavar="SECONDS", help="in place of every_s")
    made.add_argument("--timezone", help="in place of runtime.schedule.timezone")
    made.add_argument("--version", metavar="PATTERN", help="in place of runtime.schedule.version")
    made.add_argument(
        "--limit", type=int, default=2, help="runs at the same time on this machine (default: 2)"
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted; returns the exit code."""
    given = parser().parse_args(argv)
    try:
        made = deployments(given)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    serve(*made, limit=given.limit)
    return 0


def deployments(given: argparse.Namespace) -> tuple[RunnerDeployment, ...]:
    """Return the deployments that are served, each called as its flow is; the first builds."""
    paths = [located(name) for name in given.configs]
    schedules = [made for path in paths if (made := scheduled(path, given))]
    build = build_dataset.to_deployment(
        name="build-dataset",
        schedules=list(schedules),
        parameters={"build": {"config": paths[0]}},
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    others: tuple[tuple[Flow[Any, Any], dict[str, Any]], ...] = (
        (republish_dataset, {"republish": {"config": paths[0]}}),
        (train_student, {"train": {"config": paths[0], **STUDENT}}),
        (think_twice, {"rounds": {"config": "think-twice"}}),
    )
    found = [build]
    for flow, parameters in others:
        one = flow.to_deployment(
            name=flow.name, parameters=parameters, entrypoint_type=EntrypointType.MODULE_PATH
        )
        found.append(one)
    # to_deployment is sync here, and typed for both
    return tuple(one for one in found if isinstance(one, RunnerDeployment))


def located(name: str) -> str:
    """Return a configuration's name as it is found from any folder; raises ConfigError."""
    load_config(name)  # what is wrong with it is said now, not at three in the night
    path = Path(name)
    return str(path.resolve()) if path.is_file() else find_config(name).stem


def scheduled(config: str, given: argparse.Namespace) -> PrefectSchedule | None:
    """Return when runs of a configuration start by themselves, None where they don't."""
    setting = load_config(config).runtime.schedule
    times = {"cron": given.cron, "every_s": given.every}
    rest = {"timezone": given.timezone, "version": given.version}
    values: dict[str, Any] = setting.model_dump()
    if any(times.values()):
        values |= times
    values |= {name: value for name, value in rest.items() if value is not None}
    try:
        return as_prefect(config, Schedule.model_validate(values))
    except ValueError as error:
        raise ConfigError(f"{config}: runtime.schedule: {error}") from None


def as_prefect(config: str, schedule: Schedule) -> PrefectSchedule | None:
    """Return a schedule as Prefect has it; raises ValueError for times that never come."""
    build = Build(config=config, version=schedule.version)
    values = {"build": build.model_dump(mode="json", exclude_defaults=True)}
    if schedule.cron is not None:
        return Cron(schedule.cron, timezone=schedule.timezone, parameters=values)
    if schedule.every_s is not None:
        every = timedelta(seconds=schedule.every_s)
        return Interval(every, timezone=schedule.timezone, parameters=values)
    return None


if __name__ == "__main__":
    sys.exit(main())
