"""What a served labeller is asked about a question, and how its reply is read.

    read_label('{"category": "math", "difficulty": "hard"}', {"math", "others"})
    # ("math", "hard")

The last JSON object of a reply that has both counts, also after thinking or inside a fence.
Names may be written with spaces, hyphens and capitals. Anything else is no label: None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pipeline.recipe_labels import Labeller
from pipeline.records import DIFFICULTIES
from verifiers.response import split

GAP = "\n[…]\n"  # stands for the middle of a question that is too long
READ_CHARS = 20_000  # of a reply's end; a label is the last thing in it
OBJECT = re.compile(r"\{")


def request_of(labeller: Labeller, categories: Mapping[str, str], question: str) -> dict[str, Any]:
    """Return the request about a question, as the client takes it."""
    listed = "\n".join(f"- {name}: {meaning}" for name, meaning in categories.items())
    shown = shortened(question, labeller.max_chars)
    # The question last, so that nothing in it is taken for a slot.
    text = labeller.prompt.replace("{categories}", listed).replace("{question}", shown)
    request: dict[str, Any] = {"messages": [{"role": "user", "content": text}]}
    return request | response_format(labeller.structured, "label", schema_of(categories))


def response_format(how: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a request that has the server hold to a schema, or to JSON."""
    if how == "json_schema":
        wanted = {"name": name, "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": wanted}}
    return {"response_format": {"type": "json_object"}} if how == "json_object" else {}


def schema_of(categories: Collection[str]) -> dict[str, Any]:
    """Return the JSON schema of a label."""
    return {
        "type": "object",
        "properties": {
            "category": {"type": "string", "enum": list(categories)},
            "difficulty": {"type": "string", "enum": list(DIFFICULTIES)},
        },
        "required": ["category", "difficulty"],
        "additionalProperties": False,
    }


def shortened(text: str, most: int) -> str:
    """Return a text of at most about so many characters, its middle left out."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}{GAP}{text[-half:]}"


def read_label(text: str, categories: Collection[str]) -> tuple[str, str] | None:
    """Return category and difficulty of a reply, None where it has no such label."""
    known = {_plain(name): name for name in categories}
    found = None
    for value in objects_of(text):
        category = known.get(_plain(value.get("category")))
        level = _plain(value.get("difficulty"))
        if category and level in DIFFICULTIES:
            found = (category, level)
    return found


def _plain(name: Any) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower()) if isinstance(name, str) else ""


def objects_of(reply: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a reply after its thinking, one inside the other not."""
    parts = split(reply)
    text = (reply if parts.think is None else parts.answer or "")[-READ_CHARS:]
    decoder, at = json.JSONDecoder(), 0
    while match := OBJECT.search(text, at):
        try:
            value, at = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            at = match.start() + 1
        else:
            yield value
