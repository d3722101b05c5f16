"""Think-twice training data: a wrong answer, and the right thinking and answer after it.

A row, from a question that was answered wrongly, then rightly (arXiv 2503.19855, 3.3)::

    {"id": "1c0f…", "source": "gsm8k_train", "teacher": "DeepSeek-R1", "question": "…",
     "wrong_answer": "41", "think": "The first answer forgot …", "answer": "42",
     "wrong_round": 1, "wrong_attempt": 0, "round": 2, "attempt": 0, "licence": "MIT",
     "messages": [{"role": "user", "content": "… The assistant's previous answer is: …"},
                  {"role": "assistant", "content": "<think>…</think>\\n<answer>42</answer>"}]}

Only a wrong answer that was shown when the right one was given makes a row. Questions of
published benchmarks never do: who trains on them can't be measured by them any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from pipeline.acceptance import Finding, ResponseKey, findings, verdict_rows
from pipeline.config import Config
from pipeline.errors import UserError
from pipeline.evaluation.asking import answer_of
from pipeline.evaluation.base import Benchmark
from pipeline.evaluation.config import EvaluationConfig, Model
from pipeline.evaluation.tables import (
    read_questions,
    read_responses,
    read_verdicts,
    verdicts_table,
)
from pipeline.published import removed_ids
from pipeline.records import MESSAGES, Message, Question, Response, Verdict
from pipeline.rowfile import Row
from pipeline.store import Store
from pipeline.teacher.prompts import fill
from pipeline.template import assistant_turn, fits_template
from verifiers import Outcome
from verifiers.response import Parts

TEXTS = ("id", "source", "licence", "teacher", "question", "wrong_answer", "think", "answer")
NUMBERS = ("wrong_round", "wrong_attempt", "round", "attempt")
SCHEMA = pa.schema(
    [
        *((name, pa.large_string()) for name in TEXTS),
        *((name, pa.int32()) for name in NUMBERS),
        ("messages", MESSAGES),
    ]
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A question with the wrong response that was shown and the right one that followed."""

    question: Question
    wrong: Response
    right: Response


def from_evaluation(config: EvaluationConfig, store: Store) -> Iterator[Row]:
    """Yield the rows of an evaluation's own questions; raises UserError where it has none."""
    own = [benchmark for benchmark in config.evaluation.benchmarks if benchmark.trainable]
    if not own:
        raise UserError(
            f"{config.name}: all its benchmarks are published ones, whose questions must not"
            " become training data; measure questions of your own (local_questions), or name a"
            ' dataset\'s configuration with distill.policy = "rethink"'
        )
    if config.evaluation.rounds < 2:
        raise UserError(
            f"{config.name}: no answer was shown to the models; set evaluation.rounds to 2 or more"
            " and run evaluate"
        )
    for benchmark in own:
        for model in config.evaluation.models:
            _check_judged(config, store, benchmark, model)
            for shard in range(store.shards):
                pairs = _evaluated(config, store, benchmark, model, shard)
                yield from (as_row(pair, config.evaluation.prompt) for pair in pairs)


def _check_judged(
    config: EvaluationConfig, store: Store, benchmark: Benchmark, model: Model
) -> None:
    if not store.complete(verdicts_table(benchmark, model, config.evaluation.rounds)):
        raise UserError(
            f"{store.name} {store.version}: {benchmark.label} by {model.name} is not measured"
            " yet; run evaluate without --think-twice first"
        )


def from_dataset(config: Config, store: Store) -> Iterator[Row]:
    """Yield the rows of a dataset's version; raises UserError where no answer was shown."""
    distill, teacher = config.recipe.distill, config.recipe.teacher
    if teacher is None or distill.rounds < 2 or distill.policy == "sample":
        raise UserError(
            f"{config.name}: no answer was shown to the teacher; set distill.rounds to 2 or more"
            ' and distill.policy to "rethink", and run it'
        )
    if not store.complete(f"verdicts/round={distill.rounds:02d}"):
        raise UserError(
            f"{store.name} {store.version}: round {distill.rounds} is not judged yet; run it first"
        )
    for shard in range(store.shards):
        removed = removed_ids(store, shard)
        for pair in _distilled(store, teacher.name, distill.rounds, shard):
            if pair.question.id in removed:
                continue
            # Policy "both" shows an answer in every other attempt (pipeline/asking.py).
            if distill.policy == "rethink" or pair.right.attempt % 2 == 1:
                yield as_row(pair, distill.rethink_prompt)


def _evaluated(
    config: EvaluationConfig, store: Store, benchmark: Benchmark, model: Model, shard: int
) -> Iterator[Pair]:
    """Yield the pairs of a shard; each sample was shown its own last answer."""
    questions = {one.id: one for one in read_questions(store, benchmark, shard)}
    shown: dict[tuple[str, int], tuple[Response, bool]] = {}
    for round in range(1, config.evaluation.rounds + 1):
        verdicts = {one.key: one for one in read_verdicts(store, benchmark, model, round, shard)}
        for response in read_responses(store, benchmark, model, round, shard):
            place, verdict = (response.id, response.attempt), verdicts[response.key]
            last = shown.get(place)
            if last and last[1] and _is_good(response, verdict):
                yield Pair(questions[response.id], last[0], response)
            if answer_of(response):
                shown[place] = (response, verdict.outcome == Outcome.INCORRECT)


def _distilled(store: Store, teacher: str, rounds: int, shard: int) -> Iterator[Pair]:
    """Yield the pairs of a shard; a round was shown the newest answer of those before it."""
    questions = {one.id: one for one in Question.from_table(store.read("questions", shard))}
    found = findings(verdict_rows(store, shard, range(1, rounds + 1)))
    shown: dict[str, Response] = {}
    for round in range(1, rounds + 1):
        table = store.read(f"responses/round={round:02d}", shard)
        answered: dict[str, Response] = {}
        for response in Response.from_table(table):
            if response.teacher != teacher:
                continue
            last = shown.get(response.id)
            if last and _is_wrong(found, last) and _is_good(response, found.get(response.key)):
                yield Pair(questions[response.id], last, response)
            if answer_of(response):
                answered[response.id] = response
        shown |= answered


def _is_wrong(found: dict[ResponseKey, Finding], response: Response) -> bool:
    finding = found.get(response.key)
    return finding is not None and finding.outcome == Outcome.INCORRECT


def _is_good(response: Response, found: Verdict | Finding | None) -> bool:
    """Tell whether a response is right and has both parts, as a published one must."""
    return found is not None and found.outcome == Outcome.CORRECT and fits_template(response)


def as_row(pair: Pair, prompt: str) -> Row:
    """Return a pair as a row of the file."""
    question, wrong, right = pair.question, pair.wrong, pair.right
    last = max(place for place, turn in enumerate(question.prompt) if turn.role == "user")
    shown = {"question": question.prompt[last].content, "answer": answer_of(wrong)}
    asked = [*question.prompt[:last], Message("user", fill(prompt, shown))]
    told = assistant_turn(Parts("", right.think, right.answer), right.teacher)
    turns = [*((turn.role, turn.content) for turn in asked), (told["role"], told["content"])]
    return {
        "id": question.id,
        "source": question.source,
        "licence": question.licence,
        "teacher": right.teacher,
        "question": shown["question"],
        "wrong_answer": shown["answer"],
        "think": told["info"]["think_content"],
        "answer": told["info"]["answer_content"],
        "wrong_round": wrong.round,
        "wrong_attempt": wrong.attempt,
        "round": right.round,
        "attempt": right.attempt,
        "messages": [{"role": role, "content": content} for role, content in turns],
    }
