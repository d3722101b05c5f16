"""Runs as a user starts them: refused, waiting, killed and resumed, on a real server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from tests.flows.conftest import ServedRun, Server, Story, stop, until

BUILD = "build-dataset/build-dataset"


def test_a_second_run_on_a_version_is_refused(story: Story) -> None:
    assert story.refused["type"] == "FAILED"
    assert "another run holds this version" in story.refused["message"]


def test_a_second_run_may_wait_for_the_version(story: Story) -> None:
    assert story.waiting
    assert story.waited["type"] == "COMPLETED", story.waited["message"]


def test_a_killed_run_counts_as_crashed(story: Story) -> None:
    assert story.killed["type"] == "CRASHED"


def test_a_resumed_run_asks_for_no_reply_twice(story: Story) -> None:
    assert story.asked_twice == set()


def test_a_resumed_run_gives_the_same_bytes_as_the_command(story: Story) -> None:
    assert story.flow.digests() == story.whole.digests()


def test_what_is_done_gets_no_task(story: Story, server: Server) -> None:
    children = server.post(
        "/flow_runs/filter", flow_runs={"parent_flow_run_id": {"any_": [story.run]}}
    ).json()
    names = {child["name"] for child in children}
    assert "distill 1" in names
    assert "collect" not in names


@pytest.mark.parametrize(
    ("key", "kind", "text"),
    [
        ("set-progress", "progress", "100"),
        ("set-funnel", "table", '"where": "collected", "questions": 30, "left": 30'),
        ("set-card", "markdown", "From collected to published"),
        ("set-report", "markdown", "report.html`"),
        ("set-distill-1", "progress", "100"),
    ],
)
def test_a_run_shows(story: Story, server: Server, key: str, kind: str, text: str) -> None:
    artifact = server.artifacts(story.run)[key]
    assert artifact["type"] == kind
    assert text in str(artifact["data"])


def test_a_run_and_its_tasks_are_called_by_what_they_do(story: Story, server: Server) -> None:
    assert server.get(f"/flow_runs/{story.run}")["name"] == "set 1"
    wanted = {"id": {"any_": [story.run]}}
    tasks = server.post("/task_runs/filter", flow_runs=wanted).json()
    assert "publish" in {task["name"] for task in tasks}


@pytest.mark.parametrize(
    ("build", "field"),
    [
        ({}, "config"),
        ({"config": "x", "only": ["colect"]}, "only[0]"),
        ({"config": "x", "rebuild": ["question"]}, "rebuild[0]"),
        ({"config": "x", "version": "../x"}, "version"),
        ({"config": "x", "overrides": {"workers": 2}}, "overrides"),
        ({"config": "x", "no_such": 1}, "no_such"),
        ({"config": "x", "retries": -1}, "retries"),
    ],
)
def test_bad_parameters_are_refused_before_there_is_a_run(
    served: ServedRun, server: Server, build: dict[str, object], field: str
) -> None:
    answer = server.create(BUILD, build=build)
    assert answer.status_code == 409
    assert field in answer.text


@pytest.fixture(scope="module")
def failing(served: ServedRun, server: Server) -> str:
    """What Prefect's command line says about a run that can only fail."""
    build = '{"config": "no-such.toml"}'
    command = ("prefect", "deployment", "run", "build-dataset", "-p", f"build={build}")
    return server.run(*command, PREFECT_PLUGINS_ENABLED="1")


def test_the_short_name_is_enough_with_the_plugin(failing: str) -> None:
    assert "Creating flow run for deployment 'build-dataset/build-dataset'" in failing
    assert "Created flow run" in failing


def test_a_failed_run_says_what_to_do(failing: str, server: Server) -> None:
    (run,) = re.findall(r"UUID: (\S+)", failing)
    assert server.end_of(run)["type"] == "FAILED"
    text = server.artifacts(run)["build-dataset-failure"]["data"]
    assert "no such configuration file" in text
    assert "start the run again" in text


def test_a_version_is_published_again(story: Story, server: Server) -> None:
    folder = story.flow.folder / "again"
    asked = {"config": str(story.flow.config), "to": str(folder)}
    run = server.begin("republish/republish", republish=asked)
    assert server.end_of(run)["type"] == "COMPLETED"
    old, new = story.flow.published, folder
    names = [path.relative_to(new) for path in new.rglob("*.parquet")]
    assert names
    assert all((new / name).read_bytes() == (old / name).read_bytes() for name in names)


@dataclass
class Grown:
    """A second version of a source that has grown by ten rows: what was asked, before and now."""

    run: str
    before: set[str]
    now: list[str]


@pytest.fixture(scope="module")
def grown(story: Story, server: Server) -> Grown:
    teacher = story.flow.teacher
    before = {line["hash"] for line in teacher.requests() if line["answered"] == "reply"}
    more = {"recipe.sources": [{"source": "quickstart", "limit": 40}]}
    build = {"config": str(story.flow.config), "version": "2", "overrides": more}
    asked = len(teacher.requests())
    run = server.begin(BUILD, build=build)
    assert server.end_of(run)["type"] == "COMPLETED"
    return Grown(run, before, [line["hash"] for line in teacher.requests()[asked:]])


def test_a_new_version_pays_only_for_what_is_new(grown: Grown) -> None:
    assert 0 < len(grown.now) < len(grown.before)
    assert not grown.before & set(grown.now)


def test_a_new_version_tells_what_has_changed(story: Story, server: Server, grown: Grown) -> None:
    changes = server.artifacts(grown.run)["set-changes"]
    assert changes["description"].startswith("Against version 1")
    card = (story.flow.published.parent / "2" / "README.md").read_text()
    assert "## Changes since version 1" in card


def test_a_schedule_starts_runs_with_its_version(story: Story, server: Server) -> None:
    """Every three seconds here; what is built is built already, so that a run ends soon."""
    config = str(story.flow.config)
    options = ("--every", "3", "--version", "1")
    serving = server.start("python", "-m", "flows.serve", config, *options)
    deployment = until(lambda: _scheduled(server, "RUNNING", "COMPLETED"))["deployment_id"]
    server.post(f"/deployments/{deployment}/pause_deployment")  # no more than there are
    run = until(lambda: _scheduled(server, "COMPLETED"))
    stop(serving)
    assert run["parameters"]["build"] == {"config": config, "version": "1"}


def _scheduled(server: Server, *types: str) -> dict[str, Any] | None:
    """Return a run that a schedule made and that has come to one of some states."""
    wanted = {"state": {"type": {"any_": list(types)}}}
    found = server.post("/flow_runs/filter", flow_runs=wanted).json()
    return next((run for run in found if run["auto_scheduled"]), None)
