"""IFEval's `length_constraints:*`: how many words, sentences and paragraphs.

``{"id": "length_constraints:number_sentences", "kwargs": {"num_sentences": 5,
"relation": "less than"}}``

What a word and a sentence is: `passages`. Paragraphs are parted by `***` in one type and by an
empty line in the other, as their prompts say.
"""

from __future__ import annotations

import re

from verifiers.constraints.passages import Passage
from verifiers.constraints.registry import (
    Arguments,
    Observation,
    Test,
    UnusableConstraint,
    constraint,
)

DIVIDER = re.compile(r"\s?\*\*\*\s?")
WORD_ENDS = ".,?!'\""


@constraint("length_constraints:number_words")
def number_words(given: Arguments) -> Test:
    """There are less than, or at least, so many words."""
    number, compare = given.whole("num_words"), given.compare("relation")

    def test(passage: Passage) -> Observation:
        return Observation(compare(passage.words, number), passage.words)

    return test


@constraint("length_constraints:number_sentences")
def number_sentences(given: Arguments) -> Test:
    """There are less than, or at least, so many sentences."""
    number, compare = given.whole("num_sentences"), given.compare("relation")

    def test(passage: Passage) -> Observation:
        count = passage.sentences
        return Observation(compare(count, number), count)

    return test


@constraint("length_constraints:number_paragraphs")
def number_paragraphs(given: Arguments) -> Test:
    """There are exactly so many paragraphs between dividers, and no empty one inside."""
    number = given.whole("num_paragraphs")

    def test(passage: Passage) -> Observation:
        full = [bool(part.strip()) for part in DIVIDER.split(passage.text)]
        return Observation(all(full[1:-1]) and sum(full) == number, sum(full))

    return test


@constraint("length_constraints:nth_paragraph_first_word")
def nth_paragraph_first_word(given: Arguments) -> Test:
    """There are exactly so many paragraphs, and one begins with a given word.

    The paragraph is looked up before empty ones are left out, as IFEval does.
    """
    number, place = given.whole("num_paragraphs"), given.whole("nth_paragraph", least=1)
    wanted = given.text("first_word").lower()
    if place > number:
        raise UnusableConstraint(f"nth_paragraph: {place} of {number} paragraphs")

    def test(passage: Passage) -> Observation:
        parts = passage.text.split("\n\n")
        count = sum(bool(part.strip()) for part in parts)
        words = parts[place - 1].split() if place <= count else []
        word = first_letters(words[0]) if words else ""
        followed = bool(words) and count == number and word == wanted
        return Observation(followed, {"paragraphs": count, "word": word})

    return test


def first_letters(word: str) -> str:
    """Return a word up to its first punctuation, quotation marks in front left out."""
    word = word.lstrip("'").lstrip('"')
    end = next((place for place, sign in enumerate(word) if sign in WORD_ENDS), len(word))
    return word[:end].lower()
