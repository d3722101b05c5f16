"""Finds the loops that reasoning models fall into, in time about linear in the text.

A model that loops writes the same span again and again::

    Wait, maybe the order matters. Wait, maybe the order matters. Wait, maybe the order …

Two forms are looked for: a span repeated back to back (`consecutive`), and a phrase that
keeps coming back within a window, with other words in between (`windowed`).

Tokens are runs of ASCII letters and digits, and every other character that is no space,
so a Chinese text has about as many tokens as characters; rulers (`-----`) are shortened
first. Loops whose words or numbers
change each time are not found, nor spans of signs and numbers alone that come back three or four
times: "[1, 2, 3], [1, 2, 3]" does so in sound texts too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

TOKEN = re.compile(r"[A-Za-z0-9_]+|[^\sA-Za-z0-9_]")
WORD = re.compile(r"[A-Za-z]{2,}|[\u3400-\u9fff\u3040-\u30ff\uac00-\ud7af]")
FENCE_LINE = re.compile(r"^[ \t]{0,8}```", re.MULTILINE)
RULERS = (*(4 * sign for sign in "-=*#~.:"), "---|", "--- |", "---:")
# Headings' lines, which are shortened, and what parts a table's head from its rows, which goes.
RULER = re.compile(r"([-=*#~.:])\1{3,200}|(?:\|[ \t]{0,20}:?-{3,200}:?[ \t]{0,20}){2,200}")
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: any large odd number does
FOLD = np.uint64(29)
LOW_BITS = np.uint64(0xFFFFFFFF)
HIGH_BITS = np.uint64(0xFFFFFFFF00000000)
SEED = 8  # n-gram by which a loop's distance is found; the shortest span that is looked for
CLOSENESS = 0.6  # of a loop's places at least so many per token of its span recur at it
PARTIAL = 0.25  # a last copy counts from three quarters on: cutting a text moves token borders
EXCERPT_CHARS = 200

Ids = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When repetition is a loop; all lengths in tokens.

    Back to back, a span counts from `repeats` times and `tokens` tokens in all, or from
    `wordy_tokens` if a word is in it; one shorter than 8 tokens (a row of zeros) and a formula
    without words from `short_tokens` in all; one of `long_span` tokens from two times. In fenced
    code it counts only from `code_repeats` times. Within `window` tokens, a phrase of `phrase`
    tokens, `phrase_words` of them words, counts from `phrase_repeats` times.

    Origin: the 516 DeepSeek-R1 traces of KodCode, of which none is taken for a loop. Back to
    back, their worst is a span of 19 tokens twice, and one of 2 tokens 8 times; their worst
    phrase comes 6 times. 24 is the shortest span three times. Powers written out
    (`\\frac{2}{3} \\times` four times) stand in 12 of 800 answers that a model gave to MATH, and a
    block of 100 tokens twice in 4 of 1,760 programs of o1-mini: neither is a loop, nor are the
    four fields of an address in a regular expression, or six rows of a table in HTML. That
    a program says nothing 20 times is a guess.
    """

    repeats: int = 3
    tokens: int = 40
    wordy_tokens: int = 24
    short_tokens: int = 120
    long_span: int = 100
    code_repeats: int = 20
    phrase: int = 16
    phrase_words: int = 6
    phrase_repeats: int = 8
    window: int = 2000


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop: its form, its span in tokens, how often, and at which token it begins."""

    form: str
    span: int
    times: int
    at: int

    def evidence(self, text: str) -> dict[str, Any]:
        """Return what a person needs to see of the loop, with one span as an excerpt."""
        text = shortened(text)
        tokens = islice(TOKEN.finditer(text), self.at, self.at + self.span)
        places = [(match.start(), match.end()) for match in tokens]
        start, end = places[0][0], places[-1][1]
        excerpt = text[start : min(end, start + EXCERPT_CHARS)]
        return {"form": self.form, "tokens": self.span, "times": self.times, "excerpt": excerpt}


def shortened(text: str) -> str:
    """Return the text with its rulers shortened to three characters, a table's left out."""
    if not any(ruler in text for ruler in RULERS):  # spares most texts the slower search
        return text
    return RULER.sub(r"\1\1\1", text)


def find_loop(text: str, limits: Thresholds) -> Loop | None:
    """Return the worst back-to-back loop of a text, else its worst phrase, else None."""
    text = shortened(text)
    tokens = TOKEN.findall(text)
    if len(tokens) < max(
        SEED, min(limits.tokens, limits.wordy_tokens, limits.phrase * limits.phrase_repeats)
    ):
        return None
    ids = np.fromiter(map(hash, tokens), dtype=np.int64, count=len(tokens)).view(np.uint64)
    seeds = Groups(grams(ids, SEED))
    loops = [loop for loop in consecutive(ids, seeds) if counts(tokens, loop, limits)]
    loops = [loop for loop in loops if loop.times >= limits.code_repeats or not in_code(text, loop)]
    if loops:
        return max(loops, key=lambda loop: (loop.span * loop.times, -loop.span))
    # A phrase that recurs makes its seeds recur as often: most texts are spared the search.
    often = limits.phrase < SEED or seeds.sizes.max() >= limits.phrase_repeats
    return windowed(tokens, ids, limits) if often else None


def counts(tokens: list[str], loop: Loop, limits: Thresholds) -> bool:
    """Say whether a span repeated back to back is long and frequent enough."""
    total, words = loop.span * loop.times, words_in(tokens, loop)
    formula = not words and "\\" in tokens[loop.at : loop.at + loop.span]
    if loop.span < SEED or formula:
        return loop.times >= limits.repeats and total >= limits.short_tokens
    if loop.span >= limits.long_span:
        return loop.times >= 2
    if loop.times < limits.repeats:
        return False
    return total >= limits.tokens or (words > 0 and total >= limits.wordy_tokens)


def in_code(text: str, loop: Loop) -> bool:
    """Say whether a loop of a shortened text begins inside a fence."""
    token = next(islice(TOKEN.finditer(text), loop.at, None))
    return len(FENCE_LINE.findall(text, 0, token.start())) % 2 == 1


def grams(ids: Ids, size: int) -> Ids:
    """Return a hash of each n-gram, by place."""
    count = len(ids) - size + 1
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(size):
        hashes = hashes * MULTIPLIER + ids[offset : offset + count]
    return hashes ^ (hashes >> FOLD)


class Groups:
    """The places of a text grouped by their n-gram: `order`, cut before each of `starts`.

    Hash and place share one number, since sorting numbers is much faster than sorting
    indices. Of the hash 32 bits remain: in about three texts of a thousand two n-grams are
    mixed up, too few to make a loop.
    """

    def __init__(self, hashes: Ids) -> None:
        keys = np.sort((hashes & HIGH_BITS) | np.arange(len(hashes), dtype=np.uint64))
        self.order: Places = (keys & LOW_BITS).astype(np.int64)
        edges = np.flatnonzero(np.diff(keys >> np.uint64(32))) + 1
        self.starts: Places = np.concatenate(([0], edges))
        self.sizes: Places = np.diff(np.concatenate((self.starts, [len(keys)])))

    def frequent(self, least: int) -> Iterator[Places]:
        """Yield the places, in order, of every n-gram that comes at least so many times."""
        for group in np.flatnonzero(self.sizes >= least):
            yield self.order[self.starts[group] : self.starts[group] + self.sizes[group]]

    def distances(self) -> Places:
        """Return for every place but the first of its n-gram how far the one before is."""
        gaps = np.diff(self.order)
        within = np.ones(len(gaps), dtype=bool)
        within[self.starts[1:] - 1] = False
        return gaps[within]


def consecutive(ids: Ids, seeds: Groups) -> Iterator[Loop]:
    """Yield, for each distance at which the text recurs closely, its longest repetition."""
    for span in recurring_distances(seeds):
        run, at = longest_run(ids[span:] == ids[:-span])
        yield Loop("consecutive", span, int((run + span) / span + PARTIAL), at)


def recurring_distances(seeds: Groups) -> list[int]:
    """Return distances d at which n-grams recur often, measured by d itself.

    A span of d tokens repeated k times makes nearly (k − 1)·d places recur at distance d;
    a passage that is merely stated again later does so at a distance far above its length.
    """
    distances = seeds.distances()
    if not len(distances):
        return []
    frequency = np.bincount(distances)
    close = frequency > CLOSENESS * np.arange(len(frequency))
    close &= frequency >= SEED
    return [int(distance) for distance in np.flatnonzero(close)]


def longest_run(mask: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Return length and start of the longest run of True."""
    padded = np.concatenate(([0], mask.view(np.int8), [0]))
    edges = np.flatnonzero(np.diff(padded))
    if not len(edges):
        return 0, 0
    lengths = edges[1::2] - edges[::2]
    longest = int(lengths.argmax())
    return int(lengths[longest]), int(edges[::2][longest])


def windowed(tokens: list[str], ids: Ids, limits: Thresholds) -> Loop | None:
    """Return the phrase that comes most often within a window, if that is often enough."""
    if len(tokens) < limits.phrase * limits.phrase_repeats:
        return None
    worst: Loop | None = None
    for places in Groups(grams(ids, limits.phrase)).frequent(limits.phrase_repeats):
        loop = phrase_loop(places, limits)
        # Among equals the earliest: the order of the hashes differs from process to process.
        rank = (loop.times, -loop.at)
        if (worst is None or rank > (worst.times, -worst.at)) and wordy(tokens, loop, limits):
            worst = loop
    return worst if worst and worst.times >= limits.phrase_repeats else None


def phrase_loop(places: Places, limits: Thresholds) -> Loop:
    """Count a phrase's places that don't overlap, in the window that holds most of them."""
    kept = [int(places[0])]
    for place in places[1:]:
        if place - kept[-1] >= limits.phrase:
            kept.append(int(place))
    ends = np.searchsorted(kept, np.array(kept) + limits.window)
    inside = ends - np.arange(len(kept))
    best = int(inside.argmax())
    return Loop("windowed", limits.phrase, int(inside[best]), kept[best])


def wordy(tokens: list[str], loop: Loop, limits: Thresholds) -> bool:
    """Say whether a phrase is made of words; lists of numbers and code recur without a loop."""
    return words_in(tokens, loop) >= limits.phrase_words


def words_in(tokens: list[str], loop: Loop) -> int:
    """Count the words of a loop's span; LaTeX's commands are none."""
    span = tokens[loop.at : loop.at + loop.span]
    before = ["", *tokens][loop.at : loop.at + loop.span]
    pairs = zip(before, span, strict=True)
    return sum(one != "\\" and bool(WORD.match(token)) for one, token in pairs)
