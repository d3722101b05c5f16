"""What all datasets of the Hugging Face Hub have in common: options, streaming, refusals.

A file of this folder that reads one (`numina_math.py`) says which columns it needs and what
each part of a question is made from; a configuration says no more than::

    [[recipe.sources]]
    source = "numina_math"

Rows are streamed by `datasets` and never stored whole. `folder` names a copy of the
repository's files where the Hub can't be reached. A column that is missing stops everything
before the first row; a row of another form is refused and reading goes on.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from pipeline.errors import SourceError
from pipeline.licences import spdx
from pipeline.paths import expand
from pipeline.records import Question, canonical_json
from pipeline.sources.base import Refused, Source, SourceInfo, SourceRow
from pipeline.sources.hub_draft import Draft, HubRow
from pipeline.sources.hub_errors import hub_errors
from pipeline.sources.hub_pins import UNPINNED, read_pins
from pipeline.sources.local_fields import BadRow
from pipeline.sources.local_files import EXCERPT_CHARS, checked, plain


@dataclass(frozen=True, slots=True)
class HubDataset:
    """A dataset of the Hub, in the form that its file can read.

    The first of `configs` and `splits` is taken where a configuration names none. Each of
    `columns` must be there; `optional` ones may be. `unseen` are those of both that no public
    text confirms, `licence` is None where none was seen, `rows` counts the first config.
    """

    id: str
    columns: tuple[str, ...]
    optional: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    configs: tuple[str, ...] = ("default",)
    splits: tuple[str, ...] = ("train",)
    licence: str | None = None
    licence_by_row: bool = False
    rows: int | None = None


class HubSource(Source):
    """Options that every dataset of the Hub has."""

    dataset: ClassVar[HubDataset]

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Let the dataset's page be the source's."""
        cls.homepage = f"https://huggingface.co/datasets/{cls.dataset.id}"
        cls.about_rows = cls.dataset.rows

    config: str = Field("", description="the dataset's config; the first of those it may be")
    split: str = Field("", description="the dataset's split; the first of those it may be")
    folder: str | None = Field(
        None,
        min_length=1,
        description="a copy of the repository's files, read instead of the Hub; $VARIABLES expand",
    )

    @model_validator(mode="before")
    @classmethod
    def _known(cls, options: Any) -> Any:
        """Put in what the dataset's file and its pin know, where the configuration is silent."""
        if not isinstance(options, Mapping):
            return options
        known = {"name": cls.file_name(), "licence": cls.known_licence()}
        known |= {"config": cls.dataset.configs[0], "split": cls.dataset.splits[0]}
        pin = read_pins().get(cls.file_name())
        known["revision"] = pin.revision if pin else None
        whole = {**{key: value for key, value in known.items() if value}, **options}
        for key, state in (("revision", "is not pinned"), ("licence", "was never seen")):
            if key not in whole:
                raise ValueError(
                    f"{key}: of {cls.dataset.id} {state}; run `build-dataset sources --check"
                    f" {cls.file_name()}` where the Hub can be reached, or name it"
                )
        return whole

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.config not in self.dataset.configs:
            raise ValueError(f"config: must be one of {self.dataset.configs}, got {self.config!r}")
        if self.split not in self.dataset.splits:
            raise ValueError(f"split: must be one of {self.dataset.splits}, got {self.split!r}")
        if self.revision in (UNPINNED, "main"):
            raise ValueError(f"revision: must be a commit, got {self.revision!r}; name one")
        return self

    def licence_by_row(self) -> bool:
        """Tell whether rows name licences of their own."""
        return self.dataset.licence_by_row

    @classmethod
    def file_name(cls) -> str:
        """Return the name of the file, by which a configuration asks for the source."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def known_licence(cls) -> str | None:
        """Return the licence that the dataset's page said when it was pinned, or the file's."""
        pin = read_pins().get(cls.file_name())
        return (pin.licence if pin else None) or cls.dataset.licence

    @classmethod
    def describe(cls, name: str) -> SourceInfo:
        """Return what there is to know of the dataset before it is configured."""
        pin, dataset = read_pins().get(name), cls.dataset
        seen = (pin.columns if pin else None) or ()
        return SourceInfo(
            name=name,
            summary=cls.summary,
            licence=cls.known_licence(),
            revision=pin.revision if pin else None,
            kinds=cls.kinds,
            carries=cls.carries,
            rows=(pin.rows if pin else None) or dataset.rows,
            dataset=dataset.id,
            unseen=tuple(column for column in dataset.unseen if column not in seen),
        )

    @abstractmethod
    def read(self, row: HubRow) -> Draft:
        """Return the parts of a question that a row holds; raises BadRow for one without."""

    def files(self) -> tuple[str, ...]:
        """Return the files of the copy, if one is read; raises SourceError where it is empty."""
        if self.folder is None:
            return ()
        root = expand(self.folder)
        inside = (path.relative_to(root).parts for path in root.rglob("*") if path.is_file())
        found = sorted(root.joinpath(*parts) for parts in inside if not _hidden(parts))
        if not found:
            raise SourceError(
                f"source {self.name}: folder: must hold the files of {self.dataset.id}, got"
                f" {self.folder!r}; correct it or fetch them"
            )
        return tuple(map(str, found))

    def identity(self) -> dict[str, Any]:
        """Return all options but the folder, and which dataset it is."""
        return {**self.model_dump(mode="json", exclude={"folder"}), "dataset": self.dataset.id}

    def rows(self) -> Iterator[SourceRow | Refused]:
        """Yield a question or a refusal for each row, in the order of the dataset's files."""
        for place, raw in enumerate(self.raw_rows()):
            yield self.made(place, raw)

    def raw_rows(self) -> Iterator[Mapping[str, Any]]:
        """Yield whole rows as the Hub has them; raises SourceError or PassingError."""
        with hub_errors(f"source {self.name}: {self.dataset.id}"):
            stream = iter(self._opened())
            first = next(stream, None)
            if first is not None:
                self.check_columns(first)
                yield from chain([first], stream)

    def _opened(self) -> Any:
        from datasets import load_dataset

        config = None if self.config == "default" else self.config
        if self.folder is None:
            place, at = self.dataset.id, self.revision
            return load_dataset(place, config, split=self.split, revision=at, streaming=True)
        place = str(Path(self.files()[0]) and expand(self.folder))
        return load_dataset(place, config, split=self.split, streaming=True)

    def check_columns(self, row: Mapping[str, Any]) -> None:
        """Raise SourceError where a row lacks a column that is read."""
        if missing := [column for column in self.dataset.columns if column not in row]:
            raise SourceError(
                f"source {self.name}: {self.dataset.id}: columns {missing} must be there at"
                f" {self.revision} ({self.config}/{self.split}), got {sorted(row)}; name a"
                f" revision that has them, or correct pipeline/sources/{self.file_name()}.py"
            )

    def made(self, place: int, raw: Mapping[str, Any]) -> SourceRow | Refused:
        """Return a row as a question, or refused with a reason."""
        origin = f"{self.config}/{self.split}#{place}"
        wanted = (*self.dataset.columns, *self.dataset.optional)
        row = {column: raw.get(column) for column in wanted}
        try:
            return self._question(origin, self.read(HubRow(row)))
        except BadRow as error:
            text = json.dumps(row, ensure_ascii=False, sort_keys=True, default=str)
            return Refused(origin, error.reason, text, text[:EXCERPT_CHARS])

    def _question(self, origin: str, draft: Draft) -> SourceRow:
        turns = draft.turns()
        if not turns or turns[-1].role != "user":
            raise BadRow("bad_conversation")
        licence = spdx(draft.licence) if draft.licence else self.licence
        if licence is None:
            raise BadRow("bad_licence")
        question = Question.new(
            self.name,
            turns,
            source_revision=self.revision,
            licence=licence,
            kind=draft.kind,
            reference_answer=(draft.reference or "").strip() or None,
            test_cases=canonical_json(list(draft.cases)) if draft.cases else None,
            metadata=canonical_json(plain(draft.metadata())),
            origins=(origin,),
        )
        return checked(SourceRow(origin, question, tuple(draft.given_responses())))


def _hidden(parts: tuple[str, ...]) -> bool:
    """Tell whether a file is the cache's or git's own, and no part of the dataset."""
    return any(part.startswith(".") for part in parts)
