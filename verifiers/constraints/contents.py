"""IFEval's types about what an answer holds, how it begins and ends, and its language.

``{"id": "detectable_content:postscript", "kwargs": {"postscript_marker": "P.P.S"}}``,
``{"id": "startend:end_checker", "kwargs": {"end_phrase": "Any other questions?"}}``.

A postscript may stand anywhere, since IFEval looks for its marker only. A text without letters
has no language, and counts as being in any. Quotation marks are `"` alone.
"""

from __future__ import annotations

import re

from verifiers.constraints.passages import Passage
from verifiers.constraints.registry import Arguments, Observation, Test, constraint, pattern

PLACEHOLDER = re.compile(r"\[.*?\]")
POSTSCRIPTS = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}
PARTING = "******"
HEAD_CHARS = 60


@constraint("detectable_content:number_placeholders")
def number_placeholders(given: Arguments) -> Test:
    """There are at least so many [placeholders]."""
    number = given.whole("num_placeholders")

    def test(passage: Passage) -> Observation:
        count = len(PLACEHOLDER.findall(passage.text))
        return Observation(count >= number, count)

    return test


@constraint("detectable_content:postscript")
def postscript(given: Arguments) -> Test:
    """There is a postscript that begins with the marker."""
    marker = given.text("postscript_marker").strip()
    found = pattern("postscript_marker", POSTSCRIPTS.get(marker, marker.lower()))
    return lambda passage: Observation(bool(found.search(passage.text.lower())))


@constraint("startend:end_checker")
def end_checker(given: Arguments) -> Test:
    """The answer ends with a phrase, upper and lower case alike."""
    phrase = given.text("end_phrase").strip().lower()

    def test(passage: Passage) -> Observation:
        text = passage.text.strip().strip('"')
        return Observation(text.lower().endswith(phrase), text[-HEAD_CHARS:])

    return test


@constraint("startend:quotation")
def quotation(_: Arguments) -> Test:
    """The whole answer stands between two quotation marks."""

    def test(passage: Passage) -> Observation:
        text = passage.text.strip()
        wrapped = len(text) > 1 and text.startswith('"') and text.endswith('"')
        return Observation(wrapped, f"{text[:1]} … {text[-1:]}")

    return test


@constraint("combination:repeat_prompt")
def repeat_prompt(given: Arguments) -> Test:
    """The answer begins with the request, word for word, upper and lower case alike."""
    request = given.text("prompt_to_repeat").strip().lower()

    def test(passage: Passage) -> Observation:
        text = passage.text.strip()
        return Observation(text.lower().startswith(request), text[:HEAD_CHARS])

    return test


@constraint("combination:two_responses")
def two_responses(_: Arguments) -> Test:
    """There are two different answers with ****** between them."""

    def test(passage: Passage) -> Observation:
        parts = [part.strip() for part in passage.text.split(PARTING)]
        full = [part for part in parts if part]
        followed = all(parts[1:-1]) and len(full) == 2 and full[0] != full[1]
        return Observation(followed, len(full))

    return test


@constraint("punctuation:no_comma")
def no_comma(_: Arguments) -> Test:
    """There is no comma; in Chinese and Japanese no ， or 、 either."""

    def test(passage: Passage) -> Observation:
        count = sum(map(passage.text.count, ",，、" if passage.unspaced else ","))
        return Observation(count == 0, count)

    return test


@constraint("language:response_language")
def response_language(given: Arguments) -> Test:
    """The answer is in a language, given by its ISO 639-1 code; zh takes both scripts."""
    from verifiers.constraints.languages import language

    wanted = given.text("language").strip().lower()

    def test(passage: Passage) -> Observation:
        found = language(passage.text)
        followed = found in (None, wanted) or (wanted == "zh" and str(found).startswith("zh-"))
        return Observation(followed, found)

    return test
