"""Which commit of each Hub dataset is taken, and what was seen of it: `pins.jsonl`.

A line, one for each dataset that somebody has pinned::

    {"source": "deep_math", "revision": "5cf055d1fe3d…", "licence": null, "rows": null,
     "columns": null, "seen": "public loaders"}

`build-dataset sources --check` writes the lines of what it has read itself: then `columns`
are those of ten rows, and `licence` is what the dataset's page says. A dataset without a
line is `unpinned`. Nothing here asks the Hub.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from pipeline.errors import SourceError

PINS = Path(__file__).with_name("pins.jsonl")
PINS_VARIABLE = "BUILD_DATASET_PINS"  # another file, where the program's folder is read-only
UNPINNED = "unpinned"


@dataclass(frozen=True, slots=True)
class Pin:
    """What is known of one dataset's commit; `seen` says by whom."""

    source: str
    revision: str
    licence: str | None = None
    rows: int | None = None
    columns: tuple[str, ...] | None = None
    seen: str = ""


def pins_file() -> Path:
    """Return the file of pins."""
    return Path(os.environ.get(PINS_VARIABLE) or PINS)


def read_pins(path: Path | None = None) -> Mapping[str, Pin]:
    """Return the pins by source; raises SourceError for a file that is damaged."""
    path = path or pins_file()
    return _read(path, path.stat().st_mtime_ns) if path.is_file() else {}


@cache
def _read(path: Path, _: int) -> Mapping[str, Pin]:
    pins = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            pin = Pin(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise SourceError(f"{path}:{number}: is no pin ({error}); correct it") from None
        columns = None if pin.columns is None else tuple(pin.columns)
        pins[pin.source] = Pin(**{**asdict(pin), "columns": columns})
    return pins


def write_pins(pins: Mapping[str, Pin], path: Path | None = None) -> None:
    """Write the file anew, sorted by source; raises SourceError where it can't be written."""
    path = path or pins_file()
    lines = [json.dumps(asdict(pins[name]), ensure_ascii=False) for name in sorted(pins)]
    new = path.with_suffix(".new")
    try:
        new.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be written ({error.strerror}); name another file in {PINS_VARIABLE}"
        ) from None
