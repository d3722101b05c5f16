"""Which questions are in a benchmark: the same text, most of its words, or nearly its meaning.

Questions and the items that they repeat::

    benchmarks = Benchmarks.load(["benchmarks/math500.parquet"])
    check = Contamination(benchmarks)
    check.find(["q1"], ["Please solve: find $x$ if $2x=5$, x real. Give reasons."])
    # [Hit(id="q1", benchmark="math500", item="7", method="ngram", score=1.0, matched="…")]

A question hits an item by the strongest of three methods that applies:

- `exact`, score 1: their normal forms (`dedup.exact`) are equal, or the item's, of at least
  8 tokens, stands in the question's from one word's border to another's.
- `ngram`, score coverage: at least half of the item's tokens lie under shared token 8-grams
  (`dedup.ngrams`). An item of 5 to 12 tokens: n is two thirds of its length, and 0.9 of it
  must be covered. Shorter items are found by the other methods only.
- `semantic`, score cosine: at least 0.9 between their vectors, where both have vectors.

With `numbers_must_agree` the same template with other numbers is no hit: by n-grams, the
numerals of one must all be in the other (a copy may be cut, or wrapped in more); by
cosine, the item's must all be in the question. An item without numerals agrees.

Does not see number words ("three" for 3), translations, or a rephrased short item unless
by its vector.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dedup.benchmarks import Benchmarks, ItemText
from dedup.exact import normalise, numbers_of
from dedup.index import Vectors, hits_above
from dedup.ngrams import ANCHOR, NgramIndex, Rows, Shares, longest_run, tokens

__all__ = ["METHODS", "Benchmarks", "Contamination", "Hit", "ItemText"]

METHODS = ("exact", "ngram", "semantic")  # strongest first

SIZE = 8  # open-r1 and others flag any shared 8-gram; a half covered by them loses little
LONG = 13  # tokens; GPT-3's n-gram, under which the usual rules are blind
SHORTEST = 5  # tokens; below it words alone are no evidence ("soft determinism entails that")
COVERAGE = 0.5
# At 0.5, 5 % of 38,018 real questions hit a short item, nearly all wrongly, by phrases
# such as "which of the following statements is"; at 0.8, 1 %; at 0.9, 0.1 %.
SHORT_COVERAGE = 0.9
COSINE = 0.9  # as in follow-up papers of the recipe; not calibrated for an encoder


@dataclass(frozen=True, slots=True)
class Hit:
    """A question that repeats a benchmark item.

    `matched` is the item's text, or for `ngram` the longest run of shared tokens.
    """

    id: str
    benchmark: str
    item: str
    method: str
    score: float
    matched: str


@dataclass(frozen=True, slots=True)
class _Found:
    """A question and a text of the benchmarks, both by number, before numbers are looked at."""

    question: int
    text: int
    method: str
    score: float


class Contamination:
    """Benchmarks made ready to be compared with any number of batches of questions."""

    def __init__(
        self,
        benchmarks: Benchmarks,
        vectors: Vectors | None = None,
        *,
        coverage: float = COVERAGE,
        short_coverage: float = SHORT_COVERAGE,
        cosine: float = COSINE,
        numbers_must_agree: bool = True,
    ) -> None:
        """Take benchmarks, with a unit vector for each of `benchmarks.texts` or without."""
        if vectors is not None and len(vectors) != len(benchmarks.texts):
            raise ValueError(
                f"vectors: expected one for each of {len(benchmarks.texts)} texts, "
                f"got {len(vectors)}"
            )
        ...
