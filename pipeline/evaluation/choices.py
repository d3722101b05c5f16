"""Multiple choice: how options are shuffled, lettered and shown.

    lettered(["four", "five"])      "(A) four\\n(B) five"

The order depends on the seed and the question alone, so that leaving out other questions
changes nothing, and is the same for every response to it.
"""

from __future__ import annotations

import random
import string
from collections.abc import Sequence

from pipeline.records import content_hash

LETTERS = string.ascii_uppercase
PROMPT = (
    "{question}\n\n{options}\n\nPlease reason step by step, and put the letter of the right"
    " option, and nothing else, within \\boxed{}."
)


def shuffled(options: Sequence[str], right: int, key: str, seed: int) -> tuple[list[str], str]:
    """Return options in the order that seed and key give, and the letter of the right one."""
    order = list(range(len(options)))
    random.Random(int(content_hash([seed, key]), 16)).shuffle(order)
    return [options[place] for place in order], letter(order.index(right))


def letter(place: int) -> str:
    """Return the letter of a place; raises ValueError beyond Z."""
    if not 0 <= place < len(LETTERS):
        raise ValueError(f"an option's place must be 0 to 25, got {place}")
    return LETTERS[place]


def lettered(options: Sequence[str]) -> str:
    """Return the options one a line, each behind its letter."""
    return "\n".join(f"({letter(place)}) {text}" for place, text in enumerate(options))
