"""A small evaluation on questions written for these tests, and a teacher whose replies are known.

The plan of a question says what the teacher replies in each round and sample::

    Plan("How many legs have 3 spiders?", "24", rounds=[["24", "6"], ["24", "24"]])

An answer of None is a reply whose thinking never closes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.evaluation.asking import attempt_of
from pipeline.evaluation.config import EvaluationConfig, check_verifiers, load_evaluation
from pipeline.evaluation.experiment import measure
from pipeline.evaluation.report import Scores, read_scores
from pipeline.evaluation.tables import open_store

CONFIG = """
name = "{name}"
version = "1"

[evaluation]
rounds = {rounds}
shards = 2
pass_at = [2]

[[evaluation.models]]
name = "loopback"
model = "loopback-1"
revision = "1"
engine = "openai"

[[evaluation.benchmarks]]
benchmark = "local_questions"
name = "own"
path = "{folder}/own.jsonl"
samples = {samples}

[runtime]
data = "{folder}/data"
workers = 1

[runtime.endpoints.loopback]
urls = ["{url}"]
concurrency = 4
"""

Answer = str | None


@dataclass(frozen=True)
class Plan:
    """A question, its reference answer, and what is replied: rounds of samples."""

    question: str
    answer: str
    rounds: Sequence[Sequence[Answer]]
    thinking: str = "Wait, but maybe not; therefore yes."

    def text(self, round: int, sample: int) -> str:
        """The reply, one word longer for each round and sample, so that lengths differ."""
        answer = self.rounds[round - 1][sample]
        think = f"{self.thinking}{' so' * (10 * round + sample)}"
        if answer is None:
            return f"<think>{think}"
        return f"<think>{think}</think>\n\\boxed{{{answer}}}"


def replies_of(plans: Sequence[Plan]) -> list[dict[str, Any]]:
    """The rules of a loopback teacher that replies as planned; the seed tells round and sample."""
    return [
        {
            "contains": plan.question,
            "seed": attempt_of(round, sample),
            "text": plan.text(round, sample),
        }
        for plan in plans
        for round, samples in enumerate(plan.rounds, start=1)
        for sample in range(len(samples))
    ]


def write_config(
    folder: Path, url: str, plans: Sequence[Plan], name: str = "small", extra: str = ""
) -> Path:
    """Write the questions and a configuration; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[Mapping[str, str]] = [
        {"id": f"q{number}", "question": plan.question, "answer": plan.answer}
        for number, plan in enumerate(plans)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "own.jsonl").write_text(lines, encoding="utf-8")
    shape = {"rounds": len(plans[0].rounds), "samples": len(plans[0].rounds[0])}
    path = folder / f"{name}.toml"
    path.write_text(CONFIG.format(name=name, folder=folder, url=url, **shape) + extra)
    return path


def config_of(folder: Path, url: str, plans: Sequence[Plan], extra: str = "") -> EvaluationConfig:
    """Write a configuration and read it."""
    return load_evaluation(str(write_config(folder, url, plans, extra=extra)))


def scores_of(config: EvaluationConfig) -> Scores:
    """Measure without writing a report, whose plots take a second."""
    check_verifiers(config.evaluation.benchmarks)
    store = open_store(config)
    with store.locked():
        measure(config, store)
        return read_scores(config, store)
