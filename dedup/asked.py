r"""Whether two texts that share most of their words ask for different things all the same.

Questions of one template, or of one figure or experiment, and what tells them apart::

    asks_otherwise(facts(r"… calculate $\Delta H$."), facts(r"… calculate $\Delta S$."))   # True

- Letters: each text has a letter that stands alone, Latin or Greek, which the other lacks.
- Opposites: one says "odd" where the other says "even", and the like (`OPPOSITES`).
- Places: laid side by side, one has a single letter where the other has another one, or a word
  where the other has another one which it has itself elsewhere: "the speed of the neutron" for
  "of the deuteron". A synonym is no word of both.
- Functions: each defines functions, and none of the same name.
- Formulas: of either text's signs and numerals, less than `FORMULAS` lies in runs of `RUN`
  that the other holds, wherever they stand there. Not of programs.
- Endings: both begin with the same `BEGINNING` tokens or more, and then go on with words of
  their own: from `LEAST` to `MOST` each, of which fewer than `ENDINGS` of the fewer are in the
  other. Drawings (`[asy]…[/asy]`) are left out; where both have one, a single word will do.

Nothing of that holds where the same words and signs stand in the same sentences, moved: then
neither places nor runs of formulas mean anything.

`unlike_in_meaning` asks more, for a question and an item of which only the vectors are near.

Made by reading 80 hits in benchmarks of which 28 were wrong, and again 80 of which 9 were
(docs/log.md). Not told apart: one word put in place of another, "isothermal" for "adiabatic", as
a synonym is. Lost are copies whose variables or functions were given other names, and by their
vectors only also copies whose numerals come in another order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from dedup.ngrams import tokens
from dedup.numerals import SIGN, Agreement, Facts, agreement, signs_held

# Neither the article nor "what's", nor what stands in brackets: `[i]…[/i]` is markup.
LETTER = re.compile(r"(?<![^\W\d_'])(?<!\[)[^\W\d_a](?![^\W\d_]|\])")
FUNCTION = re.compile(r"\bdef ([a-z_]\w*)\(")
OPPOSITES = (
    ("even", "odd"),
    ("increasing", "decreasing"),
    ("positive", "negative"),
    ("largest", "smallest"),
    ("maximum", "minimum"),
    ("distinguishable", "indistinguishable"),
)
PROGRAM = re.compile(r"\b(?:def|assert) |>>>")
MARKUP = re.compile(r"\[/?[a-z]+\]")
DRAWING = re.compile(r"[\[<]asy[\]>].*?(?:[\[<]/asy[\]>]|\Z)", re.DOTALL)
FORMULA = re.compile(SIGN.pattern + r"|[0-9]+(?:\.[0-9]+)?")
# From a letter or digit on, so that a quotation mark in front is no other sentence.
SENTENCE = re.compile(r"\w[^.?!]*")
MOVED = 0.5  # of the sentences; where one ends without a full stop, two run together; a guess
RUN = 3  # signs and numerals, as for words
FORMULAS = 0.65  # copies from 0.67 on, other questions up to 0.64, of 80 hits and 1,400 copies
SHORTEST = 6  # signs and numerals of a text that has formulas; a guess
BEGINNING = 15  # tokens; a setting, rather than "write a function to"; a guess
LEAST = 3  # words; two may both be synonyms
MOST = 20  # words; what is asked is said in few, and a copy may be cut and wrapped; a guess
ENDINGS = 0.34  # of the words; copies from 0.5 on, other questions at 0 and 0.25
WORD = 4  # letters; shorter ones are seldom what a question is about, but for "red"; a guess
# Longer ones that name nothing. Without this, four more copies of 2,061 were lost, which have
# "each" for "every" and "every" for "each".
NAMELESS = frozenset((
    "each", "every", "given", "specified", "find", "determine", "calculate", "compute", "with",
    "that", "this", "these", "those", "from", "have", "what", "which", "when", "where", "then",
    "than", "there", "their", "they", "some", "many", "much", "more", "into", "such", "same",
    "will", "would", "about", "between",
))  # fmt: skip
ORDINAL = re.compile(r"\b(?:second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)\b")
LEAST_ITEM = 5  # tokens; fewer name a subject ("Crohn's disease:") and ask nothing; a guess
LEAST_SIGNS = 3  # of an item with formulas; fewer may be apostrophes and dashes; a guess
MEANT_SIGNS = 0.7  # share of the item's signs that the question holds; as in dedup.contamination


def asks_otherwise(one: Facts, other: Facts) -> bool:
    """Return whether two texts of much the same words are two questions, by these rules."""
    return not _moved(one, other) and (
        _other_letters(one, other)
        or _opposite(one, other)
        or _other_functions(one, other)
        or _other_formulas(one, other)
        or _other_endings(one, other)
        or _other_places(one, other)
    )


def unlike_in_meaning(question: Facts, item: Facts) -> bool:
    """Return whether a question near to an item by its vector can't ask what the item asks.

    An encoder sees what a text is about, and little of its formulas and of "second" or "third".
    """
    if question.digits == item.digits and question.order != item.order:
        return True
    if len(_tokens(item.normal)) < LEAST_ITEM or _ordinals(item) - _ordinals(question):
        return True
    if is_program(question) or is_program(item):
        return False
    formulas = min(len(_formula(question)), len(_formula(item))) >= SHORTEST
    if formulas and agreement(question, item) != Agreement.EQUAL:
        return True
    few = item.signs.total() < LEAST_SIGNS
    return not few and signs_held(question, item) < MEANT_SIGNS


def is_program(text: Facts) -> bool:
    """Return whether a text has examples or a head of a program, of which a copy may have more."""
    return bool(PROGRAM.search(text.normal))


def _moved(one: Facts, other: Facts) -> bool:
    """Return whether two texts have the same sentences in another order."""
    if one.signs != other.signs or Counter(_tokens(one.normal)) != Counter(_tokens(other.normal)):
        return False
    mine, its = (Counter(SENTENCE.findall(text.normal)) for text in (one, other))
    return (mine & its).total() >= MOVED * max(mine.total(), its.total())


def _other_letters(one: Facts, other: Facts) -> bool:
    """Return whether each of two texts has a letter that the other lacks."""
    mine, its = (set(LETTER.findall(text.normal)) for text in (one, other))
    return not mine <= its and not its <= mine


def _opposite(one: Facts, other: Facts) -> bool:
    """Return whether one text says a word where the other says its opposite."""
    mine, its = one.turns - other.turns, other.turns - one.turns
    return any((a in mine and b in its) or (b in mine and a in its) for a, b in OPPOSITES)


def _other_functions(one: Facts, other: Facts) -> bool:
    """Return whether both texts define functions, and none of the same name."""
    mine, its = (set(FUNCTION.findall(text.normal)) for text in (one, other))
    return bool(mine and its) and mine.isdisjoint(its)


def _other_formulas(one: Facts, other: Facts) -> bool:
    """Return whether little of either text's formulas is in the other."""
    if is_program(one) or is_program(other):
        return False
    mine, its = _formula(one), _formula(other)
    if min(len(mine), len(its)) < SHORTEST:
        return False
    return max(_share_held(mine, its), _share_held(its, mine)) < FORMULAS


def _formula(text: Facts) -> list[str]:
    """Return a text's signs and numerals as they come."""
    return FORMULA.findall(MARKUP.sub(" ", text.normal))


def _share_held(part: Sequence[str], whole: Sequence[str]) -> float:
    """Return the share of a sequence that lies in runs of another one."""
    held = set(zip(*(whole[at:] for at in range(RUN)), strict=False))
    covered: set[int] = set()
    for at, run in enumerate(zip(*(part[at:] for at in range(RUN)), strict=False)):
        if run in held:
            covered.update(range(at, at + RUN))
    return len(covered) / len(part)


def _other_endings(one: Facts, other: Facts) -> bool:
    """Return whether two texts begin alike and then go on with words of their own."""
    drawn = bool(DRAWING.search(one.normal) and DRAWING.search(other.normal))
    mine, its = (_tokens(DRAWING.sub(" ", text.normal)) for text in (one, other))
    least = min(len(mine), len(its))
    same = next((at for at in range(least) if mine[at] != its[at]), least)
    left, right = set(mine[same:]), set(its[same:])
    fewer, more = sorted((len(left), len(right)))
    if same < BEGINNING or fewer < (1 if drawn else LEAST) or not LEAST <= more <= MOST:
        return False
    return len(left & right) < ENDINGS * fewer


def _other_places(one: Facts, other: Facts) -> bool:
    """Return whether one text has another letter in a place, or a word that belongs elsewhere."""
    first, second = sorted((one.normal, other.normal))  # what is found depends on the order
    mine, its = (_tokens(DRAWING.sub(" ", normal)) for normal in (first, second))
    words = (set(mine) & set(its)) - NAMELESS
    for left, right in _replaced(mine, its):
        if len(left) == len(right) == 1 and left.isalpha() and right.isalpha():
            return True
        if {left, right} <= words and min(len(left), len(right)) >= WORD:
            return True
    return False


def _replaced(mine: Sequence[str], its: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the single tokens of two texts that stand in each other's place."""
    matcher = SequenceMatcher(None, mine, its, autojunk=False)
    for kind, start, end, its_start, its_end in matcher.get_opcodes():
        if kind == "replace" and end - start == its_end - its_start == 1:
            yield mine[start], its[its_start]


def _ordinals(text: Facts) -> Counter[str]:
    return Counter(ORDINAL.findall(text.normal))


@lru_cache(maxsize=8)  # several rules in turn look at the same two texts
def _tokens(normal: str) -> tuple[str, ...]:
    return tuple(tokens(normal))
