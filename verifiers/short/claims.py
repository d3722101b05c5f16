"""Finds what a response to a multiple-choice question says its answer is; in one pass over it.

Looked for in this order::

    \\boxed{\\text{(C)}}  \\boxed{pearls}               the last box
    The correct answer is C.   答案是C   故选 C         what follows the last such phrase
    Option C is correct.   C项正确                      one option that is said to be right
    **C) pearls**   C   pearls   the third option      the last line, or else the first one
    So it is made of reefs (option A).                 brackets at the end of the last line

A claim names one option or several; it is hedged ("maybe C", "C or D"), or at odds with itself
("C. coral", when C is pearls). A letter in prose is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from verifiers.equality.extract import boxes
from verifiers.short.options import Options
from verifiers.short.words import clean

MAX_PHRASES = 20  # phrases that are looked at, from the end
MAX_LINE = 3_000  # characters behind a phrase that are looked at
GOOD = r"(?:correct|right|best|final|appropriate|accurate)"
ANSWER = (
    rf"(?:(?:{GOOD}\s+)?answers?|(?:{GOOD}|my|our)\s+(?:choice|option|selection))"
    r"(?:\s+(?:choice|option|letter|to (?:this|the) question))?(?:\s+(?:here|then|therefore|thus))?"
)
VERB = r"(?:is|are|was|would be|should be|must be|has to be|(?P<modal>might be|may be|could be))"
ANCHOR = re.compile(
    rf"\b{ANSWER}\s*(?:{VERB}\b\s*:?|[:=]|→|⇒)"
    rf"|\b{ANSWER}\s*\n+"
    r"|\b(?:I|we)(?:'d| would| will|'ll)?\s+(?:choose|select|pick|go with|opt for)\b"
    r"|####"
    r"|(?:正确)?(?:答案|选项)\s*(?:应该|应当|应|(?P<doubt>可能|也许|大概|或许))?\s*(?:是|为|选|[:：])+"
    r"|(?:故|应|因此|所以|本题|我)\s*(?:选择?)\s*[:：]?"
    r"|(?:故|因此|所以|综上)[^。；\n]{0,8}(?:正确|错误|有误|符合(?:题意)?)的(?:选项|叙述|说法|一?项)?"
    r"(?:是|为)\s*[:：]?",
    re.IGNORECASE,
)
CORRECT = re.compile(
    r"(?<![A-Za-z0-9])\(?(?P<label>[A-Z]|\d{1,2})\)?(?![A-Za-z0-9'’])"
    r"(?P<gap>(?:(?!(?<![A-Za-z0-9])[A-Z](?![A-Za-z0-9'’]))[^.;\n。；]){0,200}?)\s*"
    r"(?:(?<!not )\b(?:is|are)\s+(?:(?:the|therefore|indeed|only)\s+){0,3}"
    r"(?:correct|right|best|true|most (?:accurate|appropriate|suitable|likely))\b"
    r"(?!\s+(?:about|that|when|if|only))|(?:选?项)?(?:是)?正确)"
)
OTHER_BEFORE = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z]|\d{1,2})\)?\s*(?:,|，|、|/|&|\band\b|和|与|及)\s*\(?\Z"
)
PLURAL = re.compile(r"\bare\b|正确\Z")
IN_BRACKETS = re.compile(r"\(\s*(?:option|choice|answer|选项)\s*([A-Z])\s*\)\W*\Z", re.IGNORECASE)
FILLER = re.compile(
    r"(?:(?:(?:definitely|clearly|therefore|thus|hence|indeed|simply|obviously|certainly|both|then"
    r"|so|most likely|still|again|that|the|is|as follows|given by|option|choice|answer|letter"
    r"|it is|it's|I (?:think|believe|would say)"
    r"|(?P<hedge>probably|possibly|perhaps|maybe|likely|either|I guess))(?![A-Za-z])"
    r"|我(?:觉得|认为)|选项|选择|选|是|为|(?P<doubt>我不确定|(?:可能|也许|大概|或许)是?))[\s:：,，]*)+",
    re.IGNORECASE,
)
# Marks that mean nothing at the beginning of an answer; "-" does before a number, "." before any.
LEADING = re.compile(
    r"(?:[\s*_`#>•\"'“”:：=$,，—]|[-–](?=\s(?!\s*[\d.$\\])|\Z|\*)|\.(?=\s|\Z|\*))+"
)
TRAILING = " \t\r\n*_`\"'“”:：$.,，"
HEDGE = re.compile(
    r"\b(?:either|maybe|perhaps|possibly|probably|might|not (?:entirely )?(?:sure|certain)|unsure"
    r"|uncertain|a guess|guessing|cannot (?:tell|decide)|hard to say)\b|可能|也许|大概|或许|不确定",
    re.IGNORECASE,
)
NEGATED = re.compile(r"(?:not|neither|none but|不是|并非)\b", re.IGNORECASE)
JOINED = (
    r"\s*(?P<how>,?\s*(?:and|or)\b|[,&/、;]|和|与|及|以及|或)\s*"
    r"(?:(?:maybe|possibly|also|option)\s+)*"
)
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()  # noqa: SIM905
ORDINAL = re.compile(
    rf"(?:the\s+)?({'|'.join(ORDINALS)}|last)\s+(?:option|choice|answer|one)\b", re.IGNORECASE
)
BRACKETED = re.compile(r"\s*\(\s*([A-Z]|\d{1,2})\s*\)")
SEPARATOR = re.compile(r"\A\s*[)\].:、]+")
BESIDE = re.compile(
    r"[^\w(]*(?:which is|that is|i\.e\.|namely)?\s*(?:the\s+)?(?:option|choice|answer|letter)?\s*"
    r"(?:\(\s*([A-Z]|\d{1,2})\s*\)|(?<=\w )([A-Z])(?![A-Za-z'’]))"
)
AFTER_LABEL = re.compile(
    r"\s*(?:$|[).:,;–—(\[=/&、，。；：！!?？]|-\s|\n|选?项|正确|和|与|及|或"
    r"|(?:because|since|as|which|and|or|is|with|for|but|option)\b)"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a response says its answer is: options, or only a text; and how it was found."""

    labels: frozenset[str]
    text: str
    how: str
    hedged: bool = False
    contradictory: bool = False


class Finder:
    """Finds claims about one question's options; without options, about letters alone."""

    def __init__(self, options: Options | None) -> None:
        self._options = options
        if options is None:
            self._labels = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        else:
            self._labels = frozenset(options.labels)
        self._broad = options is not None and any("\n" in one.strip() for one in options.texts)
        one = r"\d{1,2}" if options and options.numbered else r"[A-Z]"
        small = one if one[0] == "\\" else "[A-Za-z]"
        bare = rf"(?P<bare>{one})(?![A-Za-z0-9'’])"
        self._label = re.compile(
            rf"\(\s*(?P<round>{small})\s*\)|\[\s*(?P<square>{one})\s*\]|{bare}"
        )
        self._more = re.compile(rf"{JOINED}(?:{self._label.pattern})")
        self._run = re.compile(r"[A-Z]{2,10}(?![A-Za-z0-9'’])")
        self._lone = re.compile(rf"\(?\s*({small})\s*[.)]?")

    def find(self, text: str) -> Claim | None:
        """Return the claim of a text that follows the think part, None where it is empty."""
        if not text.strip():
            return None
        if (self._broad or "\n" not in text.strip()) and (claim := self._exact(text)):
            return claim
        claim = self._boxed(text) or self._anchored(text)
        if claim is None and "\n" not in text.strip():
            claim = self.read(text, "line", whole=True)  # an option may say what is correct
        return claim or self._correct(text) or self._line(text)

    def _exact(self, text: str) -> Claim | None:
        """Return the option that a text is, word for word; it may hold a phrase of its own."""
        same = self._options.exactly(bare(clean(text))) if self._options else frozenset()
        return Claim(same, text, "line") if same else None

    def _boxed(self, text: str) -> Claim | None:
        found = boxes(text) if "\\boxed" in text or "\\fbox" in text else None
        if not found:
            return None
        contents = text[found[-1][0] : found[-1][1]]
        return self.read(contents, "box") or Claim(frozenset(), clean(contents), "box")

    def _anchored(self, text: str) -> Claim | None:
        """Return the last claim behind a phrase that names an option, else the last text."""
        matches = list(ANCHOR.finditer(text))
        for match in reversed(matches[-MAX_PHRASES:]):
            start = text.rfind("\n", 0, match.start()) + 1
            before = re.split(r"[.!?。！？]\s", text[start : match.start()])[-1]
            claim = self.read(self._behind(text, match.end()), "phrase")
            if claim:
                hedged = HEDGE.search(before) or match["modal"] or match["doubt"]
                return _hedged(claim, bool(hedged))
        if not matches:
            return None
        line = bare(clean(self._behind(text, matches[-1].end())))
        return None if NEGATED.match(line) or not line else Claim(frozenset(), line, "phrase")

    def _behind(self, text: str, place: int) -> str:
        """Return what follows a phrase: a line, or more where options have several."""
        return text[place : place + MAX_LINE] if self._broad else first_line(text[place:])

    def _correct(self, text: str) -> Claim | None:
        """Return the one option that is said to be correct; none where there are several.

        "A, B and D are correct" leads to the one that is not.
        """
        text = clean(text)
        found = [m for m in CORRECT.finditer(text) if m["label"] in self._labels]
        found = [m for m in found if not self._label.search(m["gap"])]
        found = [
            m
            for m in found
            if not (PLURAL.search(m[0]) and OTHER_BEFORE.search(text[: m.start()][-12:]))
        ]
        labels = frozenset(match["label"] for match in found)
        return Claim(labels, found[-1][0], "correct") if len(labels) == 1 else None

    def _line(self, text: str) -> Claim | None:
        lines = [line for line in text.splitlines() if bare(line)]
        if not lines:
            return None
        for line in dict.fromkeys((lines[-1], lines[0])):
            if claim := self.read(line, "line", whole=True):
                return claim
        if (last := IN_BRACKETS.search(clean(lines[-1]))) and last[1].upper() in self._labels:
            return Claim(frozenset({last[1].upper()}), last[0], "line")
        if len(lines) == 1:
            return Claim(frozenset(), clean(lines[0]), "line", hedged=False)
        return Claim(frozenset(), "", "none")

    def read(self, candidate: str, how: str, whole: bool = False) -> Claim | None:
        """Return the claim that a candidate begins with; `whole` lines have to be one."""
        text = led(clean(candidate))
        if self._options and (same := self._options.exactly(bare(text))):
            return Claim(same, text, how)
        if self._options and (claim := self._by_text(text, how)):
            return claim
        hedged = False
        if filler := FILLER.match(text):
            hedged, text = bool(filler["hedge"] or filler["doubt"]), led(text[filler.end() :])
        if NEGATED.match(text):
            return None
        claim = self._by_label(text, how, whole) or self._by_text(text, how)
        return _hedged(claim, hedged) if claim else None

    def _by_label(self, text: str, how: str, whole: bool) -> Claim | None:
        if lone := self._lone.fullmatch(bare(text)):
            label = lone[1].upper()
            return Claim(frozenset({label}), text, how) if label in self._labels else None
        if run := self._run.match(text):
            return self._several(run[0], text[run.end() :], how)
        match = self._label.match(text)
        if match is None or _name(match) not in self._labels or not self._stands(match, text):
            return None
        labels, place, joined_by_or = {_name(match)}, match.end(), False
        while (more := self._more.match(text, place)) and _name(more) in self._labels:
            if more["bare"] and not self._stands(more, text):
                break
            labels.add(_name(more))
            joined_by_or = joined_by_or or more["how"].strip(", ") in ("or", "或", "/")
            place = more.end()
        return self._beside(frozenset(labels), text, place, how, joined_by_or, whole)

    def _beside(
        self, labels: frozenset[str], text: str, place: int, how: str, hedged: bool, whole: bool
    ) -> Claim | None:
        """Look at what stands behind labels: an option's text, which may be another's, a hedge."""
        rest = led(SEPARATOR.sub("", text[place:], count=1))
        there = self._said(rest) or self._said(rest.removeprefix("-").lstrip())
        known = bool(there) or not self._options
        if whole and rest and not known and not re.match(r"\s*[).:\]–—-]", text[place:]):
            return None
        odd = BRACKETED.match(text, place)
        two = odd is not None and odd[1] in self._labels - labels
        contradictory = two or (bool(there) and len(labels) == 1 and not labels & there)
        hedged = hedged or (not there and bool(HEDGE.search(rest[:80])))
        return Claim(labels, text[:200], how, hedged, contradictory)

    def _said(self, rest: str) -> frozenset[str]:
        """Return the options whose text a rest begins with."""
        return self._options.beginning(rest)[0] if self._options and rest else frozenset()

    def _stands(self, match: re.Match[str], text: str) -> bool:
        """Say whether a letter is a label and not a word: I think …, A pearl."""
        if not match["bare"]:
            return True
        rest = text[match.end() :]
        if AFTER_LABEL.match(rest):
            return True
        return bool(self._options and self._options.beginning(led(rest))[0])

    def _several(self, run: str, rest: str, how: str) -> Claim | None:
        """Read BD as two letters, if both are labels, in order, and nothing follows but an end."""
        good = set(run) <= self._labels and list(run) == sorted(set(run))
        if not good or not AFTER_LABEL.match(rest):
            return None
        return Claim(frozenset(run), run, how)

    def _by_text(self, text: str, how: str) -> Claim | None:
        if self._options is None:
            return None
        if ordinal := ORDINAL.match(text):
            word = ordinal[1].lower()
            place = -1 if word == "last" else ORDINALS.index(word)
            if place < len(self._options.labels):
                return Claim(frozenset({self._options.labels[place]}), text, how)
        labels, rest = self._options.beginning(text)
        if not labels or any(self._options.text(label) in self._labels for label in labels):
            return None  # options that are called like labels are chosen by their labels
        beside = BESIDE.match(rest)
        named = (beside[1] or beside[2]) if beside else None
        odd = named is not None and named in self._labels and named not in labels
        return Claim(labels, text[:200], how, bool(HEDGE.search(rest[:80])), odd)


def _name(match: re.Match[str]) -> str:
    return (match["round"] or match["square"] or match["bare"]).upper()


def _hedged(claim: Claim, hedged: bool) -> Claim:
    if not hedged:
        return claim
    return Claim(claim.labels, claim.text, claim.how, True, claim.contradictory)


def first_line(text: str) -> str:
    """Return the first line that holds more than marks."""
    lines = text[:MAX_LINE].split("\n")
    return next((line for line in lines if bare(line)), "")


def led(text: str) -> str:
    """Return a text without the marks that it begins with."""
    found = LEADING.match(text)
    return text[found.end() :] if found else text


def bare(text: str) -> str:
    """Return a text without the marks that it begins and ends with."""
    return led(text).rstrip(TRAILING)
