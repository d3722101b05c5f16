"""Shows long work: a bar with rate and ETA on a terminal, plain lines in a log.

A line of the log form::

    label        3/16   2,011 rows/s   ETA 0:00:41

Whoever shows it elsewhere sets LISTENER, and gets the meter where a line would be written;
where logs are JSON (pipeline/logs.py), the line is an event. RUNNING are the meters of now.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import IO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from pipeline import logs

LOG_EVERY_S = 10.0  # a plain line at most so often; a log of days stays readable


class _RateColumn(ProgressColumn):
    """Units a second, over the task's whole time."""

    def render(self, task: Task) -> Text:
        """Return the rate as text."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed and speed >= 10 else f"{speed or 0:.1f}/s")


@dataclass(slots=True, eq=False)
class Meter:
    """Counts one piece of work; `advance` is cheap enough to be called for each row."""

    name: str
    total: int | None
    bar: Progress | None
    stream: IO[str]
    listener: Callable[[Meter], None] | None = None
    started: float = field(default_factory=time.monotonic)
    done: int = 0
    note: str = ""
    figures: dict[str, float] = field(default_factory=dict)  # for metrics, by their name there
    _said: float = 0.0
    _task: object = None

    def advance(self, rows: int = 1, note: str = "") -> None:
        """Count `rows` more units, and show `note` beside them."""
        self.done += rows
        self.note = note or self.note
        if self.bar is not None:
            self.bar.update(self._task, advance=rows, note=self.note)  # type: ignore[arg-type]
        elif time.monotonic() - self._said >= LOG_EVERY_S:
            self.say()

    def say(self) -> None:
        """Write the line of the log form, or tell the listener."""
        self._said = time.monotonic()
        if self.listener is not None:
            self.listener(self)
        else:
            print(self.line(), file=self.stream)
            self.stream.flush()

    def line(self) -> str:
        """Return the line of the log form."""
        seconds = max(1e-9, time.monotonic() - self.started)
        of = f"/{self.total:,}" if self.total else ""
        left = (self.total - self.done) * seconds / self.done if self.total and self.done else None
        eta = f"   ETA {clock(left)}" if left else ""
        note = f"   {self.note}" if self.note else ""
        rate = f"{self.done / seconds:,.1f}/s"
        return f"{self.name:<14} {self.done:>9,}{of}   {rate}{eta}{note}"

    def rate(self) -> float:
        """Return units a second, over the whole time."""
        return self.done / max(1e-9, time.monotonic() - self.started)


LISTENER: ContextVar[Callable[[Meter], None] | None] = ContextVar("LISTENER", default=None)
RUNNING: list[Meter] = []


@contextlib.contextmanager
def meter(name: str, total: int | None) -> Iterator[Meter]:
    """Show the progress of `total` units of work called `name` while the block runs."""
    with _shown(name, total) as shown:
        RUNNING.append(shown)
        try:
            yield shown
        finally:
            RUNNING.remove(shown)


@contextlib.contextmanager
def _shown(name: str, total: int | None) -> Iterator[Meter]:
    stream, listener = sys.stderr, LISTENER.get() or (_log if logs.as_json() else None)
    if listener is not None or not stream.isatty():
        plain = Meter(name, total, None, stream, listener, _said=time.monotonic())
        yield plain
        plain.say()
        return
    columns = [
        TextColumn("{task.description:<14}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    ]
    with Progress(*columns, console=Console(file=stream)) as bar:
        shown = Meter(name, total, bar, stream)
        shown._task = bar.add_task(name, total=total, note="")
        yield shown


def _log(meter: Meter) -> None:
    said = {"stage": meter.name, "done": meter.done, "total": meter.total}
    note = {"note": meter.note} if meter.note else {}
    logs.event("progress", **said, rate=round(meter.rate(), 3), **note)


def clock(seconds: float) -> str:
    """Return seconds as 0:00:41."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
