"""Tasks and their retries, on the server but in this process."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx
import pyarrow as pa
import pytest
from markdown_it import MarkdownIt
from prefect import flow, get_client
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from flows import automations
from flows.artifacts import ShardsFailed, failure, key, show_report
from flows.request import with_value
from flows.work import WORK, Work, build_stage, delays, limit_name, slot
from pipeline.config import Config, load_config
from pipeline.errors import BudgetSpent, CorruptShard, PassingError, TeacherUnavailable, UserError
from pipeline.files import FileHashes
from pipeline.stage import Run, ShardStage, Tables
from pipeline.store import Store
from tests.flows.conftest import Server

SHARDS = 3


class Flaky(ShardStage):
    """Fails with what `errors` says, then works; counts how often each shard was tried."""

    name = "flaky"

    def __init__(self, errors: dict[int, list[Exception]]) -> None:
        self.errors, self.tries = errors, Counter[int]()

    def writes(self) -> tuple[str, ...]:
        return ("flaky",)

    def reads(self) -> tuple[str, ...]:
        return ()

    def fields(self, run: Run) -> dict[str, Any]:
        return {}

    def runs_here(self) -> bool:
        return True

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        self.tries[shard] += 1
        if self.errors.get(shard):
            raise self.errors[shard].pop(0)
        return {"flaky": (pa.table({"n": [shard]}), {})}


@pytest.fixture
def client(server: Server) -> Iterator[None]:
    """Make this process a client of the server."""
    with temporary_settings({PREFECT_API_URL: server.url, PREFECT_HOME: server.home}):
        yield


def build(stage: Flaky, folder: Path, retries: int = 2) -> Store:
    """Build a stage as a run does."""
    config = load_config("quickstart")
    store = Store(folder, "set", "1", SHARDS)
    no_pool = cast(ProcessPoolExecutor, None)  # a stage that runs here needs none
    run = Run(config, store, FileHashes(folder / "hashes.json"), no_pool)

    @flow(name="test", persist_result=False)
    def whole() -> None:
        token = WORK.set(Work(run, {stage.title: stage}, retries, 0.01))
        try:
            build_stage(stage, WORK.get())
        finally:
            WORK.reset(token)

    whole()
    return store


@pytest.mark.usefixtures("client")
def test_what_may_pass_is_tried_again_and_nothing_else(tmp_path: Path) -> None:
    wrong: list[Exception] = [UserError("yours"), UserError("yours")]
    spent: list[Exception] = [BudgetSpent("spent"), BudgetSpent("spent")]
    stage = Flaky({0: [TeacherUnavailable("busy")], 1: wrong, 2: spent})
    with pytest.raises(ShardsFailed, match="2 of 3 shards could not be built.*shard 1: yours"):
        build(stage, tmp_path)
    assert stage.tries == {0: 2, 1: 1, 2: 1}


@pytest.mark.usefixtures("client")
def test_other_shards_are_built_although_one_fails(tmp_path: Path) -> None:
    stage = Flaky({0: [CorruptShard("damaged")]})
    with pytest.raises(ShardsFailed):
        build(stage, tmp_path)
    store = Store(tmp_path, "set", "1", SHARDS)
    assert [bool(store.manifest("flaky", shard)) for shard in range(SHARDS)] == [False, True, True]


@pytest.mark.usefixtures("client")
def test_retries_end(tmp_path: Path) -> None:
    stage = Flaky({0: [PassingError(str(n)) for n in range(9)]})
    with pytest.raises(ShardsFailed, match="shard 0: 2"):
        build(stage, tmp_path, retries=2)
    assert stage.tries[0] == 3


def test_pauses_double_up_to_an_hour() -> None:
    assert delays(8, 60.0) == [60, 120, 240, 480, 960, 1920, 3600, 3600]


@pytest.mark.usefixtures("client")
def test_a_round_holds_a_slot_of_its_teacher_where_there_is_a_limit() -> None:
    config = load_config("quickstart")
    assert config.recipe.teacher is not None
    name = limit_name(config.recipe.teacher.name)
    with get_client(sync_client=True) as client:

        def held() -> int:
            return client.read_global_concurrency_limit_by_name(name).active_slots

        with slot(config, "distill 1"):
            pass  # no limit, no slot
        client.upsert_global_concurrency_limit_by_name(name, 1)
        with slot(config, "distill 1"):
            assert held() == 1
        with slot(config, "verify 1"):
            assert held() == 0


def test_keys_have_only_the_characters_that_the_server_allows() -> None:
    assert key("My_set.v2", "distill 1") == "my-set-v2-distill-1"


def test_the_report_is_linked_where_a_web_server_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    linked: list[str] = []
    monkeypatch.setattr(
        "flows.artifacts.create_link_artifact", lambda link, **_: linked.append(link)
    )
    config = load_config("quickstart")
    config = with_value(config, ("runtime", "prefect", "data_url"), "http://box:8000/d/", "test")
    show_report(config, Path("data/quickstart/1/report.html"))
    assert linked == ["http://box:8000/d/quickstart/1/report.html"]


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (PassingError("busy"), "It may pass"),
        (BudgetSpent("spent"), "Raise the cap"),
        (UserError("wrong key"), "Put right"),
        (CorruptShard("damaged"), "Do what the text says"),
        (ZeroDivisionError("division"), "report it"),
    ],
)
def test_a_failure_names_the_shard_and_the_remedy(error: Exception, remedy: str) -> None:
    text = failure("label", ShardsFailed("label", {3: error}, 16))
    assert text.startswith(f"**label, shard 3**\n\n{error}\n\n")
    assert remedy in text


def test_what_an_error_says_is_shown_and_not_read_as_markup() -> None:
    text = failure("collect", UserError("<b> part_0*.json | [x](y)\nc"))
    (shown,) = re.findall(r"<p>(.*?)</p>", MarkdownIt().render(text.split("\n\n")[1]), re.DOTALL)
    assert shown == "&lt;b&gt; part_0*.json | [x](y)<br />\nc"


@pytest.mark.usefixtures("client")
def test_setting_up_twice_adds_nothing(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        automations.main(["--within", "10", "--teacher", "r1=3"])
        assert "teacher-r1: 3 run(s) at once" in capsys.readouterr().out
    found = server.post("/automations/filter").json()
    assert [a["name"] for a in found if a["name"] == automations.NAME] == [automations.NAME]


@pytest.mark.usefixtures("client")
def test_silence_after_a_heartbeat_makes_a_run_crashed_and_an_end_does_not(server: Server) -> None:
    automations.main(["--within", "10"])  # the server takes no less
    silent, ended = (_running(server) for _ in range(2))
    for run in (silent, ended):
        _heartbeat(server, run)
    server.post(f"/flow_runs/{ended}/set_state", state={"type": "COMPLETED"})
    assert server.end_of(silent)["type"] == "CRASHED"
    assert server.state(ended)["type"] == "COMPLETED"


def _running(server: Server) -> str:
    of = server.post("/flows/", name="test").json()["id"]
    state = {"type": "RUNNING"}
    return str(server.post("/flow_runs/", flow_id=of, state=state).json()["id"])


def _heartbeat(server: Server, run: str) -> None:
    event = {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": "prefect.flow-run.heartbeat",
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
        "payload": {},
    }
    httpx.post(server.url + "/events", json=[event]).raise_for_status()
