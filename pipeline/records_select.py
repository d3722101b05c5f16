"""Records of what the stage select saw besides what it published.

    Phrase(id="1c0f…", teacher="DeepSeek-R1", round=1, attempt=0, phrase="So I …", questions=34)

pipeline/records.py, which see, hands them on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from pipeline.records_base import Record

STRING, TEXT = pa.string(), pa.large_string()


@dataclass(frozen=True, slots=True)
class Suspect(Record):
    """A question whose reference may be wrong: `agreeing` of `decided` attempts say `answer`.

    `correct` attempts agree with the reference.
    """

    id: str
    source: str
    reference: str
    answer: str
    agreeing: int
    decided: int
    correct: int

    SCHEMA: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("id", STRING, nullable=False),
            pa.field("source", STRING, nullable=False),
            pa.field("reference", TEXT, nullable=False),
            pa.field("answer", TEXT, nullable=False),
            pa.field("agreeing", pa.int32(), nullable=False),
            pa.field("decided", pa.int32(), nullable=False),
            pa.field("correct", pa.int32(), nullable=False),
        ]
    )


@dataclass(frozen=True, slots=True)
class Phrase(Record):
    """A response that shares a phrase with the responses to many other questions.

    `phrase` is the one that most `questions` have, this one among them.
    """

    id: str
    teacher: str
    round: int
    attempt: int
    phrase: str
    questions: int

    SCHEMA: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("id", STRING, nullable=False),
            pa.field("teacher", STRING, nullable=False),
            pa.field("round", pa.int32(), nullable=False),
            pa.field("attempt", pa.int32(), nullable=False),
            pa.field("phrase", TEXT, nullable=False),
            pa.field("questions", pa.int32(), nullable=False),
        ]
    )
