"""Finds the final answer in what a response says after thinking; in one pass over it.

Looked for in this order, and nothing else counts, so a number in prose never does::

    … so the area is $\\boxed{15}$.                the last box; neighbouring ones are merged
    Therefore, the answer is 15 cm².              what follows the last such phrase
    #### 15                                       the same
    15                                            a text that is one expression, all of it

The text between ``<answer>`` tags takes the place of the whole where there are tags.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

MAX_ANCHORED_WORDS = 6  # "the answer is no real solutions" is an answer, a sentence is not
MAX_WHOLE_WORDS = 4
MAX_LINE = 2_000  # characters behind a phrase that are looked at

BRACE = re.compile(r"\\(?:boxed|fbox|framebox)\s*(\{)?|\\.|[{}]", re.DOTALL)
UNBRACED = re.compile(r"\\(?:boxed|fbox)\s+([^\s$\\{}.,;]+)")
BETWEEN_BOXES = re.compile(
    r"(?:[\s$,;.、，；]|\\[\[\]()]|\\q?quad|\\[,;:! ]|\\text\s*\{\s*(?:and|or)\s*\}"
    r"|\b(?:and|or)\b|和|或|与|及)*"
)
ALTERNATIVE = re.compile(r"\b(?:or)\b|或")
# Every gap is bounded, so that a long run of spaces costs no more than its length.
ANCHOR = re.compile(
    r"\banswer\s{0,3}(?:choice|option)?\s{0,3}(?:is|are|would be|should be|equals|was)\b"
    r"\s{0,3}[:：]?"
    r"|\banswer\W{0,4}[:：=]|\banswer\*\*\s{0,3}\n|####"
    r"|(?:^|\n)A:\s(?=[^\n]*\s*\Z)"  # a last line "A: 18"
    r"|答案\s{0,3}(?:应该|应当)?(?:是|为|[:：])\s{0,3}[:：]?|(?:故|应|因此)选[:：]?",
    re.IGNORECASE,
)
DELIMITED = re.compile(
    r"\s*(?:\$\$(.{1,2000}?)\$\$|\$([^$\n]{1,2000})\$|\\\((.{1,2000}?)\\\)|\\\[(.{1,2000}?)\\\])",
    re.DOTALL,
)
SENTENCE_END = re.compile(r"[.?？](?=\s|$)|(?<=[A-Za-z])!(?=\s|$)|\n|[。！]")
MARKDOWN = re.compile(r"\*\*|__|^#+\s*|^>\s*|`")
PROSE = re.compile(
    r"\b(?:because|since|which|that|therefore|thus|hence|we|i|it|this|there|have|has|had|get|gets|so|"
    r"if|then|must|can|cannot|think|maybe|probably|either|about|approximately|around|roughly|"
    r"problem|question|was|were|when|where|what|how|let|ran|out)\b",
    re.IGNORECASE,
)
COMMAND = re.compile(r"\\[A-Za-z]+")
WORD = re.compile(r"[A-Za-z]{2,}")
HAN = re.compile(r"[\u4e00-\u9fff]")
MAX_HAN = 8
NOT_ANSWERED = re.compile(r"\s*(?:unknown|undetermined|not given|n/a)?\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Extraction:
    """A final answer as it stands in the response, and how it was found."""

    text: str
    how: str


def extract(text: str) -> Extraction | None:
    """Return the final answer of a text that follows the think part, or None."""
    if "\\boxed" in text or "\\fbox" in text:
        return _boxed(text)  # an empty box, or one that never closes, is no answer
    return _anchored(text) or _whole(text)


# Boxes


def _boxed(text: str) -> Extraction | None:
    found = boxes(text)
    if found is None:
        return None
    if not found:
        single = UNBRACED.findall(text)
        return Extraction(single[-1], "box") if single else None
    run = _last_run(text, found)
    contents = dict.fromkeys(text[start:end].strip() for start, end, _ in run)  # 6 and again 6
    joined = _joiner(text, run).join(contents)
    return Extraction(joined, "box") if joined else None


Box = tuple[int, int, int]  # content's start and end, and where the command begins


def boxes(text: str) -> list[Box] | None:
    """Return all outermost boxes in order, or None where the last one never closes."""
    stack: list[int] = []  # for each open brace the place of its box command, or -1
    starts: list[int] = []
    found: list[Box] = []
    for match in BRACE.finditer(text):
        token = match[0]
        if match[1]:
            stack.append(match.start())
            starts.append(match.end())
        elif token == "{":
            stack.append(-1)
            starts.append(match.end())
        elif token == "}" and stack:
            command, start = stack.pop(), starts.pop()
            if command >= 0:
                while found and found[-1][2] > command:  # boxes inside of this one
                    found.pop()
                found.append((start, match.start(), command))
    unclosed = [command for command in stack if command >= 0]
    return None if unclosed and unclosed[-1] > (found[-1][2] if found else -1) else found


def _last_run(text: str, found: list[Box]) -> list[Box]:
    """Return the last box and those in front of it with nothing but "and" between."""
    run = [found[-1]]
    for box in reversed(found[:-1]):
        if not BETWEEN_BOXES.fullmatch(text, box[1] + 1, run[0][2]):
            break
        run.insert(0, box)
    return run


def _joiner(text: str, run: list[Box]) -> str:
    between = (text[a[1] + 1 : b[2]] for a, b in pairwise(run))
    return r" \text{ or } " if any(map(ALTERNATIVE.search, between)) else ", "


# Phrases


def _anchored(text: str) -> Extraction | None:
    """Return what follows the last phrase that announces an answer."""
    ends = [match.end() for match in ANCHOR.finditer(text)]
    if not ends:
        return None
    line = first_line(text[ends[-1] : ends[-1] + MAX_LINE])
    if delimited := DELIMITED.match(line):
        rest = line[delimited.end() :].strip(" .。*")
        inner = next(group for group in delimited.groups() if group)
        if not rest or PROSE.match(rest.lstrip(", ")):
            return Extraction(inner.strip(), "phrase")
    candidate = sentence(line)
    return Extraction(candidate, "phrase") if is_answer(candidate, MAX_ANCHORED_WORDS) else None


def first_line(text: str) -> str:
    """Return the first line that holds anything, a formula over several lines with it."""
    stripped = MARKDOWN.sub("", text).lstrip(" \t\r\n:：")
    if delimited := DELIMITED.match(stripped):
        end = stripped.find("\n", delimited.end())
    else:
        end = stripped.find("\n")
    return stripped if end < 0 else stripped[:end]


def sentence(line: str) -> str:
    """Return a line up to the end of its first sentence, outer punctuation removed."""
    end = SENTENCE_END.search(line)
    return (line[: end.start()] if end else line).strip(" ,，:：").rstrip(" .。")


# Whole texts


def _whole(text: str) -> Extraction | None:
    if len(text) > MAX_LINE:
        return None
    lines = [line for line in MARKDOWN.sub("", text).strip().splitlines() if line.strip()]
    candidate = " ".join(line.strip() for line in lines).strip().rstrip(" .。")
    return Extraction(candidate, "whole") if is_answer(candidate, MAX_WHOLE_WORDS) else None


def is_answer(text: str, words: int) -> bool:
    """Say whether a text is wholly one answer: a formula, or a few words that aren't prose."""
    if not text or NOT_ANSWERED.match(text):
        return False
    bare = COMMAND.sub(" ", text)
    if PROSE.search(bare) or len(HAN.findall(bare)) > MAX_HAN:
        return False
    return len([word for word in WORD.findall(bare) if word.lower() not in NO_WORDS]) <= words


NO_WORDS = frozenset({"or", "and", "to", "the", "sin", "cos", "tan", "log", "ln", "sqrt", "pi"})
