"""What a run shows in the server's pages: progress, the funnel, links, changes, what went wrong.

    quickstart-progress  quickstart-funnel  quickstart-card  quickstart-report  quickstart-hub  …

All of it is for people: that the server can't be told is logged and never stops a run. Text of
questions and responses is never shown there; it stays in the report.
"""

from __future__ import annotations

import contextlib
import re
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
from prefect import get_client, runtime
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger

from pipeline.compare import Differences
from pipeline.config import Config
from pipeline.errors import BudgetSpent, BuildError, PassingError, UserError
from pipeline.evaluation.grid import Grid
from pipeline.ledger import Ledger
from pipeline.progress import LISTENER, Meter

TELL_EVERY_S = 5.0  # a bar; an update costs the server 10 to 100 ms (measured, SQLite)
UNREACHABLE = (httpx.HTTPError, PrefectException)


def key(*names: str) -> str:
    """Return an artifact's key, of the characters that the server allows."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(names).lower()).strip("-")


@contextlib.contextmanager
def telling() -> Iterator[None]:
    """Log an error of the server in place of raising it."""
    try:
        yield
    except UNREACHABLE as error:
        get_run_logger().warning("the server could not be told: %s", error)


class Shown:
    """One bar in the server's pages."""

    def __init__(self, name: str, description: str) -> None:
        self.id: UUID | None = None
        self.told = 0.0
        self.logger = get_run_logger()
        with telling():
            made = create_progress_artifact(0.0, key=key(name), description=description)
            assert isinstance(made, UUID)  # it is typed for callers that await it, too
            self.id = made

    def update(self, done: int, total: int | None) -> None:
        """Show how much is done, now and then; without a total there is nothing to show."""
        soon = time.monotonic() - self.told < TELL_EVERY_S and done != total
        if self.id is not None and total and not soon:
            self.told = time.monotonic()
            with telling():
                update_progress_artifact(self.id, progress=min(100.0, 100 * done / total))

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Show and log the progress of what the block counts with a meter."""
        token = LISTENER.set(self._tell)
        try:
            yield
        finally:
            LISTENER.reset(token)

    def _tell(self, meter: Meter) -> None:
        self.logger.info(meter.line())
        self.update(meter.done, meter.total)


def name_run(name: str) -> None:
    """Call a run by what it builds, since the name that the server gives says nothing."""
    with telling(), get_client(sync_client=True) as client:
        client.update_flow_run(UUID(runtime.flow_run.id), name=name)


def show_funnel(name: str, version: str, ledger: Ledger) -> None:
    """Show where the questions of a version are, as a table that ends in its sum."""
    left = ledger.collected
    rows: list[dict[str, object]] = [{"where": "collected", "questions": left, "left": left}]
    for (stage, reason), count in ledger.dropped.items():
        left -= count
        rows.append({"where": f"dropped by {stage}: {reason}", "questions": count, "left": left})
    rows.append({"where": "pending", "questions": ledger.pending, "left": left - ledger.pending})
    rows.append({"where": "published", "questions": ledger.published, "left": ""})
    balance = "balances" if ledger.balanced else "does NOT balance"
    with telling():
        about = f"{name} {version}: the ledger {balance}."
        create_table_artifact(rows, key=key(name, "funnel"), description=about)


def show_published(config: Config, folder: Path, report: Path) -> None:
    """Show the card, and where the report is."""
    card = folder / "README.md"
    text = re.sub(r"\A---\n.*?\n---\n", "", card.read_text(encoding="utf-8"), flags=re.DOTALL)
    pictures = re.sub(r"!\[([^\]]*)\]\([^)]*\)", r"*\1: in the report*", text)
    with telling():
        about = f"`{card.resolve()}`"
        create_markdown_artifact(pictures, key=key(config.name, "card"), description=about)
    show_report(config, report)


def show_report(config: Config, report: Path) -> None:
    """Link the report where a web server has it, else name its path.

    No browser follows a link from the server's page to a file, not even on the same machine.
    """
    base, name = config.runtime.prefect.data_url, key(config.name, "report")
    with telling():
        if base is None:
            text = f"`{report.resolve()}`"
            about = "On the machine that ran this; runtime.prefect.data_url makes it a link."
            create_markdown_artifact(text, key=name, description=about)
        else:
            place = f"{config.name}/{config.version}/{report.name}"
            url, about = f"{base.rstrip('/')}/{place}", "Rows to read, and what became of the rest."
            create_link_artifact(url, link_text=place, key=name, description=about)


def show_hub(name: str, url: str) -> None:
    """Link the dataset on the Hub."""
    with telling():
        about = "The dataset on the Hub."
        create_link_artifact(url, link_text=url, key=key(name, "hub"), description=about)


def show_changes(name: str, version: str, found: Differences) -> None:
    """Show what differs from an earlier version, in questions."""
    rows: list[dict[str, object]] = [
        {"questions": "published by both, the same", "count": found.same},
        {"questions": "new", "count": found.added},
        {"questions": "changed", "count": found.changed},
        {"questions": "no longer published", "count": found.removed},
    ]
    gone = sorted(found.gone.items())
    rows += [{"questions": f"  of these now {where}", "count": n} for where, n in gone]
    with telling():
        about = f"Against version {version}; the report names the rows."
        create_table_artifact(rows, key=key(name, "changes"), description=about)


def show_grid(name: str, grid: Grid) -> None:
    """Show a table of an evaluation."""
    with telling():
        create_markdown_artifact(grid.markdown(), key=key(name, grid.title), description=grid.title)


class ShardsFailed(BuildError):
    """Some shards of a stage could not be built; the others are done."""

    def __init__(self, title: str, failures: dict[int, BaseException], of: int) -> None:
        self.title, self.failures = title, failures
        first = min(failures)
        super().__init__(
            f"{title}: {len(failures)} of {of} shards could not be built, the others are done;"
            f" shard {first}: {failures[first]}"
        )


@contextlib.contextmanager
def explaining(stage: list[str]) -> Iterator[None]:
    """Show why a run failed: the stage (the last of the list), the shards, the remedy."""
    try:
        yield
    except Exception as error:
        where = stage[-1] if stage else "before the first stage"
        text, about = failure(where, error), f"What failed: {where}"
        with telling():
            create_markdown_artifact(text, key="build-dataset-failure", description=about)
        raise


def failure(stage: str, error: Exception) -> str:
    """Return the summary of a failure as Markdown.

    Paragraphs, since the server's page cuts the cells of a table off where they are long.
    """
    failures = error.failures if isinstance(error, ShardsFailed) else {None: error}
    parts = []
    for shard, found in failures.items():
        parts.append(f"**{stage}**" if shard is None else f"**{stage}, shard {shard}**")
        parts.append(plain(str(found) or type(found).__name__))
    worst = next(iter(failures.values()))
    parts.append(remedy(worst))
    if not isinstance(worst, BuildError):
        trace = "".join(traceback.format_exception(worst))
        parts.append(f"```\n{trace[-4_000:]}\n```")
    return "\n\n".join(parts)


def plain(text: str) -> str:
    """Return Markdown that shows a text as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&])", r"\\\1", text).replace("\n", "  \n")


def remedy(error: BaseException) -> str:
    """Return what to do about an error, by whose fault it is."""
    if isinstance(error, BudgetSpent):
        return "Raise the cap, and start the run again: what arrived is kept."
    if isinstance(error, PassingError):
        return "It may pass: start the run again, and it goes on where it stopped."
    if isinstance(error, UserError):
        return "Put right what the text says, and start the run again: what is done stays done."
    if isinstance(error, BuildError):
        return "Do what the text says, and start the run again: what is done stays done."
    return (
        "This is an error of the program: report it with the lines below. What is done stays done."
    )
