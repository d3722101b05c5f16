"""All figures that the card, the ledger file and the report show, computed in one place.

    facts = gather(config, store)
    facts.steps[0]      Step(stage="collect", reason="empty_prompt", dropped=3, left=1997)
    facts.rows_by["difficulty"]      {"easy": 120, "medium": 512}

Equal tables give equal facts: no clock, no host, every mapping in a fixed order. One
shard is in memory at a time. What was measured in seconds is not here (pipeline/provenance.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.audit import Audit, read_audit
from pipeline.benchmarks import benchmark_name
from pipeline.config import Config
from pipeline.ledger import STAGE_OF_TABLE, Ledger, read_ledger
from pipeline.lengths import Lengths, lengths
from pipeline.records import DIFFICULTIES, Suspect
from pipeline.store import Store
from pipeline.tally import PAIR_SEARCH, ROUND_COLUMNS, Tally, count_all

Counts = dict[str, int]
STAGES = tuple(STAGE_OF_TABLE.values())
CONFIGS = ("open_source", "distilled")  # the two of the original, and of DESIGN section 9


@dataclass(frozen=True, slots=True)
class Step:
    """One way out of the funnel: how many questions left by it, and how many were left."""

    stage: str
    reason: str
    dropped: int
    left: int


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What became of one source; `dropped` counts by stage, `reasons` by stage/reason."""

    name: str
    licences: tuple[str, ...]
    revisions: tuple[str, ...]
    rows_read: int
    collected: int
    dropped: Counts
    reasons: Counts
    published: int
    pending: int


@dataclass(frozen=True, slots=True)
class VerifierFacts:
    """How often a verifier found what; `reasons` counts by outcome/reason."""

    name: str
    correct: int
    incorrect: int
    unverified: int
    reasons: Counts

    @property
    def total(self) -> int:
        """All verdicts."""
        return self.correct + self.incorrect + self.unverified


@dataclass(frozen=True, slots=True)
class RoundFacts:
    """One round: responses by what all their verdicts come to, and what the round gained.

    `gained` counts questions that had no correct response before, `rows` published rows, and
    `tokens` those of prompts and responses, as far as they were counted.
    """

    round: int
    questions: int
    responses: int
    correct: int
    incorrect: int
    unverified: int
    unjudged: int
    gained: int
    rows: int
    tokens: int

    @property
    def tokens_a_gain(self) -> int | None:
        """What a question that was answered for the first time cost, None where none was."""
        return round(self.tokens / self.gained) if self.gained else None


@dataclass(frozen=True, slots=True)
class Hits:
    """Questions dropped because a benchmark holds them, and by which method it was seen."""

    benchmark: str
    method: str
    questions: int


@dataclass(frozen=True, slots=True)
class Probes:
    """Disguised copies of a benchmark's items that were planted, and how many were found."""

    benchmark: str
    disguise: str
    planted: int
    found: int


@dataclass(frozen=True, slots=True)
class PairSearch:
    """How near pairs were found: of `checked` pairs of a sample, `missed` were not.

    `widened_to` is how many cells each question had to be compared in, 0 where the first
    setting was enough; nothing is checked where all pairs are compared.
    """

    checked: int
    missed: int
    widened_to: int

    @property
    def recall(self) -> float:
        """The share of the sample's pairs that was found."""
        return 1 - self.missed / self.checked if self.checked else 1.0


@dataclass(frozen=True, slots=True)
class Facts:
    """All figures of a version.

    `published` counts questions, `rows` rows: a question may have several. `rows_by`
    counts rows by a column's values, `references` published questions by what there is
    to check an answer against, `near_duplicates` drops by reason and similarity, and
    `pairs_spared` near pairs that were kept apart, by reason, `long_texts` questions that are
    longer than the encoder's window; `unsafe` counts programs that were run without a sandbox,
    `suspected` questions whose reference may be wrong, of which `suspects` are the first.
    `attributed` counts rows by (source, revision, licence), `nested` published questions by
    (source, the set inside of it), `in_several` those that other sources have too.
    A question that several stages dropped is in `contamination` and `near_duplicates` too, but
    once only in `steps`.
    """

    name: str
    version: str
    rows_read: int
    repeated: int
    collected: int
    published: int
    pending: int
    balanced: bool
    rows: int
    steps: tuple[Step, ...]
    sources: tuple[SourceFacts, ...]
    configs: Counts
    attributed: tuple[tuple[str, str, str, int], ...]
    nested: tuple[tuple[str, str, int], ...]
    in_several: int
    rows_by: dict[str, Counts]
    references: Counts
    response_tokens: Lengths
    prompt_tokens: Lengths
    verdicts: tuple[VerifierFacts, ...]
    published_unverified: Counts
    rounds: tuple[RoundFacts, ...]
    benchmarks: tuple[str, ...]
    contamination: tuple[Hits, ...]
    near_duplicates: Counts
    pairs_spared: Counts
    pair_search: PairSearch
    long_texts: int
    probes: tuple[Probes, ...]
    unsafe: int
    suspected: int
    suspects: tuple[Suspect, ...]
    audit: Audit | None
    removed: Counts  # questions that had to go at last, by why

    def probe_table(self) -> dict[str, dict[str, Probes]]:
        """Return the probes by benchmark, then by disguise."""
        table: dict[str, dict[str, Probes]] = {}
        for of in self.probes:
            table.setdefault(of.benchmark, {})[of.disguise] = of
        return table

    @property
    def disguises(self) -> tuple[str, ...]:
        """The disguises in which copies were planted."""
        return tuple(sorted({of.disguise for of in self.probes}))

    @property
    def dropped(self) -> int:
        """All questions that left with a reason."""
        return sum(step.dropped for step in self.steps)

    def share(self, column: str) -> dict[str, float]:
        """Return the percentages of published rows by a column's values."""
        return {value: percent(count, self.rows) for value, count in self.rows_by[column].items()}


def percent(part: int, whole: int) -> float:
    """Return a share in percent, one digit behind the point; 0 of nothing is 0."""
    return round(100 * part / whole, 1) if whole else 0.0


def gather(config: Config, store: Store) -> Facts:
    """Compute a version's figures in the state in which it is."""
    ledger, tally = read_ledger(store), count_all(store)
    rows_by = {column: ordered(column, counts) for column, counts in tally.rows_by.items()}
    return Facts(
        name=store.name,
        version=store.version,
        rows_read=ledger.rows_read,
        repeated=ledger.repeated,
        collected=ledger.collected,
        published=ledger.published,
        pending=ledger.pending,
        balanced=ledger.balanced,
        rows=tally.rows,
        steps=funnel(ledger),
        sources=tuple(_source_facts(config, ledger, tally)),
        configs={name: tally.configs[name] for name in CONFIGS},
        attributed=tuple((*key, rows) for key, rows in sorted(tally.attributed.items())),
        nested=tuple((*key, n) for key, n in sorted(tally.nested.items(), key=_most_first)),
        in_several=tally.in_several,
        rows_by=rows_by,
        references=ordered("references", tally.references),
        response_tokens=lengths(tally.response_tokens),
        prompt_tokens=lengths(tally.prompt_tokens),
        verdicts=tuple(_verifier_facts(tally)),
        published_unverified=ordered("reason", tally.published_unverified),
        rounds=tuple(_round_facts(tally)),
        benchmarks=tuple(benchmark_name(path) for path in config.recipe.decontaminate.benchmarks),
        contamination=tuple(Hits(*key, n) for key, n in sorted(tally.contamination.items())),
        near_duplicates=ordered("reason", tally.near_duplicates),
        pairs_spared=ordered("reason", tally.pairs_spared),
        pair_search=PairSearch(*(tally.pair_search[name] for name in PAIR_SEARCH)),
        long_texts=tally.long_texts,
        probes=tuple(
            Probes(*key, found.total(), found[True]) for key, found in sorted(tally.probes.items())
        ),
        unsafe=tally.unsafe,
        suspected=tally.suspected,
        suspects=tuple(tally.suspects),
        audit=read_audit(store.folder),
        removed=ordered("reason", ledger.removed),
    )


def _most_first(item: tuple[tuple[str, str], int]) -> tuple[int, tuple[str, str]]:
    return -item[1], item[0]


def funnel(ledger: Ledger) -> tuple[Step, ...]:
    """Return the ways out in the order of the stages, each with what is left after it."""
    left, steps = ledger.collected, []
    for stage in STAGES:
        for (of, reason), count in sorted(ledger.dropped.items()):
            if of == stage:
                left -= count
                steps.append(Step(stage, reason, count, left))
    return tuple(steps)


def ordered(column: str, counts: Mapping[str, int]) -> Counts:
    """Return counts in reading order: difficulties by degree, all else the largest first."""
    if column == "difficulty":
        known = [name for name in DIFFICULTIES if name in counts]
        return {name: counts[name] for name in [*known, *sorted(set(counts) - set(known))]}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _source_facts(config: Config, ledger: Ledger, tally: Tally) -> Iterable[SourceFacts]:
    declared = {source.name: source for source in config.recipe.sources}
    for name in [*declared, *sorted(set(ledger.by_source) - set(declared))]:
        counts = ledger.by_source.get(name, Counter())
        reasons = {key: n for key, n in sorted(counts.items()) if "/" in key}
        of = declared.get(name)
        yield SourceFacts(
            name=name,
            licences=tuple(sorted(tally.licences.get(name) or {of.licence if of else "?"})),
            revisions=tuple(sorted(tally.revisions.get(name) or {of.revision if of else "?"})),
            rows_read=tally.rows_read[name],
            collected=counts["collected"],
            dropped={stage: _of_stage(reasons, stage) for stage in STAGES},
            reasons=reasons,
            published=counts["published"],
            pending=counts["pending"],
        )


def _of_stage(reasons: Counts, stage: str) -> int:
    return sum(n for key, n in reasons.items() if key.startswith(f"{stage}/"))


def _verifier_facts(tally: Tally) -> Iterable[VerifierFacts]:
    for name in sorted({verifier for verifier, _, _ in tally.verdicts}):
        reasons: Counter[str] = Counter()
        outcomes: Counter[str] = Counter()
        for (verifier, outcome, reason), count in tally.verdicts.items():
            if verifier == name:
                reasons[f"{outcome}/{reason}"] += count
                outcomes[outcome] += count
        yield VerifierFacts(
            name,
            outcomes["correct"],
            outcomes["incorrect"],
            outcomes["unverified"],
            ordered("reason", reasons),
        )


def _round_facts(tally: Tally) -> Iterable[RoundFacts]:
    for number, counts in sorted(tally.rounds.items()):
        yield RoundFacts(number, *(counts[column] for column in ROUND_COLUMNS))
