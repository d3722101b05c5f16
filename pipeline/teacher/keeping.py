"""Keeps what a teacher sends: replies in the journal, broken ones in a file for people.

A line of `data/journal/partials.jsonl`, of a reply whose connection broke::

    {"time": 1764000000.0, "key": "3fa9…", "id": "1c0f…", "attempt": 0,
     "why": "cut: http://10.0.0.7:8000/v1 (ClientPayloadError)", "chars": 48211,
     "text": "<think>\\nFirst, the ribbon …"}

Of a long text the middle is left out. Nobody reads this file again but people: a broken reply
is asked for from the beginning. It may be deleted at any time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from pipeline.errors import unwritable
from pipeline.teacher.base import Ask, Keeper, Reply
from pipeline.teacher.journal import Journal

HEAD, TAIL = 2_000, 6_000  # characters kept of a broken reply: how it began and where it stood
MOST_BYTES = 256 << 20  # the file stops growing there; a guess: 30,000 broken replies


class JournalKeeper(Keeper):
    """Puts each reply into a journal, which it prepares, under the name of its teacher."""

    def __init__(self, journal: Journal, teacher: str) -> None:
        journal.prepare()
        self.journal, self.teacher = journal, teacher

    def replies(self, arrived: Sequence[tuple[Ask, Reply]]) -> None:
        """Keep replies for ever; a refusal is not kept, and asked again another day."""
        kept = [(ask.key, reply) for ask, reply in arrived if reply.finish_reason != "error"]
        self.journal.put_all(kept, self.teacher)

    def partial(self, ask: Ask, text: str, why: str) -> None:
        """Write down what had come; raises StoreUnwritable."""
        line = {
            "time": time.time(),
            "key": ask.key,
            "id": ask.id,
            "attempt": ask.attempt,
            "why": why,
            "chars": len(text),
            "text": text if len(text) <= HEAD + TAIL else f"{text[:HEAD]} […] {text[-TAIL:]}",
        }
        path = self.journal.folder / "partials.jsonl"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:  # ASCII: the text may hold anything
                if file.tell() < MOST_BYTES:
                    file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise unwritable(
                error, f"{path}: cannot be written ({error.strerror}); free space or allow writing"
            ) from None
