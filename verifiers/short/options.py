"""Reads the options of a multiple-choice question, and which of them a text names.

Options come as a list, ``["6", "1", "2"]`` (then they are A, B, C), with labels in front,
``["(A)6", "(B)1"]``, ``["1. red", "2. blue"]``, or as an object, ``{"A": "6", "B": "1"}``, each
of them also as JSON text.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verifiers.base import BadInput
from verifiers.equality.numerals import decimal
from verifiers.short.words import ARTICLES, DASHES, clean, key, tokens

LETTERS = string.ascii_uppercase
MAX_OPTIONS = len(LETTERS)
PREFIX = re.compile(
    r"\s*(?:[(\[]\s*([A-Za-z]|\d{1,2})\s*[)\]][.:]?|([A-Za-z]|\d{1,2})\s*(?:[):]|[.](?!\d)))\s*"
)
STRANGE_LABEL = re.compile(r"(?:option\s+)?\(\s*([A-Z])\s*\)\.?", re.IGNORECASE)
# A number of at most 30 digits with at most a unit behind it: 1,200   -4.5 m/s   30 %   12°C
NUMBER = re.compile(r"\s*([+-]?[\d,]{0,40}\.?\d{1,30})\s*((?:[^\W\d_]|[%°/·²³^]){0,12})\s*")
PREFIX_FULL_WIDTH = str.maketrans("（）．：、", "().:.")
# A text that begins with an option's words chooses it only where it ends, or goes on like this.
ENDS = frozenset({".", ";", ":", "!", "?", "。", "；", "！", "？", "—", "–", ")"})
GOES_ON = frozenset(
    {
        "because",
        "since",
        "as",
        "which",
        "so",
        "that",
        "where",
        "due",
        "not",
        "option",
        "因为",
    }
)


@dataclass(frozen=True, slots=True)
class Options:
    """The labels of the options, in order, and what stands behind each."""

    labels: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def numbered(self) -> bool:
        """Whether the labels are numbers."""
        return self.labels[0].isdigit()

    def text(self, label: str) -> str:
        """Return an option's text."""
        return self.texts[self.labels.index(label)]

    def exactly(self, text: str) -> frozenset[str]:
        """Return the options whose text is the same: in upper and lower case too, if one is."""
        pairs = list(zip(self.labels, self.texts, strict=True))
        same = frozenset(label for label, one in pairs if tokens(one) == tokens(text))
        return same or frozenset(label for label, one in pairs if key(one) == key(text) != ())

    def beginning(self, text: str) -> tuple[frozenset[str], str]:
        """Return the options with whose words a line begins, and what follows; longest first."""
        said = tokens(text)
        for fold in (False, True):
            found = [
                (length, label)
                for label, one in zip(self.labels, self.texts, strict=True)
                if (length := _matched(said, tokens(one), fold))
            ]
            if found:
                longest = max(length for length, _ in found)
                labels = frozenset(label for length, label in found if length == longest)
                return labels, " ".join(said[longest:])
        return frozenset(), text


def _matched(said: tuple[str, ...], option: tuple[str, ...], fold: bool) -> int:
    """Return how many tokens of a text are an option's, 0 where it says something else."""
    start = 1 if said and said[0].casefold() in ARTICLES and said[:1] != option[:1] else 0
    option = option[:-1] if len(option) > 1 and option[-1] in ENDS else option
    given = said[start : start + len(option)]
    if fold:
        given, option = tuple(map(str.casefold, given)), tuple(map(str.casefold, option))
    if not option or given != option:
        return 0
    end = start + len(option)
    return end if _ends(said[end : end + 2]) else 0


def _ends(after: Sequence[str]) -> bool:
    """Say whether an answer is complete before these tokens."""
    if not after or after[0] in ENDS or after[0].casefold() in GOES_ON:
        return True
    if after[0] == "(":
        return len(after) > 1 and len(after[1]) != 0 and after[1][0].isalpha()
    return after[0] in ",，" and len(after) > 1 and after[1].casefold() in GOES_ON


def read_options(given: Any) -> Options | None:
    """Return the options of a row, None where it has none; raises BadInput."""
    if isinstance(given, str) and given.strip():
        try:
            given = json.loads(given)
        except ValueError:
            raise BadInput("options: expected a list, an object, or JSON text of one") from None
    if given is None or given in ("", [], {}):
        return None
    if isinstance(given, Mapping):
        return _checked([label(name) for name in given], list(given.values()))
    if not isinstance(given, list | tuple):
        raise BadInput(f"options: expected a list or an object, got {type(given).__name__}")
    return _listed([_text(one) for one in given])


def _text(option: Any) -> str:
    if isinstance(option, bool) or not isinstance(option, str | int | float):
        raise BadInput(f"options: expected texts, got {type(option).__name__}")
    return str(option)


def _listed(given: list[str]) -> Options:
    """Take labels off a list of options where all have one, in order; else name them A, B, C."""
    found = [PREFIX.match(one.translate(PREFIX_FULL_WIDTH)) for one in given]
    labels = [label(match[1] or match[2]) if match else "" for match in found]
    wanted = (LETTERS[: len(given)], [str(n + 1) for n in range(len(given))])
    if all(found) and (labels == list(wanted[0]) or labels == wanted[1]):
        rest = [one[match.end() :] for one, match in zip(given, found, strict=True) if match]
        if all(map(str.strip, rest)):
            return _checked(labels, rest)
    return _checked(list(LETTERS[: len(given)]), given)


def label(name: Any) -> str:
    """Return a label in the form that all have: A, 12."""
    return clean(str(name)).strip("().[]: ").upper()


def _checked(labels: list[str], texts: list[Any]) -> Options:
    if not 2 <= len(texts) <= MAX_OPTIONS:
        raise BadInput(f"options: expected 2 to {MAX_OPTIONS}, got {len(texts)}")
    one_kind = all(re.fullmatch(r"[A-Z]", one) for one in labels) or all(map(str.isdigit, labels))
    if not one_kind or len(set(labels)) < len(labels):
        raise BadInput(f"options: expected labels A to Z or numbers, got {labels}")
    return Options(tuple(labels), tuple(_text(one) for one in texts))


def is_none_of(text: str, options: Options, wanted: Collection[str], near: float) -> bool:
    """Say whether an answer that names no option is a label or a number beside the right ones.

    A label in brackets; a letter alone may be a symbol (F for fluorine). A number only where each
    right option is one with the same unit, and not within a share `near` of it: in other units,
    or rounded, it may be the same.
    """
    if found := STRANGE_LABEL.fullmatch(clean(text)):
        return not options.numbered and found[1] not in options.labels
    given, right = _number_of(text), [_number_of(options.text(label)) for label in wanted]
    return given is not None and all(
        one is not None and one[1] == given[1] and abs(one[0] - given[0]) > near * abs(one[0])
        for one in right
    )


def _number_of(text: str) -> tuple[Fraction, tuple[str, ...]] | None:
    """Return the number that a text begins with, and its unit; None where it is anything else."""
    match = NUMBER.fullmatch(clean(text).rstrip(".").translate(DASHES))
    if match is None:
        return None
    value = decimal(match[1])
    return None if value is None else (value.fraction, tokens(match[2]))
