"""Reads files of preferences: which of two answers to a question people liked better.

Three forms of a row are known, and nested values may be JSON text::

    {"prompt": "Name a river.", "chosen": "The Ebro.", "rejected": "A river."}
    {"conversations": [{"from": "human", "value": …}], "chosen": {"from": "gpt", "value": …}, …}
    {"instruction": …, "input": …, "response1": …, "response2": …, "annotator1": 2, …}

(TRL's, with texts or messages; LLaMA-Factory's; PandaLM's, where the majority decides and a tie
is left out.) Equal answers, and rows that lack one, are left out and counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.rowfile import Broken, read_rows


@dataclass(frozen=True, slots=True)
class Pair:
    """A question with a better and a worse answer."""

    question: str
    better: str
    worse: str


def read_pairs(path: Path) -> tuple[list[Pair], int]:
    """Return a file's pairs, and how many rows gave none; raises InputError where all do."""
    pairs: list[Pair] = []
    skipped = 0
    for row in read_rows(path):
        pair = None if isinstance(row, Broken) else pair_of(row)
        if pair is None:
            skipped += 1
        else:
            pairs.append(pair)
    if not pairs:
        raise InputError(
            f"{path}: none of its {skipped} rows is a pair of answers; give prompt, chosen and"
            " rejected"
        )
    return pairs, skipped


def pair_of(row: Mapping[str, Any]) -> Pair | None:
    """Return a row's pair, None where it holds none."""
    fields = {name: _parsed(value) for name, value in row.items()}
    if "response1" in fields:
        found = _voted(fields)
    else:
        asked = fields.get("prompt", fields.get("conversations"))
        found = (_text(asked), _text(fields.get("chosen")), _text(fields.get("rejected")))
    question, better, worse = found
    whole = bool(question.strip() and (better.strip() or worse.strip()))
    return Pair(question, better, worse) if whole and better != worse else None


def _voted(fields: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return PandaLM's instruction and answers, the preferred one first; empty for a tie."""
    votes = [str(value) for name, value in fields.items() if name.startswith("annotator")]
    lead = votes.count("1") - votes.count("2")
    first, second = _text(fields["response1"]), _text(fields.get("response2"))
    parts = (_text(fields.get("instruction")), _text(fields.get("input")))
    question = "\n\n".join(filter(None, parts))
    if lead == 0:
        return "", "", ""
    return (question, first, second) if lead > 0 else (question, second, first)


def _text(value: Any) -> str:
    """Return a text, or what the messages of a conversation say, one after the other."""
    if isinstance(value, list):
        return "\n\n".join(_text(part) for part in value)
    if isinstance(value, Mapping):
        return _text(value.get("content", value.get("value")))
    return "" if value is None else str(value)


def _parsed(value: Any) -> Any:
    """Return what JSON text of a string, a list or an object holds, anything else as it is."""
    if not (isinstance(value, str) and value[:1] in '[{"'):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, str | list | dict) else value
