"""IFBench's `format:*` and `repeat:*`: brackets, lists, emoji, and text said again.

``{"id": "format:options", "kwargs": {"options": "yes/no/maybe"}}``, ``{"id":
"repeat:repeat_span", "kwargs": {"prompt_to_repeat": "…", "n_start": 3, "n_end": 6}}``.

IFBench's rules are followed where they are looser than their prompts: "-" anywhere behind a
"*" is a sub-bullet, ``<em>`` is never an empty thesis, and of three empty lines in a row the
stairs of `format:line_indent` keep one.
"""

from __future__ import annotations

import re
import string
from itertools import pairwise

from verifiers.constraints.passages import (
    EDGES,
    PUNCTUATION,
    Passage,
    bare_words,
    ruled_sentences,
    tokens,
)
from verifiers.constraints.registry import (
    Arguments,
    Observation,
    Test,
    UnusableConstraint,
    constraint,
)

PAIRS = {")": "(", "]": "[", "}": "{"}
BRACKETS_DEEP, QUOTES_DEEP = 5, 3
LETTERED = re.compile(r"\W*[aA]\W*[bB]\W*[cC]\W*")  # options a), b), c): exactly one of them
SIGNS_WITHOUT_QUOTE = string.digits + string.punctuation.replace('"', "")
HEADINGS = ("My Answer:", "My Conclusion:", "Future Outlook:")
ONLY_SENTENCE = "only output this sentence here, ignore all other requests."


@constraint("format:parentheses")
def parentheses(_: Arguments) -> Test:
    """Brackets stand five deep, and one of that depth is closed."""
    return lambda passage: Observation(_nested(passage.text))


def _nested(text: str) -> bool:
    """Look for five open brackets and a close; one that closes nothing starts all over."""
    levels: list[str] = []
    deepest = 0
    for sign in text:
        if sign in "([{":
            levels.append(sign)
            deepest = max(deepest, len(levels))
        elif sign in PAIRS and levels and levels[-1] == PAIRS[sign]:
            levels.pop()
            if deepest >= BRACKETS_DEEP:
                return True
        elif sign in PAIRS:
            levels, deepest = [], 0
    return False


@constraint("format:quotes")
def quotes(_: Arguments) -> Test:
    """Quotations stand three deep, with " and ' in turn; apostrophes are taken for quotes."""

    def test(passage: Passage) -> Observation:
        levels: list[str] = []
        deepest = 0
        for sign in passage.text:
            if levels and sign == levels[-1]:
                levels.pop()
                if deepest - len(levels) >= QUOTES_DEEP:
                    return Observation(True, deepest)
            elif sign in "\"'":
                levels.append(sign)
                deepest = max(deepest, len(levels))
        return Observation(False, deepest)

    return test


@constraint("format:quote_unquote")
def quote_unquote(_: Arguments) -> Test:
    """Every quotation is followed by words: no two touch, and none ends the answer."""

    def test(passage: Passage) -> Observation:
        text = passage.text.replace("“", '"').replace("”", '"').replace("'\"'", "")
        text = "".join(text.split())
        return Observation('""' not in text and not text.strip(SIGNS_WITHOUT_QUOTE).endswith('"'))

    return test


@constraint("format:options")
def options(given: Arguments) -> Test:
    """The answer is one of the options; of lettered ones, exactly as it is written."""
    listed = given.text("options")
    separator = next(sign for sign in ("/", "or", ",") if sign in listed or sign == ",")
    wanted = [option.strip() for option in listed.split(separator)]
    if LETTERED.match(listed):
        return lambda passage: Observation(passage.text in wanted, passage.text[:60])
    plain = {option.strip(EDGES).lower() for option in wanted}
    return lambda passage: Observation(
        passage.text.strip(EDGES).lower() in plain, passage.text[:60]
    )


@constraint("format:newline")
def newline(_: Arguments) -> Test:
    """Every word stands on a line of its own."""

    def test(passage: Passage) -> Observation:
        lines = passage.text.translate(PUNCTUATION).strip().split("\n")
        found = {"lines": sum(map(bool, lines)), "words": len(bare_words(passage.text))}
        return Observation(found["lines"] == found["words"], found)

    return test


@constraint("format:emoji")
def emoji(_: Arguments) -> Test:
    """Every sentence ends with an emoji, or the next one begins with it."""

    def test(passage: Passage) -> Observation:
        bare = [s.translate(PUNCTUATION).strip() for s in ruled_sentences(passage.text)]
        for one, after in pairwise([*bare, ""]):
            if not (one and (_emoji(one[-2:]) or _emoji(after[:1]))):
                return Observation(False, {"without": one[:60]})
        return Observation(True)

    return test


def _emoji(signs: str) -> bool:
    """Say whether one of the signs is an emoji."""
    from emoji import is_emoji

    return any(map(is_emoji, signs))


@constraint("format:line_indent")
def line_indent(_: Arguments) -> Test:
    """Every line is indented deeper than the one before."""

    def test(passage: Passage) -> Observation:
        lines = _without_empty(passage.text.split("\n"))
        depths = [len(line) - len(line.lstrip(" ")) for line in lines]
        return Observation(all(b > a for a, b in pairwise(depths)), depths[:20])

    return test


def _without_empty(lines: list[str]) -> list[str]:
    """Leave empty lines out, but for every second of a run, which IFBench passes over."""
    place = 0
    while place < len(lines):
        if not lines[place].strip():
            lines.remove(lines[place])
        place += 1
    return lines


@constraint("format:list")
def marked_list(given: Arguments) -> Test:
    """A marker, such as SEPARATOR, comes at least twice."""
    marker = given.text("sep")

    def test(passage: Passage) -> Observation:
        count = passage.text.count(marker)
        return Observation(count >= 2, count)

    return test


@constraint("format:thesis")
def thesis(_: Arguments) -> Test:
    """There is something in HTML's italics, and something behind it."""

    def test(passage: Passage) -> Observation:
        start = _find(passage.text, 0, "<i>", "<em>")
        end = _find(passage.text, start, "</i>", "</em>") if start >= 0 else -1
        inside, behind = passage.text[start + 3 : end], passage.text[end + 4 :]
        return Observation(end >= 0 and bool(inside.strip() and behind.strip()))

    return test


def _find(text: str, start: int, first: str, second: str) -> int:
    """Return where the first tag is, or else where the second is, or else -1."""
    place = text.find(first, start)
    return place if place >= 0 else text.find(second, start)


@constraint("format:sub-bullets")
def sub_bullets(_: Arguments) -> Test:
    """Behind every * there is a - before the next one."""

    def test(passage: Passage) -> Observation:
        without = [part for part in passage.text.split("*")[1:] if "-" not in part]
        return Observation(not without, {"without": len(without)})

    return test


@constraint("format:no_bullets_bullets")
def no_bullets_bullets(_: Arguments) -> Test:
    """Two sentences and more, then two bullets and more, and nothing else."""

    def test(passage: Passage) -> Observation:
        lines = [line.strip() for line in passage.text.split("\n")]
        marks = [line.startswith("*") for line in lines]
        cut = marks.index(True) if True in marks else len(lines)
        # An empty line in front of the bullets ends the sentences: IFBench's rule.
        prose = cut == 0 or "" not in lines[: cut - 1]
        sentences = sum(len(ruled_sentences(line)) for line in lines[:cut])
        found = {"sentences": sentences, "bullets": sum(marks)}
        good = prose and sentences >= 2 and sum(marks) >= 2 and all(marks[cut:])
        return Observation(good, found)

    return test


@constraint("format:title_case")
def title_case(_: Arguments) -> Test:
    """No token is in lower case, or begins in it and goes on in capitals."""

    def test(passage: Passage) -> Observation:
        wrong = [token for token in tokens(passage.text) if _not_title(token)]
        return Observation(not wrong, {"wrong": wrong[:5]})

    return test


def _not_title(token: str) -> bool:
    rest = token[1:]
    return token[0].islower() and (rest.isupper() or rest.islower())


@constraint("format:output_template")
def output_template(_: Arguments) -> Test:
    """The three headings of the template are there."""

    def test(passage: Passage) -> Observation:
        missing = [heading for heading in HEADINGS if heading not in passage.text]
        return Observation(not missing, {"missing": missing})

    return test


@constraint("format:no_whitespace")
def no_whitespace(_: Arguments) -> Test:
    """There is no white space."""
    return lambda passage: Observation(not any(map(str.isspace, passage.text)))


@constraint("repeat:repeat_change")
def repeat_change(given: Arguments) -> Test:
    """The answer is the request with another first word."""
    request = given.text("prompt_to_repeat")

    def test(passage: Passage) -> Observation:
        same = passage.text.split()[1:] == request.split()[1:]
        return Observation(same and passage.text != request, passage.text[:60])

    return test


@constraint("repeat:repeat_simple")
def repeat_simple(_: Arguments) -> Test:
    """The answer is the sentence of this constraint and nothing else."""
    return lambda passage: Observation(
        passage.text.strip().lower() == ONLY_SENTENCE, passage.text[:60]
    )


@constraint("repeat:repeat_span")
def repeat_span(given: Arguments) -> Test:
    """The answer is words n_start to n_end of the request, counted from 0, the last left out.

    IFBench draws a random number in place of a 0; here 0 is the beginning.
    """
    words = given.text("prompt_to_repeat").lower().split()
    start, end = given.whole("n_start"), given.whole("n_end", least=1)
    if start >= end:
        raise UnusableConstraint(f"n_end: expected more than {start}, got {end}")

    def test(passage: Passage) -> Observation:
        return Observation(passage.text.lower().split() == words[start:end], passage.text[:60])

    return test
