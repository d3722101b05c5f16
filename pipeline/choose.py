"""Stage choose: which of the questions that are left are worth a teacher's time.

Left out first is what could never be published: what the removal list names
(pipeline/removals.py), a conversation with an earlier assistant turn that shows no thinking
(every published assistant turn has a think part and an answer), a question that breaks a rule
(pipeline/question_rules.py), and one whose answers nothing can check. Then questions are
down-sampled by shares of their category and difficulty, then each source to its quota. Who
stays is decided by a hash of seed and id, so that it does not depend on what other questions
there are: added data never throws out what was kept by its share. A difficulty that pass rates
measured in earlier versions (pipeline/measured.py) counts before the label's.
"""

from __future__ import annotations

import hashlib
import heapq
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline.acceptance import can_be_accepted
from pipeline.config import Config
from pipeline.measured import earlier_inputs, earlier_rates, measured_difficulty, measured_level
from pipeline.progress import meter
from pipeline.proposals import proposed_inputs, with_proposed
from pipeline.question_rules import broken_rule
from pipeline.recipe import Recipe
from pipeline.records import ID_SCHEMA, Drop, Question, canonical_json
from pipeline.removals import Entries, all_removals, by_key, entries_hash, removal_of
from pipeline.stage import Run, Stage, Tables
from pipeline.store import Origin, Store
from verifiers.response import final_answer, split

ROUND_0 = "responses/round=00"


class ChooseStage(Stage):
    """Writes `chosen` (ids) and `left_out` (drops)."""

    name = "choose"
    revision = 2  # rules against questions

    def writes(self) -> tuple[str, ...]:
        """Return the two tables."""
        return ("chosen", "left_out")

    def reads(self) -> tuple[str, ...]:
        """Return the questions, their labels and the drops before this stage."""
        return ("questions", "labels", "duplicates", "contaminated", ROUND_0)

    def whole_inputs(self) -> bool:
        """Quotas are over the dataset, so that every shard depends on all."""
        return True

    def fields(self, run: Run) -> dict[str, Any]:
        """Return shares, quotas and seed, and what decides whether an answer could be checked."""
        recipe = run.config.recipe
        return {
            **recipe.choose.model_dump(),
            "seed": recipe.seed,
            "by_kind": recipe.verify.by_kind,
            "unverified": recipe.select.unverified,
            "asked": recipe.distill.rounds > 0,
            "measured": recipe.measured.model_dump() if recipe.measured else {},
        }

    def origin(self, run: Run, shard: int) -> Origin:
        """Return what a shard is made from, earlier versions' verdicts and removals among it.

        Removals are inputs, no part of the recipe: a longer list is no other dataset.
        """
        found = super().origin(run, shard)
        taken = earlier_inputs(run.config, run.store)
        entries = by_key(all_removals(run.config, run.store))
        listed = {"removals": entries_hash(entries)} if entries else {}
        listed |= proposed_inputs(run.config, run.store)
        return Origin(found.recipe, {**found.inputs, **taken, **listed})

    def build(self, run: Run) -> None:
        """Find where each source's quota cuts, then write the outdated shards."""
        jobs = list(self.outdated(run))
        if not jobs:
            return
        limits = self._limits(run)
        with meter(self.title, len(jobs)) as progress:
            for shard, origin in jobs:
                start = time.monotonic()
                made = self._make(run, shard, limits)
                self.save(run.store, shard, origin, made, time.monotonic() - start)
                progress.advance(1)

    def _limits(self, run: Run) -> dict[str, tuple[float, str]]:
        """Return the place (share, id) of the last row inside each source's quota.

        Holds as many rows in memory as the quotas ask for.
        """
        recipe = run.config.recipe
        quotas = recipe.choose.per_source
        best: dict[str, list[tuple[float, str]]] = {name: [] for name in quotas}
        for shard in range(run.store.shards):
            for one in candidates(run.config, run.store, shard):
                share = place(recipe.seed, one.id)
                if one.source in quotas and not one.against and share < one.keep(recipe):
                    best[one.source].append((share, one.id))
            best = {n: heapq.nsmallest(quotas[n], places) for n, places in best.items()}
        return {n: places[-1] if places else (-1.0, "") for n, places in best.items()}

    def _make(self, run: Run, shard: int, limits: dict[str, tuple[float, str]]) -> Tables:
        recipe = run.config.recipe
        chosen: list[str] = []
        left: list[Drop] = []
        for one in candidates(run.config, run.store, shard):
            share, keep = place(recipe.seed, one.id), one.keep(recipe)
            if one.against:
                left.append(_drop(one.id, one.against[0], None, one.against[1]))
            elif share >= keep:
                evidence = {**one.labelled, "share_kept": keep}
                left.append(_drop(one.id, "downsampled", share, evidence))
            elif (share, one.id) > limits.get(one.source, (2.0, "")):
                evidence = {"source": one.source, "quota": recipe.choose.per_source[one.source]}
                left.append(_drop(one.id, "over_quota", share, evidence))
            else:
                chosen.append(one.id)
        ids = pa.Table.from_pydict({"id": chosen}, schema=ID_SCHEMA)
        counts = Counter(drop.reason for drop in left)
        return {
            "chosen": (ids, {"chosen": len(chosen)}),
            "left_out": (Drop.to_table(left), dict(sorted(counts.items()))),
        }


def _drop(id: str, reason: str, share: float | None, evidence: dict[str, Any]) -> Drop:
    return Drop(id, "choose", reason, score=share, evidence=canonical_json(evidence))


def place(seed: int, id: str) -> float:
    """Return a question's place in the draw: uniform in [0, 1), the same for ever."""
    digest = hashlib.blake2b(f"{seed}/{id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def has_both_parts(text: str) -> bool:
    """Tell whether an assistant's turn has a think part and an answer, neither empty."""
    parts = split(text)
    return bool((parts.think or "").strip() and final_answer(parts.answer or ""))


def silent_turn(question: Question) -> int | None:
    """Return the number of the first earlier assistant turn without thinking, if there is one."""
    for number, turn in enumerate(question.prompt):
        if turn.role == "assistant" and not has_both_parts(turn.content):
            return number
    return None


def named(question: Question, entries: Entries) -> tuple[str, Any] | None:
    """Return why a question that the removal list names is left out."""
    removal = removal_of(question, entries)
    return ("removed", removal.evidence) if removal else None


def reason_against(question: Question, answered: bool, recipe: Recipe) -> tuple[str, Any] | None:
    """Return why nothing about a question could be published, whatever a teacher says.

    `answered` says that its source carries a response.
    """
    turn = silent_turn(question)
    if turn is not None:
        return "no_thinking", {"earlier_turn": turn}
    rounds = [0] if answered else []
    rounds += [1] if recipe.distill.rounds else []
    if broken := broken_rule(question.user_text, recipe.choose.rules):
        return broken
    if not any(can_be_accepted(question, round, recipe) for round in rounds):
        return "not_checkable", {"kind": question.kind, "has_response": answered}
    return None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that nothing has dropped, and what `against` it there is.

    `measured` tells that pass rates, and not the labeller, say how difficult it is.
    """

    id: str
    source: str
    category: str
    difficulty: str
    measured: bool
    against: tuple[str, Any] | None

    def keep(self, recipe: Recipe) -> float:
        """Return the share of such questions that is kept."""
        return recipe.choose.share(self.category, self.difficulty)

    @property
    def labelled(self) -> dict[str, Any]:
        """What decides its share, as evidence."""
        said = {"category": self.category, "difficulty": self.difficulty}
        return {**said, "measured": True} if self.measured else said


def candidates(config: Config, store: Store, shard: int) -> list[Candidate]:
    """Return a shard's questions that nothing has dropped."""
    recipe = config.recipe
    gone = set(store.read("duplicates", shard, ["id"]).column(0).to_pylist())
    gone |= set(store.read("contaminated", shard, ["id"]).column(0).to_pylist())
    answered = set(store.read(ROUND_0, shard, ["id"]).column(0).to_pylist())
    entries = by_key(all_removals(config, store))
    labels = store.read("labels", shard, ["category", "difficulty"]).to_pylist()
    rates = earlier_rates(config, store, shard)
    found = []
    for question, label in zip(with_proposed(config, store, shard), labels, strict=True):
        if question.id in gone:
            continue
        measured = measured_difficulty(rates.get(question.id, {}), recipe.measured)
        level = label["difficulty"] if measured is None else measured_level(measured)
        against = named(question, entries) or reason_against(
            question, question.id in answered, recipe
        )
        found.append(
            Candidate(
                question.id,
                question.source,
                label["category"],
                level,
                measured is not None,
                against,
            )
        )
    return found
