"""The language of a question's prose; code, formulas, links and choices are no language.

    language("Solve $x^2 = 3$ for x.", ("en", "zh"))      "en"
    language("12 + 7 =", ("en", "zh"))                    "und"

lingua tells the configured languages apart and knows no others: a text in one that is not
among them is called by its likest. Of the few words between formulas ("Find", "If … then") it
makes German or French; there the first of the languages is taken, unless another is likelier by
`LEAD`. A text of two languages is called by the one with more.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

UNKNOWN = "und"
# Not language: fenced and inline code, formulas, TeX commands, links.
NOT_PROSE = re.compile(
    r"```.*?(```|\Z)|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$|\\\(.*?\\\)|\\\[.*?\\\]|\\[a-zA-Z]+|https?://\S+",
    re.DOTALL,
)
LANGUAGE_CHARS = 2_000  # of prose that lingua sees: more does not change its mind
MIN_LETTERS = 2  # below this there is nothing to tell
# By how much another language's confidence must exceed the first one's. Measured: "Find" is German
# by 0.14, "Sea. Hallar" Spanish by 0.18 (benchmarks/labels_language.py).
LEAD = 0.15


def language(text: str, languages: tuple[str, ...]) -> str:
    """Return the ISO 639-1 code of a text's prose, `und` where there is no prose to tell from."""
    prose = NOT_PROSE.sub(" ", text[: 10 * LANGUAGE_CHARS])[:LANGUAGE_CHARS]
    if sum(char.isalpha() for char in prose) < MIN_LETTERS:
        return UNKNOWN
    values = _detector(languages).compute_language_confidence_values(prose)
    sure = {found.language.iso_code_639_1.name.lower(): found.value for found in values}
    best = max(sure, key=lambda code: (sure[code], code))
    if not sure[best]:
        return UNKNOWN
    return best if sure[best] - sure[languages[0].lower()] >= LEAD else languages[0].lower()


@lru_cache(maxsize=2)
def _detector(languages: tuple[str, ...]) -> Any:
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    codes = [getattr(IsoCode639_1, code.upper()) for code in languages]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()
