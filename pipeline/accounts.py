"""The book of what each run asked its teacher's servers, one line a run and round.

A line of `data/<name>/<version>/accounts.jsonl`::

    {"stage": "distill 1", "teacher": "DeepSeek-R1", "seconds": 5021.4, "ended": "done",
     "servers": [{"server": "http://10.0.0.7:8000/v1", "requests": 812, "replies": 790, …}]}

What a line of a server means: pipeline/teacher/account.py. A run that is killed leaves no line,
only its replies. Nothing that is published depends on this file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pipeline.store import Store, writing
from pipeline.teacher.account import CHARS_A_TOKEN
from pipeline.teacher.base import Client

FILE = "accounts.jsonl"


@contextmanager
def accounted(store: Store, stage: str, teacher: str, client: Client) -> Iterator[None]:
    """Write the client's account when the block ends, however it does."""
    started, ended = time.monotonic(), "broken off"
    try:
        yield
        ended = "done"
    finally:
        line = {
            "stage": stage,
            "teacher": teacher,
            "seconds": round(time.monotonic() - started, 1),
            "ended": ended,
            "servers": client.account(),
        }
        with writing(store.folder), (store.folder / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read_accounts(store: Store) -> list[dict[str, Any]]:
    """Return all lines, the oldest first; a torn last one is passed over."""
    path = store.folder / FILE
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


@dataclass(frozen=True, slots=True)
class Spent:
    """What all runs together took: seconds of asking, tokens, and tokens that were lost."""

    seconds: float
    prompt_tokens: int
    response_tokens: int
    lost_tokens: float

    @property
    def tokens_a_second(self) -> float:
        """Response tokens a second, of all servers together."""
        return self.response_tokens / self.seconds if self.seconds else 0.0


def spent(store: Store) -> Spent:
    """Add up a version's lines."""
    lines = read_accounts(store)
    servers = [server for line in lines for server in line["servers"]]
    return Spent(
        sum(line["seconds"] for line in lines),
        sum(server["prompt_tokens"] for server in servers),
        sum(server["response_tokens"] for server in servers),
        sum(server["lost_chars"] for server in servers) / CHARS_A_TOKEN,
    )
