r"""Disguised copies of benchmark items, planted among the questions to see that they are found.

    planted = plant(benchmarks, each=5)
    planted[0]    # Probe(text=1834, disguise="prefix", copy="### Task\nFind $x$ if …")
    # 1834: the place of its item in benchmarks.texts

Six disguises, which leave what is asked as it is: other case, other white space, LaTeX in
another spelling, sentences in another order, words in front, numerals in words. Items of
fewer than `LEAST_WORDS` words, and copies that come out as the item is, are not planted. Who
rewrites an item with care does more than this, so a recall of 1 proves that the machinery
works, not that nothing gets through.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from dedup.benchmarks import Benchmarks
from dedup.numerals import SMALL, TENS

Disguise = Callable[[str, Random], str]

LEAST_WORDS = 8
SEED = 20_260_102
LATEX = (
    (r"\\[dt]?frac(?![a-z])", r"\\cfrac"),
    (r"\\leq?(?![a-z])", r"\\leqslant "),
    (r"\\geq?(?![a-z])", r"\\geqslant "),
    (r"\\cdot(?![a-z])|\\times(?![a-z])", "× "),
    (r"\\(?:l|c)?dots(?![a-z])", "…"),
    (r"\\neq?(?![a-z])", "≠ "),
    (r"\\pi(?![a-z])", "π "),
    (r"\\(?:text|mathrm)\{", r"\\textrm{"),
    (r"\^(\d)(?!\d)", r"^{\1}"),
    (r"\$\$?([^$]+)\$\$?", r"\\(\1\\)"),
)
SENTENCE = re.compile(r"(?<=[.!?。？！])\s+")
PREFIXES = (
    "### Task\nRead the following and give your best answer.\n\n",
    "Hi! My teacher gave me this one and I am stuck. ",
    "You are a helpful assistant who thinks before answering.\n\nUser: ",
)
# Digits that a reader says as a number: no part of a formula, a list of values or a name.
PLAIN_NUMERAL = re.compile(
    r"(?<![\w.,$\\{}^_/:+*=()'\"<>\[\]-])\d{1,2}(?![\w$}^_/:+*=()'\"<>\]%°-]|[.,]\d)"
)

PROSE_WORD = re.compile(r"\b[A-Za-z]{2,}\b")
PROSE = 5  # words of a line in which a numeral may be said in words
NO_PROSE = re.compile(r"[\\$`{}=<>|]|[^\x00-\x7f“”‘’–—]|\d \d|\d [+*/%-] ")


def other_case(text: str, _: Random) -> str:
    """Return a text with capitals for small letters and the other way round, but in LaTeX."""
    return re.sub(
        r"\\[A-Za-z]+|[^\\]",
        lambda match: match[0] if len(match[0]) > 1 else match[0].swapcase(),
        text,
    )


def other_spacing(text: str, random: Random) -> str:
    """Return a text with more white space where it has some."""
    return re.sub(r"\s+", lambda _: random.choice((" ", "  ", "\n", "\t", " \n ")), text)


def other_latex(text: str, _: Random) -> str:
    """Return a text with its formulas spelled in another way."""
    for pattern, spelling in LATEX:
        text = re.sub(pattern, spelling, text)
    return text


def other_order(text: str, random: Random) -> str:
    """Return a text with its sentences shuffled, but for the first line of a program."""
    sentences = SENTENCE.split(text.strip())
    if "\n    " in text or len(sentences) < 2:
        return text
    return " ".join(random.sample(sentences, len(sentences)))


def prefixed(text: str, random: Random) -> str:
    """Return a text behind words that are no part of it."""
    return random.choice(PREFIXES) + text


def in_words(text: str, _: Random) -> str:
    """Return a text with its small numerals in words, where a line is prose."""

    def line(text: str) -> str:
        if len(PROSE_WORD.findall(text)) < PROSE or NO_PROSE.search(text):
            return text
        return PLAIN_NUMERAL.sub(lambda match: _word(int(match[0])), text)

    return "\n".join(map(line, text.split("\n")))


def _word(number: int) -> str:
    """Return a number below 100 in English."""
    if number < len(SMALL):
        return SMALL[number]
    tens, ones = divmod(number, 10)
    return TENS[tens - 2] + (f"-{SMALL[ones]}" if ones else "")


DISGUISES: dict[str, Disguise] = {
    "case": other_case,
    "white space": other_spacing,
    "LaTeX": other_latex,
    "order of sentences": other_order,
    "prefix": prefixed,
    "numerals in words": in_words,
}


@dataclass(frozen=True, slots=True)
class Probe:
    """A disguised copy; `text` is its item's place in `Benchmarks.texts`."""

    text: int
    disguise: str
    copy: str


def plant(benchmarks: Benchmarks, each: int) -> list[Probe]:
    """Return up to `each` copies of every disguise and benchmark, the same ones every time."""
    pools: dict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(benchmarks.texts):
        if len(text.text.split()) >= LEAST_WORDS:
            pools[text.benchmark].append(place)
    return [
        probe
        for name in sorted(pools)
        for disguise in DISGUISES
        for probe in _planted(benchmarks, pools[name], name, disguise, each)
    ]


def _planted(
    benchmarks: Benchmarks, pool: list[int], name: str, disguise: str, each: int
) -> Iterator[Probe]:
    """Yield the copies of one disguise and benchmark."""
    random, made = Random(f"{SEED}/{name}/{disguise}"), 0
    for place in random.sample(pool, len(pool)):
        if made == each:
            return
        text = benchmarks.texts[place].text
        copy = DISGUISES[disguise](text, random)
        if copy != text:
            made += 1
            yield Probe(place, disguise, copy)
