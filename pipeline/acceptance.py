"""When a response is good enough, and when a question needs no further round.

Distill asks what is still open, select what may be published; both ask here. A
response's finding is the sum of its verdicts: refused by any, it is incorrect; otherwise
what the verifier of its kind found, or the judge where that one could not tell.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.recipe import Recipe, Select, Verify
from pipeline.records import Question, Verdict
from pipeline.store import Store
from verifiers.base import Outcome

RULES = "rules"  # can refuse a response, never vouch for one
PERPLEXITY = "perplexity"  # the same
REWARD = "reward"  # a model that scores answers nothing else can check
QUALITY = "quality"  # a model that grades answers, beside the former
JUDGE = "judge"  # a model, which decides where a verifier could not tell
ASKS_THE_JUDGE = ("math", "short_answer")  # verifiers whose doubtful verdicts go to the judge
NOTHING = "none"  # the verifier of responses for which there is no verifier
DISQUALIFIES = ("reference_unusable",)  # reasons that lie with the question
NO_REPLY = "no_reply"  # the server refused this one request: there is nothing to judge
# verifier → what it checks against
NEEDS = {
    "math": "reference_answer",
    "short_answer": "reference_answer",
    "code": "test_cases",
    "instruction": "constraints",
    JUDGE: "reference_answer",
}
ResponseKey = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """What all verdicts about one response come to."""

    outcome: str
    verifier: str
    reason: str
    score: float | None

    def accepted(self, kind: str, round: int, policy: Select) -> bool:
        """Tell whether the response, to a question of a kind, may be published."""
        if self.outcome == Outcome.UNVERIFIED:
            kept = policy.keeps_unverified(kind, round)
            return kept and self.reason not in (*DISQUALIFIES, NO_REPLY)
        return self.outcome == Outcome.CORRECT


def instrument(question: Question, recipe: Verify) -> str:
    """Return the name of the verifier for a question, `none` where there is none."""
    # A chat has constraints only where its source, or a proposer that was told to, gave it some.
    otherwise = "instruction" if question.constraints else NOTHING
    name = recipe.by_kind.get(question.kind, otherwise)
    return name if getattr(question, NEEDS.get(name, "prompt")) else NOTHING


def can_be_accepted(question: Question, round: int, recipe: Recipe) -> bool:
    """Tell whether any response of a round to this question could be good enough."""
    checked = instrument(question, recipe.verify) != NOTHING
    return checked or recipe.select.keeps_unverified(question.kind, round)


def combine(verdicts: Iterable[Verdict]) -> Finding:
    """Return the finding of one response's verdicts, of which there is at least one.

    What a judge decided stands over what it was asked about. A judge that could not tell
    leaves that as it was.
    """
    given = list(verdicts)
    sure = {v.verifier for v in given if v.outcome != Outcome.UNVERIFIED}
    first = min((v for v in given if not _is_settled(v, sure)), key=_weight)
    return Finding(first.outcome, first.verifier, first.reason, first.score)


def _is_settled(verdict: Verdict, sure: set[str]) -> bool:
    """Tell whether a verdict is one that a model was asked about, which has decided.

    Only doubtful ones are asked about (pipeline/judging.py), so an `incorrect` beside a judge's
    verdict is one of an answer that could not be read.
    """
    if verdict.verifier in ASKS_THE_JUDGE:
        kept = verdict.outcome == Outcome.CORRECT or verdict.reason in DISQUALIFIES
        return JUDGE in sure and not kept
    return verdict.verifier == REWARD and QUALITY in sure and REWARD not in sure


def _weight(verdict: Verdict) -> tuple[int, str]:
    """Refusals first, then what could not tell (a judge last), then approvals, but for rules'."""
    if verdict.outcome == Outcome.INCORRECT:
        return (0, verdict.verifier)
    if verdict.verifier in (RULES, PERPLEXITY):
        unknown = verdict.outcome == Outcome.UNVERIFIED and verdict.reason != "too_short"
        return (1 if unknown else 4, verdict.verifier)
    if verdict.outcome == Outcome.UNVERIFIED:
        return (2 if verdict.verifier in (JUDGE, QUALITY) else 1, verdict.verifier)
    return (3, verdict.verifier)


def findings(verdicts: Iterable[Verdict]) -> dict[ResponseKey, Finding]:
    """Return the finding of each response that has verdicts."""
    grouped: dict[ResponseKey, list[Verdict]] = {}
    for verdict in verdicts:
        grouped.setdefault(verdict.key, []).append(verdict)
    return {key: combine(group) for key, group in grouped.items()}


def verdict_rows(store: Store, shard: int, rounds: Iterable[int]) -> Iterator[Verdict]:
    """Yield a shard's verdicts of several rounds."""
    for number in rounds:
        yield from Verdict.from_table(store.read(f"verdicts/round={number:02d}", shard))


def closed(
    found: Mapping[ResponseKey, Finding],
    kinds: Mapping[str, str],
    policy: Select,
    wanted: int = 1,
) -> set[str]:
    """Return the ids of questions that need no further round: answered, or disqualified.

    A question is answered when `wanted` of its responses are good enough.
    """
    good: Counter[str] = Counter()
    for key, finding in found.items():
        if finding.reason in DISQUALIFIES:
            good[key[0]] += wanted
        elif finding.accepted(kinds[key[0]], key[2], policy):
            good[key[0]] += 1
    return {id for id, count in good.items() if count >= wanted}


def as_json(verdicts: Iterable[Verdict]) -> str:
    """Return verdicts as published: without times, in a fixed order."""
    rows = [
        {
            "verifier": v.verifier,
            "outcome": v.outcome,
            "score": v.score,
            "reason": v.reason,
            "evidence": _without_times(json.loads(v.evidence)),
        }
        for v in sorted(verdicts, key=lambda v: v.verifier)
    ]
    return json.dumps(rows, ensure_ascii=False, sort_keys=True)


def _without_times(evidence: object) -> object:
    """Leave out measured time and memory (`ms`, `cpu_ms`, `mb` …), so that bytes are equal."""
    if isinstance(evidence, dict):
        return {k: _without_times(v) for k, v in evidence.items() if not _is_time(str(k))}
    if isinstance(evidence, list):
        return [_without_times(item) for item in evidence]
    return evidence


def _is_time(name: str) -> bool:
    return name in ("ms", "seconds", "mb") or name.endswith(("_ms", "_seconds"))
