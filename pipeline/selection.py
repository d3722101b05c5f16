"""Stage select: which response of each question is published, and why the others are not.

Among acceptable responses: correct before unverified, then what `recipe.select.rank` says, the
lower attempt. A question without one is a Drop whose reason says what stood in the way. One
whose attempts agree with each other and not with its reference is in `suspects`, and may be
dropped for it; so may one whose attempts hardly differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from statistics import fmean, median, pstdev
from typing import Any

from pipeline.acceptance import DISQUALIFIES, Finding, ResponseKey, as_json
from pipeline.config import Config
from pipeline.measured import earlier_inputs
from pipeline.recipe import Select
from pipeline.records import (
    Drop,
    Example,
    Phrase,
    Question,
    Response,
    Suspect,
    canonical_json,
)
from pipeline.select_phrases import (
    PHRASE,
    clear_phrases,
    common_phrases,
    count_phrases,
    phrase_inputs,
    phrase_verdicts,
)
from pipeline.shelf import Judged, Shelf, accepted, pass_rate
from pipeline.stage import Run, ShardStage, Tables
from pipeline.store import Origin, Store
from pipeline.template import messages, without_personal_data
from pipeline.tokens import count_tokens
from verifiers.base import Outcome


class SelectStage(ShardStage):
    """Writes `examples`, `unselected`, `suspects` and `phrases`."""

    name = "select"
    revision = 2  # where a question comes from, inside of its source and elsewhere

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds  # of the teacher; round 0 comes before them

    def writes(self) -> tuple[str, ...]:
        """Return the four tables."""
        return ("examples", "unselected", "suspects", "phrases")

    def reads(self) -> tuple[str, ...]:
        """Return all that is known of the chosen questions."""
        rounds = range(self.rounds + 1)
        return (
            "questions",
            "labels",
            "chosen",
            *(f"responses/round={number:02d}" for number in rounds),
            *(f"verdicts/round={number:02d}" for number in rounds),
        )

    def fields(self, run: Run) -> dict[str, Any]:
        """Return the policy and the tokenizer that counts response tokens."""
        recipe = run.config.recipe
        return {
            **recipe.select.model_dump(),
            "rounds": self.rounds,
            **_tokenizer(run.config),
            "measured": recipe.measured.model_dump() if recipe.measured else {},
        }

    def origin(self, run: Run, shard: int) -> Origin:
        """Return what a shard is made from, other shards and earlier versions among it."""
        found = super().origin(run, shard)
        taken = earlier_inputs(run.config, run.store) | phrase_inputs(self, run)
        return Origin(found.recipe, {**found.inputs, **taken})

    def alone(self, config: Config) -> bool:
        """Phrases are counted in one place, by one worker."""
        return config.recipe.select.phrases.action != "off"

    def prepare(self, run: Run) -> None:
        """Count the phrases of all accepted responses, where the recipe asks about them."""
        if run.config.recipe.select.phrases.action != "off":
            count_phrases(run, self.rounds)

    def clear(self, run: Run) -> None:
        """Delete the counts."""
        clear_phrases(run.store)

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        """Select from one shard."""
        shelf = Shelf.load(store, shard, self.rounds)
        shelf.measure(config, store, shard)
        policy = config.recipe.select
        phrases = common_phrases(shelf, policy, store)
        refused = phrases if policy.phrases.action == "drop" else {}
        examples: list[Example] = []
        drops: list[Drop] = []
        suspects = [found for q in shelf.questions if (found := shelf.suspect(q, policy))]
        doubted = {found.id: found for found in suspects}
        for question in shelf.questions:
            judged = shelf.judged[question.id]
            left = [pair for pair in judged if pair[0].key not in refused]
            picked = pick(question, left, policy)
            against = reason_against(judged, doubted.get(question.id), policy)
            if against or not picked:
                drops.append(against or drop(question, judged, refused))
            else:
                examples += [published(shelf, question, *pair, phrases) for pair in picked]
        examples = with_token_counts(examples, config.recipe.label.tokenizer)
        if policy.personal_data == "mask":
            examples = [without_personal_data(example) for example in examples]
        reasons = Counter(item.reason for item in drops)
        outcomes = Counter(example.outcome for example in examples)
        return {
            "examples": (Example.to_table(examples), dict(sorted(outcomes.items()))),
            "unselected": (Drop.to_table(drops), dict(sorted(reasons.items()))),
            "suspects": (Suspect.to_table(suspects), {}),
            "phrases": (Phrase.to_table(phrases.values()), {}),
        }


def _tokenizer(config: Config) -> dict[str, str]:
    return {"tokenizer": config.recipe.label.tokenizer}


def published(
    shelf: Shelf,
    question: Question,
    response: Response,
    finding: Finding,
    phrases: Mapping[ResponseKey, Phrase],
) -> Example:
    """Return the published row of one response."""
    label = shelf.labels[question.id]
    return Example(
        messages=messages(question, response),
        id=question.id,
        source=question.source,
        source_revision=question.source_revision,
        licence=question.licence,
        category=label.category,
        difficulty=label.difficulty,
        language=label.language,
        prompt_tokens=label.prompt_tokens,
        response_tokens=response.response_tokens,
        teacher=response.teacher,
        round=response.round,
        attempt=response.attempt,
        outcome=finding.outcome,
        score=finding.score,
        verifier=finding.verifier,
        verdicts=as_json([*shelf.verdicts[response.key], *phrase_verdicts(response, phrases)]),
        pass_rate=pass_rate(shelf.judged[question.id]),
        measured_difficulty=shelf.measured.get(question.id),
        nested_source=question.nested_source,
        origins=list(question.origins),
    )


def pick(question: Question, judged: list[Judged], policy: Select) -> list[Judged]:
    """Return the responses to publish, best first."""
    good = accepted(question, judged, policy)
    middle = median(len(response.text) for response, _ in good) if good else 0
    good.sort(key=lambda pair: _rank(pair[0], pair[1], policy, middle))
    return good[: policy.per_question]


def _rank(response: Response, finding: Finding, policy: Select, middle: float) -> tuple[Any, ...]:
    size = len(response.text)
    by = {
        "score": -(finding.score or 0.0),
        "round": response.round,
        "length": {"shortest": size, "longest": -size, "median": abs(size - middle)}[policy.prefer],
    }
    unsure = finding.outcome != Outcome.CORRECT
    return (unsure, *(by[name] for name in policy.rank), response.attempt, response.teacher)


def reason_against(judged: list[Judged], suspect: Suspect | None, policy: Select) -> Drop | None:
    """Return why a question is dropped whatever its responses are, None where it is not."""
    if suspect and policy.suspects.drop:
        told = {name: value for name, value in suspect.to_row().items() if name != "id"}
        return Drop(suspect.id, "select", "reference_suspect", evidence=canonical_json(told))
    varies = variation(judged, policy.variation.responses)
    if varies is not None and varies < policy.variation.least:
        told = {"variation": round(varies, 4), "least": policy.variation.least}
        id = judged[0][0].id
        return Drop(id, "select", "low_variation", score=varies, evidence=canonical_json(told))
    return None


def variation(judged: list[Judged], least: int) -> float | None:
    """Return the coefficient of variation of the scores of decided responses.

    None where there are fewer than `least`, or where all are 0, which says nothing of it.
    """
    scores = [
        float(f.outcome == Outcome.CORRECT) if f.score is None else f.score
        for _, f in judged
        if f.outcome != Outcome.UNVERIFIED
    ]
    if len(scores) < least or not any(scores):
        return None
    return pstdev(scores) / fmean(scores)


def drop(question: Question, judged: list[Judged], refused: Mapping[ResponseKey, Phrase]) -> Drop:
    """Return why nothing of a question is published, the verdicts counted in the evidence.

    `refused` are responses that were good enough but for a phrase.
    """
    reasons = Counter(f"{finding.outcome}/{finding.reason}" for _, finding in judged)
    told: dict[str, Any] = {"responses": len(judged), "findings": dict(reasons)}
    mine = [refused[response.key] for response, _ in judged if response.key in refused]
    if mine:
        worst = max(mine, key=lambda found: (found.questions, found.phrase))
        told |= {"phrase": worst.phrase, "questions": worst.questions}
        return Drop(question.id, "select", PHRASE, evidence=canonical_json(told))
    return Drop(question.id, "select", _reason(judged), evidence=canonical_json(told))


def _reason(judged: list[Judged]) -> str:
    findings_ = [finding for _, finding in judged]
    for reason in DISQUALIFIES:
        if any(finding.reason == reason for finding in findings_):
            return reason
    if findings_ and all(finding.reason == "no_thinking" for finding in findings_):
        return "no_thinking"
    if any(finding.outcome == Outcome.UNVERIFIED for finding in findings_):
        return "unverified"
    return "no_correct_response"


def with_token_counts(examples: list[Example], tokenizer: str) -> list[Example]:
    """Fill in the response tokens that nobody counted, with the labels' tokenizer."""
    unknown = [place for place, e in enumerate(examples) if e.response_tokens is None]
    texts = [examples[place].messages[-1]["content"] for place in unknown]
    counts = count_tokens(tokenizer, texts) if texts else []
    filled = list(examples)
    for place, count in zip(unknown, counts, strict=True):
        filled[place] = replace(examples[place], response_tokens=count)
    return filled
