"""The record of what a model proposed as a question's constraints.

Proposal(id="1c0f…", model="Qwen/Qwen2.5-7B-Instruct", constraints='[{"id": "punctuation:…"}]',
         refused='[{"id": "length_…", "why": "the number 300 is not in the prompt"}]', why="")
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from pipeline.records_base import Record

STRING, TEXT = pa.string(), pa.large_string()


@dataclass(frozen=True, slots=True)
class Proposal(Record):
    """Constraints that a model proposed for a question that came with none.

    `constraints` are those that are used, `refused` the others with why (both JSON lists); `why`
    says why there is nothing of either: the reply was `unreadable`, `cut off` or `refused`.
    """

    id: str
    model: str
    constraints: str
    refused: str
    why: str

    SCHEMA: ClassVar[pa.Schema] = pa.schema(
        [pa.field(name, STRING, nullable=False) for name in ("id", "model")]
        + [pa.field(name, TEXT, nullable=False) for name in ("constraints", "refused")]
        + [pa.field("why", STRING, nullable=False)]
    )
