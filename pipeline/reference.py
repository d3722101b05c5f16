"""Writes docs/configuration.md, schema.md and sources.md from the code that they describe.

    python -m pipeline.reference

A line of the first, for `threshold: Share = Field(0.9, description="cosine from …")`::

    | `threshold` | number, 0 to 1 | `0.9` | cosine from which two are the same; … |

tests/pipeline/test_docs.py fails when the files are not what this module would write.
"""

from __future__ import annotations

import inspect
import json
import re
import textwrap
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import annotated_types
import pyarrow as pa
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipeline.config import Config
from pipeline.evaluation.base import Benchmark
from pipeline.evaluation.config import EvaluationConfig
from pipeline.ledger import DROP_TABLES
from pipeline.records import (
    ID_SCHEMA,
    Drop,
    Example,
    Label,
    Phrase,
    Probe,
    Question,
    Record,
    Response,
    Suspect,
    Verdict,
    chunk_schema,
    vector_schema,
)
from pipeline.records_export import PreferenceExample, RlExample
from pipeline.records_proposed import Proposal
from pipeline.sources.base import Source, SourceInfo, available_sources
from pipeline.sources.hub_base import HubSource
from pipeline.sources.hub_pins import PINS, UNPINNED, read_pins
from pipeline.training.config import TrainingConfig

DOCS = Path(__file__).resolve().parent.parent / "docs"
WRITTEN = "Written by `python -m pipeline.reference`; change the code, not this page."
SOURCES_HEAD = """\
A configuration names one by its file in `pipeline/sources/`, and needs nothing else where the
table has a licence and a revision:

```toml
[[recipe.sources]]
source = "deep_math"
limit = 10_000
```

`config` and `split` choose among those that the file can read, `folder` reads a copy of the
repository's files instead of the Hub; the other options are those of every source
(configuration.md). A dataset that is `unpinned` needs a `revision`, or
`build-dataset sources --check NAME` where the Hub can be reached, which reads ten rows, says
which columns moved and writes the pin into `pipeline/sources/pins.jsonl`. Licences are those of
the datasets' pages and of public lists; the sets inside of a set may have others, which only
`general_thought` says by row. Counts of rows are about right and of the first config.

"Public loaders" are programs in public repositories that read the dataset: its columns were
read there, and not on the Hub. `--check` is what settles them."""
HEAD = "| key | value | default | what, and where the default comes from |\n|---|---|---|---|"
COLUMN_HEAD = "| column | type | may be missing |\n|---|---|---|"
APART = (Source, Benchmark)  # which have pages or sections of their own
PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}
RECORDS: tuple[tuple[type[Record], tuple[str, ...]], ...] = (
    (Question, ("questions",)),
    (Label, ("labels",)),
    (Drop, DROP_TABLES),
    (Probe, ("probes",)),
    (Response, ("responses/round=NN",)),
    (Verdict, ("verdicts/round=NN",)),
    (Example, ("examples",)),
    (Suspect, ("suspects",)),
    (Phrase, ("phrases",)),
    (Proposal, ("proposed",)),
)
PUBLISHED: tuple[tuple[type[Record], str], ...] = (
    (RlExample, "rl"),
    (PreferenceExample, "preference"),
)


def configuration_markdown() -> str:
    """Return the page of all keys that a configuration may have."""
    parts = [
        "# Configuration",
        WRITTEN,
        "A configuration is a TOML file; configs/quickstart.toml explains one line by line. An"
        " unknown key or a value of another type is an error, never ignored. `[recipe]` decides"
        " what the dataset is, `[runtime]` where and how fast it is made.",
        *_sections(Config, ""),
        *_sources(),
        "# Configuration of an evaluation",
        "For `build-dataset evaluate`; docs/think-twice.md explains it.",
        *_sections(EvaluationConfig, ""),
        *_benchmarks(),
        "# Configuration of a training",
        "For `build-dataset train` and `ablate`; docs/training.md explains it.",
        *_sections(TrainingConfig, ""),
    ]
    return "\n\n".join(parts) + "\n"


def schema_markdown() -> str:
    """Return the page of all tables with their columns."""
    parts = ["# Tables", WRITTEN]
    parts.append("Each table is a folder of Parquet files, `data/<name>/<version>/<table>/`.")
    for record, tables in RECORDS:
        parts += [f"## {_code(tables)}", _text(record), _columns(record.SCHEMA)]
    parts += ["## `vectors`", "A unit vector for each question, here of 384 numbers."]
    parts += [_columns(vector_schema(384)), "## `chunks`"]
    parts += ["Of each text longer than the encoder's window, the vectors of its parts, in order."]
    parts += [_columns(chunk_schema(384)), "## `chosen`"]
    parts += ["The questions that are worth a teacher.", _columns(ID_SCHEMA)]
    parts += ["# Published besides", "Configs of the published dataset that are no tables."]
    for record, name in PUBLISHED:
        parts += [f"## `{name}`", _text(record), _columns(record.SCHEMA)]
    return "\n\n".join(parts) + "\n"


def sources_markdown() -> str:
    """Return the page of all datasets of the Hub: what each is, and what will go wrong."""
    head = "| source | dataset | licence | revision | kinds | about rows | carries |"
    infos = {name: cls.describe(name) for name, cls in available_sources().items()}
    hub = [info for info in infos.values() if info.dataset]
    lines = [head, "|---|---|---|---|---|---|---|", *map(_dataset_row, hub)]
    parts = ["# Datasets of the Hub", WRITTEN, SOURCES_HEAD, "\n".join(lines)]
    for info in hub:
        module = inspect.getmodule(available_sources()[info.name])
        text = inspect.cleandoc(module.__doc__ or "") if module else ""
        parts += [f"## `{info.name}`", re.sub(r"::\n\n((?:    .*\n?)+)", _fenced, text)]
        if info.unseen:
            parts.append(f"Columns that nobody has seen: {_code(info.unseen)}.")
    return "\n\n".join(parts) + "\n"


def _dataset_row(info: SourceInfo) -> str:
    pin = read_pins(PINS).get(info.name)
    cells = [
        f"[{info.name}](#{info.name})",
        f"[{info.dataset}](https://huggingface.co/datasets/{info.dataset})",
        info.licence or "never seen",
        f"`{pin.revision[:12]}`" if pin else UNPINNED,
        ", ".join(info.kinds),
        f"{info.rows:,}" if info.rows else "",
        ", ".join(info.carries),
    ]
    return f"| {' | '.join(cells)} |"


def _fenced(block: re.Match[str]) -> str:
    """Return an indented block of a docstring as a fenced one."""
    return f":\n\n```\n{textwrap.dedent(block[1]).rstrip()}\n```\n"


PAGES = {
    "configuration.md": configuration_markdown,
    "schema.md": schema_markdown,
    "sources.md": sources_markdown,
}


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


def _sections(model: type[BaseModel], path: str) -> Iterator[str]:
    """Yield a table of a configuration, then the tables in it."""
    yield f"## `[{path}]`" if path else "## At the top"
    yield _text(model)
    inner = {name: part for name, field in model.model_fields.items() if (part := _table(field))}
    if rows := [name for name in model.model_fields if name not in inner]:
        yield _rows(model, rows)
    for name, part in inner.items():
        yield from _sections(part, f"{path}.{name}" if path else name)


def _sources() -> Iterator[str]:
    yield "## `[[recipe.sources]]`"
    yield "One table for each source. What all of them have, unless the source sets it:"
    common = list(Source.model_fields)
    yield _rows(Source, common)
    hub = {name: cls for name, cls in available_sources().items() if issubclass(cls, HubSource)}
    others = {name: cls for name, cls in available_sources().items() if name not in hub}
    yield "### Datasets of the Hub"
    yield f"{', '.join(f'`{name}`' for name in hub)}: docs/sources.md. What all of them have:"
    yield _rows(HubSource, [key for key in HubSource.model_fields if key not in common])
    for name, source in others.items():
        yield f'### `source = "{name}"`'
        yield _text(source)
        changed = [
            key
            for key in common
            if source.model_fields[key].default_factory
            or source.model_fields[key].default != Source.model_fields[key].default
        ]
        own = [key for key in source.model_fields if key in changed or key not in common]
        yield _rows(source, own)
        for part in _models(source):
            yield f"#### {part.__name__}"
            yield _text(part)
            yield _rows(part, list(part.model_fields))


def _benchmarks() -> Iterator[str]:
    yield "## `[[evaluation.benchmarks]]`"
    yield "What all of them have; `samples` and `prompt` have a default in each benchmark's file."
    yield _rows(Benchmark, list(Benchmark.model_fields))


def _rows(model: type[BaseModel], names: list[str]) -> str:
    lines = (_row(name, model.model_fields[name]) for name in names)
    return "\n".join([HEAD, *lines])


def _row(name: str, field: FieldInfo) -> str:
    cells = (f"`{name}`", _value(field), _default(field), field.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return "computed"
    if field.default is None:
        return ""
    value = field.default
    return f"`{json.dumps(value, ensure_ascii=False, default=_plain)}`"


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json")


def _value(field: FieldInfo) -> str:
    bounds = [text for part in field.metadata if (text := _bound(part))]
    return ", ".join([_type(field.annotation), *bounds])


def _bound(part: Any) -> str:
    if isinstance(part, annotated_types.Ge):
        return f"at least {part.ge}"
    if isinstance(part, annotated_types.Gt):
        return f"above {part.gt}"
    if isinstance(part, annotated_types.Le):
        return f"at most {part.le}"
    return ""


def _type(kind: Any) -> str:
    """Return a type in words."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        bounds = [text for part in inside[1:] for each in _parts(part) if (text := _bound(each))]
        return ", ".join([_type(inside[0]), *bounds])
    if origin is typing.Literal:
        return " or ".join(f"`{choice}`" for choice in inside)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(part) for part in inside if part is not type(None))
    if origin in (tuple, list):
        return f"list of {_type(inside[0])}"
    if origin is dict:
        return f"table of {_type(inside[1])}"
    return "table, see below" if kind in APART else PLAIN.get(kind) or str(kind.__name__)


def _parts(part: Any) -> list[Any]:
    return part.metadata if isinstance(part, FieldInfo) else [part]


def _table(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that is a table in itself."""
    kinds = (field.annotation, *typing.get_args(field.annotation))
    return next((kind for kind in kinds if _is_model(kind) and kind not in APART), None)


def _models(model: type[BaseModel]) -> list[type[BaseModel]]:
    """Return the models that a model's fields hold, at any depth, each once."""
    found: list[type[BaseModel]] = []
    for field in model.model_fields.values():
        for kind in _inside(field.annotation):
            if _is_model(kind) and kind not in found:
                found += [kind, *(part for part in _models(kind) if part not in found)]
    return list(dict.fromkeys(found))


def _inside(kind: Any) -> Iterator[Any]:
    yield kind
    for part in typing.get_args(kind):
        yield from _inside(part)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _columns(schema: pa.Schema) -> str:
    rows = (f"| `{f.name}` | {f.type} | {'yes' if f.nullable else 'no'} |" for f in schema)
    return "\n".join([COLUMN_HEAD, *rows])


def _text(documented: type) -> str:
    return inspect.cleandoc(documented.__doc__ or "")


def _code(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    main()
