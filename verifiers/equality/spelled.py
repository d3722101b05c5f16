"""Reads numbers written in words, English or Chinese, and phrases that mean one thing.

``twenty-five`` is 25, ``两百零三`` 203, ``no real solutions`` the empty set, ``DNE`` undefined.
"""

from __future__ import annotations

from fractions import Fraction


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


BELOW_TWENTY = _listed(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
UNITS = {word: value for value, word in enumerate(BELOW_TWENTY)}
BY_TEN = _listed("twenty thirty forty fifty sixty seventy eighty ninety")
TENS = {word: 10 * value for value, word in enumerate(BY_TEN, start=2)}
DAYS = _listed("monday tuesday wednesday thursday friday saturday sunday")
MONTHS = _listed(
    "january february march april may june july august september october november december"
)
LARGE = {"thousand": 1000, "million": 10**6, "billion": 10**9}
HAN = {**{digit: value for value, digit in enumerate("零一二三四五六七八九")}, "两": 2, "〇": 0}
HAN_TENS = {"十": 10, "百": 100, "千": 1000}
MEASURES = "个只条本人张支元块天年米次种岁页名位间件双对"  # as in 三个
PARTS = {
    "half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6,
    "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "twelfth": 12,
}  # fmt: skip
MAX_WORDS = 20

NONE, UNDEFINED, MANY = ("no", "solution"), ("undefined",), ("infinitely", "many")
ALL = ("all", "real", "numbers")
PHRASES = {
    "no solution; no solutions; no real solution; no real solutions; no root; no roots; no real"
    " root; no real roots; no integer solution; no integer solutions; empty set; empty;"
    " null set; no solution exists; no solutions exist; no real solutions exist;"
    " 无解; 方程无解; 空集; 无实数解; 没有解; 无实数根; 无实根": NONE,
    "dne; does not exist; undefined; not defined; limit does not exist; do not exist;"
    " 不存在": UNDEFINED,
    "infinitely many; infinitely many solutions; infinite solutions; infinite number of solutions;"
    " 无穷多; 无穷多个; 无数个; 无穷多解; 有无穷多解; 无数": MANY,
    "all real numbers; all reals; all real; real numbers; any real number; every real number;"
    " all real x; set of all real numbers; set of real numbers; 全体实数; 任意实数; 一切实数;"
    " 实数集": ALL,
    "true; correct; 正确; 对": ("true",),
    "false; incorrect; wrong; 错误; 错; 不正确": ("false",),
    "yes; 是; 是的": ("yes",),
    "no; 否; 不是": ("no",),
    "all integers; integers; set of integers; set of all integers; 全体整数": ("\\mathbb{Z}",),
}  # fmt: skip
MEANINGS = {
    tuple(phrase.split()): meaning
    for phrases, meaning in PHRASES.items()
    for phrase in phrases.split("; ")
}


def spelled_number(words: tuple[str, ...]) -> Fraction | None:
    """Return the whole number or fraction that lower-case words spell out, or None."""
    if len(words) == 1 and words[0] and words[0][0] in {*HAN, *HAN_TENS}:
        found = _han(words[0])
        return None if found is None else Fraction(found)
    parts = [part for word in words for part in word.split("-") if part not in {"and", ""}]
    if not parts or len(parts) > MAX_WORDS:
        return None
    if len(parts) > 1 and parts[-1].removesuffix("s") in PARTS:
        top = 1 if parts[:-1] in (["one"], ["a"]) else _whole(parts[:-1])
        return None if top is None else Fraction(top, PARTS[parts[-1].removesuffix("s")])
    whole = _whole(parts)
    return None if whole is None else Fraction(whole)


def _whole(parts: list[str]) -> int | None:
    total, current = 0, 0
    for part in parts:
        if part in UNITS or part in TENS:
            current += UNITS.get(part, 0) + TENS.get(part, 0)
        elif part == "hundred" and current:
            current *= 100
        elif part in LARGE and current:
            total, current = total + current * LARGE[part], 0
        else:
            return None
    return total + current


def _han(text: str) -> int | None:
    text = text[:-1] if len(text) > 1 and text[-1] in MEASURES else text
    total, digit = 0, 0
    for sign in text[:MAX_WORDS]:
        if sign in HAN:
            digit = HAN[sign]
        elif sign in HAN_TENS:
            total, digit = total + (digit or 1) * HAN_TENS[sign], 0
        else:
            return None
    return total + digit


def counted_number(words: tuple[str, ...]) -> Fraction | None:
    """Return the number that English words begin with: twenty-four arrangements."""
    for end in range(min(len(words) - 1, MAX_WORDS), 0, -1):
        if words[0].isascii() and all(map(str.isalpha, words[end:])):
            found = spelled_number(words[:end])
            if found is not None:
                return found
    return None
