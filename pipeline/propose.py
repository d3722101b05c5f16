"""Stage propose: constraints for questions that came with none, where the recipe names a model.

    Proposal(id="1c0f…", constraints='[{"id": "punctuation:no_comma", "kwargs": {}}]', …)

A model is asked what a question demands of its answer's form; what it says is used only where it
can be read, is a known constraint, and stands in the prompt. A question of which nothing is left
has no constraints, as before. That a model overlooks demands is not seen here.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from pipeline.config import Config
from pipeline.labelling.proposing import asked, proposal, wants_proposal
from pipeline.progress import meter
from pipeline.recipe_proposer import Proposer
from pipeline.records import Question
from pipeline.records_proposed import Proposal
from pipeline.stage import Run, ShardStage, Tables
from pipeline.store import Store
from pipeline.teacher.journal import Journal
from verifiers.constraints.described import types_listed


class ProposeStage(ShardStage):
    """Writes `proposed`; the model is asked before, its replies kept in the journal."""

    name = "propose"

    def writes(self) -> tuple[str, ...]:
        """Return the one table."""
        return ("proposed",)

    def alone(self, config: Config) -> bool:
        """One worker asks."""
        return True

    def reads(self) -> tuple[str, ...]:
        """Return the questions."""
        return ("questions",)

    def fields(self, run: Run) -> dict[str, Any]:
        """Return the model's settings, and which constraints are known."""
        return {**proposer_of(run.config).model_dump(), "types": types_listed()}

    def prepare(self, run: Run) -> None:
        """Ask the servers about the questions of outdated shards."""
        proposer = proposer_of(run.config)
        shards = [shard for shard, _ in self.outdated(run)]
        questions = (
            question
            for shard in shards
            for question in Question.from_table(run.store.read("questions", shard))
            if wants_proposal(question, proposer)
        )
        with (
            Journal(run.store.root / "journal") as journal,
            meter(f"{self.title}: asking", None) as progress,
        ):
            asked(run.config).ask_all(journal, questions, progress)

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        """Read what was proposed for one shard."""
        proposer = proposer_of(config)
        rows = Question.from_table(store.read("questions", shard))
        questions = [question for question in rows if wants_proposal(question, proposer)]
        with Journal(store.root / "journal") as journal:
            replies = asked(config).replies(journal, questions)
        found = [proposal(question, replies[question.id], proposer) for question in questions]
        return {"proposed": (Proposal.to_table(found), counts(found))}


def proposer_of(config: Config) -> Proposer:
    """Return the model; the stage is part of a run only where there is one."""
    assert config.recipe.propose is not None
    return config.recipe.propose


def counts(proposals: list[Proposal]) -> dict[str, int]:
    """Return how many questions got constraints, how many of those are used, and what failed."""
    found: Counter[str] = Counter(one.why.replace(" ", "_") or "read" for one in proposals)
    for one in proposals:
        used, refused = json.loads(one.constraints), json.loads(one.refused)
        found.update(constrained=bool(used), used=len(used), not_used=len(refused))
    return dict(sorted(found.items()))
