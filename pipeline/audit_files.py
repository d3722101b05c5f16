"""Files of an audit: a sample as JSONL, CSV or an HTML page, and marks read from the first two.

The page opens with no network, and saves its marks as JSONL. A cell of a CSV that a spreadsheet
would take for a formula gets an apostrophe in front; marks are words, so that nothing is lost.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pipeline.audit import ASKS, MARKS, Sampled
from pipeline.errors import InputError
from pipeline.render import asset, page
from pipeline.store import replacing, writing

EMPTY = {**{f"mark_{name}": "" for name in MARKS}, "note": ""}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
FIELD_CHARS = 1 << 27  # csv's own bound is 128 KiB; thinking may be longer


def write_sample(path: Path, title: str, rows: Sequence[Sampled]) -> None:
    """Write a sample, in the format of the file's name; raises InputError for another."""
    makers = {".jsonl": as_jsonl, ".csv": as_csv}
    if path.suffix == ".html":
        text = as_page(title, rows)
    elif path.suffix in makers:
        text = makers[path.suffix](rows)
    else:
        raise InputError(f"{path}: must end in .jsonl, .csv or .html")
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(text.encode("utf-8", "replace"))


def as_jsonl(rows: Sequence[Sampled]) -> str:
    """Return a sample as JSON lines."""
    lines = [json.dumps({**asdict(row), **EMPTY}, ensure_ascii=False) for row in rows]
    return "".join(f"{line}\n" for line in lines)


def as_csv(rows: Sequence[Sampled]) -> str:
    """Return a sample as CSV, with a byte order mark, by which spreadsheets know UTF-8."""
    names = [*Sampled.__dataclass_fields__, *EMPTY]
    out = io.StringIO()
    table = csv.DictWriter(out, names, lineterminator="\r\n")
    table.writeheader()
    for row in rows:
        cells = {name: _tame(value) for name, value in asdict(row).items()}
        table.writerow({**cells, **EMPTY})
    return "\ufeff" + out.getvalue()


def _tame(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA) else value


def as_page(title: str, rows: Sequence[Sampled]) -> str:
    """Return a sample as a page in which it can be marked."""
    script = asset("audit.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return page(
        "audit.html.jinja",
        title=title,
        rows=rows,
        asks=ASKS,
        style=Markup(asset("report.css")),
        script=Markup(script),
        policy=f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'"
        "; base-uri 'none'; form-action 'none'",
    )


def read_marks(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a marked file; raises InputError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    if path.suffix == ".csv":
        csv.field_size_limit(FIELD_CHARS)
        return [dict(row) for row in csv.DictReader(io.StringIO(text, newline=""))]
    if path.suffix != ".jsonl":
        raise InputError(f"{path}: must be the .jsonl or .csv that was marked; the page saves one")
    return [_line(path, number, line) for number, line in enumerate(text.split("\n"), 1) if line]


def _line(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise InputError(f"{path}, line {number}: is not JSON ({error})") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}, line {number}: is not a JSON object")
    return found
