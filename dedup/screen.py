"""Which questions may repeat which items: a fast first look by hashed runs of five tokens.

Batches of `dedup.quick` go in, pairs worth a second look come out::

    screen = Screen(quick_tokens(items))
    for first, tokens in …:                       # 250,000 questions a second on one core
        question, item = screen.pairs(tokens)

An item is looked for by its `RUN`-grams, the most common ones left out; a pair is worth a
second look where enough of either text is found. Missed are items whose every run of five
tokens was changed, and items of under `RUN` tokens unless the question has exactly those.
Of 2,057 disguised copies 0.2 % were missed (benchmarks/contamination_disguises.py).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dedup.lookup import Lookup, Sieve
from dedup.quick import Hashes, Rows, Tokens, grams, spread, whole

Shares = NDArray[np.float64]

RUN = 5  # tokens; with 6 fewer pairs are looked at, and twice as many disguised copies missed
# Of each item, this share of its runs with the most common words is not looked for unless
# they are rare all the same; measured: halves the pairs, loses no disguised copy.
COMMON = 0.3
RARE = 3.0  # summed weight of a run's tokens from which it is looked for in any case
# A pair is looked at where one text is found to `ONE_SIDE` or both to `BOTH_SIDES`, by runs
# weighted by rarity; measured: from 0.5 and 0.06 up to 0.7 and 0.15 the same copies are found.
ONE_SIDE = 0.6
BOTH_SIDES = 0.1
# 4 MB; 0.9 M runs of 21 benchmarks fill 3 %. With 23, 24 and 26, sieve and lookup together are
# slower by half, a sixth and a fifth.
SIEVE_BITS = 25


class Screen:
    """Items made ready to be looked for; `weights` says how much each of their tokens says."""

    def __init__(self, items: Tokens, weights: NDArray[np.float32]) -> None:
        hashes, owner = _anchors(items, weights)
        order = np.argsort(hashes, kind="stable")
        self._item = owner[order]
        distinct, first = np.unique(hashes[order], return_index=True)
        self._runs = Lookup(distinct)
        self._first = np.append(first, len(order)).astype(np.int64)
        self._often = np.diff(self._first)
        self._total = np.bincount(owner[order], np.repeat(1 / self._often, self._often), len(items))
        self._sieve = Sieve(distinct, SIEVE_BITS)
        self._short = _Short(items)

    def pairs(self, tokens: Tokens) -> tuple[Rows, Rows]:
        """Return (question, item) of each pair worth a second look, once, in order."""
        count = max(len(self._total), 1)
        question, item = self._short.equal(tokens)
        keys = np.concatenate([question * count + item, self._overlapping(tokens)])
        question, item = np.divmod(np.unique(keys), count)
        return question, item

    def _overlapping(self, tokens: Tokens) -> Rows:
        """Return question * items + item of the pairs of which enough is found."""
        if not len(self._runs):
            return np.empty(0, np.int64)
        question, gram = self._held(tokens)
        often = self._often[gram]
        owner, at = spread(self._first[gram], often)
        keys = question[owner] * len(self._total) + self._item[at]
        order = np.argsort(keys)
        keys = keys[order]
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        keys, found = keys[starts], np.diff(np.append(starts, len(order)))
        rarity = np.add.reduceat(1 / often[owner[order]], starts) if len(starts) else found
        question, item = np.divmod(keys, len(self._total))
        of_item = rarity / self._total[item]
        of_question = found / np.maximum(tokens.lengths[question] - RUN + 1, 1)
        one = np.maximum(of_item, of_question) >= ONE_SIDE
        return np.asarray(keys[one | (np.minimum(of_item, of_question) >= BOTH_SIDES)])

    def _held(self, tokens: Tokens) -> tuple[Rows, Rows]:
        """Return (question, run of some item) wherever the question holds the run."""
        hashes = grams(tokens.hash, RUN)
        at = self._sieve.passed(hashes)
        gram = self._runs.places(hashes[at])
        at, gram = at[gram >= 0], gram[gram >= 0]
        question = np.searchsorted(tokens.starts, at, side="right") - 1
        inside = at + RUN <= tokens.starts[question + 1]
        return question[inside], gram[inside]


class _Short:
    """Items of under `RUN` tokens, by all of them: those that a question may equal.

    A question that equals a longer one holds all of its runs.
    """

    def __init__(self, items: Tokens) -> None:
        short = _short(items)
        hashes = whole(items.of(short))
        order = np.argsort(hashes, kind="stable")
        self._item, self._hash = short[order], hashes[order]

    def equal(self, tokens: Tokens) -> tuple[Rows, Rows]:
        """Return (question, item) wherever both have the same tokens, or both have none."""
        short = _short(tokens)
        hashes = whole(tokens.of(short))
        first = np.searchsorted(self._hash, hashes)
        count = np.searchsorted(self._hash, hashes, side="right") - first
        owner, at = spread(first, count)
        return short[owner], self._item[at]


def _short(tokens: Tokens) -> Rows:
    """Return the texts that are too short for a run."""
    return np.flatnonzero(tokens.lengths < RUN)


def _anchors(items: Tokens, weights: NDArray[np.float32]) -> tuple[Hashes, Rows]:
    """Return the runs by which items are looked for, each once an item: hash and item."""
    hashes, owner = grams(items.hash, RUN), items.text()[: max(len(items.hash) - RUN + 1, 0)]
    inside = np.arange(len(hashes)) + RUN <= items.starts[owner + 1]
    sums = np.cumsum(np.append(0.0, weights))
    says = (sums[RUN:] - sums[:-RUN])[: len(hashes)] if len(hashes) else np.empty(0)
    hashes, owner, says = hashes[inside], owner[inside], says[inside]
    order = np.lexsort((says, owner))
    first = np.searchsorted(owner, np.arange(len(items)))
    counts = np.bincount(owner, minlength=len(items))
    least = np.zeros(len(items))
    some = np.flatnonzero(counts)
    least[some] = says[order[first[some] + (counts[some] * COMMON).astype(np.int64)]]
    keep = says >= np.minimum(least, RARE)[owner]
    pairs = np.unique(np.rec.fromarrays([owner[keep], hashes[keep]]))
    return np.ascontiguousarray(pairs["f1"]), np.ascontiguousarray(pairs["f0"])
