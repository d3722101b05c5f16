"""How much of two texts is the same, by shared runs of three tokens, weighted by rarity.

Hashed tokens of questions and items, and pairs of them::

    common = Coverage(quick_tokens(items))
    of_item, of_question, said = common.shares(quick_tokens(questions), question, item)

A token is covered where it lies in a run of `RUN` tokens that both texts hold, wherever it
stands there. Each token weighs what it says: little where many items have it, and little
where many items have the runs around it ("write a python function to …"). So a template
that items share counts less than what fills it. `said` is the weight of the item's covered
tokens, with a rare word at 1, whatever template it stands in.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dedup.lookup import Lookup
from dedup.quick import MULTIPLIER, Hashes, Rows, Tokens, grams, spread

Weights = NDArray[np.float32]
Shares = NDArray[np.float64]
Marks = NDArray[np.bool_]
Value = Callable[[Shares], Shares]  # of a hash, by the number of items that have it

RUN = 3  # tokens; with 2, unlike questions reach the shares of copies with synonyms
FULL = 150  # a word that fewer than one item in so many has says all that a word can
PRIOR = 150  # items without the word that are thought of besides, so that few items mislead little
TOGETHER = 2_000_000  # tokens of pairs looked at together: about 200 MB


class Coverage:
    """Items made ready to be compared with questions."""

    def __init__(self, items: Tokens) -> None:
        self._items = items
        self._said = _Table(items.hash, items.text(), _says(len(items)))
        runs, at = _runs(items)
        self._rare = _Table(runs, items.text()[at], lambda often: often**-0.5)
        self.says = self._said.of(items.hash)
        self._weight = self.says * _around(len(items.hash), at, self._rare.of(runs))
        self._total = _sums(self._weight, items)
        self._words = _sums(self.says, items)

    def shares(
        self, questions: Tokens, question: Rows, item: Rows
    ) -> tuple[Shares, Shares, Shares]:
        """Return for pairs the shares of item and question that are covered, and what is said."""
        runs, at = _runs(questions)
        weight = self._said.of(questions.hash) * _around(
            len(questions.hash), at, self._rare.of(runs)
        )
        found: list[Shares] = [np.empty((0, 3))]
        sizes = np.cumsum(self._items.lengths[item] + questions.lengths[question])
        for part in portions(sizes):
            found.append(self._part(questions, weight, question[part], item[part]))
        columns = np.concatenate(found)
        total = np.maximum(_sums(weight, questions)[question], 1e-9)
        of_item = columns[:, 0] / np.maximum(self._total[item], 1e-9)
        return of_item, columns[:, 1] / total, columns[:, 2]

    def words(self, questions: Tokens, question: Rows, item: Rows) -> Shares:
        """Return the share of each item's words, by what they say, that the question holds."""
        mine, its = PairedTokens(questions, question, 1), PairedTokens(self._items, item, 1)
        held = its.sums(self.says, both_covered(mine, its)[1])
        return held / np.maximum(self._words[item], 1e-9)

    def _part(self, questions: Tokens, weight: Weights, question: Rows, item: Rows) -> Shares:
        """Return for some pairs the covered weight of item and question, and what is said."""
        mine, its = PairedTokens(questions, question), PairedTokens(self._items, item)
        of_mine, of_its = both_covered(mine, its)
        columns = (
            its.sums(self._weight, of_its),
            mine.sums(weight, of_mine),
            its.sums(self.says, of_its),
        )
        return np.stack(columns, axis=1)


class PairedTokens:
    """The tokens of one side of many pairs, one pair after the other."""

    def __init__(self, tokens: Tokens, text: Rows, run: int = RUN) -> None:
        self.count, self._length = len(text), run
        self.pair, self.at = spread(tokens.starts[text], tokens.lengths[text])
        hashes = grams(tokens.hash[self.at], run)
        last = len(hashes)
        self.start = np.flatnonzero(self.pair[:last] == self.pair[len(self.pair) - last :])
        # The pair's number makes equal runs of different pairs differ.
        mark = self.pair[self.start].astype(np.uint64) * np.uint64(MULTIPLIER)
        self.run: Hashes = hashes[self.start] ^ mark

    def held(self, run: Marks) -> Marks:
        """Return which tokens lie in a run that is marked."""
        start = self.start[run]
        marks = np.zeros(len(self.at), np.bool_)
        for offset in range(self._length):
            marks[start + offset] = True
        return marks

    def sums(self, weight: Weights, chosen: Marks) -> Shares:
        """Return the weight of each pair's chosen tokens."""
        return np.bincount(self.pair[chosen], weight[self.at[chosen]], self.count).astype(float)


def both_covered(one: PairedTokens, other: PairedTokens) -> tuple[Marks, Marks]:
    """Return which tokens of either side lie in a run that the same pair's other text holds.

    Both answers come from one sort, which is what most of the time goes into.
    """
    _, number = np.unique(np.concatenate([one.run, other.run]), return_inverse=True)
    left, right = number[: len(one.run)], number[len(one.run) :]
    sides = np.zeros((2, len(number)), np.bool_)
    sides[0, left] = sides[1, right] = True
    both = sides[0] & sides[1]
    return one.held(both[left]), other.held(both[right])


class _Table:
    """A value for each hash that items have, by the number of items that have it."""

    def __init__(self, hashes: Hashes, item: Rows, value: Value) -> None:
        distinct, number = np.unique(hashes, return_inverse=True)
        self._known = Lookup(distinct)
        once = np.unique(item * max(len(distinct), 1) + number) % max(len(distinct), 1)
        often = np.bincount(once, minlength=len(distinct)).astype(np.float64)
        self._value = np.append(value(often), 1).astype(np.float32)  # at -1: of no item

    def of(self, hashes: Hashes) -> Weights:
        """Return the value of each hash; 1 for one that no item has."""
        return self._value[self._known.places(hashes)]


def _says(items: int) -> Value:
    """Return what a token says by the number of items that have it: its rarity, 1 at most."""

    def value(often: Shares) -> Shares:
        rarity = np.log((items + PRIOR) / (often - 0.5)) / np.log(FULL)
        return np.asarray(np.clip(rarity, 0.0, 1.0))

    return value


def _runs(tokens: Tokens) -> tuple[Hashes, Rows]:
    """Return the runs that lie in one text, and where each starts."""
    hashes = grams(tokens.hash, RUN)
    text = tokens.text()
    at = np.flatnonzero(text[: len(hashes)] == text[len(text) - len(hashes) :])
    return hashes[at], at


def _around(count: int, at: Rows, value: Weights) -> Weights:
    """Return for each token the mean of the values of the runs that it lies in; 1 for none."""
    total, often = np.zeros(count, np.float32), np.zeros(count, np.float32)
    for offset in range(RUN):
        total[at + offset] += value
        often[at + offset] += 1
    return np.where(often > 0, total / np.maximum(often, 1), np.float32(1))


def _sums(weight: Weights, tokens: Tokens) -> Shares:
    """Return the weight of each text."""
    return np.bincount(tokens.text(), weight, len(tokens)).astype(float)


def portions(sizes: Rows) -> list[slice]:
    """Return slices of pairs that have about `TOGETHER` tokens together."""
    cuts = np.flatnonzero(np.diff(sizes // TOGETHER, prepend=-1))
    return [slice(a, b) for a, b in pairwise([*cuts.tolist(), len(sizes)])]
