"""What Prometheus reads is what the tables hold, and what is going on."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline import metrics
from pipeline.errors import ConfigError, StoreUnwritable
from pipeline.progress import meter
from pipeline.runtime_watch import Metrics
from pipeline.store import Origin, Store
from pipeline.teacher.base import Ask, Client, Keeper, Reply

TABLES: metrics.Tables = [("collect", ("questions",)), ("deduplicate", ("duplicates",))]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "data", "set", "1", 2)
    for shard in range(2):
        rows = pa.table({"id": [f"{shard}{n}" for n in range(3)]})
        made.write("questions", shard, rows, Origin({}, {}), {"read/gsm8k": 3}, 0.1)
    made.write("duplicates", 0, pa.table({"id": ["00"]}), Origin({}, {}), {"semantic": 1}, 0.1)
    return made


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and the values of its labels but dataset and version."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {k: v for k, v in sample.labels.items() if k not in ("dataset", "version")}
            found[(sample.name, *(labels[name] for name in sorted(labels)))] = sample.value
    return found


def test_the_file_has_rows_and_reasons_of_the_tables(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "new" / "run.prom"
    with metrics.of_run(Metrics(textfile=str(path)), store, TABLES):
        found = samples(path.read_text())
    assert found["build_dataset_rows", "collect", "questions"] == 6
    assert found["build_dataset_counts", "read/gsm8k", "collect", "questions"] == 6
    assert found["build_dataset_counts", "semantic", "deduplicate", "duplicates"] == 1
    assert found["build_dataset_shards_done", "deduplicate", "duplicates"] == 1
    assert found[("build_dataset_shards",)] == 2


def test_the_file_says_when_the_run_has_ended_with_all_that_it_built(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "run.prom"
    with metrics.of_run(Metrics(textfile=str(path)), store, TABLES):
        assert samples(path.read_text())[("build_dataset_run_active",)] == 1
        store.write("duplicates", 1, pa.table({"id": ["10"]}), Origin({}, {}), {}, 0.1)
    found = samples(path.read_text())
    assert found[("build_dataset_run_active",)] == 0
    assert found["build_dataset_rows", "deduplicate", "duplicates"] == 2


def test_the_file_is_written_again_while_the_run_goes_on(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "run.prom"
    with metrics.of_run(Metrics(textfile=str(path), every_s=0.01), store, TABLES):
        path.unlink()
        for _ in range(500):
            if path.exists():
                break
            threading.Event().wait(0.01)
        assert path.exists()


def test_what_is_at_work_is_shown_with_its_rate(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "run.prom"
    with meter("verify 0", 10) as at_work:
        at_work.advance(4)
        with metrics.of_run(Metrics(textfile=str(path)), store, TABLES):
            found = samples(path.read_text())
    assert found["build_dataset_progress_done", "verify 0"] == 4
    assert found["build_dataset_progress_units", "verify 0"] == 10
    assert found["build_dataset_progress_rate", "verify 0"] > 0


class Fixed(Client):
    """A client whose account is known."""

    def replies(
        self, asks: Iterable[Ask], keeper: Keeper | None = None
    ) -> Iterator[tuple[Ask, Reply]]:
        yield from ()

    def account(self) -> list[dict[str, Any]]:
        counts = {"open": 12, "replies": 30, "prompt_tokens": 400, "response_tokens": 9_000}
        return [{"server": "http://one/v1", "failed": {"429": 2}, **counts}]


def test_servers_are_shown_while_a_client_is_open(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "run.prom"
    with metrics.of_run(Metrics(textfile=str(path)), store, TABLES), Fixed():
        metrics_now = metrics.Figures(store, TABLES, 1.0)
        found = {
            (
                sample.name,
                *(v for k, v in sorted(sample.labels.items()) if k in ("kind", "server")),
            ): sample.value
            for family in metrics_now.collect()
            for sample in family.samples
        }
    server = "http://one/v1"
    assert found["build_dataset_replies_in_flight", server] == 12
    assert found["build_dataset_replies_total", server] == 30
    assert found["build_dataset_tokens_total", "response", server] == 9_000
    assert found["build_dataset_failures_total", "429", server] == 2
    assert not [name for name in samples(path.read_text()) if "replies" in name[0]]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_the_endpoint_serves_the_same_and_ends_with_the_run(store: Store) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/metrics"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with metrics.of_run(Metrics(port=port), store, TABLES), opener.open(url) as answer:
        found = samples(answer.read().decode())
    assert found["build_dataset_rows", "collect", "questions"] == 6
    with pytest.raises(OSError):
        opener.open(url)


def test_a_port_that_is_taken_is_named(store: Store) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = pytest.raises(ConfigError, match=str(port))
        with refused, metrics.of_run(Metrics(port=port), store, TABLES):
            pass


def test_a_file_that_cannot_be_written_is_said_before_anything_is_built(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    asked = Metrics(textfile=str(tmp_path / "file" / "run.prom"))
    with pytest.raises(StoreUnwritable), metrics.of_run(asked, store, TABLES):
        pass


def test_nothing_is_started_unless_it_is_asked_for(store: Store) -> None:
    before = threading.active_count()
    with metrics.of_run(Metrics(), store, TABLES):
        assert threading.active_count() == before


def test_reading_manifests_takes_a_small_share_of_the_time(store: Store) -> None:
    figures = metrics.Figures(store, TABLES, every_s=1e-6)
    list(figures.collect())
    assert figures.pause_s > 1e-5  # fifty times what it took
