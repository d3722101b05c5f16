"""Has conversations scored by servers, each reply kept in a journal and never asked for again.

A server is ``vllm serve MODEL --runner pooling``; what is sent and what comes back is in
`pipeline/teacher/openai_scoring.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.acceptance import REWARD
from pipeline.config import Runtime
from pipeline.errors import ConfigError, Unavailable
from pipeline.judging import Bench, as_teacher, blamed
from pipeline.recipe_judges import Asked
from pipeline.recipe_reward import Reward
from pipeline.teacher.journal import Journal
from pipeline.teacher.openai import OpenAIClient
from pipeline.teacher.openai_scoring import Scoring
from verifiers.asked_model import Request
from verifiers.reward_model import Scores, Turns

TOO_LONG = ("maximum context", "max_model_len", "context length", "too long")


@contextmanager
def open_served(
    reward: Reward, runtime: Runtime, folder: Path, *, outlive: bool = False
) -> Iterator[Served]:
    """Give the scorer; raises ConfigError for settings that can't work."""
    model = Asked(model=reward.model, revision=reward.revision)
    try:
        client = OpenAIClient(as_teacher(model), model.sampling, runtime.reward, protocol=Scoring())
    except (ConfigError, Unavailable) as error:
        raise type(error)(blamed(REWARD, reward.model, error)) from error
    with Journal(folder) as journal, client:
        yield Served(Scorings(model, client, journal, name=REWARD, outlive=outlive))


class Scorings(Bench):
    """A bench whose requests are conversations to be scored."""

    def _body(self, request: Request) -> dict[str, Any]:
        return {"scored": [dict(turn) for turn in request.messages]}


class Served:
    """A `Scorer` that asks servers."""

    stand_in = False

    def __init__(self, bench: Scorings) -> None:
        self._bench = bench

    @property
    def model(self) -> str:
        """The model's name."""
        return self._bench.model

    def __call__(self, conversations: list[Turns]) -> list[Scores]:
        """Return what the servers give; raises TeacherUnavailable where they are down."""
        found = [Scores(failure="no reply came back")] * len(conversations)
        asked = (Request(place, turns) for place, turns in enumerate(conversations))
        for request, reply in self._bench(asked):
            found[request.number] = _scores(reply.text, reply.failure)
        return found


def _scores(text: str, failure: str) -> Scores:
    if failure:
        long = any(sign in failure for sign in TOO_LONG)
        return Scores(failure=failure, too_long=long)
    return Scores(tuple(json.loads(text)))
