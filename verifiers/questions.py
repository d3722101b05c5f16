"""What may be wrong with a question: links, tables, broken characters, few letters, turns.

A prompt such as ``"What does https://… say about this table? |a|b|"`` can't be answered from what
it holds. Whether a question can be answered otherwise is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

URL = re.compile(r"\b(?:https?|ftp)://[^\s<>\"')\]]{4,}|\bwww\.[a-z0-9-]{2,}\.[a-z]{2,}", re.I)
# Two lines of cells in a row, or a ruler between them; LaTeX's and HTML's tables by their names.
TABLE = re.compile(
    r"^[ \t]*\|[^|\n]*\|[^\n]*\n[ \t]*\|?[ \t]*:?-{2,}|^(?:[ \t]*\|[^|\n]*\|[^\n]*\n){2}"
    r"|\\begin\{tabular|<table\b|^(?:[^\t\n]+\t){2}[^\n]*\n(?:[^\t\n]+\t){2}",
    re.MULTILINE | re.IGNORECASE,
)
# A character that could not be decoded, control characters, and UTF-8 read as Latin-1 (Ã©, â€™).
BROKEN = re.compile(
    r"[\ufffd\ud800-\udfff]|[\x00-\x08\x0e-\x1f\x7f]|Ã[\u0080-\u00bf]|â€[™œ\u009d\u0093\u0094]"
)
SYNTAX = re.compile(r"[\s{}$^_&\\|]+|-{3,}")
COMMAND = re.compile(r"\\[A-Za-z]+")
FENCE = re.compile(r"```.{0,20000}?(?:```|\Z)", re.DOTALL)
EXCERPT = 80


def around(text: str, match: re.Match[str]) -> str:
    """Return a match with what stands around it."""
    return text[max(0, match.start() - EXCERPT // 2) : match.end() + EXCERPT // 2]


def letter_share(text: str) -> float:
    """Return the share of letters and digits in a text; code, LaTeX, spaces and rulers left out."""
    signs = SYNTAX.sub("", COMMAND.sub("", FENCE.sub("", text)))
    return sum(map(str.isalnum, signs)) / len(signs) if signs else 1.0


def uneven(prompt: Any) -> list[str] | None:
    """Return the roles of a conversation in which user and assistant do not take turns, or None.

    A system turn may come first. The last turn is the user's, so that the response makes the
    number of turns even.
    """
    if not isinstance(prompt, list):
        return None
    roles = [str(turn.get("role")) for turn in prompt if isinstance(turn, Mapping)]
    turns = roles[1:] if roles[:1] == ["system"] else roles
    wanted = ["user", "assistant"] * (len(turns) // 2) + ["user"]
    return None if turns == wanted else roles
