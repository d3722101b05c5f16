"""The real questions and benchmarks that the scripts here measure on.

`REAL_DATA` names a folder with `questions/*.parquet` and `benchmarks/*.parquet`, as its
README describes. A question's text is what a source would put into its prompt::

    texts = questions()["gsm8k_train"]       # ["Natalia sold clips to 48 of her friends …", …]

Rows without text are left out.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

# The columns that make a question's text, joined by a line, of the first entry that fits.
COLUMNS = (
    ("passage", "question", "options"),
    ("Body", "Question"),
    ("body", "question"),
    ("instruction", "input"),
    ("question", "options"),
    ("Question",),
    ("QUESTION",),
    ("problem",),
    ("human",),
    ("quiz",),
    ("question",),
    ("problem_text",),
    ("conversations",),
    ("content",),
    ("instruction",),
    ("input",),
    ("prompt",),
)


def folder() -> Path:
    """Return where the real data lies; says so and ends with 2 where there is none."""
    if "REAL_DATA" not in os.environ:
        print("REAL_DATA is not set: name a folder with questions/ and benchmarks/", flush=True)
        sys.exit(2)
    return Path(os.environ["REAL_DATA"])


def questions() -> dict[str, list[str]]:
    """Return the texts of every question file, by its name."""
    files = sorted((folder() / "questions").glob("*.parquet"))
    return {path.stem: [text for text in _texts(path) if text.strip()] for path in files}


def _texts(path: Path) -> list[str]:
    """Return the text of each row of a file."""
    names = set(pq.read_schema(path).names)
    columns = next(some for some in COLUMNS if set(some) <= names)
    rows = pq.read_table(path, columns=list(columns)).to_pylist()
    return ["\n".join(filter(None, (_text(name, row[name]) for name in columns))) for row in rows]


def _text(column: str, value: Any) -> str:
    """Return a cell as text: a list line by line, of a conversation the user's turns."""
    if column == "conversations":
        turns = json.loads(value)
        return "\n".join(turn["value"] for turn in turns if turn["from"] == "human")
    if isinstance(value, list):
        return "\n".join(str(part) for part in value)
    return "" if value is None else str(value)
