"""Counts what was sent to a server and what became of it, so that every request is explained.

    account.line("http://10.0.0.7:8000/v1")
    {"server": "http://10.0.0.7:8000/v1", "requests": 812, "replies": 790, "refused": 1,
     "failed": {"429": 12, "cut": 8}, "open": 1, "checks": 0, "prompt_tokens": 65570,
     "response_tokens": 3160911, "lost_chars": 41200}

`requests` = `replies` + `refused` + all of `failed` + `open`, at any moment. `lost_chars` is
text of replies that broke off: it was paid for, and nobody counted its tokens. `checks` are
the tiny requests that ask whether a server is alive at all, and are in no other column.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pipeline.teacher.base import Reply

SMOOTH_S = 20.0  # what "now" means in tokens a second: the last so many seconds; a guess
CHARS_A_TOKEN = 3.5  # until a server has counted its own; a guess between English and Chinese


@dataclass(slots=True)
class Account:
    """What one server was sent and sent back."""

    requests: int = 0
    replies: int = 0
    refused: int = 0
    checks: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    response_tokens: int = 0
    counted_chars: int = 0  # of the replies whose tokens are counted
    lost_chars: int = 0
    chars: int = 0  # all that has arrived, as it arrives
    _marks: list[tuple[float, int]] = field(default_factory=list)

    def ended(self, reply: Reply, chars: int) -> None:
        """Count a reply or a refusal."""
        if reply.finish_reason == "error":
            self.refused += 1
            return
        self.replies += 1
        self.prompt_tokens += reply.prompt_tokens or 0
        if reply.response_tokens:
            self.response_tokens += reply.response_tokens
            self.counted_chars += chars

    def broke(self, kind: str, chars: int) -> None:
        """Count a request that brought no reply."""
        self.failed[kind] += 1
        self.lost_chars += chars

    @property
    def unbroken_chars(self) -> int:
        """How much text has arrived that did not break off, or not yet."""
        return self.chars - self.lost_chars

    @property
    def chars_a_token(self) -> float:
        """How many characters a token has here."""
        counted = self.response_tokens
        return self.counted_chars / counted if counted and self.counted_chars else CHARS_A_TOKEN

    def tokens_a_second(self, now: float | None = None) -> float:
        """Return the present rate, counted in characters; call it about once a second."""
        now = time.monotonic() if now is None else now
        self._marks.append((now, self.chars))
        while self._marks[0][0] < now - SMOOTH_S:
            self._marks.pop(0)
        then, chars = self._marks[0]
        seconds = now - then
        return (self.chars - chars) / self.chars_a_token / seconds if seconds > 0 else 0.0

    def line(self, server: str) -> dict[str, Any]:
        """Return the account as JSON holds it."""
        ended = self.replies + self.refused + self.failed.total()
        return {
            "server": server,
            "requests": self.requests,
            "replies": self.replies,
            "refused": self.refused,
            "failed": dict(sorted(self.failed.items())),
            "open": self.requests - ended,
            "checks": self.checks,
            "prompt_tokens": self.prompt_tokens,
            "response_tokens": self.response_tokens,
            "lost_chars": self.lost_chars,
        }
