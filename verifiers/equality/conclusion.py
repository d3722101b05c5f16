"""Finds an answer that no box and no phrase announces: in the last line, as writers end.

``… so the day is **Tuesday**.`` and ``The distance is $2\\sqrt5$.`` end in their answer, as
does a last line that is a formula and nothing else. A sentence that hedges has no answer,
and neither has one whose last formula or bold text no "is", "=" or "hence" leads to.

`bare` cuts what leads to an answer inside of a candidate: "The answer is 42" is 42.
"""

from __future__ import annotations

import re

MAX_TAIL = 2_000  # characters from the end that are looked at
FORMULA = re.compile(
    r"\$\$(?P<a>.{1,1000}?)\$\$|\$(?P<b>[^$\n]{1,1000})\$|\\\((?P<c>.{1,1000}?)\\\)"
    r"|\\\[(?P<d>.{1,1000}?)\\\]",
    re.DOTALL,
)
BOLD = re.compile(r"\*\*(?P<a>[^*\n]{1,300})\*\*")
LAST_DISPLAY = re.compile(
    r"(?:\$\$(?P<a>[^$]{1,1000})\$\$|\\\[(?P<b>(?:(?!\\\[).){1,1000}?)\\\])[\s.。,;]*\Z", re.DOTALL
)
HEDGE = re.compile(
    r"\b(?:either|maybe|perhaps|possibly|might|could|probably|guess|unsure|unclear|cannot|sure)\b"
    r"|\bnot \W{0,4}\Z|可能|也许|大概",
    re.IGNORECASE,
)
CONNECTOR = re.compile(r"(?:^|[,;]\s*)(?:so|hence|thus|therefore|then|∴|因此|所以|故|于是)\b", re.I)
LEAD = re.compile(r"(?:so|hence|thus|therefore|∴|因此|所以|故)\b,?\s*", re.IGNORECASE)
LINKS = re.compile(  # between formulas that are one answer together
    r"(?:[\s,;.()]|\b(?:or|and|where|with|for|is|are|any|all|every|some|an?|integers?)\b)*", re.I
)
RESULT = re.compile(
    r"(?:[A-Za-z]\s?=\s?)?-?[$€£]?\d[\d,]{0,30}(?:\.\d{1,30})?(?:/\d{1,30})?\s?%?"
    r"(?:\s[A-Za-z]{1,15})?"
)
RESULT_NAME = re.compile(  # "the other solution" is none
    r"the (?:(?:only|final|unique|required|desired|correct|overall)\s)?"
    r"(?:(?:real|integer|positive)\s)?(?:solution|result|total|value)",
    re.IGNORECASE,
)
BULLET = re.compile(r"(?:[-*•]|\d{1,2}[.)])\s+(\S.*)")
NUMBER = re.compile(r"-?\$?[\d,]{1,30}(?:\.\d{1,30})?(?:/\d{1,30})?%?")
COPULA_END = re.compile(
    r"(?:\b(?:is|are|be|equals?|get|obtain|becomes|remains|total(?:s|ling)?|exactly|only)"
    r"|\b(?:equal|simplifies|reduces|corresponds) to|[:：=]|[为是得有])\s*(?:therefore|thus|then"
    r"|hence|simply|the)?\s*$",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"(?<=[a-z\d$)*][.?!])\s+(?=[A-Z*$\\])|[。！？]")
TRAILING = " .。,;!"

# What leads to an answer: words and short formulas up to the last "is", with no numbers.
HEAD = re.compile(
    r"(?P<head>(?:[^\W\d_]|[\s,'’():*-]|\$[^$=]{1,40}\$){0,160}?(?:[^\W\d_]|\$[^$=]{1,40}\$))"
    r"\s+(?:is|are|equals|was|be|remains|becomes)\b\s*"
    r"(?:equal to|given by|exactly|therefore|thus|then|indeed|simply|approximately|about"
    r"|(?:located )?at)?\s*:?\s+"
    r"(?P<rest>\S.*)",
    re.DOTALL | re.IGNORECASE,
)
HAN_HEAD = re.compile(
    r"(?:.{0,60}而是|[^\d$\\=<>，,。]{0,60}(?:答[:：]|[为是有得共约需于]|等于))\s*[:：]?\s*(?P<rest>.+)",
    re.DOTALL,
)
HAN = re.compile(r"[\u4e00-\u9fff]")
PRICE = re.compile(  # 一支钢笔3元5角, but not 每支比原价便宜3元5角
    r"[一每](?:(?![不非未没比差少多超至过低高贵便省减降涨加找赚亏])[\u4e00-\u9fff]){1,10}"
    r"(?P<rest>\d{1,9}(?:\.\d{1,4})?元(?:\d角)?(?:\d分)?)"
)
TEXT_GROUP = re.compile(r"\\text\s*\{([^{}]*)\}")
PROSE = re.compile(
    r"\b(?:because|since|which|that|therefore|thus|hence|we|(?-i:I)|it|this|there|have|has|had|get|gets|so|"
    r"if|then|they|he|she|you|who|must|can|cannot|think|maybe|probably|either|about|approximately|around|roughly|"
    r"problem|question|was|were|when|where|what|how|let|ran|out)\b",
    re.IGNORECASE,
)
DECLARED = re.compile(  # n is said to be a whole number, which makes no prose
    r",?\s*\(?(?:where|with|for)\s\$?\w\$?\s(?:is|are)\s(?:an? |any )?(?:arbitrary )?integers?\)?",
    re.I,
)
REMARK = re.compile(  # a reason in brackets behind an answer
    r"(?<=\S)\s*(?:\\q?quad\s*)?(?:\\text\s*\{\s*\([^{}]*\)\s*\}|\(\s*\\text\s*\{[^{}]*\}.*\))\s*\Z",
    re.DOTALL,
)
SUMMING_UP = re.compile(r"(?:综上所述|综上|因此|所以|于是|故)[,，]?\s*")
NOT_THAT = re.compile(
    r",\s*(?:and |but )?not\s[^,]{1,40}$|\s*\((?:and |but )?not\s[^()]{1,80}\)$"
)  # 5 apples, not 6
APPROXIMATELY = re.compile(
    r"(?:approximately|about|roughly|around|exactly|≈|约|大约)\s*(?=[\d$\\.-])", re.IGNORECASE
)


def concluded(text: str) -> str | None:
    """Return what the last line of a text gives as its result, or None."""
    tail = text[-MAX_TAIL:].rstrip()
    if display := LAST_DISPLAY.search(tail):
        return _group(display)
    lines = [line.strip(" >#-\t") for line in tail.splitlines() if line.strip(" >#-\t*")]
    if not lines:
        return None
    if (items := _bullets(tail)) or (items := _bare_line(lines)):
        return items
    whole = _wholly(lines[-1])
    return whole if whole is not None else _ending(_last_sentence(lines[-1]))


def _wholly(line: str) -> str | None:
    """Return the content of a line that is one formula or one bold text."""
    line = line.strip(TRAILING).removeprefix("∴").strip()
    for pattern in (BOLD, FORMULA):
        if found := pattern.fullmatch(line):
            inner = _group(found).strip(TRAILING)
            return _wholly(inner) or inner
    return None


def _bullets(tail: str) -> str:
    """Return the items of a list of formulas that ends a text, or nothing."""
    items: list[str] = []
    for line in reversed(tail.splitlines()):
        found = BULLET.fullmatch(line.strip())
        inner = _wholly(found[1]) if found else None
        if inner is None:
            break
        items.insert(0, inner)
    return ", ".join(items) if len(items) > 1 else ""


def listed(text: str) -> str:
    """Return the items of a text that is a list of formulas and nothing else, or nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip(" *:：")]
    if len(lines) < 2:
        return ""
    return _bullets(text.rstrip()) if all(map(BULLET.fullmatch, lines)) else ""


def _bare_line(lines: list[str]) -> str:
    """Return a last line that is a number alone, below other lines; or nothing."""
    return lines[-1] if len(lines) > 1 and NUMBER.fullmatch(lines[-1]) else ""


def _last_sentence(line: str) -> str:
    sentences = [part for part in SENTENCE.split(line) if part and part.strip(" *")]
    return sentences[-1] if sentences else line


def _ending(sentence: str) -> str | None:
    """Return the bold text of a sentence, or the formula at its end, that is its result."""
    bold = {_group(found).strip(TRAILING + ":") for found in BOLD.finditer(sentence)}
    if len(bold) == 1 and not HEDGE.search(sentence):
        return bold.pop()
    formulas = list(FORMULA.finditer(sentence))
    if not formulas:
        return _plain_result(sentence)
    found = formulas[-1]
    if (lead := LEAD.match(sentence)) and not HEDGE.search(sentence):
        rest = sentence[lead.end() :].strip(TRAILING)
        if LINKS.fullmatch(FORMULA.sub("", rest)):
            return rest
    if sentence[found.end() :].strip(TRAILING + "*"):
        return None
    before = sentence[: found.start()]
    if HEDGE.search(before) or not (CONNECTOR.search(before) or COPULA_END.search(before)):
        return None
    return _group(found)


def _plain_result(sentence: str) -> str | None:
    """Return the number that ends a sentence such as "So the total is 42", or None."""
    found = HEAD.fullmatch(sentence.strip(TRAILING))
    if not found or HEDGE.search(sentence):
        return None
    named = RESULT_NAME.fullmatch(found["head"].strip()) or LEAD.match(sentence)
    return found["rest"] if named and RESULT.fullmatch(found["rest"]) else None


def _group(match: re.Match[str]) -> str:
    return next(group for group in match.groupdict().values() if group is not None)


def bare(candidate: str) -> str:
    """Return a candidate without the words that only lead to it."""
    candidate = text = REMARK.sub("", NOT_THAT.sub("", candidate))
    if candidate.startswith("\\text"):
        text = TEXT_GROUP.sub(r" \1 ", candidate).strip()
    if HAN.search(text):
        found = HAN_HEAD.fullmatch(SUMMING_UP.sub("", text, count=1))
        rest = found["rest"].removesuffix("的").strip() if found else candidate
        price = PRICE.fullmatch(rest)
        return price["rest"] if price else rest
    found = None if DECLARED.search(text) else HEAD.fullmatch(text)
    if found and not HEAD.fullmatch(found["rest"]) and not PROSE.search(found["rest"]):
        rest = found["rest"].strip()
        return APPROXIMATELY.sub("", rest, count=1) if rest else candidate
    return APPROXIMATELY.sub("", candidate) if APPROXIMATELY.match(candidate) else candidate
