"""One Prefect server for all of these tests, on loopback, with a home of its own.

def test_it(server): ...            server.get("/flow_runs/…"), server.run("prefect", "version")
def test_it(story): ...             what happened to four runs on one version, told once
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.loopback_replies import Rule
from tests.loopback_teacher import Server as Teacher
from tests.loopback_teacher import loopback_teacher
from tests.whole_run import WholeRun

BIN = Path(sys.executable).parent
MARK = "prefect_server"
SETPRIV = shutil.which("setpriv")  # of util-linux
WITH_PARENT = (SETPRIV, "--pdeathsig", "TERM") if SETPRIV else ()
PATIENCE_S = 120.0  # a slow machine with other work on it
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks; `-m "not prefect_server"` leaves out what needs a server."""
    config.addinivalue_line("markers", f"{MARK}: needs a Prefect server, which the tests start")
    config.addinivalue_line("markers", "slow: whole runs; `-m 'not slow'` leaves them out")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for the server."""
    for item in items:
        if "server" in getattr(item, "fixturenames", ()):
            item.add_marker(MARK)


@dataclass
class Server:
    """A running server."""

    home: Path
    url: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """What a client needs; no usage statistics, no configuration of this machine's."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
        return kept | {
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_CLI_PROMPT": "false",
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
            "NO_PROXY": "127.0.0.1",
        }

    def start(self, *command: str, **env: str) -> subprocess.Popen[bytes]:
        """Start a program in a process group of its own.

        It is killed when the tests end, and asked to end when they are killed (with setpriv).
        """
        log = (self.home / f"{len(self.processes)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [*WITH_PARENT, str(BIN / command[0]), *command[1:]],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self.env | env,
            )
        self.processes.append(process)
        return process

    def run(self, *command: str, **env: str) -> str:
        """Run a program to its end, and return what it printed."""
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            capture_output=True,
            text=True,
            env=self.env | env,
            check=False,
        )
        return done.stdout + done.stderr

    def get(self, path: str) -> Any:
        """Ask the server's API."""
        return httpx.get(self.url + path).raise_for_status().json()

    def post(self, path: str, **body: Any) -> httpx.Response:
        """Tell the server's API; a 503 (SQLite is locked) is tried again, as Prefect does."""
        while (answer := httpx.post(self.url + path, json=body, timeout=30)).status_code == 503:
            time.sleep(0.5)
        return answer

    def create(self, deployment: str, **parameters: Any) -> httpx.Response:
        """Ask for a run of a deployment."""
        id = self.get(f"/deployments/name/{deployment}")["id"]
        return self.post(f"/deployments/{id}/create_flow_run", parameters=parameters)

    def begin(self, deployment: str, **parameters: Any) -> str:
        """Start a run of a deployment, and return its id."""
        answer = self.create(deployment, **parameters)
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    def state(self, run: str) -> dict[str, Any]:
        """Return a run's state."""
        found: dict[str, Any] = self.get(f"/flow_runs/{run}")["state"]
        return found

    def end_of(self, run: str) -> dict[str, Any]:
        """Wait for a run's end, and return its last state."""
        until(lambda: self.state(run)["type"] in ENDED)
        return self.state(run)

    def artifacts(self, run: str) -> dict[str, Any]:
        """Return the newest artifacts of a run, of its stages too, by key."""
        children = self.post(
            "/flow_runs/filter", flow_runs={"parent_flow_run_id": {"any_": [run]}}
        ).json()
        ids = [run, *(child["id"] for child in children)]
        found = self.post(
            "/artifacts/filter", artifacts={"flow_run_id": {"any_": ids}}, sort="CREATED_DESC"
        ).json()
        return {artifact["key"]: artifact for artifact in reversed(found)}


def until(met: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """Return what `met` returns once that is true."""
    end = time.monotonic() + patience_s
    while not (found := met()):
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.2)
    return found


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process and all that it started, and close its pipe."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@contextmanager
def started(home: Path) -> Iterator[Server]:
    """Start a server; yields it when it answers."""
    home.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    made = Server(home, f"http://127.0.0.1:{port}/api")
    command = ("prefect", "server", "start", "--host", "127.0.0.1", "--port", port, "--no-ui")
    # The longest wait of the server's own clocks, so that a test need not wait for them.
    made.start(*command, PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS="2")
    try:
        until(lambda: _answers(made.url))
        yield made
    finally:
        for process in made.processes:
            stop(process)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url + "/health").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server."""
    with started(tmp_path_factory.mktemp("prefect")) as made:
        yield made


ANSWERED_FIRST = 4  # replies before the teacher falls silent, so that a run can be caught
SILENT: Rule = {"fault": "silence", "numbers": range(ANSWERED_FIRST, 1_000_000)}


class ServedRun(WholeRun):
    """A small dataset of one round, and what its teacher was asked."""

    def __init__(self, folder: Path, teacher: Teacher) -> None:
        super().__init__(folder, teacher.url, limit=30)
        self.teacher = teacher
        small = {
            "rounds = 2": "rounds = 1",
            "workers = 2": "workers = 1",
            "shards = 3": "shards = 2",
        }
        text = self.config.read_text()
        for old, new in small.items():
            assert old in text
            text = text.replace(old, new)
        self.config.write_text(text)


@dataclass
class Story:
    """Four runs on one version; `whole` is the same dataset by the command, undisturbed."""

    flow: ServedRun
    whole: ServedRun
    refused: dict[str, Any]  # the state of a run that found the version busy
    killed: dict[str, Any]  # of the run that held it
    waited: dict[str, Any]  # of the run that waited for it, and went on where it had stopped
    waiting: bool  # whether that one did wait
    run: str  # its id
    asked_twice: set[str]


@pytest.fixture(scope="module")
def faults() -> list[Rule]:
    """What is wrong with the teacher; a test may put it right."""
    return [SILENT]


@pytest.fixture(scope="module")
def served(
    server: Server, faults: list[Rule], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedRun]:
    """A dataset whose flow is served, with a teacher that falls silent."""
    with loopback_teacher(faults=faults) as teacher:
        made = ServedRun(tmp_path_factory.mktemp("flow"), teacher)
        process = server.start("python", "-m", "flows.serve", str(made.config), "--limit", "5")
        until(lambda: httpx.get(_build(server)).status_code == 200)
        yield made
        stop(process)


def _build(server: Server) -> str:
    return f"{server.url}/deployments/name/build-dataset/build-dataset"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRun]:
    """The same dataset by the command, begun at once and undisturbed."""
    with loopback_teacher() as teacher:
        made = ServedRun(tmp_path_factory.mktemp("whole"), teacher)
        process = made.start()
        yield made
        stop(process)


@pytest.fixture(scope="module")
def story(whole: ServedRun, served: ServedRun, server: Server, faults: list[Rule]) -> Story:
    """Start a run, find it busy, kill it, and let another go on."""
    name, build = "build-dataset/build-dataset", {"config": str(served.config)}
    first = server.begin(name, build=build)
    until(lambda: served.teacher.arrived() > ANSWERED_FIRST)
    again = server.begin(name, build=build)
    waits = server.begin(name, build={**build, "if_busy": "wait"})
    refused = server.end_of(again)
    until(lambda: server.state(waits)["type"] == "RUNNING")
    waiting = server.state(first)["type"] == "RUNNING"
    os.kill(pid_of(served), signal.SIGKILL)
    faults.clear()
    killed, waited = server.end_of(first), server.end_of(waits)
    answered = [r["hash"] for r in served.teacher.requests() if r["answered"] == "reply"]
    twice = {hash for hash in answered if answered.count(hash) > 1}
    until((whole.published / "ledger.json").is_file)
    return Story(served, whole, refused, killed, waited, waiting, waits, twice)


def pid_of(run: ServedRun) -> int:
    """Return the process that holds a version."""
    return int((run.folder / "data" / "set" / "1" / ".lock").read_text())
