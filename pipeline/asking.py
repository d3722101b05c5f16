"""What a round asks: which questions are still open, how often each, and in what words.

A question with a wrong answer in round 1, asked again in round 2 by policy `rethink`::

    Ask(id="1c0f…", attempt=1, request={"messages": [… "The assistant's previous answer is:
        <answer> 41 </answer>, and please re-answer."]}, key="9be2…", temperature=None)

Equal tables and recipes give equal asks with equal keys, whenever and wherever they are made:
that is how a killed run finds its replies again. Nothing here talks to a teacher.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from pipeline.acceptance import (
    Finding,
    ResponseKey,
    can_be_accepted,
    closed,
    findings,
    verdict_rows,
)
from pipeline.config import Config
from pipeline.proposals import with_proposed
from pipeline.recipe import Distill, Teacher
from pipeline.records import Question, Response, canonical_json
from pipeline.store import Store
from pipeline.teacher.base import Ask, Reply, ask_key, sampling_of
from pipeline.teacher.budget import Tokens
from pipeline.teacher.prompts import build_request
from verifiers.base import Outcome
from verifiers.response import CLOSE, OPEN, final_answer


def asks_of(config: Config, store: Store, shard: int, round: int) -> list[Ask]:
    """Return everything that a round asks about a shard's open questions, in order of id."""
    return list(each_ask(config, store, shard, round))


def each_ask(config: Config, store: Store, shard: int, round: int) -> Iterator[Ask]:
    """Yield what `asks_of` returns."""
    recipe = config.recipe
    assert recipe.teacher is not None  # the recipe's rule: rounds above 0 have a teacher
    teacher, distill = recipe.teacher, recipe.distill
    found = findings(verdict_rows(store, shard, range(round)))
    rates = pass_rates(found)
    answers: dict[str, str] = {}
    if distill.policy != "sample" and round > 1:
        answers = last_answers(store, shard, round, teacher.name)
    first = (round - 1) * distill.most
    for question in open_questions(config, store, shard, round, found):
        for attempt in range(first, first + attempts_for(distill, rates.get(question.id))):
            yield make_ask(teacher, distill, question, attempt, answers.get(question.id))


def open_questions(
    config: Config,
    store: Store,
    shard: int,
    round: int,
    found: Mapping[ResponseKey, Finding] | None = None,
) -> list[Question]:
    """Return the chosen questions that no earlier round closed, and that a reply could close."""
    recipe = config.recipe
    chosen = set(store.read("chosen", shard).column("id").to_pylist())
    rows = (q for q in with_proposed(config, store, shard) if q.id in chosen)
    questions = [question for question in rows if can_be_accepted(question, round, recipe)]
    kinds = {question.id: question.kind for question in questions}
    if found is None:
        found = findings(verdict_rows(store, shard, range(round)))
    known = {key: finding for key, finding in found.items() if key[0] in kinds}
    done = closed(known, kinds, recipe.select, recipe.distill.correct)
    return [question for question in questions if question.id not in done]


def pass_rates(found: Mapping[ResponseKey, Finding]) -> dict[str, float]:
    """Return the share of correct among each question's decided responses."""
    decided: dict[str, list[bool]] = defaultdict(list)
    for key, finding in found.items():
        if finding.outcome != Outcome.UNVERIFIED:
            decided[key[0]].append(finding.outcome == Outcome.CORRECT)
    return {id: sum(right) / len(right) for id, right in decided.items()}


def attempts_for(distill: Distill, rate: float | None) -> int:
    """Return how often a round asks a question; the lower its pass rate, the oftener."""
    if rate is None:
        return distill.attempts
    return distill.attempts + round((distill.most - distill.attempts) * (1 - rate))


def last_answers(store: Store, shard: int, round: int, teacher: str) -> dict[str, str]:
    """Return the newest answer of the teacher to each question, thinking left out."""
    answers: dict[str, str] = {}
    for number in range(1, round):
        for response in Response.from_table(store.read(f"responses/round={number:02d}", shard)):
            if response.teacher == teacher and response.answer and response.answer.strip():
                answers[response.id] = final_answer(response.answer)
    return answers


def make_ask(
    teacher: Teacher, distill: Distill, question: Question, attempt: int, last: str | None
) -> Ask:
    """Return one request for one reply; with a last answer, by policy, to re-answer."""
    rethinks = distill.policy == "rethink" or (distill.policy == "both" and attempt % 2 == 1)
    again = (distill.rethink_prompt, last) if last is not None and rethinks else None
    request = build_request(teacher, question.prompt, again)
    ask = Ask(question.id, attempt, request, "", distill.temperature(attempt))
    key = ask_key(teacher, sampling_of(teacher.sampling, ask), request, attempt)
    return Ask(question.id, attempt, request, key, ask.temperature)


def as_response(teacher: Teacher, round: int, ask: Ask, reply: Reply) -> Response:
    """Return a reply as the record of a response."""
    sampling = sampling_of(teacher.sampling, ask).model_dump(mode="json", exclude={"stop"})
    if reply.error:
        sampling["error"] = reply.error[:500]
    return Response.parse(
        reply_text(teacher, reply),
        id=ask.id,
        teacher=teacher.name,
        round=round,
        attempt=ask.attempt,
        finish_reason=reply.finish_reason,
        prompt_tokens=reply.prompt_tokens,
        response_tokens=reply.response_tokens,
        sampling=canonical_json(sampling),
    )


def reply_text(teacher: Teacher, reply: Reply) -> str:
    """Return a reply with the opening tag that its teacher's template has written for it.

    R1's, QwQ's and Qwen3's templates end in `<think>`, so that the reply begins within it.
    Where such a reply never closes it, all of it is thinking and none of it an answer.
    """
    if reply.finish_reason == "error":
        return ""
    text = teacher.reply_prefix + reply.text
    if teacher.thinks and CLOSE not in text and not text.lstrip().startswith(OPEN):
        return f"{OPEN}\n{text}"
    return text


def tokens_in(store: Store, table: str, shard: int) -> Tokens:
    """Return the tokens of a sealed shard of responses; none where it does not exist."""
    if store.manifest(table, shard) is None:
        return Tokens()
    rows = store.read(table, shard, ["prompt_tokens", "response_tokens"])
    prompt, response = (rows.column(name).to_pylist() for name in rows.column_names)
    return Tokens(sum(filter(None, prompt)), sum(filter(None, response)))
