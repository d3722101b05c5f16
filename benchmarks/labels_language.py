"""How often the language of real questions is right, code and formulas in them or not.

``REAL_DATA=… python benchmarks/labels_language.py`` takes 200 rows of each source whose language
is known (Chinese where its name ends in zh, else English; Arena's rows are in many) and prints the
share that comes out right. The baseline is lingua on the whole text, formulas and code included.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from functools import lru_cache
from typing import Any

from labels_data import SOURCES, sample
from real_data import folder

from pipeline.labelling.language import language
from pipeline.recipe import LabelRecipe

LANGUAGES = LabelRecipe().languages
ROWS = 200


@lru_cache(maxsize=1)
def detector() -> Any:
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    codes = [getattr(IsoCode639_1, code.upper()) for code in LANGUAGES]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()


def plainly(text: str) -> str:
    found = detector().detect_language_of(text)
    return found.iso_code_639_1.name.lower() if found else "und"


def main() -> None:
    if not (folder() / "questions").is_dir():
        sys.exit(2)
    rows = [
        ("zh" if name.endswith("zh") else "en", row)
        for name in SOURCES
        if not name.startswith("arena")
        for row in sample(name, ROWS)
    ]
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    seconds = 0.0
    for wanted, row in rows:
        start = time.process_time()
        found = language(row.text, LANGUAGES)
        seconds += time.process_time() - start
        right["ours"] += found == wanted
        right["lingua"] += plainly(row.text) == wanted
        wrong[f"{wanted} as {found}"] += found != wanted
    ours, plain = right["ours"] / len(rows), right["lingua"] / len(rows)
    print(
        f"language, {len(rows):,} rows: right {ours:.4f}; lingua on the whole text {plain:.4f}"
        f" ({(1 - plain) / (1 - ours) if ours < 1 else 0:.1f} times as many wrong);"
        f" {len(rows) / seconds:,.0f} rows/s"
    )
    print(f"  wrong: {dict((+wrong).most_common())}")


if __name__ == "__main__":
    main()
