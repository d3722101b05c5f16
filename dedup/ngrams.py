r"""Tokens of a text in normal form, and the longest run of them that two texts share.

Words, numerals, and Chinese or Japanese characters one by one, without LaTeX commands::

    tokens(normalise(r"Find $\dfrac{1}{2}$ of 1,200.5 apples"))
    # ["find", "1", "2", "of", "1200.5", "apples"]

For reports, a text at a time; `dedup.quick` does millions and sees a little less.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from dedup.exact import CJK

TOKEN = re.compile(rf"[0-9]+(?:\.[0-9]+)?|[{CJK}]|[^\W\d_{CJK}]+")
COMMAND = re.compile(r"\\[a-z]+")


def tokens(normal: str) -> list[str]:
    """Return the tokens of a text in normal form."""
    return TOKEN.findall(COMMAND.sub(" ", normal))


def longest_run(question: Sequence[str], item: Sequence[str]) -> Sequence[str]:
    """Return the longest run of an item's tokens that is a run of a question's; the first."""
    match = SequenceMatcher(None, item, question, autojunk=False).find_longest_match()
    return item[match.a : match.a + match.size]
