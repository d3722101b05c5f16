r"""How much of each benchmark item's words stands in a question, by shared token n-grams.

A text is its tokens: words, numerals, and Chinese or Japanese characters one by one, in
normal form and without LaTeX commands::

    tokens(normalise(r"Find $\dfrac{1}{2}$ of 1,200.5 apples"))
    # ["find", "1", "2", "of", "1200.5", "apples"]

Coverage is the share of an item's tokens that lie under at least one n-gram which the
question holds too, wherever it stands there. Only n-grams with a word count, a word being
two letters or one Chinese or Japanese character: "1 2 3 4 5 6 7 8" and "a b c d a 1 b 1"
stand in texts that have nothing to do with one another. Signs and operators are no tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.exact import CJK

Rows = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Shares = NDArray[np.float64]

TOKEN = re.compile(rf"[0-9]+(?:\.[0-9]+)?|[{CJK}]|[^\W\d_{CJK}]+")
WORD = re.compile(rf"[{CJK}]|[^\W\d_]{{2}}")
COMMAND = re.compile(r"\\[a-z]+")

ANCHOR = 8  # tokens of the n-gram by which a whole item is looked for
SEED = 1234
BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplying by it loses nothing
FILTER_BITS = 24  # 16 MB; the 1.6 M n-grams of 21 benchmarks fill a tenth of it
OCCURRENCES = 2_000_000  # n-grams of items looked at together: about 200 MB


def tokens(normal: str) -> list[str]:
    """Return the tokens of a text in normal form."""
    return TOKEN.findall(COMMAND.sub(" ", normal))


def longest_run(question: Sequence[str], item: Sequence[str]) -> Sequence[str]:
    """Return the longest run of an item's tokens that is a run of a question's; the first."""
    numbered = {token: number for number, token in enumerate(dict.fromkeys(item))}
    there = np.array([numbered.get(token, -1) for token in question], np.int64)
    runs = np.zeros(len(there) + 1, np.int64)
    best, end = 0, 0
    for place, token in enumerate(item, 1):
        runs[1:] = np.where(there == numbered[token], runs[:-1] + 1, 0)
        if (longest := int(runs.max())) > best:
            best, end = longest, place
    return item[end - best : end]


@dataclass(frozen=True, slots=True)
class Flat:
    """Tokens of many texts, one after the other: text, place in it, number (0: unknown)."""

    text: Rows
    place: Rows
    number: Rows


@dataclass(frozen=True, slots=True)
class Grams:
    """N-grams of one n: hash, text, place of the first token, and whether one token is a word."""

    hash: Hashes
    text: Rows
    place: Rows
    wordy: NDArray[np.bool_]

    def where(self, chosen: NDArray[np.bool_]) -> Grams:
        """Return the chosen ones."""
        return Grams(self.hash[chosen], self.text[chosen], self.place[chosen], self.wordy[chosen])


NO_GRAMS = Grams(
    np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.bool_)
)


class Vocabulary:
    """The tokens of all items; an n-gram with any other token can't be an item's."""

    def __init__(self, items: Sequence[Sequence[str]]) -> None:
        distinct = ["", *dict.fromkeys(chain.from_iterable(items))]
        self._number = {token: number for number, token in enumerate(distinct)}
        self._wordy = np.array([bool(WORD.match(token)) for token in distinct])
        random = np.random.default_rng(SEED)
        self._value = random.integers(1, 2**64, len(distinct), np.uint64)

    def flat(self, texts: Sequence[Sequence[str]]) -> Flat:
        """Return the tokens of texts by their numbers."""
        lengths = np.array([len(text) for text in texts], np.int64)
        place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        look = self._number.get
        number = np.fromiter((look(token, 0) for text in texts for token in text), np.int64)
        return Flat(np.repeat(np.arange(len(texts)), lengths), place, number)

    def grams(self, flat: Flat, size: int) -> Grams:
        """Return every n-gram that lies in one text and is made of known tokens."""
        count = max(len(flat.text) - size + 1, 0)
        unknown = np.cumsum(np.append(0, flat.number == 0))
        words = np.cumsum(np.append(0, self._wordy[flat.number]))
        whole = flat.text[:count] == flat.text[len(flat.text) - count :]
        start = np.flatnonzero(whole & (unknown[size:][:count] == unknown[:count]))
        hashes = np.full(len(start), size, np.uint64)
        for offset in range(size):
            hashes = hashes * BASE + self._value[flat.number[start + offset]]
        wordy = words[start + size] > words[start]
        return Grams(hashes, flat.text[start], flat.place[start], wordy)


class Postings:
    """Where each n-gram occurs among the items."""

    def __init__(self, grams: Sequence[Grams]) -> None:
        grams = [NO_GRAMS, *grams]
        hashes = np.concatenate([part.hash for part in grams])
        order = np.argsort(hashes, kind="stable")
        self._item = np.concatenate([part.text for part in grams])[order]
        self._place = np.concatenate([part.place for part in grams])[order]
        self._hash, first = np.unique(hashes[order], return_index=True)
        self._bounds = np.append(first, len(order)).astype(np.int64)
        self._filter = np.zeros(1 << FILTER_BITS, np.bool_)
        self._filter[_leading(self._hash)] = True

    def held(self, grams: Sequence[Grams]) -> tuple[Rows, Rows]:
        """Return (text, n-gram of some item) wherever the text holds it, once each, sorted."""
        found = [np.empty(0, np.int64)]
        for part in grams:
            likely = part.where(self._filter[_leading(part.hash)])
            at = np.searchsorted(self._hash, likely.hash)
            real = self._hash[np.minimum(at, len(self._hash) - 1)] == likely.hash
            found.append(likely.text[real] * len(self._hash) + at[real])
        text, gram = np.divmod(np.unique(np.concatenate(found)), max(len(self._hash), 1))
        return text, gram

    def occurrences(self, text: Rows, gram: Rows) -> Iterator[tuple[Rows, Rows, Rows]]:
        """Yield (text, item, place in the item) of these n-grams, whole texts at a time."""
        counts = np.diff(self._bounds)[gram]
        for part in _portions(text, counts):
            count = counts[part]
            at = np.repeat(self._bounds[gram[part]] - np.cumsum(count) + count, count)
            at += np.arange(len(at))
            yield np.repeat(text[part], count), self._item[at], self._place[at]

    def rarest(self, grams: Grams) -> Grams:
        """Return of each text the n-gram that occurs least often among the items; the first."""
        often = np.diff(self._bounds)[np.searchsorted(self._hash, grams.hash)]
        order = np.lexsort((grams.place, often, grams.text))
        _, first = np.unique(grams.text[order], return_index=True)
        chosen = np.zeros(len(grams.text), np.bool_)
        chosen[order[first]] = True
        return grams.where(chosen)


class NgramIndex:
    """Items by their n-grams: `sizes` is each item's n, 0 for one that is not looked for so.

    Items of at least `ANCHOR` tokens are found as a whole too, by their rarest n-gram.
    """

    def __init__(self, items: Sequence[Sequence[str]], sizes: Sequence[int]) -> None:
        self._lengths = np.array([len(item) for item in items], np.int64)
        self._sizes = np.array(sizes, np.int64)
        self._words = Vocabulary(items)
        self._ns = sorted(set(sizes) - {0})
        flat = self._words.flat(items)
        found = [self._words.grams(flat, size) for size in self._ns]
        fits = [self._sizes[part.text] == n for part, n in zip(found, self._ns, strict=True)]
        self._postings = Postings(
            [part.where(fit & part.wordy) for part, fit in zip(found, fits, strict=True)]
        )
        eights = self._words.grams(flat, ANCHOR)
        self._anchors = Postings([Postings([eights]).rarest(eights)])

    def flat(self, questions: Sequence[Sequence[str]]) -> Flat:
        """Return questions in the form that the searches take."""
        return self._words.flat(questions)

    def shared(self, questions: Flat, least: Shares) -> Iterator[tuple[Rows, Rows, Shares]]:
        """Yield (question, item, coverage) wherever it is at least the item's `least`."""
        grams = [self._words.grams(questions, size) for size in self._ns]
        for found in self._postings.occurrences(*self._postings.held(grams)):
            question, item, share = self._coverage(*found)
            enough = share >= least[item]
            yield question[enough], item[enough], share[enough]

    def anchored(self, questions: Flat) -> tuple[Rows, Rows]:
        """Return (question, item) wherever the question may hold the whole item."""
        held = self._anchors.held([self._words.grams(questions, ANCHOR)])
        found = [np.empty(0, np.int64)]
        for question, item, _ in self._anchors.occurrences(*held):
            found.append(question * len(self._lengths) + item)
        question, item = np.divmod(np.unique(np.concatenate(found)), max(len(self._lengths), 1))
        return question, item

    def _coverage(self, question: Rows, item: Rows, place: Rows) -> tuple[Rows, Rows, Shares]:
        """Return each pair of question and item with the share of the item that is covered."""
        order = np.lexsort((place, item, question))
        question, item, place = question[order], item[order], place[order]
        new = np.append(True, (np.diff(question) != 0) | (np.diff(item) != 0))
        # An n-gram covers its tokens up to the start of the next one of the same pair.
        step = np.append(np.diff(place), 0)
        size = self._sizes[item]
        covered = np.where(np.append(new[1:], True), size, np.minimum(step, size))
        first = np.flatnonzero(new)
        share = np.add.reduceat(covered, first) / self._lengths[item[first]]
        return question[first], item[first], share


def _leading(hashes: Hashes) -> Hashes:
    """Return the leading bits of hashes, which index the filter."""
    return hashes >> np.uint64(64 - FILTER_BITS)


def _portions(text: Rows, counts: Rows) -> Iterator[slice]:
    """Yield slices of whole texts that have about `OCCURRENCES` occurrences together."""
    starts = np.flatnonzero(np.diff(text, prepend=-1))
    portion = (np.cumsum(counts) - counts)[starts] // OCCURRENCES
    cuts = starts[np.flatnonzero(np.diff(portion, prepend=-1))]
    for a, b in pairwise([*cuts.tolist(), len(text)]):
        yield slice(a, b)
