"""Spells a text that is wholly one number, amount, date or time in the common way.

``1 234 567`` is 1234567, ``3rd`` 3, ``0.1(6)`` a fraction, ``Rs. 500`` rupees, ``3月5日``
March 5 and ``下午3:30`` 3:30 pm. Inside of other text the same signs mean other things.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from verifiers.equality.spelled import DAYS, MONTHS
from verifiers.equality.units import UNITS

# 10 m/s in plain letters: a unit where a space stands in front, else a product (10m).
MEASURE = re.compile(
    r"([+-]?[\d.,/]{1,100}(?: ?(?:\\times|\\cdot) ?10\^\{?-?\d{1,3}\}?)?)"
    r" ([A-Za-z]{1,12}(?:\^\{?-?\d\}?)?"
    r"(?: ?(?:[/*]|\\cdot) ?[A-Za-z]{1,12}(?:\^\{?-?\d\}?)?){0,3})"
)
LETTERS = re.compile(r"[A-Za-z]+")
ORDINAL = re.compile(
    r"(\d+)\s?\^?\{?\s?(?:\\(?:text|mathrm|textsuperscript) ?\{ ?)?(?:st|nd|rd|th)\s?\}{0,2}"
)
REPEATING = re.compile(r"(-?)(\d{0,50})\.(\d{0,50})\((\d{1,50})\)")  # 0.1(6)
RUPEES = re.compile(r"^(?:Rs|INR)\.?\s?(?=\d)")
DOTTED = re.compile(  # 0.333… and 0.1414…
    r"(-?)(\d{0,30})\.(\d{0,30}?)((\d{1,6}?)\5{2,20}|(\d{2,6})\6)\s?\\dots"
)
SPACED_THOUSANDS = re.compile(r"-?\d{1,3}(?: \d{3})+(?:\.\d+)?")
HALF_DAY = re.compile(r"(上午|早上|凌晨|下午|晚上)\s*(\d{1,2}:\d\d)")
DATE_HAN = re.compile(r"(?:(\d{1,2})月(\d{1,2})[日号])|(?:星期|周|礼拜)([一二三四五六日天])")
TWELVE = {"noon": "12:00 pm", "12 noon": "12:00 pm", "midnight": "12:00 am"}
MORNING = frozenset({"上午", "早上", "凌晨"})


def whole_form(text: str) -> str:
    """Return a text in the common spelling, unchanged where it is none of these forms."""
    text = RUPEES.sub(r"\\rupee ", TWELVE.get(text.lower(), text))
    for pattern, rewrite in FORMS:
        if match := pattern.fullmatch(text):
            return rewrite(match)
    return text


def recurring(whole: str, fixed: str, again: str) -> str:
    """Spell a recurring decimal as a fraction: its whole part, fixed and recurring digits."""
    shift, period = 10 ** len(fixed), 10 ** len(again) - 1
    top = int((whole + fixed) or "0") * period + int(again)
    return rf"\frac{{{top}}}{{{shift * period}}}"


def _date(match: re.Match[str]) -> str:
    if match[3]:
        return DAYS[min("一二三四五六日天".index(match[3]), 6)]
    month = int(match[1])
    return f"{MONTHS[month - 1]} {match[2]}" if 1 <= month <= 12 else match[0]


def _measure(match: re.Match[str]) -> str:
    units = LETTERS.findall(match[2].replace("\\cdot", ""))
    known = all(word in UNITS for word in units)
    return rf"{match[1]} \text{{{match[2]}}}" if known else match[0]


FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (ORDINAL, lambda match: match[1]),
    (REPEATING, lambda match: match[1] + recurring(match[2], match[3], match[4])),
    (DOTTED, lambda match: match[1] + recurring(match[2], match[3], match[5] or match[6])),
    (SPACED_THOUSANDS, lambda match: match[0].replace(" ", "")),
    (DATE_HAN, _date),
    (HALF_DAY, lambda match: f"{match[2]} {'am' if match[1] in MORNING else 'pm'}"),
    (MEASURE, _measure),
)
