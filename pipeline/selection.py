"""Stage select: which response of each question is published, and why the others are not.

Among acceptable responses: correct before unverified, then what `recipe.select.rank` says, the
lower attempt. A question without one is a Drop whose reason says what stood in the way. One
whose attempts agree with each other and not with its reference is in `suspects`, and may be
dropped for it; so may one whose attempts hardly differ.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from statistics import fmean, median, pstdev
from typing import Any

from pipeline.acceptance import (
    DISQUALIFIES,
    Finding,
    ResponseKey,
    as_json,
    findings,
    verdict_rows,
)
from pipeline.config import Config
from pipeline.measured import (
    earlier_findings,
    earlier_inputs,
    measured_difficulty,
    rates_of,
)
from pipeline.recipe import Select
from pipeline.records import (
    Drop,
    Example,
    Label,
    Message,
    Question,
    Response,
    Suspect,
    Verdict,
    canonical_json,
)
from pipeline.stage import Run, ShardStage, Tables
from pipeline.store import Origin, Store
from pipeline.suspects import suspect
from pipeline.tokens import count_tokens
from verifiers.base import Outcome
from verifiers.personal import masked
from verifiers.response import (
    ANSWER_CLOSE,
    ANSWER_OPEN,
    CLOSE,
    OPEN,
    TAGS,
    Parts,
    final_answer,
    split,
)

Judged = tuple[Response, Finding]


class SelectStage(ShardStage):
    """Writes `examples`, `unselected` and `suspects`."""

    name = "select"

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds  # of the teacher; round 0 comes before them

    def writes(self) -> tuple[str, ...]:
        """Return the three tables."""
        return ("examples", "unselected", "suspects")

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
        """Return what a shard is made from, the verdicts of earlier versions among it."""
        found = super().origin(run, shard)
        taken = earlier_inputs(run.config, run.store)
        return Origin(found.recipe, {**found.inputs, **taken})

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        """Select from one shard."""
        shelf = Shelf.load(store, shard, self.rounds)
        shelf.measure(config, store, shard)
        policy = config.recipe.select
        examples: list[Example] = []
        drops: list[Drop] = []
        suspects = [found for q in shelf.questions if (found := shelf.suspect(q, policy))]
        doubted = {found.id: found for found in suspects}
        for question in shelf.questions:
            judged = shelf.judged[question.id]
            picked = pick(question, judged, policy)
            against = reason_against(judged, doubted.get(question.id), policy)
            if against or not picked:
                drops.append(against or drop(question, judged))
            else:
                examples += [shelf.example(question, *pair) for pair in picked]
        examples = with_token_counts(examples, config.recipe.label.tokenizer)
        if policy.personal_data == "mask":
            examples = [without_personal_data(example) for example in examples]
        reasons = Counter(item.reason for item in drops)
        outcomes = Counter(example.outcome for example in examples)
        return {
            "examples": (Example.to_table(examples), dict(sorted(outcomes.items()))),
            "unselected": (Drop.to_table(drops), dict(sorted(reasons.items()))),
            "suspects": (Suspect.to_table(suspects), {}),
        }


def _tokenizer(config: Config) -> dict[str, str]:
    return {"tokenizer": config.recipe.label.tokenizer}


@dataclass(slots=True)
class Shelf:
    """One shard's chosen questions with everything that was said of them."""

    questions: list[Question]
    labels: dict[str, Label]
    judged: dict[str, list[Judged]]
    verdicts: dict[ResponseKey, list[Verdict]]
    measured: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, store: Store, shard: int, rounds: int) -> Shelf:
        """Read a shard's tables."""
        chosen = set(store.read("chosen", shard).column("id").to_pylist())
        rows = Question.from_table(store.read("questions", shard))
        labels = Label.from_table(store.read("labels", shard))
        verdicts: dict[ResponseKey, list[Verdict]] = defaultdict(list)
        for verdict in verdict_rows(store, shard, range(rounds + 1)):
            verdicts[verdict.key].append(verdict)
        found = findings(verdict for group in verdicts.values() for verdict in group)
        judged: dict[str, list[Judged]] = defaultdict(list)
        for number in range(rounds + 1):
            table = store.read(f"responses/round={number:02d}", shard)
            for response in Response.from_table(table):
                if response.key in found:
                    judged[response.id].append((response, found[response.key]))
        questions = [question for question in rows if question.id in chosen]
        return cls(questions, {label.id: label for label in labels}, judged, verdicts)

    def measure(self, config: Config, store: Store, shard: int) -> None:
        """Fill in how difficult the pass rates of two teachers say that questions are."""
        if config.recipe.measured is None:
            return
        mine = {r.key: finding for group in self.judged.values() for r, finding in group}
        rates = rates_of(earlier_findings(config, store, shard) | mine)
        for id, by_teacher in rates.items():
            found = measured_difficulty(by_teacher, config.recipe.measured)
            if found is not None:
                self.measured[id] = found

    def suspect(self, question: Question, policy: Select) -> Suspect | None:
        """Return what speaks against a question's reference."""
        groups = (self.verdicts[response.key] for response, _ in self.judged[question.id])
        return suspect(question, groups, policy.suspects)

    def example(self, question: Question, response: Response, finding: Finding) -> Example:
        """Return the published row of one response."""
        label = self.labels[question.id]
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
            verdicts=as_json(self.verdicts[response.key]),
            pass_rate=pass_rate(self.judged[question.id]),
            measured_difficulty=self.measured.get(question.id),
        )


def pick(question: Question, judged: list[Judged], policy: Select) -> list[Judged]:
    """Return the responses to publish, best first."""
    if any(finding.reason in DISQUALIFIES for _, finding in judged):
        return []
    good = [
        (response, finding)
        for response, finding in judged
        if finding.accepted(question.kind, response.round, policy) and fits_template(response)
    ]
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


def drop(question: Question, judged: list[Judged]) -> Drop:
    """Return why nothing of a question is published, the verdicts counted in the evidence."""
    reasons = Counter(f"{finding.outcome}/{finding.reason}" for _, finding in judged)
    evidence = canonical_json({"responses": len(judged), "findings": dict(reasons)})
    return Drop(question.id, "select", _reason(judged), evidence=evidence)


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


def pass_rate(judged: list[Judged]) -> float | None:
    """Return the share of correct among the decided responses, None where none is decided."""
    decided = [f.outcome for _, f in judged if f.outcome != Outcome.UNVERIFIED]
    return decided.count(Outcome.CORRECT.value) / len(decided) if decided else None


def messages(question: Question, response: Response) -> list[dict[str, Any]]:
    """Return the conversation as published (DESIGN, section 9): no system turn, no tag lost."""
    turns = [_turn(question, turn) for turn in question.prompt]
    parts = Parts("", response.think, response.answer)
    return [*turns, assistant_turn(parts, response.teacher)]


def _turn(question: Question, turn: Message) -> dict[str, Any]:
    if turn.role == "assistant":
        return assistant_turn(split(turn.content), question.source)
    info = {
        "source": question.source,
        "reference_answer": question.reference_answer,
        "test_case": question.test_cases,
        "think_content": None,
        "answer_content": None,
    }
    return {"role": "user", "content": turn.content, "info": info}


def assistant_turn(parts: Parts, source: str) -> dict[str, Any]:
    """Return an assistant's turn in the one template that all published ones have."""
    think, answer = (parts.think or "").strip(), final_answer(parts.answer or "")
    info = {
        "source": source,
        "reference_answer": None,
        "test_case": None,
        "think_content": think,
        "answer_content": answer,
    }
    content = f"{OPEN}{think}{CLOSE}\n{ANSWER_OPEN}{answer}{ANSWER_CLOSE}"
    return {"role": "assistant", "content": content, "info": info}


def without_personal_data(example: Example) -> Example:
    """Return a row whose turns name the kind of each e-mail address, key and so on instead.

    The reference and the tests in `info` stay: they are what a verdict was made with.
    """
    turns = [{**turn, "content": masked(turn["content"])} for turn in example.messages]
    for turn in turns:
        parts = {name: turn["info"][name] for name in ("think_content", "answer_content")}
        hidden = {name: text and masked(text) for name, text in parts.items()}
        turn["info"] = {**turn["info"], **hidden}
    return replace(example, messages=turns)


def fits_template(response: Response) -> bool:
    """Tell whether a response has both parts, and no tag inside them that would split it anew."""
    think, answer = (response.think or "").strip(), final_answer(response.answer or "")
    return bool(think and answer) and not any(
        tag in part for part in (think, answer) for tag in TAGS
    )


def with_token_counts(examples: list[Example], tokenizer: str) -> list[Example]:
    """Fill in the response tokens that nobody counted, with the labels' tokenizer."""
    unknown = [place for place, e in enumerate(examples) if e.response_tokens is None]
    texts = [examples[place].messages[-1]["content"] for place in unknown]
    counts = count_tokens(tokenizer, texts) if texts else []
    filled = list(examples)
    for place, count in zip(unknown, counts, strict=True):
        filled[place] = replace(examples[place], response_tokens=count)
    return filled
