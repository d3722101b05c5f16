"""The container's files, which no test here can build: what can be read off them is right."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from flows.short_names import NAMES

ROOT = Path(__file__).parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
TARGETS = ("cpu", "gpu")
Step = tuple[str, str]  # instruction and the rest of its line


def stages() -> dict[str, list[Step]]:
    """Return the Dockerfile's stages with their steps, those that they are built upon first."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found: dict[str, list[Step]] = {}
    steps: list[Step] = []
    for line in text.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            steps = found[name] = list(found.get(base, []))
        if word:
            steps.append((word, rest.strip()))
    return found


STAGES = stages()


def last(target: str, word: str) -> str:
    return [rest for step, rest in STAGES[target] if step == word][-1]


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_runs_as_root(target: str) -> None:
    user, group = last(target, "USER").split(":")
    assert int(user) > 0
    assert int(group) > 0


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_starts_a_worker_and_can_tell_whether_it_is_well(target: str) -> None:
    assert '"worker", "start"' in last(target, "CMD")
    assert "--with-healthcheck" in last(target, "CMD")
    assert "/health" in last(target, "HEALTHCHECK")
    assert "tini" in last(target, "ENTRYPOINT")  # which leaves the command to work pools


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_installs_its_own_faiss_and_only_that(target: str) -> None:
    installs = " ".join(rest for word, rest in STAGES[target] if word == "RUN")
    assert f'".[{target},' in installs
    other = TARGETS[1 - TARGETS.index(target)]
    assert f'".[{other},' not in installs


@pytest.mark.parametrize("target", TARGETS)
def test_a_worker_has_what_the_flows_need(target: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = last(target, "ARG").removeprefix("EXTRAS=").split(",")
    assert "train" in extras
    assert set(extras) <= set(project["optional-dependencies"])


def test_every_flow_is_set_up() -> None:
    (script,) = [line for line in COMPOSE["services"]["setup"]["command"] if "deploy" in line]
    assert set(re.findall(r"--name (\S+)", script)) == set(NAMES)


def test_images_are_named_by_a_version() -> None:
    names = [last("base", "ARG")] if any(w == "ARG" for w, _ in STAGES["base"]) else []
    text = (ROOT / "Dockerfile").read_text()
    names += re.findall(r"^ARG PYTHON_IMAGE=(\S+)", text, flags=re.MULTILINE)
    names += [service["image"] for service in COMPOSE["services"].values()]
    assert len(names) > 2
    assert [name for name in names if ":" not in name or name.endswith(":latest")] == []


def let_through(path: str) -> bool:
    """Tell whether .dockerignore lets a path into the build, by its last rule that fits."""
    parts = path.split("/")
    allowed = True
    for rule in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = rule.removeprefix("!").removeprefix("**/")
        fits = any(fnmatch(name, pattern) for name in (path, parts[0], parts[-1]))
        if fits and rule and not rule.startswith("#"):
            allowed = rule.startswith("!")
    return allowed


def test_the_build_gets_the_packages_and_what_it_copies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    wanted = [name.rstrip("*") for name in packages]
    for target in TARGETS:
        copied = (rest.split()[:-1] for word, rest in STAGES[target] if word == "COPY")
        wanted += [name for names in copied for name in names if name != "."]
    assert len(wanted) > 4
    for name in [*wanted, "configs", "prefect.yaml"]:
        assert (ROOT / name).exists(), name
        assert let_through(name), name


@pytest.mark.parametrize(
    "name", [".git", ".venv", "data", "published", "tests", ".env", "pipeline/__pycache__"]
)
def test_the_build_gets_nothing_else(name: str) -> None:
    assert not let_through(name)


def test_the_volume_lies_where_workers_look() -> None:
    pools = yaml.safe_load((ROOT / "prefect.yaml").read_text())["definitions"]["work_pools"]
    folder = pools["process"]["job_variables"]["working_dir"]
    assert {last(target, "WORKDIR") for target in TARGETS} == {folder}
    assert COMPOSE["services"]["worker"]["volumes"] == [f"data:{folder}"]
    assert pools["docker"]["job_variables"]["volumes"][0].endswith(f":{folder}")


def test_only_this_machine_reaches_the_server() -> None:
    ports = [port for of in COMPOSE["services"].values() for port in of.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_no_secret_is_written_down(name: str) -> None:
    environment: dict[str, Any] = COMPOSE["services"][name].get("environment", {})
    secret = {k: v for k, v in environment.items() if re.search("PASSWORD|TOKEN|KEY", k)}
    assert [k for k, v in secret.items() if not re.fullmatch(r"\$\{.*\}", v)] == []


def test_services_wait_for_what_they_need() -> None:
    services = COMPOSE["services"]
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "test" in services[needed]["healthcheck"], (name, needed)


def test_the_database_is_postgresql() -> None:
    url = COMPOSE["services"]["server"]["environment"]["PREFECT_API_DATABASE_CONNECTION_URL"]
    assert url.startswith("postgresql+asyncpg://")
