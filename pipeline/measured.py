"""How difficult a question is by how often a weaker and a stronger teacher got it right.

The idea is DeepDistill's (arXiv 2504.17565), which grades questions by the pass rates of models
of unlike strength; the formula is ours: one less the mean of the two rates. Right for both every
time is 0, never right for either is 1; fifths of that are the five difficulties::

    measured_difficulty({"qwen-7b": 0.25, "r1": 1.0}, Measured(weaker="qwen-7b", stronger="r1"))
    # 0.375, which is easy

A rate is the share of correct among a teacher's decided responses to a question, over all rounds
of the versions that are read. Without both rates nothing is measured: None.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pipeline.acceptance import Finding, ResponseKey, findings
from pipeline.config import Config
from pipeline.earlier import overlapping
from pipeline.errors import ConfigError
from pipeline.recipe_labels import Measured
from pipeline.records import DIFFICULTIES, Verdict, content_hash, shard_of
from pipeline.scan import rounds
from pipeline.store import Store
from verifiers.base import Outcome

Rates = dict[str, dict[str, float]]  # id → teacher → pass rate


def measured_difficulty(rates: Mapping[str, float], measured: Measured | None) -> float | None:
    """Return a question's difficulty, from 0 to 1; None where a rate is not known."""
    if measured is None or not {measured.weaker, measured.stronger} <= rates.keys():
        return None
    return round(1 - (rates[measured.weaker] + rates[measured.stronger]) / 2, 4)


def measured_level(difficulty: float) -> str:
    """Return the name of a measured difficulty: fifths, from `very_easy` to `very_hard`."""
    return DIFFICULTIES[min(4, int(difficulty * 5 + 1e-9))]


def rates_of(found: Mapping[ResponseKey, Finding]) -> Rates:
    """Return each question's pass rates by teacher; undecided responses count for nothing."""
    decided: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for key, finding in found.items():
        if finding.outcome != Outcome.UNVERIFIED:
            decided[key[0], key[1]].append(finding.outcome == Outcome.CORRECT)
    rates: Rates = defaultdict(dict)
    for (id, teacher), right in sorted(decided.items()):
        rates[id][teacher] = sum(right) / len(right)
    return dict(rates)


def earlier_rates(config: Config, store: Store, shard: int) -> Rates:
    """Return the pass rates that earlier versions know of a shard's questions."""
    return rates_of(earlier_findings(config, store, shard))


def earlier_findings(config: Config, store: Store, shard: int) -> dict[ResponseKey, Finding]:
    """Return the findings of earlier versions about a shard's questions, the last version's first.

    Of one response that several versions judged, the version that is named last counts.
    """
    found: dict[ResponseKey, Finding] = {}
    for other in _versions(config, store):
        verdicts = (
            verdict
            for place in overlapping(store, shard, other)
            for verdict in _verdicts(other, place)
            if shard_of(verdict.id, store.shards) == shard
        )
        found |= findings(verdicts)
    return found


def _verdicts(store: Store, shard: int) -> Iterator[Verdict]:
    for number in rounds(store, "verdicts"):
        yield from Verdict.from_table(store.read(f"verdicts/round={number:02d}", shard))


def earlier_inputs(config: Config, store: Store) -> dict[str, str]:
    """Return the content of what is read of earlier versions, as inputs of a manifest."""
    return {
        f"{other.version}/verdicts": content_hash(list(_outputs(other)))
        for other in _versions(config, store)
    }


def _outputs(store: Store) -> Iterator[str]:
    for number in rounds(store, "verdicts"):
        for shard in range(store.shards):
            manifest = store.manifest(f"verdicts/round={number:02d}", shard)
            yield manifest.output if manifest else ""


def _versions(config: Config, store: Store) -> Iterable[Store]:
    """Return the versions to read, each with its own number of shards; raises ConfigError."""
    measured = config.recipe.measured
    return [_version(store, name) for name in measured.versions] if measured else []


def _version(store: Store, name: str) -> Store:
    field = "recipe.measured.versions"
    if name == store.version:
        raise ConfigError(f"{field}: must be other versions than this one, got {name!r}")
    other = replace(store, version=name)
    manifest = other.manifest("questions", 0)
    if manifest is None:
        raise ConfigError(
            f"{field}: version {name!r} of {store.name} is not in {store.root}; build it first, or"
            " leave it out"
        )
    return replace(other, shards=int(manifest.recipe.get("shards", store.shards)))
