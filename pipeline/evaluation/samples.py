"""Reads what an evaluation stored about a model and a benchmark, one small row a response.

    Sample(question="1c0f…", number=3, outcome="correct", reason="equal", tokens=812,
           words={"but": 2, "wait": 5, "maybe": 0, "therefore": 1}, group=0, shows_answer=True)

Texts are read once, for their words, and let go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.evaluation.base import Benchmark
from pipeline.evaluation.config import Model
from pipeline.evaluation.tables import read_responses, read_verdicts
from pipeline.evaluation.words import count
from pipeline.records import Response, Verdict
from pipeline.store import Store


@dataclass(frozen=True, slots=True)
class Sample:
    """What is counted of one response; `tokens` is None where the server did not say.

    `group` is the number of the answer among those to its question, None without one.
    """

    question: str
    number: int
    outcome: str
    reason: str
    tokens: int | None
    words: Mapping[str, int]
    group: int | None
    shows_answer: bool

    @property
    def place(self) -> tuple[str, int]:
        """What joins the rounds of one sample."""
        return (self.question, self.number)


def read_samples(store: Store, benchmark: Benchmark, model: Model, round: int) -> Iterator[Sample]:
    """Yield a round's samples, sorted by question and number."""
    for shard in range(store.shards):
        verdicts = {one.key: one for one in read_verdicts(store, benchmark, model, round, shard)}
        for response in read_responses(store, benchmark, model, round, shard):
            yield sample_of(response, verdicts[response.key])


def sample_of(response: Response, verdict: Verdict) -> Sample:
    """Return what is counted of a response with its verdict."""
    return Sample(
        question=response.id,
        number=response.attempt,
        outcome=verdict.outcome,
        reason=verdict.reason,
        tokens=response.response_tokens,
        words=count(response.text),
        group=json.loads(verdict.evidence).get("group"),
        shows_answer=bool(json.loads(response.sampling).get("shows_answer")),
    )
