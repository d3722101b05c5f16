"""What Prometheus can read of a run: a file for node_exporter, an endpoint, or both.

A few lines of either, while a round of 2,000 questions is asked::

    build_dataset_rows{dataset="mine",stage="collect",table="questions",version="1"} 4119.0
    build_dataset_counts{dataset="mine",reason="semantic",stage="deduplicate",…} 57.0
    build_dataset_tokens_total{dataset="mine",kind="response",server="http://…",…} 3.16e+06
    build_dataset_replies_in_flight{dataset="mine",server="http://…",version="1"} 812.0

What stands in tables is read from their manifests, so that it is right whichever process or
machine built them; what is going on now is this process's alone. Off unless configured.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import logs, progress
from pipeline.errors import ConfigError, StoreUnwritable
from pipeline.runtime_watch import Metrics
from pipeline.store import Store, writing
from pipeline.teacher.base import OPEN

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily, Metric
    from prometheus_client.registry import CollectorRegistry

PREFIX = "build_dataset_"
MOST_TIME = 0.02  # of a process's time for reading manifests; a guess at what nobody minds
Tables = list[tuple[str, tuple[str, ...]]]  # title of a stage, the tables that it writes


@contextlib.contextmanager
def of_run(metrics: Metrics, store: Store, tables: Tables) -> Iterator[None]:
    """Tell Prometheus of a run while the block runs, where the configuration asks for it.

    Raises ConfigError where the port is taken, StoreUnwritable where the file can't be written.
    """
    if not metrics.textfile and not metrics.port:
        yield
        return
    from prometheus_client.registry import CollectorRegistry

    figures = Figures(store, tables, metrics.every_s)
    registry = CollectorRegistry()
    registry.register(figures)
    with contextlib.ExitStack() as stack:
        if metrics.port:
            stack.enter_context(_served(metrics, registry))
        if metrics.textfile:
            stack.enter_context(_written(metrics, registry, figures))
        yield


@contextlib.contextmanager
def _served(metrics: Metrics, registry: CollectorRegistry) -> Iterator[None]:
    from prometheus_client import start_http_server

    try:
        server, thread = start_http_server(metrics.port, metrics.address, registry)
    except OSError as error:
        raise ConfigError(
            f"runtime.metrics.port: {metrics.address}:{metrics.port} cannot be served"
            f" ({error.strerror}); name another port, or 0 for none"
        ) from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def _written(metrics: Metrics, registry: CollectorRegistry, figures: Figures) -> Iterator[None]:
    path, over = Path(metrics.textfile), threading.Event()

    def write() -> None:
        from prometheus_client import write_to_textfile

        with writing(path.parent):
            write_to_textfile(str(path), registry)

    def write_or_tell() -> None:
        try:
            write()
        except StoreUnwritable as error:  # a run of days goes on without its figures
            logs.event("metrics_not_written", logging.WARNING, error=str(error))

    def go_on_writing() -> None:
        while not over.wait(figures.pause_s):
            write_or_tell()

    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write()  # so that what can't be written is said before anything is built
    thread = threading.Thread(target=go_on_writing, daemon=True, name="metrics")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        figures.end()
        write_or_tell()


class Figures:
    """Collects all figures of a run when asked; `pause_s` is how long to wait before the next."""

    def __init__(self, store: Store, tables: Tables, every_s: float) -> None:
        self.store, self.tables = store, tables
        self.every_s = self.pause_s = every_s
        self.started, self.active = time.time(), True
        self._counted: list[Metric] = []
        self._counted_at = float("-inf")
        self._lock = threading.Lock()  # the file and the endpoint may ask at once

    def end(self) -> None:
        """Say from now on that the run has ended, with all that its tables hold."""
        self.active, self._counted_at = False, float("-inf")

    def collect(self) -> Iterator[Metric]:
        """Yield everything, as prometheus_client asks for it."""
        with self._lock:
            now = time.monotonic()
            if now - self._counted_at >= self.pause_s or not self._counted:
                self._counted = list(self._of_tables())
                self._counted_at = time.monotonic()
                cost = self._counted_at - now
                self.pause_s = max(self.every_s, cost / MOST_TIME)
            counted = self._counted
        yield from counted
        yield from self._of_now()

    def _of_tables(self) -> Iterator[Metric]:
        rows = self._gauge("rows", "Rows in a table", "stage", "table")
        counts = self._gauge("counts", "Rows by reason or kind", "stage", "table", "reason")
        shards = self._gauge("shards_done", "Shards that exist", "stage", "table")
        for stage, tables in self.tables:
            for table in tables:
                found = [self.store.manifest(table, k) for k in range(self.store.shards)]
                done = [manifest for manifest in found if manifest]
                reasons: Counter[str] = Counter()
                for manifest in done:
                    reasons.update(manifest.counts)
                self._add(rows, sum(manifest.rows for manifest in done), stage, table)
                self._add(shards, len(done), stage, table)
                for reason, count in sorted(reasons.items()):
                    self._add(counts, count, stage, table, reason)
        yield from (rows, counts, shards)

    def _of_now(self) -> Iterator[Metric]:
        yield self._single("shards", "Shards of each table", self.store.shards)
        yield self._single("run_active", "1 while the run goes on", int(self.active))
        yield self._single("run_started_seconds", "When it began", self.started)
        done = self._gauge("progress_done", "Units done of what is at work", "work")
        total = self._gauge("progress_units", "Units of what is at work", "work")
        rate = self._gauge("progress_rate", "Units a second, since it began", "work")
        for meter in list(progress.RUNNING):
            self._add(done, meter.done, meter.name)
            self._add(rate, meter.rate(), meter.name)
            if meter.total is not None:
                self._add(total, meter.total, meter.name)
        yield from (done, total, rate)
        yield from self._of_servers()

    def _of_servers(self) -> Iterator[Metric]:
        flying = self._gauge("replies_in_flight", "Requests without an answer yet", "server")
        replies = self._gauge("replies_total", "Replies since the client began", "server")
        failed = self._gauge("failures_total", "Requests that brought none", "server", "kind")
        tokens = self._gauge("tokens_total", "Tokens since the client began", "server", "kind")
        for line in (line for client in list(OPEN) for line in client.account()):
            server = line["server"]
            self._add(flying, line["open"], server)
            self._add(replies, line["replies"], server)
            self._add(tokens, line["prompt_tokens"], server, "prompt")
            self._add(tokens, line["response_tokens"], server, "response")
            for kind, count in line["failed"].items():
                self._add(failed, count, server, kind)
        yield from (flying, replies, failed, tokens)

    def _gauge(self, name: str, text: str, *labels: str) -> GaugeMetricFamily:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        family: Any = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
        made: GaugeMetricFamily = family(
            PREFIX + name, text, labels=["dataset", "version", *labels]
        )
        return made

    def _add(self, family: GaugeMetricFamily, value: float, *labels: str) -> None:
        family.add_metric([self.store.name, self.store.version, *labels], value)

    def _single(self, name: str, text: str, value: float) -> Metric:
        family = self._gauge(name, text)
        self._add(family, value)
        return family
