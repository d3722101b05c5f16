"""Brings short texts into one spelling, as tokens: no case, articles, quotation marks, styles.

``key("The \\textbf{Three} pearls.")`` is ``("3", "pearls")``. Signs that may mean something
(+ − % / =) stay, so that "Na+" is not "Na". What a text means is not looked at: a synonym differs.
"""

from __future__ import annotations

import re
import unicodedata

STYLE = re.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt)?|math(?:rm|bf|it|sf|tt)|mbox|operatorname|boldsymbol|boxed|fbox)"
    r"\s*\{([^{}]*)\}"
)
NESTING = 3  # styles within styles that are looked at
DROPPED = re.compile(
    r"\\[()\[\],;:!> ]|\\left(?![a-z])|\\right(?![a-z])|\\q?quad|[$`~]|\*\*|__"
    r"|(?<!\w)\*(?=\S)|(?<=\S)\*(?!\w)|^#+\s|[\"“”«»‘]|(?<!\S)'(?=\w)"
)
HYPHEN = re.compile(r"(?<=[^\W\d_])[-‐‑](?=[^\W\d_])")
DASHES = str.maketrans("−–﹣", "---")
APOSTROPHE = re.compile(r"[’']")
TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|\\[A-Za-z]+|\S")
ARTICLES = frozenset({"a", "an", "the"})
SILENT = frozenset(".,;:!?()[]'—。，、；：！？（）·")
END = frozenset(".。!")
MATHEMATICAL = re.compile(r"\d|\\|[=<>^|]")
NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        (
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
            "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
            "eighteen", "nineteen", "twenty",
        )
    )
}  # fmt: skip
SIDES = (
    frozenset({"yes", "是", "是的", "对", "正确", "true", "correct", "right"}),
    frozenset({"no", "否", "不是", "不对", "错", "错误", "false", "incorrect", "wrong"}),
    frozenset({"maybe", "unclear", "也许", "不确定"}),
)


def clean(text: str) -> str:
    """Return a text in one Unicode form without styles and delimiters, its words as they are."""
    text = unicodedata.normalize("NFKC", text).translate(DASHES)
    for _ in range(NESTING):
        text = STYLE.sub(r" \1 ", text)
    return DROPPED.sub(" ", text).strip()


def tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of a text: numbers, words, commands, signs; case as it is."""
    return tuple(TOKEN.findall(HYPHEN.sub(" ", APOSTROPHE.sub("'", clean(text)))))


def key(text: str) -> tuple[str, ...]:
    """Return what has to be the same in two texts that say the same.

    In a text with digits or formulas every sign counts, brackets and the letter a included.
    """
    words = list(tokens(text))
    while len(words) > 1 and words[-1] in END:
        words.pop()
    if not MATHEMATICAL.search(text):
        last = len(words) - 1
        words = [w for n, w in enumerate(words) if n == last or not _is_article(w, n)]
        words = [word for word in words if word not in SILENT] or words
    lower = (word.casefold() for word in words)
    return tuple(_number(NUMBERS.get(word, word)) for word in lower)


def _is_article(word: str, place: int) -> bool:
    """Say whether a word is an article; the A of "vitamin A" and "type A blood" is none."""
    return word.casefold() in ARTICLES and (word != "A" or place == 0)


def _number(word: str) -> str:
    """Return 1,000 as 1000; other words as they are."""
    return word.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", word) else word


def side(text: str) -> int | None:
    """Return which side a text takes by its first word: 0 for yes, 1 for no, 2 for maybe."""
    first = re.match(r"\W*(\w+)", clean(text).casefold())
    word = first[1] if first else ""
    return next((place for place, words in enumerate(SIDES) if word in words), None)


def decided(text: str) -> int | None:
    """Return the side of a text that is only that: yes, no, maybe, true or false."""
    words = key(text)
    return side(text) if len(words) == 1 else None
