"""Reads from a question the three things that decide whether an answer is the reference.

``Round to the nearest tenth.`` asks for a decimal, ``List them from least to greatest.`` for
an order, and ``Which is right? (A) 12 (B) 15 (C) 18`` says that 15 is what B stands for.
Nothing else is read, so a right value in the wrong form counts as right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

MAX_CHARS = 20_000  # of a question that is looked at; a guess, exam questions have below 3,000
MAX_OPTION = 300  # characters of an option's text; a guess
MIN_OPTIONS = 3
LETTERS = "ABCDEFGHIJ"

# Questions that ask for a decimal, in the words of MATH, SciBench and Chinese textbooks.
ROUNDING = re.compile(
    r"\b(?:round(?:ed|ing)?|nearest|approximat\w+|decimals?|significant (?:figures?|digits?))\b"
    r"|保留|精确到|四舍五入|近似",
    re.IGNORECASE,
)
# The order is the answer; "list all roots in increasing order" only says how to write them.
ORDER = re.compile(
    r"\b(?:(?:re)?arrange|rank|sort|put|place|order (?:the|these|those|them)\b"
    r"|write (?:the|these) (?:numbers|fractions|decimals|following|expressions|letters))"
    r"(?:(?!your|answer|solution|root)[^?!\n]){0,160}?"
    r"\b(?:in (?:increasing|decreasing|ascending|descending|alphabetical|chronological) order"
    r"|from (?:the )?(?:least|smallest|lowest|largest|greatest|highest|most|first|left)"
    r" to (?:the )?(?:greatest|largest|highest|smallest|least|lowest|last|right))\b"
    r"|\b(?:next|first) (?:two|three|four|five|six|\d) (?:terms|numbers|elements|members)\b"
    r"|[从由](?:小到大|大到小)(?:的顺序)?排",
    re.IGNORECASE,
)
# An option begins at the start, behind a space or a sign of LaTeX, never inside of a word.
OPTION = re.compile(
    r"(?:(?<=[\s$},;&。．)）])|(?<=quad)|^)(?:\\(?:text(?:bf|rm|it)?|mathrm|mathbf)\s?\{\s?)?"
    r"(?:\(([A-J])\)|([A-J])[).:．、：])\s?\}?"
)
EDGE = " \t\r\n,;&~；"
FILLING = re.compile(r"\\(?:q?quad|hspace\s?\{[^{}]{0,20}\}|newline|[\\ ~,;:!])|\$")


@dataclass(frozen=True, slots=True)
class Form:
    """What a question wants beside the value: a decimal, or several values in order."""

    rounded: bool = False
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question says about the form of its answer, and the texts of its options."""

    form: Form = Form()
    options: Mapping[str, str] = field(default_factory=dict)


def asked(prompt: str) -> Asked:
    """Return what a question asks for, as far as its first `MAX_CHARS` tell."""
    return _asked(prompt[:MAX_CHARS]) if prompt else Asked()


@lru_cache(maxsize=1_000)
def _asked(text: str) -> Asked:
    form = Form(bool(ROUNDING.search(text)), bool(ORDER.search(text)))
    return Asked(form, options(text))


def options(text: str) -> dict[str, str]:
    """Return the text of each option, by its letter; nothing where they are not all plain.

    The letters have to run from A in order, each once, and all texts have to differ.
    """
    marks = _run(list(OPTION.finditer(text)))
    if len(marks) < MIN_OPTIONS:
        return {}
    ends = [match.start() for match in marks[1:]] + [len(text)]
    texts = [_option(text[a.end() : b]) for a, b in zip(marks, ends, strict=True)]
    plain = all(0 < len(found) <= MAX_OPTION for found in texts)
    return dict(zip(LETTERS, texts, strict=False)) if plain and len({*texts}) == len(texts) else {}


def _run(marks: list[re.Match[str]]) -> list[re.Match[str]]:
    """Return the last run of marks A, B, C … without a gap."""
    starts = [place for place, mark in enumerate(marks) if (mark[1] or mark[2]) == "A"]
    run = marks[starts[-1] :] if starts else []
    letters = [mark[1] or mark[2] for mark in run]
    return run if letters == list(LETTERS[: len(run)]) else []


def _option(text: str) -> str:
    """Return an option's first paragraph without what separates it from the next."""
    paragraph = text.strip().split("\n\n", maxsplit=1)[0]
    return FILLING.sub(" ", paragraph).strip(EDGE).rstrip(".。")
