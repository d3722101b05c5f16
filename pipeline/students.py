"""What students that learnt from a dataset's versions came to, for the card to tell.

    data/quickstart/students.json      {"version": "1", "student": "qwen2.5-7b 1",
                                        "benchmark": "MATH-500", "questions": 500,
                                        "pass1": 0.612, "error": 0.021, …}

One entry for each version, student and benchmark; a newer figure takes an older one's place. It
lies beside the versions, so that a card tells of all of them. That the student did learn from the
version is what whoever kept the figure said.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.store import Store, replacing, writing

NORMAL_95 = 1.96  # standard errors to either side of a 95 % interval


@dataclass(frozen=True, slots=True)
class Score:
    """A student's pass@1 on a benchmark; `error` is the standard error, None of one question."""

    version: str
    student: str
    training: str
    benchmark: str
    round: int
    questions: int
    pass1: float
    error: float | None
    unverified: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What a newer figure is of, too."""
        return (self.version, self.student, self.benchmark)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval by the normal distribution, within 0 and 1."""
        if self.error is None:
            return None
        half = NORMAL_95 * self.error
        return max(0.0, self.pass1 - half), min(1.0, self.pass1 + half)


def keep(store: Store, scores: Iterable[Score]) -> None:
    """Keep figures for the cards of a dataset; raises StoreUnwritable."""
    whole = {score.key: score for score in (*known(store), *scores)}
    rows = [asdict(whole[key]) for key in sorted(whole)]
    path = _path(store)
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(json.dumps(rows, ensure_ascii=False, indent=1).encode())


def known(store: Store) -> list[Score]:
    """Return the figures of all versions of a dataset, by version, student and benchmark."""
    path = _path(store)
    if not path.is_file():
        return []
    return [Score(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def _path(store: Store) -> Path:
    return store.folder.parent / "students.json"
