"""Judges whether an answer follows the constraints of its question, in IFEval's terms.

A row is ``{"id": "q1", "answer": "<think>…</think>GOOD MORNING, …", "constraints":
[{"id": "change_case:english_capital", "kwargs": {}}, {"id": "length_constraints:number_words",
"kwargs": {"num_words": 50, "relation": "at least"}}]}``. All 25 types of IFEval are known, and
56 of IFBench's 58; what each means exactly stands in `verifiers.constraints`.

`correct` only if all are followed; the score is the share that are. Only the form of an answer
is looked at: whether it answers its question is nobody's concern here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from verifiers.base import Result, Row, Verifier
from verifiers.parallel import Guarded, from_reply
from verifiers.pool import Pool

NAME = "instruction"


@dataclass(frozen=True, slots=True)
class Settings:
    """How strictly constraints are judged, and for how long.

    `loose`: an answer without its first or last line, or without asterisks, may follow as
    well. `multilingual`: in mostly Chinese or Japanese answers, characters are words; off, all
    is counted as IFEval does. `deadline_s` is for one answer and attempt, of two: keywords are
    regular expressions of the source's, which may never end. `memory_mb` bounds a worker.
    """

    loose: bool = False
    multilingual: bool = True
    deadline_s: float = 10.0
    memory_mb: int = 2048


class InstructionVerifier(Verifier):
    """Judges constraints in workers, which are killed at the deadline."""

    name: ClassVar[str] = NAME

    def __init__(self, settings: Settings, workers: int = 1) -> None:
        from verifiers.constraints.judging import Judge

        judge = Guarded(Judge(settings.loose, settings.multilingual), NAME)
        limits = {"deadline_s": settings.deadline_s, "memory_mb": settings.memory_mb}
        self._pool = Pool(judge, workers, **limits)  # type: ignore[arg-type]

    @classmethod
    def create(cls, workers: int = 1, **settings: Any) -> Self:
        """Make the verifier; settings are those of `Settings`."""
        return cls(Settings(**settings), workers)

    def results(self, rows: Iterable[Row]) -> Iterator[Result]:
        """Yield one result for each row, in order; raises PoolError where no worker starts."""
        return (from_reply(reply, NAME) for reply in self._pool.map(rows))

    def close(self) -> None:
        """End the workers."""
        self._pool.close()
