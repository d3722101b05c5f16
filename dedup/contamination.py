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
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass

import numpy as np

from dedup.benchmarks import Benchmarks, ItemText
from dedup.exact import normalise, numbers_of, stands_in
from dedup.index import Vectors, hits_above
from dedup.ngrams import NgramIndex, Rows, longest_run, tokens

__all__ = ["METHODS", "Benchmarks", "Contamination", "Hit", "ItemText"]

METHODS = ("exact", "ngram", "semantic")  # strongest first

SIZE = 8  # open-r1 and others flag any shared 8-gram; a half covered by them loses little
LONG = 13  # tokens; GPT-3's n-gram, under which the usual rules are blind
SHORTEST = 5  # tokens; below it words alone are no evidence ("soft determinism entails that")
COVERAGE = 0.5
# Of 38,018 real questions 5.4 % hit a short item at 0.5, 2.7 % at 0.8, nearly all wrongly, by
# phrases such as "which of the following statements is"; 0.3 % do at 0.9.
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
    """A question and a benchmark text, by number, and how the one repeats the other."""

    question: int
    text: int
    method: str
    score: float

    @property
    def weakness(self) -> tuple[int, float]:
        """What the strongest hit has least of."""
        return METHODS.index(self.method), -self.score


class _Batch:
    """Questions in the forms that the methods take."""

    def __init__(self, texts: Sequence[str], index: NgramIndex) -> None:
        self.normals = [normalise(text) for text in texts]
        self.tokens = [tokens(normal) for normal in self.normals]
        self.flat = index.flat(self.tokens)
        self._numbers: dict[int, Counter[str]] = {}

    def numbers(self, question: int) -> Counter[str]:
        """Return a question's numerals, counted when first asked for."""
        if question not in self._numbers:
            self._numbers[question] = Counter(numbers_of(self.normals[question]))
        return self._numbers[question]


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
        """Take benchmarks, with a unit vector for each of `benchmarks.texts` or with none.

        Raises ValueError where vectors and texts differ in number, or a limit is no share.
        """
        _check_shares(coverage=coverage, short_coverage=short_coverage, cosine=cosine)
        _check_count("vectors", vectors, len(benchmarks.texts))
        self._texts, self._vectors = benchmarks.texts, vectors
        self._cosine, self._numbers_must_agree = cosine, numbers_must_agree
        self._texts_of = _by_form(benchmarks.texts)
        self._form_of = {text: at for at, of in enumerate(self._texts_of.values()) for text in of}
        self._forms = list(self._texts_of)
        self._tokens = [tokens(form) for form in self._forms]
        self._numbers = [Counter(numbers_of(form)) for form in self._forms]
        lengths = [len(item) for item in self._tokens]
        self._least = np.where(np.array(lengths) < LONG, short_coverage, coverage)
        self._index = NgramIndex(self._tokens, [gram_size(length) for length in lengths])

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
        batch = _Batch(texts, self._index)
        found = [*self._exact(batch), *self._by_ngrams(batch), *self._by_vectors(batch, vectors)]
        return [self._hit(ids[one.question], batch, one) for one in self._strongest(found)]

    def _exact(self, batch: _Batch) -> Iterator[_Found]:
        """Yield questions whose normal form is an item's, or holds it whole."""
        for question, normal in enumerate(batch.normals):
            for text in self._texts_of.get(normal, ()):
                yield _Found(question, text, "exact", 1.0)
        for question, form in _pairs(*self._index.anchored(batch.flat)):
            if stands_in(self._forms[form], batch.normals[question]):
                yield from self._of_form(question, form, "exact", 1.0)

    def _by_ngrams(self, batch: _Batch) -> Iterator[_Found]:
        """Yield questions that cover enough of an item's words and have no other numbers."""
        for questions, forms, shares in self._index.shared(batch.flat, self._least):
            pairs = zip(_pairs(questions, forms), shares.tolist(), strict=True)
            for (question, form), share in pairs:
                mine, its = batch.numbers(question), self._numbers[form]
                if not self._numbers_must_agree or its <= mine or mine <= its:
                    yield from self._of_form(question, form, "ngram", share)

    def _by_vectors(self, batch: _Batch, vectors: Vectors | None) -> Iterator[_Found]:
        """Yield questions near to an item whose numerals they hold."""
        if vectors is None or self._vectors is None:
            return
        for questions, texts, scores in hits_above(vectors, self._vectors, self._cosine):
            for (question, text), score in zip(_pairs(questions, texts), scores, strict=True):
                its = self._numbers[self._form_of[text]]
                if not self._numbers_must_agree or its <= batch.numbers(question):
                    yield _Found(question, text, "semantic", min(float(score), 1.0))

    def _of_form(self, question: int, form: int, method: str, score: float) -> Iterator[_Found]:
        """Yield a find for every benchmark text of one normal form."""
        for text in self._texts_of[self._forms[form]]:
            yield _Found(question, text, method, score)

    def _strongest(self, found: Iterable[_Found]) -> list[_Found]:
        """Return the strongest find for each question and item, by question, strongest first."""
        best: dict[tuple[int, str, int], _Found] = {}
        for one in found:
            text = self._texts[one.text]
            key = (one.question, text.benchmark, text.row)
            if key not in best or one.weakness < best[key].weakness:
                best[key] = one
        return sorted(best.values(), key=lambda one: (one.question, one.weakness, one.text))

    def _hit(self, id: str, batch: _Batch, one: _Found) -> Hit:
        """Return a find as a hit, with the text that matched."""
        text = self._texts[one.text]
        matched = text.text
        if one.method == "ngram":
            item = self._tokens[self._form_of[one.text]]
            matched = " ".join(longest_run(batch.tokens[one.question], item))
        return Hit(id, text.benchmark, text.item, one.method, one.score, matched)


def gram_size(length: int) -> int:
    """Return n for an item of so many tokens; 0: its words alone are no evidence."""
    if length >= LONG:
        return SIZE
    return max(4, -(-2 * length // 3)) if length >= SHORTEST else 0


def _by_form(texts: Sequence[ItemText]) -> dict[str, list[int]]:
    """Return the texts by number for each normal form."""
    forms: dict[str, list[int]] = {}
    for number, text in enumerate(texts):
        forms.setdefault(normalise(text.text), []).append(number)
    return forms


def _pairs(left: Rows, right: Rows) -> Iterator[tuple[int, int]]:
    """Return pairs of numbers from two arrays."""
    return zip(left.tolist(), right.tolist(), strict=True)


def _check_shares(**limits: float) -> None:
    """Raise ValueError where a limit is not above 0 and at most 1."""
    for name, limit in limits.items():
        if not 0 < limit <= 1:
            raise ValueError(f"{name}: expected above 0 and at most 1, got {limit}")


def _check_count(name: str, column: Sized | None, count: int) -> None:
    """Raise ValueError where a column has not one entry for each row."""
    if column is not None and len(column) != count:
        raise ValueError(f"{name}: expected {count}, one for each text, got {len(column)}")
