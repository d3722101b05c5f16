"""Schedules and deployments: what a configuration, an option and prefect.yaml come to."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import prefect
import pytest
import yaml  # type: ignore[import-untyped]

from flows.automations import teacher_limit
from flows.serve import deployments, parser
from flows.short_names import NAMES, completed
from pipeline.errors import ConfigError

ROOT = Path(__file__).parent.parent.parent
SET = """
name = "set"
version = "1"
[recipe]
[[recipe.sources]]
source = "quickstart"
[recipe.distill]
rounds = 0
[runtime.schedule]
{schedule}
"""


def schedules(tmp_path: Path, schedule: str, *options: str) -> list[Any]:
    path = tmp_path / "set.toml"
    path.write_text(SET.format(schedule=schedule))
    build, *_ = deployments(parser().parse_args([str(path), *options]))
    return list(build.schedules or [])


def test_without_a_time_nothing_starts_by_itself(tmp_path: Path) -> None:
    assert schedules(tmp_path, 'version = "%Y"') == []


def test_the_configuration_says_when(tmp_path: Path) -> None:
    (made,) = schedules(tmp_path, 'cron = "0 3 * * 1"\ntimezone = "Europe/Berlin"')
    assert (made.schedule.cron, made.schedule.timezone) == ("0 3 * * 1", "Europe/Berlin")
    assert made.parameters["build"]["version"] == "%Y-%m-%d"


def test_an_option_takes_the_place_of_the_configuration(tmp_path: Path) -> None:
    options = ("--every", "60", "--version", "%Y-%m-%dT%H")
    (made,) = schedules(tmp_path, 'cron = "0 3 * * 1"', *options)
    assert made.schedule.interval.total_seconds() == 60
    assert made.parameters["build"]["version"] == "%Y-%m-%dT%H"


@pytest.mark.parametrize(
    "schedule",
    [
        'cron = "never"',
        'cron = "61 3 * * 1"',
        "every_s = 0",
        'cron = "0 3 * * 1"\nevery_s = 60',
        'timezone = "Mars/Olympus"',
        'version = "../x"',
    ],
)
def test_a_time_that_never_comes_is_refused(tmp_path: Path, schedule: str) -> None:
    with pytest.raises(ConfigError, match="schedule"):
        schedules(tmp_path, schedule)


def test_several_configurations_have_a_schedule_each(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(SET.format(schedule="every_s = 10"))
    first, second = schedules(tmp_path, "every_s = 5", str(other))
    assert first.parameters["build"]["config"] == str(tmp_path / "set.toml")
    assert second.parameters["build"]["config"] == str(other)


def test_flows_and_deployments_share_their_names() -> None:
    made = deployments(parser().parse_args(["quickstart"]))
    assert [one.flow_name for one in made] == [one.name for one in made]
    assert {one.name for one in made} == set(NAMES)
    assert all(one.enforce_parameter_schema for one in made)
    assert made[0].parameters == {"build": {"config": "quickstart"}}


@pytest.mark.parametrize("text", ["r1", "r1=0", "=1", "r1=many"])
def test_a_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="must be NAME=RUNS"):
        teacher_limit(text)


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("/bin/prefect deployment run build-dataset", "build-dataset/build-dataset"),
        ("prefect deployments run republish --watch", "republish/republish"),
        ("prefect deployment run other", "other"),
        ("prefect deployment run build-dataset/nightly", "build-dataset/nightly"),
        ("prefect deployment inspect build-dataset", "build-dataset"),
        ("pytest deployment run build-dataset", "build-dataset"),
    ],
)
def test_only_our_names_are_completed_and_only_to_run_them(line: str, becomes: str) -> None:
    words = line.split()
    assert completed(words) == [*words[:3], becomes, *words[4:]]


FILE = yaml.safe_load((ROOT / "prefect.yaml").read_text())


@pytest.mark.parametrize("made", FILE["deployments"], ids=lambda made: made["name"])
def test_a_deployment_of_the_file_names_a_flow_and_its_parameter(made: dict[str, Any]) -> None:
    module, _, name = made["entrypoint"].rpartition(".")
    found = getattr(importlib.import_module(module), name)
    assert made["name"].startswith(found.name)
    found.validate_parameters(made["parameters"])


@pytest.mark.parametrize("kind", ["process", "docker", "kubernetes"])
def test_the_file_sets_only_what_a_work_pool_has(kind: str) -> None:
    views = Path(prefect.__file__).parent / "server" / "api" / "collections_data" / "views"
    known = json.loads((views / "aggregate-worker-metadata.json").read_text())
    (worker,) = (of[kind] for of in known.values() if kind in of)
    variables = worker["default_base_job_configuration"]["variables"]["properties"]
    assert set(FILE["definitions"]["work_pools"][kind]["job_variables"]) <= set(variables)
