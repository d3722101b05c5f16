"""Tells what happens, one event a line: text on stderr, JSON where it is asked for.

An event, as `--log-json` writes it and `[runtime.logs] file` keeps it::

    {"time": "2026-11-24T16:20:11.204Z", "level": "info", "event": "shard", "dataset": "quickstart",
     "version": "1", "process": 811, "stage": "embed", "shard": 3, "rows": 67, "seconds": 1.2}

The standard library's logger `build_dataset` carries them, so that whoever runs this code can
add a handler of their own; without a handler nothing is written. On a terminal stderr has the
progress bars and, above them, warnings. What a secret of the environment holds never gets into a
line: see `hide`. A secret that stands nowhere in the environment is not recognised, but for a
password in a URL.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from pipeline.runtime_watch import Logs

LOGGER = logging.getLogger("build_dataset")
LOGGER.addHandler(logging.NullHandler())
SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH", re.IGNORECASE)
LEAST_SECRET = 6  # characters: a shorter value ("1", "yes") stands in innocent text too (guess)
LOGIN = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")
HIDDEN = "[secret]"
INHERITED = "BUILD_DATASET_LOGS"  # how worker processes learn what their parent was told
_bound: dict[str, Any] = {}  # what every event of this process carries


def event(name: str, level: int = logging.INFO, /, **fields: Any) -> None:
    """Log an event; `fields` are JSON values."""
    LOGGER.log(level, name, extra={"fields": {**_bound, **fields}})


@contextlib.contextmanager
def timed(name: str, /, **fields: Any) -> Iterator[None]:
    """Log `<name>_started`, and `<name>_done` with the seconds, or `<name>_failed`."""
    start = time.monotonic()
    event(f"{name}_started", **fields)
    ended, level = "failed", logging.ERROR
    try:
        yield
        ended, level = "done", logging.INFO
    finally:
        seconds = round(time.monotonic() - start, 3)
        event(f"{name}_{ended}", level, **fields, seconds=seconds)


def as_json() -> bool:
    """Tell whether stderr is for programs, so that nothing but JSON may go there."""
    on_stderr = (handler for handler in LOGGER.handlers if isinstance(handler, OnStderr))
    return any(isinstance(handler.formatter, JsonLines) for handler in on_stderr)


def configure(logs: Logs) -> None:
    """Write events to stderr and the file, in place of what was configured before."""
    end()
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    if logs.format == "json" or not sys.stderr.isatty():
        _add(OnStderr(), JsonLines() if logs.format == "json" else Text())
    else:
        _add(WarningsOnStderr(), Text())
    if logs.file:
        Path(logs.file).parent.mkdir(parents=True, exist_ok=True)
        _add(logging.FileHandler(logs.file, encoding="utf-8"), JsonLines())
    if logs.format == "json":
        sys.excepthook = _tell_of_crash


def end() -> None:
    """Write events nowhere any more, as before anything was configured."""
    for old in [h for h in LOGGER.handlers if not isinstance(h, logging.NullHandler)]:
        LOGGER.removeHandler(old)
        old.close()
    _bound.clear()
    os.environ.pop(INHERITED, None)
    sys.excepthook = sys.__excepthook__


def begin(logs: Logs, dataset: str, version: str) -> None:
    """Configure logs for a run, which worker processes follow; events name its version from here.

    JSON on stderr that the command line asked for stays.
    """
    kept = Logs(format="json", file=logs.file) if as_json() else logs
    configure(kept)
    _bound.update(dataset=dataset, version=version)
    os.environ[INHERITED] = json.dumps({"logs": kept.model_dump(), "bound": _bound})


@contextlib.contextmanager
def begun(logs: Logs, dataset: str, version: str) -> Iterator[None]:
    """Do what `begin` does for as long as the block runs."""
    begin(logs, dataset, version)
    try:
        yield
    finally:
        end()


def inherit() -> None:
    """Log as the parent process does, where it has said how."""
    if told := os.environ.get(INHERITED):
        found = json.loads(told)
        configure(Logs(**found["logs"]))
        _bound.update(found["bound"])


def hide(text: str) -> str:
    """Return a text without the secrets of this process's environment.

    They are the values of variables whose name says so (`SECRET_NAME`), and what stands before
    an @ in a URL.
    """
    for name, value in os.environ.items():
        if SECRET_NAME.search(name) and len(value) >= LEAST_SECRET:
            text = text.replace(value, HIDDEN)
    return LOGIN.sub(HIDDEN, text)


def _hidden(value: Any) -> Any:
    """Return a JSON value without secrets: before it is written, for quotes are escaped then."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {name: _hidden(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(part) for part in value]
    return value


class OnStderr(logging.Handler):
    """Writes to what stderr is at the moment, in one piece, for other processes write there too."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line."""
        sys.stderr.write(self.format(record) + "\n")
        sys.stderr.flush()


class WarningsOnStderr(OnStderr):
    """Writes what a person should know before the command ends, which tells of errors itself."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let warnings through, and nothing else."""
        return record.levelno == logging.WARNING and bool(super().filter(record))


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "process": record.process,
            **getattr(record, "fields", {}),
        }
        return json.dumps(_hidden(fields), ensure_ascii=False, default=str)


class Text(logging.Formatter):
    """`16:20:11 shard  stage=embed shard=3 rows=67`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        left = {"dataset", "version"} if record.levelno < logging.WARNING else set()
        fields = _hidden({k: v for k, v in getattr(record, "fields", {}).items() if k not in left})
        said = " ".join(f"{name}={value}" for name, value in fields.items())
        line = f"{_time(record)[11:19]} {record.getMessage():<14} {said}".rstrip()
        return line.replace("\n", "\\n")


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _add(handler: logging.Handler, formatter: logging.Formatter) -> None:
    handler.setFormatter(formatter)
    LOGGER.addHandler(handler)


def _tell_of_crash(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    told = "".join(traceback.format_exception(kind, error, trace))
    event("crashed", logging.CRITICAL, error=f"{kind.__name__}: {error}", traceback=told)
