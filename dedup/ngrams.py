r"""Tokens of a text in normal form, and the longest run of them that two texts share.

Words, numerals, and Chinese or Japanese characters one by one, without LaTeX commands::

    tokens(normalise(r"Find $\dfrac{1}{2}$ of 1,200.5 apples"))
    # ["find", "1", "2", "of", "1200.5", "apples"]

For reports, a text at a time; `dedup.quick` does millions and sees a little less.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from dedup.exact import CJK

TOKEN = re.compile(rf"[0-9]+(?:\.[0-9]+)?|[{CJK}]|[^\W\d_{CJK}]+")
COMMAND = re.compile(r"\\[a-z]+")


def tokens(normal: str) -> list[str]:
    """Return the tokens of a text in normal form."""
    return TOKEN.findall(COMMAND.sub(" ", normal))


def longest_run(question: Sequence[str], item: Sequence[str]) -> Sequence[str]:
    """Return the longest run of an item's tokens that is a run of a question's; the first."""
    numbered = {token: number for number, token in enumerate(dict.fromkeys(item))}
    there = np.array([numbered.get(token, -1) for token in question], np.int64)
    runs = np.zeros(len(there) + 1, np.int64)
    best, end = 0, 0
    for place, token in enumerate(item, 1):
        runs[1:] = np.where(there == numbered[token], runs[:-1] + 1, 0)
        if (longest := int(runs.max())) > best:
            best, end = longest, place
    return item[end - best : end]
