r"""The normal form of a text, a hash of it, and its numerals.

Two texts of one normal form::

    "Solve the following problem: Find $\dfrac{1}{2} \times 10^{3}$."
    "find \(\frac12·10³\)"
    -> "find\frac{1}{2}*10^{3}"

A normal form is a text in one spelling (`dedup.spelling` has the rules and says what is
never merged), less the `BOILERPLATE` around the task, less punctuation around the whole. Texts of
one normal form hold the same numerals.

`text_hash` is of the normal form with the options of a multiple-choice question in one order
(`dedup.options`). Not seen as equal: another order of sentences, number words, Chinese numerals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from dedup.options import one_order
from dedup.spelling import one_spelling

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# Between these, a text stands in another by itself: no term of a longer expression.
BEFORE_ANY = re.compile(rf"(?:\A|[ :;,!?\"'(\[{{)\]}}]|(?<!\d)\.|[{CJK}])\Z")
BEFORE_LETTER = re.compile(rf"(?:\A|[^\w\\]|[{CJK}])\Z")
AFTER = re.compile(rf"\Z|[ ;:?\"')\]}}{CJK}]|[.,](?! ?\d)")
CLOSING = " .?:;,"
OPENING = re.compile(r"\A(?:[.,:;]+(?!\d) ?)+")
LAYERS = 10  # phrases taken off each end: bounds a hostile text; a guess
NUMERAL = re.compile(
    r"((?<![\w)\]}|!%°])-)?([0-9]+(?:\.[0-9]+)?|(?<![\w)\]}])\.[0-9]+)(e[+-]?[0-9]+(?!\w))?"
)


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """Phrases around a task that are no part of it, in any spelling.

    One that ends in a colon counts only with the colon; the others may be followed by
    one of `: . ,`.
    """

    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()


# Collected from the prompts of public question sets and of common evaluation harnesses;
# only phrases that would fit any task. Extend it for a source that has its own.
BOILERPLATE = Boilerplate(
    prefixes=(
        "Question:", "Problem:", "Task:", "Prompt:", "Q:", "User:", "Human:", "Instruction:",
        "Solve the following problem", "Solve the following math problem",
        "Solve the following question", "Solve this problem", "Answer the following question",
        "Answer the question below", "Please answer the following question",
        "Please solve the following problem", "Please solve the problem below",
        "Solve the following math problem step by step", "Consider the following problem",
        "Here is a problem", "Please solve the programming task below",
        "Below is a math problem", "请回答下列问题", "请解答下列问题", "问题:", "题目:",
        "Let's think step by step", "Think step by step", "Please think step by step",
    ),
    suffixes=(
        "Let's think step by step", "Think step by step", "Please think step by step",
        "Please reason step by step", "Show your work", "Show your reasoning", "Answer:",
        "Explain your reasoning", "Solution:", "A:", "Assistant:",
        r"Please reason step by step, and put your final answer within \boxed{}",
        r"Let's think step by step and output the final answer within \boxed{}",
        r"Put your final answer within \boxed{}", r"Put your final answer in \boxed{}",
        r"Return your final response within \boxed{}", "请一步一步思考", "答案:",
    ),
)  # fmt: skip
NO_BOILERPLATE = Boilerplate()


def normalise(text: str, boilerplate: Boilerplate = BOILERPLATE) -> str:
    """Return a text's normal form, by the rules of this module."""
    return _closed(_without(boilerplate, one_spelling(text)))


def text_hash(text: str, boilerplate: Boilerplate = BOILERPLATE) -> bytes:
    """Return 16 bytes (BLAKE2b) that are equal for texts of one normal form.

    They are equal too where nothing differs but the order of a question's options.
    """
    return hash_of(one_order(normalise(text, boilerplate)))


def hash_of(normal: str) -> bytes:
    """Return the hash of a text that is in normal form already; lone surrogates are hashed."""
    return blake2b(normal.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def numbers(text: str) -> tuple[str, ...]:
    r"""Return a text's numerals, sorted, repeats kept.

    `1,200`, `1{,}200` and `1200` are one numeral, so are `.50` and `0.5`; `\frac12` holds
    1 and 2. A minus counts where it can only be a sign: after nothing, a symbol, or a word
    and a space ("-5", "=-5", "is -5"), not between terms ("3-5", "x -5", "COVID-19").
    """
    return numbers_of(normalise(text))


def numbers_of(normal: str) -> tuple[str, ...]:
    """Return the numerals of a text that is in normal form already."""
    return tuple(sorted(numerals_in_order(normal)))


def numerals_in_order(normal: str) -> tuple[str, ...]:
    """Return the numerals of a text that is in normal form already, as they come."""
    return tuple(_numeral(*parts) for parts in NUMERAL.findall(normal))


def stands_in(part: str, whole: str) -> bool:
    """Whether a normal form stands in another one between borders of words and expressions.

    "find x" stands in "a. find x? why", not in "find x^{2}"; "5+3" not in "1.5+3".
    """
    before = BEFORE_LETTER if part[:1].isalpha() else BEFORE_ANY
    start = whole.find(part)
    while start >= 0:
        left, end = whole[max(start - 2, 0) : start], start + len(part)
        if before.search(left) and AFTER.match(whole, end):
            return True
        start = whole.find(part, start + 1)
    return False


def _numeral(sign: str, digits: str, exponent: str) -> str:
    """Return a numeral in one spelling: no trailing zeros behind the point, one before it."""
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
        digits = "0" + digits if not digits or digits.startswith(".") else digits
    return f"{sign}{digits}{exponent}"


def _closed(text: str) -> str:
    """Return a text without punctuation in front and behind.

    An ellipsis at the end stays, and an exclamation mark.
    """
    shorter = text.strip() if text.endswith("...") else text.strip(" ").rstrip(CLOSING)
    return OPENING.sub("", shorter) or text.strip()


def _without(boilerplate: Boilerplate, text: str) -> str:
    """Return what is left of a text in one spelling; something is, and `LAYERS` at most go."""
    before, after = _patterns(boilerplate)
    for _ in range(LAYERS):
        shorter = after.sub("", before.sub("", text)).strip()
        if shorter == text or not shorter.strip(CLOSING):
            break
        text = shorter
    return text


@lru_cache(maxsize=16)
def _patterns(boilerplate: Boilerplate) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of prefixes and suffixes.

    A closing heading must follow the end of a sentence: not the "A:" of "vitamin A:".
    """
    headings = [phrase for phrase in boilerplate.suffixes if phrase.endswith(":")]
    sentences = [phrase for phrase in boilerplate.suffixes if not phrase.endswith(":")]
    before = rf"\A(?:{_alternatives(boilerplate.prefixes)})(?:[:,] ?|\.(?!\d) ?| )?"
    sentence = rf"(?<!\w)(?:{_alternatives(sentences)})[.!?:]*"
    heading = rf"(?<=[^\w\s])(?:{_alternatives(headings)})"
    return re.compile(before), re.compile(rf"(?:{sentence}|{heading})\Z")


def _alternatives(phrases: Iterable[str]) -> str:
    """Return a pattern of phrases in one spelling, longest first; of none, one that fails."""
    spelled = sorted({one_spelling(phrase) for phrase in phrases}, key=len, reverse=True)
    whole_words = [re.escape(phrase) + r"\b" * phrase[-1:].isalnum() for phrase in spelled]
    return "|".join(whole_words) or "(?!)"
