"""Compares scripts, Chinese characters and Latin letters: answer and prompt, or in one text.

An English question answered in Chinese is a clear case; a Chinese question whose answer
is mostly code and formulas is none, so code and formulas are left out of the count.

This tells scripts apart, not languages: French for an English question passes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

SCAN_CHARS = 60_000  # of a think part; a guess: 15,000 tokens
SAMPLE_CHARS = 8000  # the beginning is enough, and bounds the time
NOT_PROSE = re.compile(
    r"```.{0,8000}?(?:```|\Z)|`[^`\n]*`|\$\$[^$]*\$\$|\$[^$\n]*\$"
    r"|\\\[.{0,2000}?\\\]|\\\(.{0,500}?\\\)|\\[A-Za-z]+|https?://\S+|</?\w+>",
    re.DOTALL,
)
CODE_SIGN = re.compile(r"[=;{}()\[\]<>]")
CODE_SIGNS = 3  # a line with so many is code without a fence; a guess
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
LATIN_WORD = re.compile(r"[A-Za-z]{3,}")
# A prompt that speaks of another language may well want its answer there.
ASKS_FOR_LANGUAGE = re.compile(
    r"translat|chinese|mandarin|english|pinyin|language|翻译|中文|汉语|英文|英语|语言|单词|拼音",
    re.I,
)
QUOTED = re.compile(r"[“\"'‘「《]([A-Za-z]{2,30})[”\"'’」》]")


@dataclass(frozen=True, slots=True)
class Script:
    """How many Chinese characters and how many Latin words of three letters and more."""

    han: int
    words: int

    @property
    def han_share(self) -> float:
        """Chinese characters among all units; a Chinese word has about two of them."""
        total = self.han / 2 + self.words
        return self.han / 2 / total if total else 0.0


def script_of(text: str) -> Script:
    """Count the script of a text's beginning, code and formulas left out."""
    lines = NOT_PROSE.sub(" ", text[:SAMPLE_CHARS]).splitlines()
    prose = "\n".join(line for line in lines if len(CODE_SIGN.findall(line)) < CODE_SIGNS)
    return Script(len(HAN.findall(prose)), len(LATIN_WORD.findall(prose)))


def mismatch(prompt: str, answer: str, least_units: int, clear_share: float) -> str | None:
    """Return "latin, han" or "han, latin" where prompt and answer clearly differ, else None.

    Clear means that prompt and answer have at least `least_units` words or characters of
    their script, and `clear_share` of all units. An answer that uses a word which the prompt
    quotes in Latin letters may be the sentence that was asked for.
    """
    asked_in, answered = prompt[:SAMPLE_CHARS], answer[:SAMPLE_CHARS].casefold()
    if ASKS_FOR_LANGUAGE.search(asked_in):
        return None
    if any(word.casefold() in answered for word in QUOTED.findall(asked_in)):
        return None
    asked, given = script_of(prompt), script_of(answer)
    for name, first, second in (("latin, han", asked, given), ("han, latin", given, asked)):
        latin = first.words >= least_units and first.han_share <= 1 - clear_share
        han = second.han >= least_units and second.han_share >= clear_share
        if latin and han:
            return name
    return None


HAN_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]{2,}")
LATIN_RUN = re.compile(r"(?:[A-Za-z]{2,}[ ,]{1,2}){5,}[A-Za-z]{2,}")  # a clause, no name or term


def mixing(text: str, prompt: str, least: int, share: float) -> dict[str, Any] | None:
    """Return what is mixed into a text of the other script, None where that is little.

    In an English text, Chinese words count; in a Chinese one, English clauses of six words and
    more, since single words are terms, names and code. Little is less than `least` characters or
    words, or less than `share` of all. A prompt that holds or asks for both scripts allows it.
    """
    if len(HAN.findall(text[:SCAN_CHARS])) < least:
        return None
    asked = script_of(prompt)
    if ASKS_FOR_LANGUAGE.search(prompt[:SAMPLE_CHARS]) or (asked.han and asked.words > least):
        return None
    prose = NOT_PROSE.sub(" ", text[:SCAN_CHARS])
    found = Script(len(HAN.findall(prose)), len(LATIN_WORD.findall(prose)))
    latin = found.han_share < 0.5
    if latin and asked.han:
        return None  # an English text about a Chinese question quotes it
    runs = (HAN_RUN if latin else LATIN_RUN).findall(prose)
    amount = sum(map(len, runs)) if latin else sum(len(run.split()) for run in runs)
    part = amount / 2 / max(1, found.words) if latin else amount * 2 / max(1, found.han)
    if amount < least or part < share:
        return None
    main = "latin" if latin else "han"
    return {"mainly": main, "share": round(part, 3), "mixed": runs[:5]}
