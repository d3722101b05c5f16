"""Which questions are in a benchmark: the same text, most of its words, or nearly its meaning.

Questions and the items that they repeat::

    benchmarks = Benchmarks.load(["benchmarks/math500.parquet"])
    check = Contamination(benchmarks)
    check.find(["q1"], ["Please solve: find $x$ if $2x=5$, x real. Give reasons."])
    # [Hit(id="q1", benchmark="math500", item="7", method="ngram", score=1.0, matched="…")]

A question hits an item by the strongest of three methods that applies:

- `exact`, score 1: their normal forms (`dedup.exact`) are equal, or the item's stands in the
  question's from one word's border to another's and says enough to be no mere phrase.
- `ngram`, score coverage: of both texts nearly half or more is covered by shared token 3-grams
  weighted by rarity (`dedup.coverage`), or nearly all of one of them, which then must say
  enough to be no mere phrase.
- `semantic`, score cosine: at least 0.9 between their vectors, where both have vectors.

With `numbers_must_agree` the same template with other numbers is no hit: where both texts
share much, each must hold the numerals of the other; where one stands in the other, the
other must hold its numerals (a copy may be cut, or wrapped in more, but other numerals around
most of an item are other givens, unless it is a program); by cosine, the question must hold the
item's. Number words count for numerals that the other text has in digits. A question that is
part of an item must hold no sign that the item lacks. Then two texts must not ask for different
things by the rules of `dedup.asked` either. What is one item of a benchmark exactly, or holds
it, is no near copy of another item of that benchmark.

Does not see translations, or an item of under 5 tokens unless it is the whole question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dedup.asked import asks_otherwise, is_program, unlike_in_meaning
from dedup.benchmarks import Benchmarks, ItemText
from dedup.confirm import is_foreign, share_letters
from dedup.coverage import RUN, Coverage, Shares
from dedup.exact import normalise, stands_in
from dedup.index import Rows, Vectors, hits_above
from dedup.ngrams import longest_run, tokens
from dedup.numerals import Agreement, Facts, agreement, facts_of, holds_numerals, signs_held
from dedup.quick import Tokens, quick_tokens, token_blocks
from dedup.screen import Screen

__all__ = ["METHODS", "Benchmarks", "Contamination", "Hit", "ItemText", "Limits"]

Marks = NDArray[np.bool_]

METHODS = ("exact", "ngram", "semantic")  # strongest first

WHOLE = 0.99  # share of an item from which it may stand in a question as it is
STANDS_ALONE = 3.0  # what such an item says in rare words to be exact there; a guess
SHORT = 20  # tokens
SAME_SIGNS = 0.7  # share of each text's signs that the other holds, where both say the same
PART_SIGNS = 0.95  # share of a question's signs that an item must hold which holds its words
KEPT_FACTS = 65_536  # items whose normal form and numerals are kept once looked at


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a question is an item; measured on 2,000 disguised copies (docs/log.md).

    `coverage`: share of both texts by shared 3-grams. `contained`: share of the one that
    stands in the other. `said`: what it must say then, in rare words. `short_coverage`: share
    of the words of an item of under `SHORT` tokens, one of which can be the whole difference.
    `cosine`: of vectors.
    """

    coverage: float = 0.45
    short_coverage: float = 0.85
    contained: float = 0.85
    said: float = 5.0
    cosine: float = 0.9
    numbers_must_agree: bool = True

    def __post_init__(self) -> None:
        for name in ("coverage", "short_coverage", "contained", "cosine"):
            if not 0 < (limit := getattr(self, name)) <= 1:
                raise ValueError(f"{name}: expected above 0 and at most 1, got {limit}")


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
    """A question and a benchmark text, by number, and how the one repeats the other."""

    question: int
    text: int
    method: str
    score: float

    @property
    def weakness(self) -> tuple[int, float]:
        """What the strongest hit has least of."""
        return METHODS.index(self.method), -self.score


@dataclass(frozen=True, slots=True)
class _Pair:
    """A question and a distinct item, by number, and what they have in common.

    `of_item` and `of_question` are the shares that are covered, `words` the share of a
    short item's words that the question holds.
    """

    question: int
    item: int
    of_item: float
    of_question: float
    said: float
    words: float


class _Batch:
    """Questions, and what was found out about those that were looked at."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self._normal: dict[int, str] = {}
        self._facts: dict[int, Facts] = {}

    def normal(self, question: int) -> str:
        """Return a question's normal form, made when first asked for."""
        if question not in self._normal:
            self._normal[question] = normalise(self.texts[question])
        return self._normal[question]

    def facts(self, question: int) -> Facts:
        """Return a question's numerals and signs, made when first asked for."""
        if question not in self._facts:
            self._facts[question] = facts_of(self.normal(question))
        return self._facts[question]


class Contamination:
    """Benchmarks made ready to be compared with any number of batches of questions."""

    def __init__(
        self, benchmarks: Benchmarks, vectors: Vectors | None = None, limits: Limits | None = None
    ) -> None:
        """Take benchmarks, with a unit vector for each of `benchmarks.texts` or with none.

        Raises ValueError where vectors and texts differ in number.
        """
        _check_count("vectors", vectors, len(benchmarks.texts))
        self._texts, self._vectors = benchmarks.texts, vectors
        self._limits = limits or Limits()
        self._texts_of = _by_text(benchmarks.texts)
        self._items = list(self._texts_of)
        hashed = quick_tokens(self._items)
        self._lengths = hashed.lengths
        self._coverage = Coverage(hashed)
        self._screen = Screen(hashed, self._coverage.says)
        self._normal = lru_cache(KEPT_FACTS)(normalise)
        self._facts = lru_cache(KEPT_FACTS)(facts_of)  # of a normal form

    def find(
        self, ids: Sequence[str], texts: Sequence[str], vectors: Vectors | None = None
    ) -> list[Hit]:
        """Return the hits of a batch of questions: by question, then strongest first.

        One hit for each question and item, by the strongest method. Vectors must be given
        if and only if the benchmarks have theirs; raises ValueError otherwise.
        """
        _check_count("texts", texts, len(ids))
        _check_count("vectors", vectors, len(ids))
        if (vectors is None) != (self._vectors is None):
            raise ValueError("vectors: give them for benchmarks and questions, or for neither")
        batch = _Batch(texts)
        found = [*self._by_text(batch), *self._by_vectors(batch, vectors)]
        return [self._hit(ids[one.question], batch, one) for one in self._strongest(found)]

    def _by_text(self, batch: _Batch) -> Iterator[_Found]:
        """Yield questions that are an item, or share enough of its words and all its numbers."""
        for pair in self._pairs(batch.texts):
            if (found := self._judged(pair, batch)) is not None:
                for text in self._texts_of[self._items[pair.item]]:
                    yield _Found(pair.question, text, *found)

    def _pairs(self, texts: Sequence[str]) -> Iterator[_Pair]:
        """Yield questions and items that share enough words to be looked at closely."""
        first = 0
        for block in token_blocks(texts):
            question, item = self._screen.pairs(block)
            distinct, place = np.unique(question, return_inverse=True)
            those = block.of(distinct)
            shares = self._coverage.shares(those, place, item)
            close = self._close(*shares) | self._same_length(block, question, item)
            columns = [column[close] for column in (question + first, item, *shares)]
            columns.append(self._words(those, place[close], item[close]))
            yield from map(_Pair, *(column.tolist() for column in columns))
            first += len(block)

    def _close(self, of_item: Shares, of_question: Shares, said: Shares) -> Marks:
        """Return which pairs share enough words."""
        both = np.minimum(of_item, of_question) >= self._limits.coverage
        one = np.maximum(of_item, of_question) >= self._limits.contained
        whole = (of_item > WHOLE) & (said >= STANDS_ALONE)
        return np.asarray(both | (one & (said >= self._limits.said)) | whole)

    def _words(self, questions: Tokens, question: Rows, item: Rows) -> Shares:
        """Return the share of each short item's words that a question holds; 1 for long ones."""
        share = np.ones(len(item))
        short = np.flatnonzero(self._lengths[item] < SHORT)
        share[short] = self._coverage.words(questions, question[short], item[short])
        return share

    def _same_length(self, tokens: Tokens, question: Rows, item: Rows) -> Marks:
        """Return which pairs have texts too short for runs of tokens, as many in both."""
        lengths = tokens.lengths[question]
        return np.asarray((lengths == self._lengths[item]) & (lengths < RUN))

    def _judged(self, pair: _Pair, batch: _Batch) -> tuple[str, float] | None:
        """Return method and score of a pair that is a hit."""
        if batch.texts[pair.question] == self._items[pair.item]:
            return "exact", 1.0
        mine, its = batch.normal(pair.question), self._normal(self._items[pair.item])
        if mine == its:
            return "exact", 1.0
        whole = pair.of_item > WHOLE and pair.said >= STANDS_ALONE
        if whole and stands_in(its, mine):
            return "exact", 1.0
        score = self._score(pair, batch.facts(pair.question), self._facts(its))
        return ("ngram", score) if score else None

    def _score(self, pair: _Pair, mine: Facts, its: Facts) -> float:
        """Return the coverage by which a pair is a hit, 0 where it is none."""
        score = self._covered(pair, mine, its)
        # Last, since it takes longest: it compares texts word by word.
        if score and self._limits.numbers_must_agree and asks_otherwise(mine, its):
            return 0.0
        return min(score, 1.0)

    def _covered(self, pair: _Pair, mine: Facts, its: Facts) -> float:
        """Return the coverage of a pair whose numerals and signs can be of one question."""
        limits, says_enough = self._limits, pair.said >= self._limits.said
        agree = agreement(its, mine) if limits.numbers_must_agree else Agreement.EQUAL
        score = 0.0
        enough = min(pair.of_item, pair.of_question) >= limits.coverage
        enough = enough and pair.words >= limits.short_coverage
        if enough and self._same(agree, mine, its):
            score = max(pair.of_item, pair.of_question)
        stands = WHOLE if self._lengths[pair.item] < SHORT else limits.contained
        if pair.of_item >= stands and says_enough and self._held(pair, agree, mine, its):
            score = max(score, pair.of_item)
        if pair.of_question >= limits.contained and says_enough and self._part(agree, mine, its):
            score = max(score, pair.of_question)
        return score

    def _same(self, agree: Agreement, mine: Facts, its: Facts) -> bool:
        """Return whether question and item can ask the same, by their numerals and signs."""
        if not self._limits.numbers_must_agree:
            return True
        signs = min(signs_held(its, mine), signs_held(mine, its))
        return agree == Agreement.EQUAL and signs >= SAME_SIGNS

    def _held(self, pair: _Pair, agree: Agreement, mine: Facts, its: Facts) -> bool:
        """Return whether a question can have an item inside, by their numerals.

        Of 202 hits by shared words that were read, 21 of them wrong, seven wrong ones and two
        right ones say numerals that the item lacks, and are no programs.
        """
        if agree == Agreement.EQUAL or pair.of_item > WHOLE:
            return bool(agree & Agreement.FIRST_IN_SECOND)
        programs = is_program(mine) or is_program(its)
        return programs and bool(agree & Agreement.FIRST_IN_SECOND)

    def _part(self, agree: Agreement, mine: Facts, its: Facts) -> bool:
        """Return whether a question can be a part of an item, by its numerals and signs."""
        signs = not self._limits.numbers_must_agree or signs_held(its, mine) >= PART_SIGNS
        return bool(agree & Agreement.SECOND_IN_FIRST) and signs

    def _by_vectors(self, batch: _Batch, vectors: Vectors | None) -> Iterator[_Found]:
        """Yield questions near to an item whose numerals they hold, and its foreign letters."""
        if vectors is None or self._vectors is None:
            return
        free = not self._limits.numbers_must_agree
        for found in hits_above(vectors, self._vectors, self._limits.cosine):
            for question, text, score in zip(*(column.tolist() for column in found), strict=True):
                its = self._facts(self._normal(self._texts[text].text))
                mine = batch.facts(question)
                foreign = is_foreign(mine.normal) or is_foreign(its.normal)
                if foreign and not share_letters(mine.normal, its.normal):
                    continue
                if free or self._same_meaning(mine, its):
                    yield _Found(question, text, "semantic", min(score, 1.0))

    def _same_meaning(self, mine: Facts, its: Facts) -> bool:
        """Return whether a question near to an item by its vector can ask what the item asks."""
        unlike = asks_otherwise(mine, its) or unlike_in_meaning(mine, its)
        return holds_numerals(mine, its) and not unlike

    def _strongest(self, found: Iterable[_Found]) -> list[_Found]:
        """Return the strongest find for each question and item, by question, strongest first.

        A question that is one item of a benchmark, or holds it, is no near copy of another.
        """
        best: dict[tuple[int, str, int], _Found] = {}
        for one in found:
            text = self._texts[one.text]
            key = (one.question, text.benchmark, text.row)
            if key not in best or one.weakness < best[key].weakness:
                best[key] = one
        exact = {key[:2] for key, one in best.items() if one.method == "exact"}
        kept = [one for key, one in best.items() if one.method == "exact" or key[:2] not in exact]
        return sorted(kept, key=lambda one: (one.question, one.weakness, one.text))

    def _hit(self, id: str, batch: _Batch, one: _Found) -> Hit:
        """Return a find as a hit, with the text that matched."""
        text = self._texts[one.text]
        matched = text.text
        if one.method == "ngram":
            its = tokens(self._normal(text.text))
            matched = " ".join(longest_run(tokens(batch.normal(one.question)), its))
        return Hit(id, text.benchmark, text.item, one.method, one.score, matched)


def _by_text(texts: Sequence[ItemText]) -> dict[str, list[int]]:
    """Return the texts by number for each distinct one."""
    places: dict[str, list[int]] = {}
    for number, text in enumerate(texts):
        places.setdefault(text.text, []).append(number)
    return places


def _check_count(name: str, column: Sized | None, count: int) -> None:
    """Raise ValueError where a column has not one entry for each row."""
    if column is not None and len(column) != count:
        raise ValueError(f"{name}: expected {count}, one for each text, got {len(column)}")
