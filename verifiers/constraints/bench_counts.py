"""IFBench's `count:*` and `ratio:*`: how many of something, and in what proportion.

``{"id": "count:pronouns", "kwargs": {"N": 22.0}}``, ``{"id": "ratio:overlap",
"kwargs": {"percentage": 72.0, "reference_text": "Use induction to prove …"}}``.

`ratio:stop_words` is not here: its list of stop words is a download of NLTK's. Names and
pronouns are those that IFBench lists, found as they are spelled.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from verifiers.constraints.passages import EDGES, PUNCTUATION, Passage, bare_words, ruled_sentences
from verifiers.constraints.registry import (
    Arguments,
    Observation,
    Test,
    UnusableConstraint,
    constraint,
)

CONJUNCTIONS = {"and", "but", "for", "nor", "or", "so", "yet"}
LISTED_NAMES = (
    "Emma Liam Sophia Jackson Olivia Noah Ava Lucas Isabella Mason Mia Ethan Charlotte Alexander "
    "Amelia Benjamin Harper Leo Zoe Daniel Chloe Samuel Lily Matthew Grace Owen Abigail Gabriel "
    "Ella Jacob Scarlett Nathan Victoria Elijah Layla Nicholas Audrey David Hannah Christopher "
    "Penelope Thomas Nora Andrew Aria Joseph Claire Ryan Stella Jonathan"
)
NAMES = LISTED_NAMES.split()
LISTED_PRONOUNS = (
    "i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his "
    "himself she her hers herself it its itself they them their theirs themselves"
)
PRONOUNS = frozenset(LISTED_PRONOUNS.split())
COVERED = ".,!?;:"
INTERROBANGS = ("?!", "!?")
KEYWORD_TIMES = (1, 2, 3, 5, 7)
OVERLAP_MARGIN = 2  # percent
GRAM = 3  # characters


def at_least(given: Arguments, name: str, count: Callable[[str], int]) -> Test:
    """Return the test that something is counted at least so many times."""
    number = given.whole(name)

    def test(passage: Passage) -> Observation:
        found = count(passage.text)
        return Observation(found >= number, found)

    return test


@constraint("count:word_count_range")
def word_count_range(given: Arguments) -> Test:
    """The number of words lies between two bounds, both included."""
    least, most = given.whole("min_words"), given.whole("max_words")

    def test(passage: Passage) -> Observation:
        return Observation(least <= passage.words <= most, passage.words)

    return test


@constraint("count:unique_word_count")
def unique_word_count(given: Arguments) -> Test:
    """There are at least so many different words."""
    return at_least(given, "N", lambda text: len({w.strip(EDGES) for w in text.lower().split()}))


@constraint("count:conjunctions")
def conjunctions(given: Arguments) -> Test:
    """There are at least so many different coordinating conjunctions.

    IFBench tells them apart as they are written, so that "and" and "And," are two.
    """
    return at_least(given, "small_n", lambda text: len({*filter(_is_conjunction, text.split())}))


def _is_conjunction(word: str) -> bool:
    return word.strip(EDGES).lower() in CONJUNCTIONS


@constraint("count:person_names")
def person_names(given: Arguments) -> Test:
    """There are at least so many different names of IFBench's list."""
    return at_least(given, "N", lambda text: sum(name in text for name in NAMES))


@constraint("count:pronouns")
def pronouns(given: Arguments) -> Test:
    """There are at least so many personal pronouns."""
    return at_least(given, "N", _pronouns)


def _pronouns(text: str) -> int:
    return sum(word in PRONOUNS for word in bare_words(text.replace("/", " ").lower()))


@constraint("count:numbers")
def numbers(given: Arguments) -> Test:
    """There are exactly so many numbers; 1,000.5 is one."""
    number = given.whole("N")

    def test(passage: Passage) -> Observation:
        count = len(re.findall(r"\d+", passage.text.translate(PUNCTUATION)))
        return Observation(count == number, count)

    return test


@constraint("count:punctuation")
def punctuation(_: Arguments) -> Test:
    """Every sign of . , ! ? ; : is there, and an interrobang besides."""

    def test(passage: Passage) -> Observation:
        text = passage.text
        first = next((pair for pair in INTERROBANGS if pair in text), "")
        rest = text.replace(first, "", 1) if first else text
        missing = [sign for sign in COVERED if sign not in rest]
        return Observation(not missing and bool(first or "‽" in text), {"missing": missing})

    return test


@constraint("count:words_japanese")
def words_japanese(given: Arguments) -> Test:
    """Every N-th word is Japanese; numbers and lone punctuation are let pass."""
    step = given.whole("N", least=1)
    japanese = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")

    def test(passage: Passage) -> Observation:
        chosen = [word.strip(EDGES) for word in passage.text.split()[step - 1 :: step]]
        wrong = [w for w in chosen if w and not w.isdigit() and not japanese.search(w)]
        return Observation(not wrong, {"other": wrong[:5]})

    return test


@constraint("count:keywords_multiple")
def keywords_multiple(given: Arguments) -> Test:
    """Five keywords come exactly 1, 2, 3, 5 and 7 times, parts of words counted."""
    keywords = [given.text(f"keyword{place}").strip().lower() for place in range(1, 6)]

    def test(passage: Passage) -> Observation:
        text = passage.text.lower()
        counts = tuple(text.count(keyword) for keyword in keywords)
        return Observation(counts == KEYWORD_TIMES, list(counts))

    return test


@constraint("ratio:overlap")
def overlap(given: Arguments) -> Test:
    """So many percent, ± 2, of the answer's trigrams of characters are the reference's."""
    wanted, reference = given.whole("percentage"), _grams(given.text("reference_text"))
    if wanted > 100:
        raise UnusableConstraint(f"percentage: expected at most 100, got {wanted}")

    def test(passage: Passage) -> Observation:
        grams = _grams(passage.text)
        if not grams:
            return Observation(False, 0)
        share = len(grams & reference) / len(grams) * 100
        return Observation(abs(share - wanted) <= OVERLAP_MARGIN, round(share, 2))

    return test


def _grams(text: str) -> set[str]:
    return {text[place : place + GRAM] for place in range(len(text) - GRAM + 1)}


def ends(text: str) -> tuple[int, int, int]:
    """Return how many sentences end in a full stop, a question mark, an exclamation mark."""
    last = [sentence[-1:] for sentence in ruled_sentences(text)]
    return last.count("."), last.count("?"), last.count("!")


@constraint("ratio:sentence_type")
def sentence_type(_: Arguments) -> Test:
    """There are twice as many statements as questions."""

    def test(passage: Passage) -> Observation:
        statements, questions, _calls = ends(passage.text)
        return Observation(statements == 2 * questions, [statements, questions])

    return test


@constraint("ratio:sentence_balance")
def sentence_balance(_: Arguments) -> Test:
    """There are as many statements as questions as exclamations."""

    def test(passage: Passage) -> Observation:
        counts = ends(passage.text)
        return Observation(len(set(counts)) == 1, list(counts))

    return test


@constraint("ratio:sentence_words")
def sentence_words(_: Arguments) -> Test:
    """There are three sentences of the same number of characters.

    That their words differ is part of the prompt, and IFBench does not look at it.
    """

    def test(passage: Passage) -> Observation:
        lengths = [len(sentence) for sentence in ruled_sentences(passage.text)]
        return Observation(len(lengths) == 3 and len(set(lengths)) == 1, lengths[:10])

    return test
