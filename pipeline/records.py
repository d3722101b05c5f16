"""Every record of the pipeline and its Arrow schema; no other file defines a column.

A question, as it stands in `questions/part-00003.parquet`::

    Question(id="1c0f…", source="gsm8k_train", prompt=(Message("user", "Julie is …"),),
             kind="math", reference_answer="42", origins=("gsm8k_train.parquet#3",), …)

Columns that hold nested data of a free shape (`test_cases`, `constraints`, `metadata`,
`evidence`, `sampling`) are JSON text, so that a schema never depends on its rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Self

import pyarrow as pa

from pipeline.records_base import Record as Record  # noqa: PLC0414 - others import it from here
from pipeline.records_base import canonical_json as canonical_json  # noqa: PLC0414 - others import it from here
from pipeline.records_base import content_hash as content_hash  # noqa: PLC0414 - others import it from here
from pipeline.records_base import shard_of as shard_of  # noqa: PLC0414 - others import it from here
from pipeline.records_select import Phrase as Phrase  # noqa: PLC0414 - others import it from here
from pipeline.records_select import Suspect as Suspect  # noqa: PLC0414 - others import it from here
from verifiers.base import Outcome
from verifiers.response import Parts, join, split

KINDS = ("math", "code", "science", "instruction", "chat")
ROLES = ("user", "assistant")

STRING, TEXT = pa.string(), pa.large_string()
MESSAGES = pa.list_(pa.struct([("role", STRING), ("content", STRING)]))


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; `role` is one of `ROLES`, or "system" before it is a question."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Question(Record):
    """A question as collected; written once and never changed.

    `test_cases` and `constraints` are JSON lists in the form of the `verify` command,
    `metadata` is a JSON object, `origins` names every source row that had this question.
    """

    id: str
    source: str
    source_revision: str
    licence: str
    prompt: tuple[Message, ...]
    kind: str
    reference_answer: str | None = None
    test_cases: str | None = None
    constraints: str | None = None
    metadata: str = "{}"
    origins: tuple[str, ...] = ()

    SCHEMA: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("id", STRING, nullable=False),
            pa.field("source", STRING, nullable=False),
            pa.field("source_revision", STRING, nullable=False),
            pa.field("licence", STRING, nullable=False),
            pa.field("prompt", MESSAGES, nullable=False),
            pa.field("kind", STRING, nullable=False),
            pa.field("reference_answer", TEXT),
            pa.field("test_cases", TEXT),
            pa.field("constraints", TEXT),
            pa.field("metadata", TEXT, nullable=False),
            pa.field("origins", pa.list_(STRING), nullable=False),
        ]
    )

    @classmethod
    def new(cls, source: str, prompt: Iterable[Message], **rest: Any) -> Self:
        """Make a question with the id that its source and prompt give it.

        A system turn becomes the beginning of the user turn after it, since published
        conversations have none and an answer must not depend on what is not there.
        """
        turns = without_system(prompt)
        return cls(id=question_id(source, turns), source=source, prompt=turns, **rest)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Make a question from a row, its turns as `Message`."""
        turns = tuple(Message(**turn) for turn in row["prompt"])
        return cls(**{**row, "prompt": turns, "origins": tuple(row["origins"])})

    def to_row(self) -> dict[str, Any]:
        """Return the row, turns as dictionaries."""
        row = Record.to_row(self)
        return {**row, "prompt": [asdict(turn) for turn in self.prompt]}

    @property
    def nested_source(self) -> str | None:
        """The innermost set inside of the source that its row names, None where it names none."""
        found = json.loads(self.metadata).get("nested_source")
        return str(found) if found is not None else None

    @property
    def user_text(self) -> str:
        """All user turns, a blank line between two: what is compared with other questions."""
        return "\n\n".join(turn.content for turn in self.prompt if turn.role == "user")


def without_system(prompt: Iterable[Message]) -> tuple[Message, ...]:
    """Return the turns with each system turn put in front of the user turn that follows it."""
    turns: list[Message] = []
    waiting = ""
    for turn in prompt:
        if turn.role == "system":
            waiting += f"{turn.content.strip()}\n\n" if turn.content.strip() else ""
        elif waiting and turn.role == "user":
            turns.append(Message("user", waiting + turn.content))
            waiting = ""
        else:
            turns.append(turn)
    return tuple(turns)


def question_id(source: str, prompt: Iterable[Message]) -> str:
    """Return a question's id: the hash of its source's name and its prompt."""
    return content_hash([source, [[turn.role, turn.content] for turn in prompt]])


@dataclass(frozen=True, slots=True)
class Label(Record):
    """What a labeller says of a question; `labeller` names it and says if it is a guess."""

    id: str
    category: str
    difficulty: str
    language: str
    prompt_tokens: int
    labeller: str

    SCHEMA: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("id", STRING, nullable=False),
            pa.field("category", STRING, nullable=False),
            pa.field("difficulty", STRING, nullable=False),
            pa.field("language", STRING, nullable=False),
            pa.field("prompt_tokens", pa.int32(), nullable=False),
            pa.field("labeller", STRING, nullable=False),
        ]
    )


DIFFICULTIES = ("very_easy", "easy", "medium", "hard", "very_hard")


def vector_schema(dimension: int) -> pa.Schema:
    """Return the schema of the `vectors` table: id and a unit vector of float16."""
    return pa.schema(
        [
            pa.field("id", STRING, nullable=False),
            pa.field("vector", pa.list_(pa.float16(), dimension), nullable=False),
            pa.field("clipped", pa.bool_(), nullable=False),
        ]
    )


def chunk_schema(dimension: int) -> pa.Schema:
    """Return the schema of the `chunks` table: the parts of texts longer than a window."""
    return pa.schema([field for field in vector_schema(dimension) if field.name != "clipped"])


ID_SCHEMA = pa.schema([pa.field("id", STRING, nullable=False)])


@dataclass(frozen=True, slots=True)
class Drop(Record):
    """Why a question left the pipeline; nothing is ever deleted instead.

    `of` is the kept row or the benchmark item, `evidence` a JSON object.
    """

    id: str
    stage: str
    reason: str
    of: str | None = None
    score: float | None = None
    evidence: str = "{}"

    SCHEMA: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("id", STRING, nullable=False),
            pa.field("stage", STRING, nullable=False),
            pa.field("reason", STRING, nullable=False),
            pa.field("of", STRING),
            pa.field("score", pa.float64()),
            pa.field("evidence", TEXT, nullable=False),
        ]
    )


@dataclass(frozen=True, slots=True)
class Probe(Record):
    """A planted copy of a benchmark item; `method` and `score` are those of the hit on it."""

    id: str
    benchmark: str
    item: str
    disguise: str
    text: str
    found: bool
    method: str | None = None
    score: float | None = None

    SCHEMA: ClassVar[pa.Schema] = pa.schema(
        [pa.field(name, STRING, nullable=False) for name in ("id", "benchmark", "item", "disguise")]
        + [pa.field("text", TEXT, nullable=False), pa.field("found", pa.bool_(), nullable=False)]
        + [pa.field("method", STRING), pa.field("score", pa.float64())]
    )


@dataclass(frozen=True, slots=True)
class Response(Record):
    """A teacher's reply to a question: its think part and everything after it.

    `answer` still carries `<answer>` tags where the reply had them; it is None when the
    think part never closed. `raw` is there only where think and answer do not make the
    reply again. `round` 0 are responses that came with the source.
    """

    id: str
    teacher: str
    round: int
    attempt: int
    think: str | None
    answer: str | None
    raw: str | None
    finish_reason: str
    prompt_tokens: int | None
    response_tokens: int | None
    sampling: str = "{}"

    SCHEMA: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("id", STRING, nullable=False),
            pa.field("teacher", STRING, nullable=False),
            pa.field("round", pa.int32(), nullable=False),
            pa.field("attempt", pa.int32(), nullable=False),
            pa.field("think", TEXT),
            pa.field("answer", TEXT),
            pa.field("raw", TEXT),
            pa.field("finish_reason", STRING, nullable=False),
            pa.field("prompt_tokens", pa.int32()),
            pa.field("response_tokens", pa.int32()),
            pa.field("sampling", STRING, nullable=False),
        ]
    )

    @classmethod
    def parse(cls, text: str, **rest: Any) -> Self:
        """Make a response from the text that a teacher wrote."""
        parts = split(text)
        whole = join(parts) if not parts.before.strip() else None
        lossless = whole is not None and whole.strip().endswith(text.strip())
        raw = None if lossless else text
        return cls(think=parts.think, answer=parts.answer, raw=raw, **rest)

    @property
    def text(self) -> str:
        """The reply as it was, a missing opening tag added."""
        return self.raw if self.raw is not None else join(Parts("", self.think, self.answer))

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What identifies the response: id, teacher, round, attempt."""
        return (self.id, self.teacher, self.round, self.attempt)


@dataclass(frozen=True, slots=True)
class Verdict(Record):
    """One verifier's finding about one response; `seconds` is wall time."""

    id: str
    teacher: str
    round: int
    attempt: int
    verifier: str
    outcome: str
    score: float | None
    reason: str
    evidence: str
    seconds: float

    SCHEMA: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("id", STRING, nullable=False),
            pa.field("teacher", STRING, nullable=False),
            pa.field("round", pa.int32(), nullable=False),
            pa.field("attempt", pa.int32(), nullable=False),
            pa.field("verifier", STRING, nullable=False),
            pa.field("outcome", STRING, nullable=False),
            pa.field("score", pa.float64()),
            pa.field("reason", STRING, nullable=False),
            pa.field("evidence", TEXT, nullable=False),
            pa.field("seconds", pa.float64(), nullable=False),
        ]
    )

    @property
    def key(self) -> tuple[str, str, int, int]:
        """The response that was judged."""
        return (self.id, self.teacher, self.round, self.attempt)


OUTCOMES = tuple(outcome.value for outcome in Outcome)

INFO_FIELDS = ("source", "reference_answer", "test_case", "think_content", "answer_content")
INFO = pa.struct([(name, STRING) for name in INFO_FIELDS])
TURNS = pa.list_(pa.struct([("role", STRING), ("content", STRING), ("info", INFO)]))


@dataclass(frozen=True, slots=True)
class Example(Record):
    """A published row: the conversation in the original's form, and flat columns beside it.

    `messages` are dictionaries {role, content, info}; `pass_rate` is the share of correct
    among the decided responses to the question (None where none was decided);
    `measured_difficulty`, 0 to 1, is what the pass rates of a weaker and a stronger teacher say
    (None where one isn't known); `verdicts` is a JSON list of all findings about the published
    response; `nested_source` is the innermost set inside of `source` that the row names (None
    where it names none); `origins` names every source row with this very question, those of
    other sources as `SOURCE: row`.
    """

    messages: list[dict[str, Any]]
    id: str
    source: str
    source_revision: str
    licence: str
    category: str
    difficulty: str
    language: str
    prompt_tokens: int
    response_tokens: int | None
    teacher: str
    round: int
    attempt: int
    outcome: str
    score: float | None
    verifier: str
    verdicts: str
    pass_rate: float | None
    measured_difficulty: float | None = None
    nested_source: str | None = None
    origins: list[str] = field(default_factory=list)

    SCHEMA: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("messages", TURNS, nullable=False),
            pa.field("id", STRING, nullable=False),
            pa.field("source", STRING, nullable=False),
            pa.field("source_revision", STRING, nullable=False),
            pa.field("licence", STRING, nullable=False),
            pa.field("category", STRING, nullable=False),
            pa.field("difficulty", STRING, nullable=False),
            pa.field("language", STRING, nullable=False),
            pa.field("prompt_tokens", pa.int32(), nullable=False),
            pa.field("response_tokens", pa.int32()),
            pa.field("teacher", STRING, nullable=False),
            pa.field("round", pa.int32(), nullable=False),
            pa.field("attempt", pa.int32(), nullable=False),
            pa.field("outcome", STRING, nullable=False),
            pa.field("score", pa.float64()),
            pa.field("verifier", STRING, nullable=False),
            pa.field("verdicts", STRING, nullable=False),
            pa.field("pass_rate", pa.float64()),
            pa.field("measured_difficulty", pa.float64()),
            pa.field("nested_source", STRING),
            pa.field("origins", pa.list_(STRING), nullable=False),
        ]
    )
