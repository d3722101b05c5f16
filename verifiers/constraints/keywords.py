"""IFEval's `keywords:*`: words that must be there, must not, or so often.

``{"id": "keywords:forbidden_words", "kwargs": {"forbidden_words": ["rock"]}}``

Keywords are regular expressions, as in IFEval, so "U.S." also finds "UKSA"; a keyword may be a
part of a word ("art" in "party"), a forbidden one is a whole word. In Chinese and Japanese,
where a word has no such ends, it may then be missed.
"""

from __future__ import annotations

import re

from verifiers.constraints.passages import Passage
from verifiers.constraints.registry import (
    Arguments,
    Observation,
    Test,
    UnusableConstraint,
    constraint,
    pattern,
)


@constraint("keywords:existence")
def existence(given: Arguments) -> Test:
    """Every keyword is there, upper and lower case alike."""
    keywords = given.texts("keywords")
    patterns = [pattern("keywords", keyword, re.IGNORECASE) for keyword in keywords]

    def test(passage: Passage) -> Observation:
        pairs = zip(keywords, patterns, strict=True)
        missing = [keyword for keyword, found in pairs if not found.search(passage.text)]
        return Observation(not missing, {"missing": missing})

    return test


@constraint("keywords:frequency")
def frequency(given: Arguments) -> Test:
    """A keyword comes less than, or at least, so many times."""
    keyword = pattern("keyword", given.text("keyword").strip(), re.IGNORECASE)
    times, compare = given.whole("frequency"), given.compare("relation")

    def test(passage: Passage) -> Observation:
        count = len(keyword.findall(passage.text))
        return Observation(compare(count, times), count)

    return test


@constraint("keywords:forbidden_words")
def forbidden_words(given: Arguments) -> Test:
    """None of the words is there as a whole word."""
    words = given.texts("forbidden_words")
    patterns = [pattern("forbidden_words", rf"\b{word}\b", re.IGNORECASE) for word in words]

    def test(passage: Passage) -> Observation:
        pairs = zip(words, patterns, strict=True)
        there = [word for word, found in pairs if found.search(passage.text)]
        return Observation(not there, {"there": there})

    return test


@constraint("keywords:letter_frequency")
def letter_frequency(given: Arguments) -> Test:
    """A letter, or any other sign, comes less than, or at least, so many times."""
    letter = given.text("letter").strip().lower()
    times, compare = given.whole("let_frequency"), given.compare("let_relation")
    if len(letter) != 1:
        raise UnusableConstraint(f"letter: expected one letter, got {letter!r}")

    def test(passage: Passage) -> Observation:
        count = passage.text.lower().count(letter)
        return Observation(compare(count, times), count)

    return test
