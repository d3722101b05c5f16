"""Spells a text that is wholly one number, amount, date or time in the common way.

``1 234 567`` is 1234567, ``3rd`` 3, ``0.1(6)`` a fraction, ``Rs. 500`` rupees, ``3月5日``
March 5 and ``下午3:30`` 3:30 pm. Inside of other text the same signs mean other things.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import cycle

from verifiers.equality.spelled import DAYS, MONTHS
from verifiers.equality.units import UNITS

# 10 m/s in plain letters: a unit where a space stands in front, else a product (10m).
MEASURE = re.compile(
    r"([+-]?[\d.,/]{1,100}(?:[eE][+-]?\d{1,3}|(?: ?(?:\\times|\\cdot) ?10\^\{?-?\d{1,3}\}?)?))"
    r" ([A-Za-z]{1,12}(?:\^\{?-?\d\}?)?"
    r"(?: ?(?:[/*]|\\cdot) ?[A-Za-z]{1,12}(?:\^\{?-?\d\}?)?){0,3})"
)
LETTERS = re.compile(r"[A-Za-z]+")
# q = 4.8e-19 C. Without a power of ten, F = 5 m may be a formula in the mass m.
NAMED_MEASURE = re.compile(
    r"([A-Za-z](?:_\{?\w{1,9}\}?)? ?(?:=|\\approx) ?)"
    r"(-?\d[\d.]{0,30}(?:[eE][+-]?\d| ?(?:\\times|\\cdot) ?10\^).{1,60})"
)
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
HEXADECIMAL = re.compile(r"(?:\\(?:text|mathrm|texttt) ?\{ ?)?0[xX]([0-9A-Fa-f]{1,40})\}?")
SIDES = re.compile(r"(\d[\d.,/]{0,20}) ?([A-Za-z]{1,12})? by (\d[\d.,/]{0,20}) ?([A-Za-z]{1,12})?")
TURNED = re.compile(r"[\[\]]")  # ]0, 4[ is how the French write (0, 4)
LEFT, RIGHT = {"]": "(", "[": "["}, {"[": ")", "]": "]"}
TWELVE = {"noon": "12:00 pm", "12 noon": "12:00 pm", "midnight": "12:00 am"}
MORNING = frozenset({"上午", "早上", "凌晨"})


def whole_form(text: str) -> str:
    """Return a text in the common spelling, unchanged where it is none of these forms."""
    text = _upright(text) if "]" in text or "[" in text else text
    text = RUPEES.sub(r"\\rupee ", TWELVE.get(text.lower(), text))
    for pattern, rewrite in FORMS:
        if match := pattern.fullmatch(text):
            return rewrite(match)
    return text


def _upright(text: str) -> str:
    """Spell intervals whose brackets turn outwards where they are open with round ones."""
    if not _turned(text):
        return text
    sides = cycle((LEFT, RIGHT))
    return TURNED.sub(lambda match: next(sides)[match[0]], text)


def _turned(text: str) -> bool:
    """Say whether square brackets don't match as they stand, and round ones do."""
    first, last = text.find("]"), text.rfind("[")
    if "\\sqrt" in text or not ("," in text or ";" in text) or text.count("(") != text.count(")"):
        return False
    outward = (first >= 0 and "[" not in text[:first] and "(" not in text[:first]) or (
        last >= 0 and "]" not in text[last:] and ")" not in text[last:]
    )
    return outward and (text.count("[") + text.count("]")) % 2 == 0


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


def _named_measure(match: re.Match[str]) -> str:
    amount = MEASURE.fullmatch(match[2])
    return match[1] + _measure(amount) if amount else match[0]


def _sides(match: re.Match[str]) -> str:
    """Spell 12 m by 9 m so that neither "by" nor the units are read as products."""
    known = all(unit is None or unit in UNITS for unit in (match[2], match[4]))
    long, short = (rf"{match[k]} \text{{{match[k + 1] or ''}}}" for k in (1, 3))
    return rf"{long} \text{{ by }} {short}" if known else match[0]


FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (ORDINAL, lambda match: match[1]),
    (REPEATING, lambda match: match[1] + recurring(match[2], match[3], match[4])),
    (DOTTED, lambda match: match[1] + recurring(match[2], match[3], match[5] or match[6])),
    (SPACED_THOUSANDS, lambda match: match[0].replace(" ", "")),
    (DATE_HAN, _date),
    (HALF_DAY, lambda match: f"{match[2]} {'am' if match[1] in MORNING else 'pm'}"),
    (MEASURE, _measure),
    (NAMED_MEASURE, _named_measure),
    (SIDES, _sides),
    (HEXADECIMAL, lambda match: f"{match[1].upper()}_{{16}}"),
)
