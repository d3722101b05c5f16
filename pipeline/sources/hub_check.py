"""Reads ten rows of a Hub dataset and says what is not as its file has it.

    found = check("deep_math")
    found.revision     "5cf055d1fe3d…"          found.moved     ()
    found.rows         10                       found.refused   Counter({"wrong_type": 1})

A dataset without a pin is read at the head of its default branch, which is then its pin.
Ten rows say which columns there are; they say little about what the others hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from pipeline.errors import BuildError, SourceError
from pipeline.licences import spdx
from pipeline.sources.base import Refused, Source, available_sources
from pipeline.sources.hub_base import HubSource
from pipeline.sources.hub_errors import hub_errors
from pipeline.sources.hub_pins import Pin, read_pins

ROWS = 10
TIMEOUT_S = 10.0  # for the dataset's page, whose answer takes a second (guess)
UNKNOWN = "LicenseRef-unknown"  # only to read rows; it is never written


@dataclass(frozen=True, slots=True)
class Page:
    """What a dataset's page says: its commit, its licence and how many rows a split has."""

    revision: str
    licence: str | None
    rows: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """What ten rows of a dataset showed; `problem` is set where they could not be read.

    `head` is the commit that the default branch has moved to since the pin.
    """

    source: str
    dataset: str
    pin: Pin | None = None
    head: str | None = None
    rows: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    without: tuple[str, ...] = ()
    licence_differs: str | None = None
    problem: BuildError | None = None


def hub_sources(names: Iterable[str] = ()) -> dict[str, type[HubSource]]:
    """Return the datasets of the Hub by name, all or those named; raises SourceError."""
    known: dict[str, type[Source]] = available_sources()
    found = {name: cls for name, cls in known.items() if issubclass(cls, HubSource)}
    wanted = list(names) or list(found)
    if strange := [name for name in wanted if name not in found]:
        raise SourceError(
            f"--check: must name datasets of the Hub ({', '.join(found)}), got"
            f" {', '.join(strange)}; correct the names"
        )
    return {name: found[name] for name in wanted}


def check(cls: type[HubSource], repin: bool = False) -> Found:
    """Read ten rows at the pin, or at the head where there is none or `repin` asks for it."""
    name = cls.file_name()
    found = Found(name, cls.dataset.id)
    pin = None if repin else read_pins().get(name)
    try:
        page = read_page(cls, pin.revision if pin else None)
        head = read_page(cls, None).revision if pin else page.revision
        read = _read(cls, page)
    except BuildError as error:
        return replace(found, problem=error)
    moved = head if head != page.revision else None
    differs = page.licence if page.licence != cls.dataset.licence else None
    return replace(read, head=moved, licence_differs=differs if cls.dataset.licence else None)


def read_page(cls: type[HubSource], revision: str | None) -> Page:
    """Ask the Hub for a dataset at a revision, the head where none is given."""
    from huggingface_hub import HfApi

    with hub_errors(f"source {cls.file_name()}: {cls.dataset.id}"):
        info = HfApi().dataset_info(cls.dataset.id, revision=revision, timeout=TIMEOUT_S)
    card: Mapping[str, Any] = info.card_data.to_dict() if info.card_data else {}  # type: ignore[no-untyped-call]
    licence = card.get("license")
    says = spdx(licence) if isinstance(licence, str) else None
    return Page(str(info.sha), says, _count(cls, card.get("dataset_info")))


def _count(cls: type[HubSource], infos: Any) -> int | None:
    """Return the rows of a dataset's first config and split, where its page counts them."""
    parts = infos if isinstance(infos, list) else [infos]
    for part in parts:
        if not isinstance(part, Mapping):
            continue
        named = part.get("config_name", "default") == cls.dataset.configs[0]
        splits = part.get("splits") or () if named or len(parts) == 1 else ()
        for split in splits:
            if split.get("name") == cls.dataset.splits[0]:
                return int(split["num_examples"])
    return None


def _read(cls: type[HubSource], page: Page) -> Found:
    name = cls.file_name()
    licence = cls.dataset.licence or page.licence or UNKNOWN
    source = cls.model_validate({"source": name, "revision": page.revision, "licence": licence})
    raws = list(islice(source.raw_rows(), ROWS))
    if not raws:
        raise SourceError(f"source {name}: {cls.dataset.id}: has no rows at {page.revision}")
    made = [source.made(place, raw) for place, raw in enumerate(raws)]
    refused = Counter(row.reason for row in made if isinstance(row, Refused))
    if refused.total() == len(raws):
        raise SourceError(
            f"source {name}: {cls.dataset.id}: all of {len(raws)} rows are refused"
            f" ({', '.join(refused)}) at {page.revision}; their values have another form now,"
            f" correct pipeline/sources/{name}.py"
        )
    columns = tuple(sorted({column for raw in raws for column in raw}))
    pin = Pin(name, page.revision, page.licence, page.rows, columns, "read by --check")
    return Found(
        name,
        cls.dataset.id,
        pin=pin,
        rows=len(raws),
        refused=refused,
        without=tuple(column for column in cls.dataset.optional if column not in columns),
    )
