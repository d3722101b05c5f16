"""What the tests of local files share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.sources.base import Refused, SourceRow
from pipeline.sources.local_files import LocalFiles

Row = dict[str, Any]


def source(path: Path | str, prompt: Any = "q", kind: str = "math", **rest: Any) -> LocalFiles:
    columns = {"prompt": prompt, **rest.pop("columns", {})}
    given = {"name": "mine", "licence": "MIT", "revision": "r1", "kind": kind, **rest}
    place = {"source": "local_files", "path": str(path)}
    return LocalFiles.model_validate({**place, "columns": columns, **given})


def jsonl(folder: Path, *rows: Row | str, name: str = "a.jsonl") -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def only(rows: Any) -> SourceRow:
    (row,) = rows
    assert isinstance(row, SourceRow), row
    return row


def made(folder: Path, row: Row, **options: Any) -> SourceRow:
    return only(source(jsonl(folder, row), **options).rows())


def refused(folder: Path, row: Row | str, **options: Any) -> Refused:
    """Return the refusal of a row that stands between two good ones."""
    good = {"q": "What?", "a": "4", "o": ["x"], "m": [{"role": "user", "content": "Hi"}]}
    found = list(source(jsonl(folder, good, row, good), **options).rows())
    assert len(found) == 3 and isinstance(found[0], SourceRow) and isinstance(found[2], SourceRow)
    assert isinstance(found[1], Refused)
    assert found[1].origin == "a.jsonl#1"
    return found[1]
