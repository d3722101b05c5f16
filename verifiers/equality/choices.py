"""Multiple choice: letters as answers, alone or with the option's text.

``C``, ``(C)``, ``\\textbf{(C)}\\ 12``, ``C. 12`` and ``选C`` all choose C; ``B, D`` and ``BD``
choose two. Only capital letters from A to J are choices, and only where the reference is one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

STYLE = re.compile(r"\\(?:text(?:bf|it|rm|sf)?|mathrm|mathbf|mathit|mbox|operatorname)\s*(?=\{)")
LEAD = re.compile(
    r"(?:the )?(?:correct )?(?:answer|option|choice|answer choice|选项?|答案?)(?: is)?[:\s]*", re.I
)
ALONE = re.compile(r"\(?([A-J])\)?")
WITH_TEXT = re.compile(r"(?:\(([A-J])\)[.:\s]*|([A-J])[).:]\s*|([A-J])\s+(?=[-\d\\(]))(\S.*)")
SEVERAL = re.compile(r"\(?[A-J]\)?(?:(?:\s*(?:,|;|&|and|和|、)\s*|\s*)\(?[A-J]\)?){1,9}")
LETTER = re.compile(r"[A-J]")


@dataclass(frozen=True, slots=True)
class Choice:
    """The letters chosen, and the option's text where it stands beside a single one."""

    letters: frozenset[str]
    text: str = ""


def plain(text: str) -> str:
    """Return a normalised text without commands of style and their braces."""
    stripped = STYLE.sub("", text).replace("{", " ").replace("}", " ").replace("\\dots", " ")
    return " ".join(stripped.split())


def choice(text: str) -> Choice | None:
    """Return what a normalised text chooses, or None where it is no choice."""
    bare = plain(text)
    bare = bare[match.end() :] if (match := LEAD.match(bare)) else bare
    if alone := ALONE.fullmatch(bare):
        return Choice(frozenset(alone[1]))
    if several := SEVERAL.fullmatch(bare):
        letters = LETTER.findall(several[0])
        distinct = len(set(letters)) == len(letters) and letters == sorted(letters)
        return Choice(frozenset(letters)) if distinct else None
    if beside := WITH_TEXT.fullmatch(bare):
        return Choice(frozenset(beside[1] or beside[2] or beside[3]), beside[4])
    return None
