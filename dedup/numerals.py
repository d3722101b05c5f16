r"""What a text says in numbers and signs, and whether two texts can mean the same by them.

Two questions of one template, and two spellings of one question::

    agreement(facts("Add 16 and 4."), facts("Add 25 and 4."))           # neither holds the other
    agreement(facts("Add 16 and three."), facts("add sixteen to 3"))    # EQUAL

A numeral must be found in the other text as digits or in words (English up to millions,
Chinese up to 万), but for the word "one", which is rarely a number. Signs are operators,
LaTeX commands and letters that stand alone, but for the article "a".
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import IntFlag

from dedup.exact import normalise, numerals_in_order

SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
VALUE = {
    **{word: value for value, word in enumerate(SMALL)},
    **{word: 10 * value for value, word in enumerate(TENS, 2)},
}
SCALE = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
NUMBER_WORD = rf"(?:{'|'.join([*VALUE, *SCALE])})"
IN_WORDS = re.compile(
    rf"\b{NUMBER_WORD}(?:(?:[ -]|(?<=hundred) and |(?<=thousand) and ){NUMBER_WORD})*\b"
)
PART = re.compile(NUMBER_WORD + r"\b")
CHINESE_VALUE = {**{digit: at for at, digit in enumerate("零一二三四五六七八九")}, "两": 2, "〇": 0}
CHINESE_SCALE = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
IN_CHINESE = re.compile(f"[{''.join([*CHINESE_VALUE, *CHINESE_SCALE])}]+")
SIGN = re.compile(r"\\[a-z]+|(?<![^\W\d_])-|[+*/=<>^|%°∈∪∩±∞≈]|(?<![^\W\d_])[^\W\d_a](?![^\W\d_])")
# Words that make another question of the same others; ours, from reading near-duplicates.
TURNING = re.compile(
    r"\b(?:not|no|without|neither|never|except|false|cannot|can't|must|could|least|most|exactly|minimum|maximum|smallest"
    r"|largest|greatest|highest|lowest|first|last|even|odd|positive|negative|increasing|decreasing"
    r"|left|right|inside|outside|before|after|opening|closing|identical|distinct|different"
    r"|distinguishable|indistinguishable|north|south|east|west)\b"
)
ONE = Counter({"1": 1_000_000})  # more often than any text says "one"


class Agreement(IntFlag):
    """Which of two texts holds all numerals of the other."""

    NONE = 0
    FIRST_IN_SECOND = 1
    SECOND_IN_FIRST = 2
    EQUAL = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """A text's normal form, its numerals in digits and in words, and its signs."""

    normal: str
    digits: Counter[str]
    words: Counter[str]
    signs: Counter[str]
    order: tuple[str, ...]  # the numerals in digits as they come
    turns: Counter[str]  # the words of `TURNING` that it has


def facts(text: str) -> Facts:
    """Return what a text says in numbers and signs."""
    return facts_of(normalise(text))


def facts_of(normal: str) -> Facts:
    """Return what a text says that is in normal form already."""
    spelled = Counter([*map(_english, IN_WORDS.findall(normal)), *_chinese_numerals(normal)])
    order = numerals_in_order(normal)
    turns = Counter(TURNING.findall(normal))
    return Facts(normal, Counter(order), spelled, Counter(SIGN.findall(normal)), order, turns)


def agreement(first: Facts, second: Facts) -> Agreement:
    """Return which of two texts holds all numerals of the other."""
    found = Agreement.NONE
    if holds_numerals(second, first):
        found |= Agreement.FIRST_IN_SECOND
    if holds_numerals(first, second):
        found |= Agreement.SECOND_IN_FIRST
    return found


def holds_numerals(whole: Facts, part: Facts) -> bool:
    """Return whether a text holds all numerals of another, in digits or in words."""
    if not part.words:
        # Most texts; counters are compared in Python, tuples are not.
        held = whole.digits + whole.words if whole.words else whole.digits
        return part.order == whole.order or part.digits <= held
    in_words = part.words - ONE
    if part.digits <= whole.digits and in_words <= whole.words:
        return True
    return part.digits + in_words <= whole.digits + whole.words


def signs_held(whole: Facts, part: Facts) -> float:
    """Return the share of a text's signs that another one holds; 1 where it has none."""
    total = part.signs.total()
    return (whole.signs & part.signs).total() / total if total else 1.0


def same_signs(one: Facts, other: Facts, least: float) -> bool:
    """Return whether two texts hold most of each other's signs, and none in another's place.

    As many signs, but not the same, are one put in another's place: "x" for "y", "<" for
    ">". With `least` 0.7, a copy may say "|S|" once more, or write a formula another way.
    """
    if one.signs.total() == other.signs.total():
        return one.signs == other.signs
    return min(signs_held(one, other), signs_held(other, one)) >= least


def _english(phrase: str) -> str:
    """Return the number that English words say, in digits."""
    total = group = 0
    for word in PART.findall(phrase):
        if word in VALUE:
            group += VALUE[word]
        elif word == "hundred":
            group = max(group, 1) * 100
        else:
            total, group = total + max(group, 1) * SCALE[word], 0
    return str(total + group)


def _chinese_numerals(normal: str) -> list[str]:
    """Return the numbers that Chinese numerals say, in digits."""
    return [] if normal.isascii() else [_chinese(found) for found in IN_CHINESE.findall(normal)]


def _chinese(numeral: str) -> str:
    """Return a Chinese numeral in digits: 二十五 and 二五 are 25."""
    total = group = 0
    digit: int | None = None
    for sign in numeral:
        if sign in CHINESE_VALUE:
            digit = (digit or 0) * 10 + CHINESE_VALUE[sign]
        elif sign == "万":
            total, group, digit = (total + group + (digit or 0)) * 10_000, 0, None
        else:
            group += (1 if digit is None else digit) * CHINESE_SCALE[sign]
            digit = None
    return str(total + group + (digit or 0))
