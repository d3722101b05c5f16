"""The language of a question's prose; code, formulas, links and choices are no language.

    language("Solve $x^2 = 3$ for x.", ("en", "zh"))      "en"
    language("12 + 7 =", ("en", "zh"))                    "und"

lingua tells the configured languages apart and knows no others: a text in one that is not
among them is called by its likest. Names are taken out of short texts, since they have a language
of their own: lingua takes "What is 68 degrees Fahrenheit in Celsius?" for German by 0.30. Of the
few words between formulas ("Find", "If … then") it makes German or French; there the first of the
languages is taken, unless another is likelier by `LEAD`. A text of two languages is called by the
one with more.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

UNKNOWN = "und"
# Not language: fenced and inline code, formulas, TeX commands, links, names_of_a_program.
NOT_PROSE = re.compile(
    r"```.*?(```|\Z)|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$|\\\(.*?\\\)|\\\[.*?\\\]|\\[a-zA-Z]+|https?://\S+"
    r"|[A-Za-z0-9]*_[A-Za-z0-9_]*",
    re.DOTALL,
)
LANGUAGE_CHARS = 2_000  # of prose that lingua sees: more does not change its mind
MIN_LETTERS = 2  # below this there is nothing to tell
SHORT = 40  # words, up to which names weigh; with 15, four more of 8,503 rows come out wrong
# What has no language in a short text: a word with a capital inside a sentence, a unit that is
# named for a person, and a letter alone, which is a formula's.
NAME = re.compile(
    r"(?<=[^\s.!?:;。！？：；])\s+[A-ZÀ-ÖØ-Þ][^\W\d_]*\b"
    r"|(?i:\b(?:celsius|fahrenheit|kelvin|watt|volt|amp[eè]re|ohm|hertz|joule|newton|pascal)s?\b)"
    r"|(?<![^\W_])[A-Za-z](?![^\W_])"
)
# By how much another language's confidence must exceed the first one's. Measured: "Find" is German
# by 0.14, "Convert … to" Spanish by 0.16, "Sea. Hallar" by 0.18 (benchmarks/labels_language.py).
LEAD = 0.17


def language(text: str, languages: tuple[str, ...]) -> str:
    """Return the ISO 639-1 code of a text's prose, `und` where there is no prose to tell from."""
    prose = _without_names(NOT_PROSE.sub(" ", text[: 10 * LANGUAGE_CHARS])[:LANGUAGE_CHARS])
    if sum(char.isalpha() for char in prose) < MIN_LETTERS:
        return UNKNOWN
    values = _detector(languages).compute_language_confidence_values(prose)
    sure = {found.language.iso_code_639_1.name.lower(): found.value for found in values}
    best = max(sure, key=lambda code: (sure[code], code))
    if not sure[best]:
        return UNKNOWN
    return best if sure[best] - sure[languages[0].lower()] >= LEAD else languages[0].lower()


def _without_names(prose: str) -> str:
    """Return a short text without names, any other text as it is."""
    if len(prose.split()) > SHORT:
        return prose
    left = NAME.sub(" ", prose)
    # Where that is all there is, as in "Berlin, Hamburg", it has to do.
    return left if sum(map(str.isalpha, left)) >= MIN_LETTERS else prose


@lru_cache(maxsize=2)
def _detector(languages: tuple[str, ...]) -> Any:
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    codes = [getattr(IsoCode639_1, code.upper()) for code in languages]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()
