"""The rows that are published beside the examples: for reinforcement learning and for preferences.

    RlExample(prompt=[{"role": "user", "content": "Julie is …"}], verifier="math",
              reference_answer="42", pass_rate=0.25, decided=4, …)

Columns have the names that TRL's trainers and verl read (docs/publishing.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from pipeline.records import MESSAGES, STRING
from pipeline.records_base import Record

REWARD = pa.struct([("style", STRING), ("ground_truth", STRING)])
EXTRA = pa.struct([("split", STRING), ("index", STRING)])
SIDE = pa.struct(
    [
        ("teacher", STRING),
        ("round", pa.int32()),
        ("attempt", pa.int32()),
        ("response_tokens", pa.int32()),
        ("verifier", STRING),
        ("reason", STRING),
        ("score", pa.float64()),
    ]
)


def _texts(*names: str, nullable: bool = False) -> list[pa.Field]:
    return [pa.field(name, STRING, nullable=nullable) for name in names]


ABOUT = [
    *_texts("id", "source", "source_revision", "licence", "kind"),
    *_texts("category", "difficulty", "language"),
    pa.field("prompt_tokens", pa.int32(), nullable=False),
]


@dataclass(frozen=True, slots=True)
class RlExample(Record):
    """A question that an instrument can judge answers to, for reinforcement learning.

    `verifier` names the instrument; what it needs is in `reference_answer`, `test_cases` or
    `constraints` (the latter two JSON). `pass_rate` is the share of `correct` among `decided`
    responses that were tried, None where none was. `data_source`, `ability`, `reward_model` and
    `extra_info` say it as verl reads it: `ground_truth` is what the verifier needs, `style` is
    "model" where that is a model and "rule" elsewhere, `index` is the id.
    """

    prompt: list[dict[str, Any]]
    id: str
    source: str
    source_revision: str
    licence: str
    kind: str
    category: str
    difficulty: str
    language: str
    prompt_tokens: int
    verifier: str
    reference_answer: str | None
    test_cases: str | None
    constraints: str | None
    pass_rate: float | None
    decided: int
    correct: int
    data_source: str
    ability: str
    reward_model: dict[str, Any]
    extra_info: dict[str, Any]

    SCHEMA: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("prompt", MESSAGES, nullable=False),
            *ABOUT,
            *_texts("verifier"),
            *_texts("reference_answer", "test_cases", "constraints", nullable=True),
            pa.field("pass_rate", pa.float64()),
            pa.field("decided", pa.int32(), nullable=False),
            pa.field("correct", pa.int32(), nullable=False),
            *_texts("data_source", "ability"),
            pa.field("reward_model", REWARD, nullable=False),
            pa.field("extra_info", EXTRA, nullable=False),
        ]
    )


@dataclass(frozen=True, slots=True)
class PreferenceExample(Record):
    """A correct and an incorrect response to one question, each found so by an instrument.

    `prompt`, `chosen` and `rejected` are lists of turns; the latter two have one, of the
    assistant, in the published template. `chosen_info` and `rejected_info` say whose they are
    and what was found of them.
    """

    prompt: list[dict[str, Any]]
    chosen: list[dict[str, Any]]
    rejected: list[dict[str, Any]]
    id: str
    source: str
    source_revision: str
    licence: str
    kind: str
    category: str
    difficulty: str
    language: str
    prompt_tokens: int
    pass_rate: float
    chosen_info: dict[str, Any]
    rejected_info: dict[str, Any]

    SCHEMA: ClassVar[pa.Schema] = pa.schema(
        [
            *(
                pa.field(name, MESSAGES, nullable=False)
                for name in ("prompt", "chosen", "rejected")
            ),
            *ABOUT,
            pa.field("pass_rate", pa.float64(), nullable=False),
            pa.field("chosen_info", SIDE, nullable=False),
            pa.field("rejected_info", SIDE, nullable=False),
        ]
    )
