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

from dedup.quick import MULTIPLIER, Hashes, Rows, Tokens, grams, spread

Weights = NDArray[np.float32]
Shares = NDArray[np.float64]
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
        held = its.sums(self.says, its.covered(mine))
        return held / np.maximum(self._words[item], 1e-9)

    def _part(self, questions: Tokens, weight: Weights, question: Rows, item: Rows) -> Shares:
        """Return for some pairs the covered weight of item and question, and what is said."""
        mine, its = PairedTokens(questions, question), PairedTokens(self._items, item)
        covered = its.covered(mine)
        columns = (
            its.sums(self._weight, covered),
            mine.sums(weight, mine.covered(its)),
            its.sums(self.says, covered),
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

    def covered(self, other: PairedTokens) -> NDArray[np.bool_]:
        """Return which tokens lie in a run that the same pair's other text holds."""
        held = self.start[np.isin(self.run, other.run)]
        covered = np.zeros(len(self.at), np.bool_)
        for offset in range(self._length):
            covered[held + offset] = True
        return covered

    def sums(self, weight: Weights, chosen: NDArray[np.bool_]) -> Shares:
        """Return the weight of each pair's chosen tokens."""
        return np.bincount(self.pair[chosen], weight[self.at[chosen]], self.count).astype(float)


class _Table:
    """A value for each hash that items have, by the number of items that have it."""

    def __init__(self, hashes: Hashes, item: Rows, value: Value) -> None:
        self._hash, number = np.unique(hashes, return_inverse=True)
        once = np.unique(item * max(len(self._hash), 1) + number) % max(len(self._hash), 1)
        often = np.bincount(once, minlength=len(self._hash)).astype(np.float64)
        self._value = value(often).astype(np.float32)

    def of(self, hashes: Hashes) -> Weights:
        """Return the value of each hash; 1 for one that no item has."""
        if not len(self._hash):
            return np.ones(len(hashes), np.float32)
        at = np.minimum(np.searchsorted(self._hash, hashes), len(self._hash) - 1)
        return np.where(self._hash[at] == hashes, self._value[at], np.float32(1))


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
