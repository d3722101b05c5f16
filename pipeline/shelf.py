"""All that is known of one shard's chosen questions, as the stage select looks at it.

    shelf = Shelf.load(store, 3, rounds=2)
    shelf.judged["1c0f…"]        [(Response(…), Finding("correct", "math", "equal", None)), …]

A shelf holds its shard's responses in memory, those of one shard and no more.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from pipeline.acceptance import DISQUALIFIES, Finding, ResponseKey, findings, verdict_rows
from pipeline.config import Config
from pipeline.measured import earlier_findings, measured_difficulty, rates_of
from pipeline.recipe import Select
from pipeline.records import Label, Question, Response, Suspect, Verdict
from pipeline.store import Store
from pipeline.suspects import suspect
from pipeline.template import fits_template
from verifiers.base import Outcome

Judged = tuple[Response, Finding]


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

    def accepted(self, question: Question, policy: Select) -> list[Judged]:
        """Return the responses to a question that may be published."""
        return accepted(question, self.judged[question.id], policy)


def accepted(question: Question, judged: list[Judged], policy: Select) -> list[Judged]:
    """Return those of a question's responses that may be published."""
    if any(finding.reason in DISQUALIFIES for _, finding in judged):
        return []
    return [
        (response, finding)
        for response, finding in judged
        if finding.accepted(question.kind, response.round, policy) and fits_template(response)
    ]


def pass_rate(judged: list[Judged]) -> float | None:
    """Return the share of correct among the decided responses, None where none is decided."""
    decided = [f.outcome for _, f in judged if f.outcome != Outcome.UNVERIFIED]
    return decided.count(Outcome.CORRECT.value) / len(decided) if decided else None
