"""IFEval's `detectable_format:*` and `change_case:*`: Markdown, JSON, titles, capitals.

``{"id": "detectable_format:number_bullet_lists", "kwargs": {"num_bullets": 3}}``

As in IFEval: a line that begins with "-" is a bullet, a ruler `---` too; `**bold**` is one
highlight; capitals are those of whole tokens, so a lone "I" is one. Whether capitals are
English is asked of langdetect, which hardly reads them.
"""

from __future__ import annotations

import json
import re

from verifiers.constraints.passages import Passage, tokens
from verifiers.constraints.registry import Arguments, Observation, Test, constraint, pattern

STAR_BULLET = re.compile(r"^\s*\*[^*].*$", re.MULTILINE)
DASH_BULLET = re.compile(r"^\s*-.*$", re.MULTILINE)
HIGHLIGHTS = (re.compile(r"\*([^\n*]*)\*"), re.compile(r"\*\*([^\n*]*)\*\*"))
TITLE = re.compile(r"<<[^\n]+>>")
FIXED_ANSWERS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
FENCES = ("```json", "```Json", "```JSON", "```")


@constraint("detectable_format:number_bullet_lists")
def number_bullet_lists(given: Arguments) -> Test:
    """There are exactly so many bullets."""
    number = given.whole("num_bullets")

    def test(passage: Passage) -> Observation:
        count = sum(len(bullet.findall(passage.text)) for bullet in (STAR_BULLET, DASH_BULLET))
        return Observation(count == number, count)

    return test


@constraint("detectable_format:constrained_response")
def constrained_response(_: Arguments) -> Test:
    """One of the three fixed answers is there."""

    def test(passage: Passage) -> Observation:
        found = [answer for answer in FIXED_ANSWERS if answer in passage.text]
        return Observation(bool(found), found)

    return test


@constraint("detectable_format:number_highlighted_sections")
def number_highlighted_sections(given: Arguments) -> Test:
    """There are at least so many *highlights*."""
    number = given.whole("num_highlights")

    def test(passage: Passage) -> Observation:
        inside = (text for found in HIGHLIGHTS for text in found.findall(passage.text))
        count = sum(bool(text.strip()) for text in inside)
        return Observation(count >= number, count)

    return test


@constraint("detectable_format:multiple_sections")
def multiple_sections(given: Arguments) -> Test:
    """There are at least so many sections, each headed by a word and a number."""
    splitter, number = given.text("section_spliter").strip(), given.whole("num_sections")
    heading = pattern("section_spliter", rf"\s?{splitter}\s?\d+\s?")

    def test(passage: Passage) -> Observation:
        count = len(heading.split(passage.text)) - 1
        return Observation(count >= number, count)

    return test


@constraint("detectable_format:json_format")
def json_format(_: Arguments) -> Test:
    """The answer is JSON, alone or in a fence."""

    def test(passage: Passage) -> Observation:
        text = passage.text.strip()
        for fence in FENCES:
            text = text.removeprefix(fence)
        try:
            json.loads(text.removesuffix("```").strip())
        except ValueError as error:
            return Observation(False, str(error))
        return Observation(True)

    return test


@constraint("detectable_format:title")
def title(_: Arguments) -> Test:
    """There is a <<title>>."""

    def test(passage: Passage) -> Observation:
        titles = [found.lstrip("<").rstrip(">").strip() for found in TITLE.findall(passage.text)]
        return Observation(any(titles), titles[:3])

    return test


@constraint("change_case:capital_word_frequency")
def capital_word_frequency(given: Arguments) -> Test:
    """There are less than, or at least, so many words in capitals; U.S.-BASED is one."""
    number, compare = given.whole("capital_frequency"), given.compare("capital_relation")

    def test(passage: Passage) -> Observation:
        count = sum(token.isupper() for token in tokens(passage.text))
        return Observation(compare(count, number), count)

    return test


@constraint("change_case:english_capital")
def english_capital(_: Arguments) -> Test:
    """The answer is English and in capitals."""
    return lambda passage: _english(passage.text, passage.text.isupper())


@constraint("change_case:english_lowercase")
def english_lowercase(_: Arguments) -> Test:
    """The answer is English and without capitals."""
    return lambda passage: _english(passage.text, passage.text.islower())


def _english(text: str, case: bool) -> Observation:
    """Look at the language only where the case is right."""
    from verifiers.constraints.languages import language

    found = language(text) if case else None
    return Observation(case and found in ("en", None), {"case": case, "language": found})
