"""Rules that a question may break by what stands in it; each is a Drop with a reason of its own.

    broken_rule("See https://example.org/task and answer.", QuestionRules(url=True))
    # ("question_url", {"matched": "See https://example.org/task and answer."})

They are those of the rules verifier (verifiers/questions.py), and pictures, asked before anything
is paid for. Turns that do not alternate are refused by collect already.
"""

from __future__ import annotations

import re
from typing import Any

from pipeline.recipe_labels import QuestionRules
from verifiers.questions import BROKEN, TABLE, URL, around, letter_share

# A picture in Markdown, HTML or LaTeX; Asymptote's code is text, from which it can be drawn.
IMAGE = re.compile(r"!\[[^\]\n]{0,200}\]\([^)\s]{4,}|<img\b|\\includegraphics\b", re.IGNORECASE)
PATTERNS = (
    ("question_broken", BROKEN),
    ("question_image", IMAGE),
    ("question_url", URL),
    ("question_table", TABLE),
)


def broken_rule(text: str, rules: QuestionRules) -> tuple[str, dict[str, Any]] | None:
    """Return the first rule that a question breaks, with evidence; None where it breaks none."""
    on = (rules.broken, rules.image, rules.url, rules.table)
    for (reason, pattern), applied in zip(PATTERNS, on, strict=True):
        if applied and (match := pattern.search(text)):
            return reason, {"matched": _clean(around(text, match))}
    share = letter_share(text)
    if share < rules.letter_share:
        return "question_symbols", {"letter_share": round(share, 4), "least": rules.letter_share}
    return None


def _clean(text: str) -> str:
    """Return an excerpt that JSON and a terminal can hold: no half characters, no controls."""
    line = re.sub(r"[ \t\r\n]+", " ", text)
    return "".join(char if char.isprintable() else "�" for char in line)
