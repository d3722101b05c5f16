"""Reads one value out of a row: by a column's name, a path into nested data, or a template.

In a configuration (docs/local-files.md has every form)::

    prompt = "{instruction}\\n\\n{input}"
    reference_answer = { column = "answer", after = "####" }
    difficulty = { column = "meta.difficulty", values = { Easy = "easy", Hard = "hard" } }

A path walks through structs, lists (by number) and text that holds JSON. What a row
lacks is None; what is there and cannot be read raises BadRow, never more than that row.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from pipeline.sources.base import Options

SLOT = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
PARAGRAPH = "\n\n"


class BadRow(ValueError):
    """A row that is no question; `reason` is machine readable."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Reader(Options):
    """Where a value stands in a row, and what is done to it, in the order of these options."""

    column: str | None = Field(None, min_length=1, description="a column, or a dotted path in it")
    template: str | None = Field(
        None, min_length=1, description="text with {columns}; a paragraph with an empty one goes"
    )
    is_json: bool = Field(False, description="the text is JSON: take the value that it holds")
    after: str | None = Field(
        None, min_length=1, description="keep what follows the last of this marker"
    )
    replace: dict[str, str] = Field({}, description="texts to replace, in this order")
    values: dict[str, str] = Field({}, description='names for whole values; "" is a missing one')

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.column is None) == (self.template is None):
            raise ValueError("must have one of column and template")
        return self

    def paths(self) -> Iterator[str]:
        """Yield the paths that are read."""
        if self.column is not None:
            yield self.column
        yield from (name for name in SLOT.findall(self.template or "") if name)

    def read(self, row: Mapping[str, Any]) -> Any:
        """Return the value in a row; a list's items are changed one by one."""
        if self.template is not None:
            value: Any = fill(self.template, row)
        else:
            value = look_up(row, self.column or "")
        if self.is_json and isinstance(value, str):
            value = parse_json(value)
        if not (self.after or self.replace or self.values):
            return value
        return [self._change(v) for v in value] if isinstance(value, list) else self._change(value)

    def text(self, row: Mapping[str, Any]) -> str | None:
        """Return the value as text without white space around it, None where that is empty."""
        return (as_text(self.read(row)) or "").strip() or None

    def texts(self, row: Mapping[str, Any]) -> list[str]:
        """Return the value as texts: those of a list, or the one; empty ones left out."""
        value = self.read(row)
        found = [as_text(item) for item in (value if isinstance(value, list) else [value])]
        return [text for text in found if text and text.strip()]

    def _change(self, value: Any) -> str | None:
        text = as_text(value)
        if text is not None and self.after is not None:
            _, marker, text = text.rpartition(self.after)
            if not marker:
                raise BadRow("marker_missing")
        for old, new in self.replace.items():
            text = text.replace(old, new) if text is not None else None
        if not self.values:
            return text
        try:
            return self.values[(text or "").strip()]
        except KeyError:
            raise BadRow("unmapped_value") from None


def _short_form(value: Any) -> Any:
    """Return the table that a text stands for: a template where it has {columns}."""
    if not isinstance(value, str):
        return value
    return {"template" if any(SLOT.findall(value)) else "column": value}


Value = Annotated[Reader, BeforeValidator(_short_form)]


def as_text(value: Any) -> str | None:
    """Return text as it is and a number as JSON writes it, whole ones without a point.

    Not-a-number is what pandas writes for a missing value, and is None here too.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadRow("wrong_type")
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return None
        raise BadRow("wrong_type")
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
    return str(int(value)) if whole else repr(value)


def parse_json(text: str) -> Any:
    """Return the value that a text holds as JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadRow("not_json") from None


def root_of(path: str, columns: Iterable[str]) -> str | None:
    """Return the column in which a path begins: the longest of its heads that is one."""
    parts = path.split(".")
    heads = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    known = set(columns)
    return next((head for head in heads if head in known), None)


def look_up(row: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path, None where the row has nothing there."""
    root = root_of(path, row)
    if root is None:
        return None
    value = row[root]
    for part in path[len(root) + 1 :].split(".") if len(path) > len(root) else ():
        value = _step(parse_json(value) if isinstance(value, str) else value, part)
    return value


def _step(value: Any, part: str) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list) and part.isdecimal():
        return value[int(part)] if int(part) < len(value) else None
    raise BadRow("wrong_type")


def fill(template: str, row: Mapping[str, Any]) -> str:
    """Return a template with its slots filled, less the paragraphs in which one is empty."""
    paragraphs = (_fill_paragraph(part, row) for part in template.split(PARAGRAPH))
    return PARAGRAPH.join(text for text in paragraphs if text is not None)


def _fill_paragraph(text: str, row: Mapping[str, Any]) -> str | None:
    names = [name for name in SLOT.findall(text) if name]
    found = {name: (as_text(look_up(row, name)) or "").strip() for name in names}
    if not all(found.values()):
        return None
    return SLOT.sub(lambda slot: found[slot[1]] if slot[1] else slot[0][0], text)
