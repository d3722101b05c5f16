"""IFBench's `words:*` and `sentence:*`: how words and sentences follow each other.

``{"id": "words:keywords_specific_position", "kwargs": {"keyword": "giggle", "n": 22, "m": 33}}``

`words:start_verb` is not here: its part-of-speech tagger is a download of NLTK's. Words are
what stands between spaces, without ASCII punctuation, unless a docstring says otherwise.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from verifiers.constraints.passages import EDGES, Passage, bare_words, ruled_sentences, tokens
from verifiers.constraints.registry import Arguments, Observation, Test, constraint

CONSONANTS = set("bcdfghjklmnpqrstvwxyz")
VOWELS = set("aeiou")
MAX_VOWELS = 3
PALINDROMES, PALINDROME_LETTERS = 10, 5
PRIMES = {n for n in range(2, 100) if all(n % divisor for divisor in range(2, n))}


def first_wrong(words: list[str], wrong: Callable[[str], bool]) -> Observation:
    """Return the observation that no word is wrong, or that one is, with the first such word."""
    found = next((word for word in words if wrong(word)), None)
    return Observation(found is None, {"wrong": found})


@constraint("words:alphabet")
def alphabet(_: Arguments) -> Test:
    """The words begin with letters that follow each other in the alphabet, z before a."""
    letters = string.ascii_lowercase

    def test(passage: Passage) -> Observation:
        words = [word.lower() for word in bare_words(passage.text)]
        start = letters.find(words[0][0]) if words else -1
        if start < 0:
            return Observation(False, {"wrong": words[0] if words else None})
        wanted = (letters[(start + place) % 26] for place in range(len(words)))
        wrong = [word for word, letter in zip(words, wanted, strict=True) if word[0] != letter]
        return Observation(not wrong, {"wrong": wrong[0] if wrong else None})

    return test


@constraint("words:vowel")
def vowel(_: Arguments) -> Test:
    """The answer is one paragraph with at most three of the five vowels."""

    def test(passage: Passage) -> Observation:
        text = passage.text.strip().lower()
        found = VOWELS & set(text)
        return Observation("\n" not in text and len(found) <= MAX_VOWELS, sorted(found))

    return test


@constraint("words:consonants")
def consonants(_: Arguments) -> Test:
    """Every word, with its punctuation, has two consonants side by side."""

    def test(passage: Passage) -> Observation:
        return first_wrong(passage.text.lower().split(), _no_cluster)

    return test


def _no_cluster(word: str) -> bool:
    return not any(a in CONSONANTS and b in CONSONANTS for a, b in pairwise(word))


@constraint("words:palindrome")
def palindrome(_: Arguments) -> Test:
    """There are ten palindromes of five letters and more, repeated ones counted."""

    def test(passage: Passage) -> Observation:
        words = bare_words(passage.text.lower())
        found = [w for w in words if len(w) >= PALINDROME_LETTERS and w == w[::-1]]
        return Observation(len(found) >= PALINDROMES, len(found))

    return test


@constraint("words:prime_lengths")
def prime_lengths(_: Arguments) -> Test:
    """Every word's length is a prime."""

    def test(passage: Passage) -> Observation:
        return first_wrong(bare_words(passage.text), lambda word: len(word) not in PRIMES)

    return test


@constraint("words:repeats")
def repeats(given: Arguments) -> Test:
    """No word comes more than so many times."""
    most = given.whole("small_n")

    def test(passage: Passage) -> Observation:
        [(word, count)] = Counter(bare_words(passage.text.lower())).most_common(1) or [("", 0)]
        return Observation(count <= most, {"word": word, "times": count})

    return test


@constraint("words:no_consecutive")
def no_consecutive(_: Arguments) -> Test:
    """No two neighbouring words begin with the same letter."""

    def test(passage: Passage) -> Observation:
        pairs = pairwise(bare_words(passage.text.lower()))
        wrong = next((f"{a} {b}" for a, b in pairs if a[0] == b[0]), None)
        return Observation(wrong is None, {"wrong": wrong})

    return test


@constraint("words:odd_even_syllables")
def odd_even_syllables(_: Arguments) -> Test:
    """Words with odd and even numbers of syllables, as syllapy counts them, take turns."""
    import syllapy

    def test(passage: Passage) -> Observation:
        words = bare_words(passage.text)
        parities = [syllapy.count(word.lower()) % 2 for word in words]
        wrong = [place for place, (a, b) in enumerate(pairwise(parities)) if a == b]
        return Observation(not wrong, {"wrong": words[wrong[0]] if wrong else None})

    return test


@constraint("words:last_first")
def last_first(_: Arguments) -> Test:
    """Every sentence begins with the last word of the one before."""

    def test(passage: Passage) -> Observation:
        for one, other in pairwise(ruled_sentences(passage.text)):
            last, first = one.rstrip(EDGES).split(), other.lstrip(EDGES).split()
            if not (last and first and last[-1].lower() == first[0].lower()):
                return Observation(False, {"wrong": other})
        return Observation(True)

    return test


@constraint("words:paragraph_last_first")
def paragraph_last_first(_: Arguments) -> Test:
    """Every line ends with the word that it begins with."""

    def test(passage: Passage) -> Observation:
        for line in passage.text.lower().split("\n"):
            words = line.strip().strip(EDGES).split()
            if words and words[0] != words[-1]:
                return Observation(False, {"wrong": line})
        return Observation(True)

    return test


@constraint("words:keywords_specific_position")
def keywords_specific_position(given: Arguments) -> Test:
    """The m-th token of the n-th sentence is the keyword."""
    keyword = given.text("keyword").strip()
    n, m = given.whole("n", least=1), given.whole("m", least=1)

    def test(passage: Passage) -> Observation:
        sentences = ruled_sentences(passage.text)
        words = tokens(sentences[n - 1]) if len(sentences) >= n else []
        found = words[m - 1] if len(words) >= m else None
        return Observation(found == keyword, found)

    return test


@constraint("words:words_position")
def words_position(given: Arguments) -> Test:
    """The second token and the last but one are the keyword."""
    keyword = given.text("keyword").strip()

    def test(passage: Passage) -> Observation:
        words = tokens(passage.text)
        found = [words[1], words[-2]] if len(words) > 1 else []
        return Observation(found == [keyword, keyword], found)

    return test


@constraint("sentence:keyword")
def sentence_keyword(given: Arguments) -> Test:
    """The N-th sentence holds the keyword, be it as part of a word."""
    keyword, place = given.text("word").lower(), given.whole("N", least=1)

    def test(passage: Passage) -> Observation:
        sentences = ruled_sentences(passage.text)
        found = sentences[place - 1] if len(sentences) >= place else None
        return Observation(found is not None and keyword in found.lower(), found)

    return test


@constraint("sentence:increment")
def sentence_increment(given: Arguments) -> Test:
    """Every sentence has so many words more than the one before."""
    step = given.whole("small_n")

    def test(passage: Passage) -> Observation:
        counts = [len(bare_words(sentence)) for sentence in ruled_sentences(passage.text)]
        return Observation(all(b - a == step for a, b in pairwise(counts)), counts[:20])

    return test


@constraint("sentence:alliteration_increment")
def alliteration_increment(_: Arguments) -> Test:
    """Every sentence has more alliterating words than the one before."""

    def test(passage: Passage) -> Observation:
        counts = [_alliterating(sentence) for sentence in ruled_sentences(passage.text)]
        return Observation(all(b > a for a, b in pairwise(counts)), counts[:20])

    return test


def _alliterating(sentence: str) -> int:
    """Count the words of runs that begin alike; a run of k words counts k."""
    words = [word for raw in sentence.lower().split() if (word := raw.lstrip(EDGES))]
    same = [a[0] == b[0] for a, b in pairwise(words)]
    return sum(2 if not before else 1 for before, now in pairwise([False, *same]) if now)
