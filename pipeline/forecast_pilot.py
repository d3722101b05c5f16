"""The pilot of a forecast: a few hundred of the chosen questions go through all rounds.

The pilot of version `1` is version `1.pilot` beside it, with the same tables for the sample only.
What it asks has the same keys as what the run will ask, so that nothing is paid for twice: the
run finds the pilot's replies in the journal.

    sample(config, store, 200)     {"math/hard": ["0c1f…", …], "code/medium": […]}

The sample is drawn by hash, stratum by stratum (kind and difficulty), in proportion to their
sizes, at least one of each while there is room. Equal versions give equal samples.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.acceptance import can_be_accepted, closed, findings, verdict_rows
from pipeline.accounts import Spent, spent
from pipeline.config import Config
from pipeline.distill import DistillStage
from pipeline.records import Label, Question, content_hash
from pipeline.scan import rounds as rounds_of
from pipeline.scan import rows
from pipeline.stage import Run
from pipeline.store import Origin, Store
from pipeline.verify import VerifyStage

Strata = Mapping[str, Sequence[str]]  # stratum → ids
Costs = defaultdict[str, tuple[int, int, int]]  # id → requests, tokens of prompts and responses
TABLES = ("questions", "chosen", "responses/round=00")


@dataclass(frozen=True, slots=True)
class Trial:
    """What one question of a pilot cost, over all rounds, and whether it was answered."""

    stratum: str
    requests: int
    prompt_tokens: int
    response_tokens: int
    answered: bool


def strata_of(config: Config, store: Store) -> dict[str, list[str]]:
    """Return the chosen questions that rounds may ask, by kind and difficulty."""
    found: dict[str, list[str]] = defaultdict(list)
    for shard in range(store.shards):
        chosen = set(store.read("chosen", shard).column("id").to_pylist())
        levels = {
            label.id: label.difficulty for label in Label.from_table(store.read("labels", shard))
        }
        for question in Question.from_table(store.read("questions", shard)):
            if question.id in chosen and can_be_accepted(question, 1, config.recipe):
                found[f"{question.kind}/{levels[question.id]}"].append(question.id)
    return dict(sorted(found.items()))


def sample(strata: Strata, size: int, seed: int) -> dict[str, list[str]]:
    """Return so many ids, or all there are, in proportion to the strata."""
    total = sum(map(len, strata.values()))
    if total <= size:
        return {name: sorted(ids) for name, ids in strata.items()}
    shares = {name: max(1, round(size * len(ids) / total)) for name, ids in strata.items()}
    while sum(shares.values()) > size and max(shares.values()) > 1:
        largest = max(shares, key=lambda name: (shares[name], name))
        shares[largest] -= 1
    return {
        name: sorted(ids, key=lambda id: content_hash([seed, id]))[: shares[name]]
        for name, ids in strata.items()
    }


def pilot_store(store: Store) -> Store:
    """Return the store of a version's pilot."""
    return replace(store, version=f"{store.version}.pilot")


def plant(store: Store, pilot: Store, ids: Iterable[str]) -> None:
    """Write the tables that the rounds start from, for these ids only; no other is touched."""
    wanted = pa.array(sorted(ids), pa.string())
    for table in TABLES:
        for shard in range(store.shards):
            whole = store.read(table, shard)
            part = whole.filter(pc.is_in(whole.column("id"), wanted))
            manifest = store.manifest(table, shard)
            assert manifest is not None  # it was read
            before = pilot.manifest(table, shard)
            origin = Origin(manifest.recipe, {**manifest.inputs, "sample": content_hash(list(ids))})
            if before is None or before.inputs != dict(origin.inputs):
                pilot.write(table, shard, part, origin, {}, 0.0)


def run_rounds(run: Run) -> None:
    """Judge what the sources brought, then ask and judge, round after round."""
    labelled = run.config.recipe.verify.needs_labels
    VerifyStage(0, labelled).build(run)
    for number in range(1, run.config.recipe.distill.rounds + 1):
        DistillStage(number).build(run)
        VerifyStage(number, labelled).build(run)


def trials(config: Config, pilot: Store, strata: Strata) -> list[Trial]:
    """Return what became of each question of a pilot."""
    stratum_of = {id: name for name, ids in strata.items() for id in ids}
    costs: Costs = defaultdict(lambda: (0, 0, 0))
    done: set[str] = set()
    for shard in range(pilot.shards):
        _add_costs(pilot, shard, costs)
        done |= _answered(config, pilot, shard)
    return [Trial(stratum_of[id], *costs[id], id in done) for id in sorted(stratum_of)]


def _add_costs(pilot: Store, shard: int, costs: Costs) -> None:
    columns = ["id", "round", "prompt_tokens", "response_tokens"]
    for number in (n for n in rounds_of(pilot, "responses") if n):
        for row in rows(pilot, f"responses/round={number:02d}", shard, columns):
            requests, prompt, response = costs[row["id"]]
            prompt += row["prompt_tokens"] or 0
            costs[row["id"]] = (requests + 1, prompt, response + (row["response_tokens"] or 0))


def _answered(config: Config, pilot: Store, shard: int) -> set[str]:
    recipe = config.recipe
    table = Question.from_table(pilot.read("questions", shard))
    kinds = {question.id: question.kind for question in table}
    found = findings(
        verdict
        for verdict in verdict_rows(pilot, shard, rounds_of(pilot, "verdicts"))
        if verdict.id in kinds
    )
    unusable = {key[0] for key, finding in found.items() if finding.reason == "reference_unusable"}
    return closed(found, kinds, recipe.select) - unusable


def throughput(pilot: Store) -> Spent:
    """Return what asking the pilot took; no seconds where the journal had all its replies."""
    return spent(pilot)
