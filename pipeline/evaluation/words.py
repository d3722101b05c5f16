"""Counts the words by which the paper reads hesitation and resolve in a response.

    count("But wait. Wait, 7 is prime; therefore …")      {"but": 1, "wait": 2, "maybe": 0, …}

Whole words, in capitals or not, in the thinking and the answer; `waiting` is not `wait`.
"""

from __future__ import annotations

import re

WORDS = ("but", "wait", "maybe", "therefore")
PATTERN = re.compile(rf"\b(?:{'|'.join(WORDS)})\b", re.IGNORECASE)


def count(text: str) -> dict[str, int]:
    """Return how often each word occurs."""
    counts = dict.fromkeys(WORDS, 0)
    for word in PATTERN.findall(text):
        counts[word.lower()] += 1
    return counts
