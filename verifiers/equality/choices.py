"""Multiple choice: letters as answers, alone or with the option's text.

``C``, ``(C)``, ``\\textbf{(C)}\\ 12``, ``C. 12`` and ``选C`` all choose C; ``B, D`` and ``BD``
choose two. Only capital letters from A to J are choices, and only where the reference is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from verifiers.equality.text import balanced, key, normalise

STYLE = re.compile(r"\\(?:text(?:bf|it|rm|sf)?|mathrm|mathbf|mathit|mbox|operatorname)\s*(?=\{)")
LEAD = re.compile(
    r"(?:the )?(?:correct )?(?:answer|option|choice|answer choice|选项?|答案?)(?: is)?[:\s]*", re.I
)
ALONE = re.compile(r"\(?([A-J])\)?")
WITH_TEXT = re.compile(r"(?:\(([A-J])\)[.:\s]*|([A-J])[).:]\s*|([A-J])\s+(?=[-\d\\(]))(\S.*)")
BESIDE = re.compile(  # as WITH_TEXT, with the braces kept; `loose` may be a product or a ratio
    r"(?P<style>\\(?:text(?:bf|it|rm|sf)?|mathrm|mathbf|mathit|mbox|operatorname)\s*\{\s*)?"
    r"(?:\((?P<a>[A-J])\)[.:]?|(?P<b>[A-J])[).](?=\s)|(?P<loose>[A-J])(?:[).:]|\s+(?=[-\d\\(])))"
    r"\s*(?P<end>\}\s*)?(?:\\dots\s*)?(?P<text>[^\s}].*)",
    re.DOTALL,
)
SEVERAL = re.compile(r"\(?[A-J]\)?(?:(?:\s*(?:,|;|&|and|和|、)\s*|\s*)\(?[A-J]\)?){1,9}")
LETTER = re.compile(r"[A-J]")


@dataclass(frozen=True, slots=True)
class Sides:
    """A reference and an answer, of which one may be an option's text (`option`)."""

    reference: str
    answer: str
    option: str = ""


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


def text_beside(text: str) -> tuple[str, str, bool] | None:
    """Return the letter and the text of (C) 3/2, and whether C may be a name in an expression."""
    lead = LEAD.match(text)
    found = BESIDE.fullmatch(text, lead.end() if lead else 0)
    if found is None or (found["end"] and not found["style"]):
        return None
    inside = found["style"] if found["style"] and not found["end"] else ""
    rest = inside + found["text"]
    letter = found["a"] or found["b"] or found["loose"]
    return (letter, rest, bool(found["loose"])) if balanced(rest) else None


def without_letter(reference: str, answer: str, options: Mapping[str, str]) -> str:
    """Return the text behind an answer's letter, (C) 3/2, where the reference has no letter.

    The answer stays whole where the letter may be a name in the reference, or stands for
    another text among the question's options.
    """
    found = text_beside(answer)
    if found is None or found[2] or found[0] in reference or choice(reference):
        return answer
    letter, text, _ = found
    option = normalise(options.get(letter, text))
    return text if key(option) == key(normalise(text)) else answer


def by_options(reference: str, answer: str, options: Mapping[str, str]) -> Sides:
    """Put a question's option in the place of its letter, where the other side has no letter."""
    expected, given = (choice(side) if options else None for side in (reference, answer))
    if expected and not given and (text := _chosen_text(expected, options)):
        return Sides(text, answer, text)
    if given and not expected and (text := _chosen_text(given, options)):
        return Sides(reference, text, text)
    return Sides(reference, answer)


def _chosen_text(chosen: Choice, options: Mapping[str, str]) -> str:
    """Return the normalised text of a single letter that stands alone, or nothing."""
    alone = len(chosen.letters) == 1 and not chosen.text
    return normalise(options.get(min(chosen.letters), "")) if alone else ""
