"""What the tests of Hub datasets share: a repository of files as the Hub would serve it.

A fixture `hub/deep_math.json` holds rows in a dataset's shape, all invented for the test,
with what must become of each: parts of a question, or the reason for which it is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.sources.base import Refused, SourceResponse, SourceRow
from pipeline.sources.hub_base import HubSource
from pipeline.sources.hub_check import hub_sources
from verifiers.response import split

FIXTURES = Path(__file__).parent / "hub"
HUB = hub_sources()
README = """---
license: {licence}
configs:
- config_name: '{config}'
  data_files:
  - split: {split}
    path: '{config}/{split}-*.{extension}'
---
"""


def fixture(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def repository(
    folder: Path, name: str, rows: list[dict[str, Any]], extension: str = "parquet"
) -> Path:
    """Write rows as the files of a dataset's first config and split."""
    config, split = HUB[name].dataset.configs[0], HUB[name].dataset.splits[0]
    head = README.format(licence="mit", config=config, split=split, extension=extension)
    file = folder / config / f"{split}-00000-of-00001.{extension}"
    file.parent.mkdir(parents=True)
    (folder / "README.md").write_text(head, encoding="utf-8")
    if extension == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), file)
    else:
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return folder


def source(name: str, **options: Any) -> HubSource:
    known = {"source": name, "revision": "abc1234", "licence": "MIT"}
    return HUB[name].model_validate({**known, **options})


def told(row: SourceRow | Refused) -> dict[str, Any]:
    """Return what a row has become, in the words of the fixtures."""
    if isinstance(row, Refused):
        return {"refused": row.reason}
    question = row.question
    return {
        "prompt": "\n\n".join(turn.content for turn in question.prompt),
        "kind": question.kind,
        "reference": question.reference_answer,
        "cases": json.loads(question.test_cases or "[]"),
        "responses": [response(given) for given in row.responses],
        "licence": question.licence,
        "metadata": json.loads(question.metadata),
    }


def response(given: SourceResponse) -> dict[str, Any]:
    parts = split(given.text)
    return {
        "teacher": given.teacher,
        "think": parts.think,
        "answer": parts.answer,
        "finish": given.finish_reason,
    }
