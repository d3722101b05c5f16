"""What a source of questions is: options that a configuration can set, and `rows()`.

A source file defines one subclass of `Source`; its class attribute `kind_of_source` is
the name by which a configuration asks for it::

    [[recipe.sources]]
    source = "local_files"          # the file in this folder
    name = "gsm8k_train"            # the name that its questions carry
    path = "$REAL_DATA/questions/gsm8k_train.parquet"

Sources yield rows one at a time and never hold a file in memory.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from pipeline.records import KINDS, Question


@dataclass(frozen=True, slots=True)
class SourceResponse:
    """A response that a source carries: the text as it stands there, and who wrote it."""

    teacher: str
    text: str
    finish_reason: str = "stop"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A question with the responses that came with it; `origin` names its row for a person."""

    origin: str
    question: Question
    responses: tuple[SourceResponse, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A source row that is no question: `reason` is machine readable, `excerpt` is for a person.

    `content` is what the row's id is made from (a hash of it, with the source's name).
    """

    origin: str
    reason: str
    content: str
    excerpt: str = ""


class Options(BaseModel):
    """A table of options: unknown keys and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(Options):
    """Options of one source, all part of the recipe's identity but what `identity` leaves out.

    `files()` lists the files whose content bears identity too; a source without files
    names all that it depends on in its options and `revision`. `summary`, `kinds` (those
    that its questions may have), `carries` (what may come with a question), `about_rows`
    and `homepage` are what `build-dataset sources` and the card show.
    """

    summary: ClassVar[str] = ""
    kinds: ClassVar[tuple[str, ...]] = KINDS
    carries: ClassVar[tuple[str, ...]] = ()
    about_rows: ClassVar[int | None] = None
    homepage: ClassVar[str | None] = None

    source: str = Field(description="which source: a file's name in pipeline/sources/")
    name: str = Field(
        min_length=1,
        pattern=r"^[A-Za-z0-9_.-]+$",
        description="the name that its questions carry, published in every row",
    )
    licence: str = Field(min_length=1, description="SPDX expression, published in every row")
    revision: str = Field(min_length=1, description="what exactly was taken: a commit, a version")
    limit: int | None = Field(default=None, ge=0, description="read at most so many rows")

    @abstractmethod
    def rows(self) -> Iterator[SourceRow | Refused]:
        """Yield the source's rows in a fixed order; raises SourceError where it can't be read."""

    def files(self) -> tuple[str, ...]:
        """Return the paths of local files that this source reads."""
        return ()

    def identity(self) -> dict[str, Any]:
        """Return the options that decide the rows, as JSON values."""
        return self.model_dump(mode="json")

    def web_page(self) -> str | None:
        """Return where a reader of the card finds the source, None where nobody has said."""
        return self.homepage

    def licence_by_row(self) -> bool:
        """Tell whether rows may carry another licence than the source's."""
        return False

    @classmethod
    def describe(cls, name: str) -> SourceInfo:
        """Return what there is to know of the source before it is configured."""
        return SourceInfo(
            name=name,
            summary=cls.summary,
            licence=_default(cls, "licence"),
            revision=_default(cls, "revision"),
            kinds=cls.kinds,
            carries=cls.carries,
            rows=cls.about_rows,
        )


def available_sources() -> dict[str, type[Source]]:
    """Return every source class by its file's name, in alphabetical order."""
    package = importlib.import_module("pipeline.sources")
    found: dict[str, type[Source]] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        loaded: Any = importlib.import_module(f"pipeline.sources.{module}")
        for value in vars(loaded).values():
            local = isinstance(value, type) and value.__module__ == loaded.__name__
            if local and issubclass(value, Source) and not inspect.isabstract(value):
                found[module] = value
    return found


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What `build-dataset sources` shows of one; licence and revision are the defaults.

    What has no default is the configuration's to say. `dataset` is the Hub's id where there
    is one; then a revision of None means that nobody has pinned one, a licence of None that
    nobody has seen one, and `unseen` are columns that are read on no evidence.
    """

    name: str
    summary: str
    licence: str | None
    revision: str | None
    kinds: tuple[str, ...]
    carries: tuple[str, ...]
    rows: int | None = None
    dataset: str | None = None
    unseen: tuple[str, ...] = ()


def describe_sources() -> list[SourceInfo]:
    """Return what there is to know of every source before it is configured, by name."""
    return [source.describe(name) for name, source in available_sources().items()]


def _default(source: type[Source], option: str) -> str | None:
    field = source.model_fields[option]
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True, validated_data={})
    return None if value is None else str(value)
