"""Whether two texts whose vectors are near can ask the same: what cosines do not see.

Two questions of one cosine that must stay, and why::

    "Add 16 to 4."  "Add 25 to 4."                                   NUMBERS
    "列出气候变化的三个危险。"  "给出三个标点符号的例子。"                  LETTERS
    "Six rugs … Which could be true?"  "Six rugs … If one is red, …"  SETTING

- NUMBERS, for rows that ask for it: each text must hold the numerals of the other in the
  same order, most of its signs, and the same words that turn a question around, such as
  "least", "not" and "odd" (`dedup.numerals`).
- LETTERS: an encoder for one language puts texts in letters that it does not know near to
  each other, whatever they say. Where more than `FOREIGN` of a text is such letters, both
  must share `LETTERS_SHARED` of their pairs of characters (Jaccard).
- SETTING: texts of at least `LONG` tokens that share half of them, but each go on for
  `OWN_RUN` tokens or more, behind `SHARED_BEFORE` shared ones, with what the other lacks,
  are two questions about one setting. So are texts that begin with the same `PREFIX` tokens or
  more, if of what each goes on with, `LEAST_REST` tokens or more, less than `REST_SHARED` lies
  in runs that the other has there: one prompt or puzzle, filled in twice. Not where both have
  the same letters and numerals in the same order: "xy" is "x y".
- CHUNKS: texts longer than the encoder's window must agree all the way (`dedup.chunks`).

Spared wrongly are copies whose setting stays and whose question is put in other words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from dedup.coverage import RUN, PairedTokens, both_covered, portions
from dedup.exact import normalise
from dedup.numerals import Agreement, Facts, agreement, facts, same_signs
from dedup.quick import Hashes, Rows, Tokens, grams, quick_tokens

SIGNS = 0.7  # share of each text's signs that the other must hold; as in dedup.contamination
FOREIGN = 0.2  # share of a text's characters from which it counts as foreign; a guess
# Of 997 pairs of Chinese texts at a cosine of 0.9 or more, those that are alike begin at 0.5.
LETTERS_SHARED = 0.5
LONG = 40  # tokens; a setting and a question; a guess
SHARED = 0.5  # share of tokens in shared runs from which there may be a common setting
OWN_RUN = 5  # tokens; a paraphrase changes fewer in a row, another question more; a guess
SHARED_BEFORE = 15  # tokens; what stands in front of them is a prompt, no question; a guess
# Reading 100 pairs at 0.90 to 0.93 (docs/log.md): prompts for tools and logic puzzles.
PREFIX = 20  # tokens, as one is used to say who is asked and how; a guess
# Tokens. A single one is most often another subject, "the capital of Canada" for "of Australia":
# 44 of 45 read pairs, of 1,095 of real questions that are kept apart by nothing else. A synonym
# at the very end goes with them.
LEAST_REST = 1
REST_SHARED = 0.8  # copies from 0.86 on, fillings up to 0.76 and few beyond; see there
BARE = re.compile(r"[\W_]+")
LETTER = re.compile(r"[^\W\d_]")
FOREIGN_LETTER = re.compile("[^\\W\\d_\x00-\u024f\u0370-\u03ff]")  # neither Latin nor Greek


class Spared(IntEnum):
    """Why a pair is kept apart; 0: it is not."""

    NOT = 0
    NUMBERS = 1
    LETTERS = 2
    SETTING = 3
    CHUNKS = 4


@dataclass(frozen=True, slots=True)
class Confirm:
    """Which confirmations are asked for; numbers and signs only of pairs that are marked."""

    letters: bool = True
    setting: bool = True

    def spared(
        self, texts: Sequence[str], better: Rows, worse: Rows, marked: NDArray[np.bool_]
    ) -> NDArray[np.uint8]:
        """Return for each pair of texts, given by their places, why it is kept apart."""
        why = np.zeros(len(better), np.uint8)
        known = _Facts(texts)
        for at, (a, b) in enumerate(zip(better.tolist(), worse.tolist(), strict=True)):
            if marked[at] and not known.same_numbers(a, b):
                why[at] = Spared.NUMBERS
            elif self.letters and not known.letters_agree(a, b):
                why[at] = Spared.LETTERS
        if self.setting:
            open_, tokens = np.flatnonzero(why == 0), quick_tokens(texts)
            other = other_questions(tokens, better[open_], worse[open_])
            filled = other_fillings(tokens, better[open_], worse[open_])
            pairs = zip(better[open_[filled]].tolist(), worse[open_[filled]].tolist(), strict=True)
            filled = filled[[not known.same_letters(a, b) for a, b in pairs]]
            why[open_[np.union1d(other, filled)]] = Spared.SETTING
        return why


class _Facts:
    """What is known of texts, found out when first asked for."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._facts: dict[int, Facts] = {}
        self._foreign: dict[int, bool] = {}
        self._bare: dict[int, str] = {}

    def same_numbers(self, a: int, b: int) -> bool:
        """Return whether two texts hold the same numerals, and all else that NUMBERS asks for."""
        one, other = self._of(a), self._of(b)
        if one.digits == other.digits and one.order != other.order:
            return False
        if one.turns != other.turns or not same_signs(one, other, SIGNS):
            return False
        return agreement(one, other) == Agreement.EQUAL

    def letters_agree(self, a: int, b: int) -> bool:
        """Return whether two texts are in known letters, or share most pairs of characters."""
        if not (self._is_foreign(a) or self._is_foreign(b)):
            return True
        return share_letters(self._of(a).normal, self._of(b).normal)

    def same_letters(self, a: int, b: int) -> bool:
        """Return whether two texts are the same but for spaces and signs."""
        return self._bare_of(a) == self._bare_of(b)

    def _bare_of(self, text: int) -> str:
        if text not in self._bare:
            self._bare[text] = BARE.sub("", normalise(self._texts[text]))
        return self._bare[text]

    def _of(self, text: int) -> Facts:
        if text not in self._facts:
            self._facts[text] = facts(self._texts[text])
        return self._facts[text]

    def _is_foreign(self, text: int) -> bool:
        if text not in self._foreign:
            self._foreign[text] = is_foreign(self._texts[text])
        return self._foreign[text]


def is_foreign(text: str) -> bool:
    """Return whether many of a text's letters are neither Latin nor Greek."""
    if text.isascii():
        return False
    return len(FOREIGN_LETTER.findall(text)) > FOREIGN * len(LETTER.findall(text))


def share_letters(one: str, other: str) -> bool:
    """Return whether two normal forms share most of their pairs of characters."""
    left, right = _pairs(one), _pairs(other)
    return len(left & right) >= LETTERS_SHARED * len(left | right)


def other_questions(tokens: Tokens, better: Rows, worse: Rows) -> Rows:
    """Return which pairs share a setting and go on with questions of their own, by place."""
    lengths = tokens.lengths
    long = np.flatnonzero(np.minimum(lengths[better], lengths[worse]) >= LONG)
    found = [np.empty(0, np.int64)]
    for part in portions(np.cumsum(lengths[better[long]] + lengths[worse[long]])):
        one = PairedTokens(tokens, better[long[part]])
        other = PairedTokens(tokens, worse[long[part]])
        of_one, of_other = both_covered(one, other)
        both = _goes_on(one, of_one) & _goes_on(other, of_other)
        found.append(long[part][both])
    return np.concatenate(found)


def other_fillings(tokens: Tokens, better: Rows, worse: Rows) -> Rows:
    """Return which pairs begin alike and go on with little in common, by place."""
    found = []
    for place, (a, b) in enumerate(zip(better.tolist(), worse.tolist(), strict=True)):
        one = tokens.hash[tokens.starts[a] : tokens.starts[a + 1]]
        other = tokens.hash[tokens.starts[b] : tokens.starts[b + 1]]
        least = min(len(one), len(other))
        if least < PREFIX + LEAST_REST:
            continue
        differ = one[:least] != other[:least]
        start = int(differ.argmax()) if differ.any() else least
        if start < PREFIX or least < start + LEAST_REST:
            continue
        rests = one[start:], other[start:]
        if max(_share_held(*rests), _share_held(*rests[::-1])) < REST_SHARED:
            found.append(place)
    return np.array(found, np.int64)


def _share_held(part: Hashes, whole: Hashes) -> float:
    """Return the share of tokens that lie in runs which another text has too."""
    size = min(RUN, len(part), len(whole))
    held = np.flatnonzero(np.isin(grams(part, size), grams(whole, size)))
    covered = np.zeros(len(part), np.bool_)
    for offset in range(size):
        covered[held + offset] = True
    return float(covered.mean())


def _goes_on(texts: PairedTokens, covered: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which texts are half shared, and then go on with a run of their own."""
    before: Rows = np.cumsum(covered, dtype=np.int64) - covered
    first = np.flatnonzero(np.diff(texts.pair, prepend=-1))
    lengths = np.diff(np.append(first, len(texts.pair)))
    before = before - np.repeat(before[first], lengths)
    own = ~covered & (before >= SHARED_BEFORE)
    inside = np.cumsum(np.append(0, own))
    last = np.minimum(np.arange(len(own)) + OWN_RUN, np.repeat(first + lengths, lengths))
    runs = inside[last] - inside[:-1] >= OWN_RUN
    share = np.bincount(texts.pair, covered, texts.count) / np.maximum(lengths, 1)
    return (np.bincount(texts.pair, runs, texts.count) > 0) & (share >= SHARED)


def _pairs(normal: str) -> set[str]:
    """Return the pairs of characters that stand next to each other in a text."""
    return {normal[at : at + 2] for at in range(len(normal) - 1)}
