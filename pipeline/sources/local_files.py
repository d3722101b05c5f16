"""Any file of questions as a source: JSONL, CSV or Parquet, one file or a folder of them.

In a configuration, for rows such as `{"question": "…", "answer": "48 + 24 = 72\\n#### 72"}`::

    [[recipe.sources]]
    source = "local_files"
    name = "gsm8k_train"
    licence = "MIT"
    revision = "openai/grade-school-math@3101c7d50724"
    path = "$REAL_DATA/questions/gsm8k_train.parquet"
    kind = "math"
    columns.prompt = "question"
    columns.reference_answer = { column = "answer", after = "####" }

docs/local-files.md describes every option and every reason for refusing a row. A row that
is no question is refused and reading goes on; a file that can't be read, or that lacks a
column, stops everything before the first row. Rows are neither shuffled nor compared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from pipeline.errors import SourceError
from pipeline.paths import expand
from pipeline.records import Message, Question, canonical_json
from pipeline.sources.base import Refused, Source, SourceResponse, SourceRow
from pipeline.sources.local_columns import LETTERS, Columns, conversation
from pipeline.sources.local_fields import BadRow, Value, look_up, root_of
from pipeline.sources.local_reading import (
    SURROGATE,
    Broken,
    Raw,
    columns_of,
    find_files,
    read_rows,
)

OWN_METADATA = {"difficulty", "options"}  # written from the columns of these names
EXCERPT_CHARS = 200
Scalar = str | int | float | bool


def _by_name(value: Any) -> Any:
    return {name: name for name in value} if isinstance(value, list) else value


class LocalFiles(Source):
    """Questions, and responses that came with them, from files on this machine."""

    summary: ClassVar[str] = "any JSONL, CSV or Parquet file, or a folder of them"
    carries: ClassVar[tuple[str, ...]] = (
        "reference answers",
        "test cases",
        "constraints",
        "responses",
    )

    path: str = Field(
        min_length=1, description="a file or folder; $VARIABLES and package:NAME/PATH expand"
    )
    kind: Literal["math", "code", "science", "instruction", "chat"] = Field(
        description="what kind of questions these are; decides how answers are verified"
    )
    columns: Columns = Field(description="what each part of a question is read from")
    teacher: str | None = Field(
        None, min_length=1, description="who wrote the responses, where no column says so"
    )
    where: dict[str, list[Scalar]] = Field({}, description="column → values of the rows to take")
    every: int = Field(1, ge=1, description="take only every n-th row of each file")
    keep: Annotated[dict[str, Value], BeforeValidator(_by_name)] = Field(
        {}, description="columns for metadata: a list of them, or name → column"
    )
    metadata: dict[str, Scalar] = Field({}, description="metadata that all its questions have")
    page: str | None = Field(
        None,
        pattern=r"^https://[^\s<>()|]+$",
        description="where the files come from, for the card's table of attributions",
    )
    max_line_mb: int = Field(
        64, gt=0, le=1024, description="a longer line of text is refused (guess)"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.teacher and self.columns.teacher:
            raise ValueError("teacher, columns.teacher: must not both be there; remove one")
        if self.columns.response and not (self.teacher or self.columns.teacher):
            raise ValueError("columns.response: needs to know who wrote it; add teacher")
        names = [*self.keep, *self.metadata, *OWN_METADATA]
        if taken := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"keep, metadata: names must differ from each other and from"
                f" {sorted(OWN_METADATA)}, got {taken}; rename, as in keep = {{ level = … }}"
            )
        return self

    def files(self) -> tuple[str, ...]:
        """Return the files in the order in which they are read; raises SourceError for none."""
        with named(self.name):
            return tuple(str(file) for file in find_files(expand(self.path)))

    def identity(self) -> dict[str, Any]:
        """Return all options but path and page: what the files hold counts, not where they lie."""
        return self.model_dump(mode="json", exclude={"path", "page"})

    def web_page(self) -> str | None:
        """Return the page that the configuration names."""
        return self.page

    def licence_by_row(self) -> bool:
        """Tell whether a column says each row's licence."""
        return self.columns.licence is not None

    def rows(self) -> Iterator[SourceRow | Refused]:
        """Yield a question or a refusal for each row that `where` takes."""
        root = expand(self.path)
        with named(self.name):
            needed = [(file, self._needed(file)) for file in find_files(root)]
            for file, columns in needed:
                name = file.name if file == root else file.relative_to(root).as_posix()
                for raw in read_rows(file, self._max_bytes, columns):
                    if raw.place % self.every == 0:
                        yield from self._row(f"{name}#{raw.place}", raw)

    @property
    def _max_bytes(self) -> int:
        return self.max_line_mb << 20

    def _needed(self, file: Path) -> set[str]:
        """Return the columns of a file that are read; raises SourceError for one it lacks."""
        there = columns_of(file, self._max_bytes)
        if there is None:
            return set()
        readers = (*self.columns.readers(), *self.keep.values())
        paths = {path for reader in readers for path in reader.paths()} | set(self.where)
        if missing := sorted(path for path in paths if root_of(path, there) is None):
            raise SourceError(
                f"columns: must be columns of the file, got {missing}, and {str(file)!r} has"
                f" {sorted(there)}; correct the name"
            )
        return {root for path in paths if (root := root_of(path, there))}

    def _row(self, origin: str, raw: Raw | Broken) -> Iterator[SourceRow | Refused]:
        if isinstance(raw, Broken):
            yield Refused(origin, raw.reason, raw.content, raw.content[:EXCERPT_CHARS])
            return
        try:
            yield from self._taken(origin, raw.value)
        except RecursionError:  # read by json's own code, which goes a little deeper than ours
            yield Refused(origin, "nested_too_deep", origin)

    def _taken(self, origin: str, row: Mapping[str, Any]) -> Iterator[SourceRow | Refused]:
        try:
            if all(look_up(row, path) in wanted for path, wanted in self.where.items()):
                yield self._question(origin, row)
        except BadRow as error:
            text = json.dumps(row, ensure_ascii=False, sort_keys=True, default=str)
            yield Refused(origin, error.reason, text, text[:EXCERPT_CHARS])

    def _question(self, origin: str, row: Mapping[str, Any]) -> SourceRow:
        columns = self.columns
        options = columns.read_options(row)
        prompt, last = read_prompt(columns, row, options)
        cases = columns.test_cases.read(row) if columns.test_cases else []
        question = Question.new(
            self.name,
            prompt,
            source_revision=self.revision,
            licence=self._licence(row),
            kind=self.kind,
            reference_answer=columns.read_reference(row),
            test_cases=canonical_json(cases) if cases else None,
            constraints=columns.read_constraints(row),
            metadata=canonical_json(self._metadata(row, options)),
            origins=(origin,),
        )
        return checked(SourceRow(origin, question, self._responses(row, last)))

    def _licence(self, row: Mapping[str, Any]) -> str:
        if self.columns.licence is None:
            return self.licence
        return _given(self.columns.licence.text(row), "no_licence")

    def _responses(self, row: Mapping[str, Any], last: str | None) -> tuple[SourceResponse, ...]:
        """Return a row's responses: those of its column, else the conversation's last turn."""
        reader = self.columns.response
        texts = reader.texts(row) if reader else [last] if last and last.strip() else []
        if not texts or not (self.teacher or self.columns.teacher):
            return ()
        found = self.columns.teacher.text(row) if self.columns.teacher else self.teacher
        return tuple(SourceResponse(_given(found, "no_teacher"), text) for text in texts)

    def _metadata(self, row: Mapping[str, Any], options: list[str]) -> dict[str, Any]:
        kept = {name: plain(reader.read(row)) for name, reader in self.keep.items()}
        own = {"difficulty": self.columns.read_difficulty(row), "options": options or None}
        return {k: v for k, v in {**self.metadata, **kept, **own}.items() if v is not None}


def read_prompt(
    columns: Columns, row: Mapping[str, Any], options: list[str]
) -> tuple[list[Message], str | None]:
    """Return a row's prompt, and the assistant turn that a conversation ends with, if it does."""
    value = columns.prompt.read(row)
    if value is not None and not isinstance(value, (str, list)):
        raise BadRow("wrong_type")
    turns = conversation(value) if isinstance(value, list) else [Message("user", value or "")]
    last = turns.pop().content if turns and turns[-1].role == "assistant" else None
    if not any(turn.content.strip() for turn in turns if turn.role == "user"):
        raise BadRow("empty_prompt")
    if turns[-1].role != "user":
        raise BadRow("bad_conversation")
    turns[-1] = Message("user", _with_options(turns[-1].content.strip(), options))
    system = columns.system.text(row) if columns.system else None
    return [*([Message("system", system)] if system else []), *turns], last


def _with_options(text: str, options: list[str]) -> str:
    lines = [f"({letter}) {option}" for letter, option in zip(LETTERS, options, strict=False)]
    return "\n\n".join([text, "\n".join(lines)]) if lines else text


def checked(row: SourceRow) -> SourceRow:
    """Return a row as it is; raises BadRow for text that is not Unicode or has a NUL in it."""
    question = row.question
    texts = [question.licence, *(turn.content for turn in question.prompt)]
    texts += [question.reference_answer or "", question.test_cases or "", question.metadata]
    texts += [question.constraints or ""]
    texts += [part for response in row.responses for part in (response.teacher, response.text)]
    if any(SURROGATE.search(text) for text in texts):
        raise BadRow("invalid_unicode")
    if any("\0" in text for text in texts):
        raise BadRow("nul_character")
    return row


def _given(text: str | None, reason: str) -> str:
    if text is None:
        raise BadRow(reason)
    return text


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: dates as text, not-a-number as nothing."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, (date, time, Decimal)):
        return str(value)
    raise BadRow("wrong_type")


@contextmanager
def named(source: str) -> Iterator[None]:
    """Put the source's name in front of a SourceError."""
    try:
        yield
    except SourceError as error:
        raise SourceError(f"source {source}: {error}") from None
