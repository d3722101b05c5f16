"""Questions with the constraints that a model proposed for them, for the stages after propose.

    for question in with_proposed(config, store, 3): ...        constraints='[{"id": …}]'

A question that has constraints of its own keeps them. Where no model is named, questions are
what their table says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeline.config import Config
from pipeline.records import Question, content_hash
from pipeline.records_proposed import Proposal
from pipeline.store import Store

TABLE = "proposed"


def proposed(config: Config, store: Store, shard: int) -> dict[str, Proposal]:
    """Return what is used of a shard's proposals, by question; nothing without a model."""
    if config.recipe.propose is None:
        return {}
    rows = Proposal.from_table(store.read(TABLE, shard))
    return {row.id: row for row in rows if row.constraints != "[]"}


def with_proposed(config: Config, store: Store, shard: int) -> Iterator[Question]:
    """Yield a shard's questions, with proposed constraints where they have none of their own."""
    found = proposed(config, store, shard)
    for question in Question.from_table(store.read("questions", shard)):
        if question.id in found:
            yield replace(question, constraints=found[question.id].constraints)
        else:
            yield question


def proposed_inputs(config: Config, store: Store, shard: int | None = None) -> dict[str, str]:
    """Return the content of a shard's proposals, or of all, as inputs of a manifest."""
    if config.recipe.propose is None:
        return {}
    shards = range(store.shards) if shard is None else [shard]
    manifests = [store.manifest(TABLE, place) for place in shards]
    return {TABLE: content_hash([found.output if found else "" for found in manifests])}
