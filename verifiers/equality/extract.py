"""Finds the final answer in what a response says after thinking; in one pass over it.

Looked for in this order, and nothing else counts, so a number in prose never does::

    … so the area is $\\boxed{15}$.                the last box; neighbouring ones are merged
    Therefore, the answer is 15 cm².              what follows the last such phrase
    #### 15                                       the same
    15                                            a text that is one expression, all of it
    … hence the area is $15$.                     the result that the last line ends in

The text between ``<answer>`` tags takes the place of the whole where there are tags.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from verifiers.equality.conclusion import DECLARED, PROSE, bare, concluded, listed
from verifiers.equality.spelled import DAYS, MONTHS
from verifiers.equality.text import balanced

MAX_ANCHORED_WORDS = 6  # "the answer is no real solutions" is an answer, a sentence is not
MAX_WHOLE_WORDS = 4
MAX_LINE = 2_000  # characters behind a phrase that are looked at

BRACE = re.compile(r"\\(?:boxed|fbox|framebox)\s*(\{)?|\\.|[{}]", re.DOTALL)
UNBRACED = re.compile(r"\\(?:boxed|fbox)\s+([^\s$\\{}.,;]+)")
BETWEEN_BOXES = re.compile(
    r"(?:[\s$,;.、，；]|\\[\[\]()]|\\q?quad|\\[,;:! ]|\\text\s*\{\s*(?:and|or)\s*\}"
    r"|\b(?:and|or)\b|和|或|与|及|[A-Za-z](?:_\w)?\s?=)*"
)
EXTREMES = re.compile(  # The maximum is 5 and the minimum value is −3
    r"[\s$,;]{0,20}(?:and )?(?:(?:the|its) )?"
    r"(?:max|min|maximum|minimum|largest|smallest|greatest|least)"
    r"\b(?: value)?(?: of [^.]{1,30})?(?: is|:| =)?[\s$]{0,20}"
)
FORMULA_END = re.compile(r"\$|\\[\])]|\n")
PART = re.compile(r"[\s*#-]*(?:Part\s*)?\(?([a-f1-6]|i{1,3}|iv)\)")
NAME_BEFORE = re.compile(r"(?<![A-Za-z\\])([A-Za-z](?:_\w)?)\s?=\s?$")
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
MARKDOWN = re.compile(r"\*\*([^*\n]+)\*\*|__([^_\n]+)__|^#+\s*|^>\s*|`")
TEXT_ONLY = re.compile(r"(?:\\text\s*\{)?((?=[A-Z])[A-Za-z0-9 .,'$]{8,200})\}?")
PLAIN_NUMBER = re.compile(r"\$?\d[\d,]*(?:\.\d+)?")
NEGATION = re.compile(r"\b(?:not|no|more|less|fewer|least|most|or|than)\b", re.IGNORECASE)
DATED = re.compile(rf"\b(?:{'|'.join((*MONTHS, *DAYS))})\b", re.IGNORECASE)
LISTED = re.compile(r"[|]|[-*•]\s|\d+[.)]\s")  # tables and lists are no one expression
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
    if ANCHOR.search(text):
        return _anchored(text)
    return _whole(text) or _concluded(text)


# Boxes


def _boxed(text: str) -> Extraction | None:
    found = boxes(text)
    if found is None:
        return _unclosed(text)
    if not found:
        single = UNBRACED.findall(text)
        return Extraction(single[-1], "box") if single else None
    if parts := _parts(text, found):
        return Extraction(parts, "box")
    run = _last_run(text, found)
    contents = dict.fromkeys(_labelled(text, box, len(run)) for box in run)  # 6 and again 6
    joined = counted(bare(_joiner(text, run).join(contents)))
    return Extraction(joined, "box") if joined else None


def _unclosed(text: str) -> Extraction | None:
    """Return the content of a last box that lacks its brace, where its formula does end.

    At the end of the text the answer may be cut off; then an earlier phrase counts.
    """
    start = max(text.rfind("\\boxed{") + len("\\boxed{"), text.rfind("\\fbox{") + len("\\fbox{"))
    end = FORMULA_END.search(text, start)
    inner = text[start : end.start()].strip() if end else ""
    if inner and balanced(inner):
        return Extraction(inner, "box")
    return _anchored(text[: text.rfind("\\", 0, start)])


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


def _parts(text: str, found: list[Box]) -> str:
    """Return all boxes, as (a) 3; (b) 5, where each closes a part of its own; else nothing."""
    names = [PART.match(text[text.rfind("\n", 0, box[2]) + 1 : box[2]]) for box in found]
    labels = [name[1] for name in names if name]
    if not 1 < len(labels) == len(found) == len(set(labels)):
        return ""
    pairs = zip(labels, found, strict=True)
    return "; ".join(f"({label}) {text[start:end].strip()}" for label, (start, end, _) in pairs)


def _last_run(text: str, found: list[Box]) -> list[Box]:
    """Return the last box and those in front of it with nothing but "and" between."""
    run = [found[-1]]
    for box in reversed(found[:-1]):
        between = (text, box[1] + 1, run[0][2])
        if not (BETWEEN_BOXES.fullmatch(*between) or EXTREMES.fullmatch(*between)):
            break
        run.insert(0, box)
    return run


def _labelled(text: str, box: Box, run: int) -> str:
    """Return a box's content, with the name in front of it where there are several boxes."""
    start, end, command = box
    name = NAME_BEFORE.search(text, max(0, command - 12), command) if run > 1 else None
    content = text[start:end].strip()
    return f"{name[1]}={content}" if name and "=" not in content else content


def counted(content: str) -> str:
    """Return a boxed sentence with one number in it from that number on: 7 apples left."""
    sentence = TEXT_ONLY.fullmatch(content)
    numbers = PLAIN_NUMBER.findall(sentence[1]) if sentence else []
    if not sentence or len(numbers) != 1 or NEGATION.search(sentence[1]):
        return content
    if DATED.search(sentence[1]):  # March 14 is no count, and not April 14
        return content
    return sentence[1][sentence[1].index(numbers[0]) :].strip(" .")


def _joiner(text: str, run: list[Box]) -> str:
    between = (text[a[1] + 1 : b[2]] for a, b in pairwise(run))
    return r" \text{ or } " if any(map(ALTERNATIVE.search, between)) else ", "


# Phrases


def _anchored(text: str) -> Extraction | None:
    """Return what follows the last phrase that announces an answer."""
    ends = [match.end() for match in ANCHOR.finditer(text)]
    if not ends:
        return None
    after = text[ends[-1] : ends[-1] + MAX_LINE]
    if items := listed(after):
        return Extraction(items, "phrase")
    line = first_line(after)
    if delimited := DELIMITED.match(line):
        rest = line[delimited.end() :].strip(" .。*")
        inner = next(group for group in delimited.groups() if group)
        if not rest or PROSE.match(rest.lstrip(", ")):
            return Extraction(inner.strip(), "phrase")
    candidate = bare(sentence(line))
    return Extraction(candidate, "phrase") if is_answer(candidate, MAX_ANCHORED_WORDS) else None


def first_line(text: str) -> str:
    """Return the first line that holds anything, a formula over several lines with it."""
    stripped = unmarked(text).lstrip(" \t\r\n:：")
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


def unmarked(text: str) -> str:
    """Return a text without Markdown's signs."""
    return MARKDOWN.sub(lambda match: match[1] or match[2] or "", text)


def _whole(text: str) -> Extraction | None:
    if len(text) > MAX_LINE:
        return None
    lines = [line for line in unmarked(text).strip().splitlines() if line.strip()]
    if len(lines) > 1 and any(LISTED.match(line.strip()) for line in lines):
        return None
    candidate = bare(" ".join(line.strip() for line in lines).strip().rstrip(" .。"))
    return Extraction(candidate, "whole") if is_answer(candidate, MAX_WHOLE_WORDS) else None


def _concluded(text: str) -> Extraction | None:
    """Return what the last line ends in, where no phrase announces an answer."""
    found = concluded(text)
    candidate = bare(found.strip()) if found else ""
    return Extraction(candidate, "conclusion") if is_answer(candidate, MAX_WHOLE_WORDS) else None


def is_answer(text: str, words: int) -> bool:
    """Say whether a text is wholly one answer: a formula, or a few words that aren't prose."""
    if not text or NOT_ANSWERED.match(text):
        return False
    if "\\begin{cases}" in text:  # its conditions hold words
        return True
    bare = COMMAND.sub(" ", DECLARED.sub("", text))
    if PROSE.search(bare) or len(HAN.findall(bare)) > MAX_HAN:
        return False
    return len([word for word in WORD.findall(bare) if word.lower() not in NO_WORDS]) <= words


NO_WORDS = frozenset({"or", "and", "to", "the", "sin", "cos", "tan", "log", "ln", "sqrt", "pi"})
