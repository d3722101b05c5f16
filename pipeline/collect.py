"""Stage collect: sources in, questions out, with the responses that they carry.

Each source is first spilled into one file a shard (`.staging/collect/<source>/`), in
parallel and once; then each shard is merged from the spills of all sources. Rows with
one id become one question that lists all its origins, those of the same prompt in other
sources after its own; an id with references that contradict each other is refused, as is a
row that cannot be a question or that stands under a licence that the recipe does not allow.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline.config import Config
from pipeline.errors import SourceError
from pipeline.files import FileHashes
from pipeline.licences import spdx
from pipeline.progress import meter
from pipeline.recipe import Licences
from pipeline.records import (
    ROLES,
    Drop,
    Question,
    Response,
    canonical_json,
    content_hash,
)
from pipeline.shared_prompts import find_shared, index_entry, index_name, shared_origins
from pipeline.sources.base import Refused, Source, SourceResponse, SourceRow
from pipeline.spill import Entry, SpillWriter, read_spill, spill_path
from pipeline.stage import Run, ShardStage, Tables, outcome
from pipeline.store import Store, replacing, writing

ROUND_0 = "responses/round=00"
ANY_LICENCE = Licences()


class Collect(ShardStage):
    """Writes `questions`, `refused` and `responses/round=00`."""

    name = "collect"
    revision = 2  # origins in other sources

    def writes(self) -> tuple[str, ...]:
        """Return the three tables."""
        return ("questions", "refused", ROUND_0)

    def alone(self, config: Config) -> bool:
        """Sources are read once, by one worker."""
        return True

    def reads(self) -> tuple[str, ...]:
        """Return nothing: what it reads are sources, whose content is part of the recipe."""
        return ()

    def fields(self, run: Run) -> dict[str, Any]:
        """Return the sources' options with the hashes of their files."""
        recipe = run.config.recipe
        sources = {s.name: source_identity(s, run.hashes) for s in recipe.sources}
        fields = {"sources": sources, "limits": recipe.collect.model_dump()}
        allowed = recipe.licences
        return fields if allowed == ANY_LICENCE else {**fields, "licences": allowed.model_dump()}

    def prepare(self, run: Run) -> None:
        """Spill the sources that are not spilled yet; a job merges one shard of the spills."""
        spill_all(run)
        find_shared(run.store, [source.name for source in run.config.recipe.sources])

    def clear(self, run: Run) -> None:
        """Delete the spills."""
        shutil.rmtree(run.store.staging / "collect", ignore_errors=True)

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        """Merge one shard from the spills of all sources, in the order of the recipe."""
        merged = Merged()
        for source in config.recipe.sources:
            for entry in read_spill(spill_path(store, source.name, shard)):
                merged.add(entry)
        return merged.tables(shared_origins(store, shard))


def source_identity(source: Source, hashes: FileHashes) -> dict[str, Any]:
    """Return what decides a source's rows: its options and the content of its files."""
    files = [hashes.of(Path(path)) for path in source.files()]
    return {**source.identity(), "files": files} if files else source.identity()


def spill_all(run: Run) -> None:
    """Read every source once; those that an interrupted run has read are not read again."""
    wanted = []
    rules = Rules(run.config.recipe.collect.max_prompt_chars, run.config.recipe.licences)
    for source in run.config.recipe.sources:
        parts = [source_identity(source, run.hashes), run.store.shards, rules.identity()]
        identity = content_hash(parts)
        done = spill_path(run.store, source.name, 0).parent / "done.json"
        if not (done.is_file() and done.read_text(encoding="utf-8") == identity):
            wanted.append((source, identity))
    if not wanted:
        return
    with meter("sources", len(wanted)) as progress:
        jobs = [run.pool.submit(spill, source, run.store, rules, mark) for source, mark in wanted]
        for job in as_completed(jobs):
            name, rows = outcome(job)
            progress.advance(1, f"{name}: {rows:,} rows")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a row must keep to be a question, whatever its source."""

    max_chars: int
    licences: Licences = ANY_LICENCE

    def identity(self) -> list[Any]:
        """Return what decides which rows are refused."""
        return [self.max_chars, self.licences.model_dump()]


def spill(source: Source, store: Store, rules: Rules, identity: str) -> tuple[str, int]:
    """Write a source's rows to its spill files; returns its name and how many rows it had.

    Raises SourceError where the source has none: a misspelt filter must not go unnoticed.
    """
    folder = spill_path(store, source.name, 0).parent
    with writing(folder):
        shutil.rmtree(folder, ignore_errors=True)
        spill_path(store, index_name(source.name), 0).parent.mkdir(parents=True)
        rows = 0
        writer = SpillWriter(store, source.name)
        index = SpillWriter(store, index_name(source.name))
        for row in limited(source):
            entry = as_entry(source.name, row, rules.max_chars, rules.licences)
            writer.add(entry)
            if "question" in entry and isinstance(row, SourceRow):
                index.add(index_entry(replace(row.question, origins=(row.origin,))))
            rows += 1
        writer.flush()
        index.flush()
        if rows == 0:
            raise SourceError(
                f"source {source.name}: has no rows; correct its options, or take it out"
            )
        with replacing(folder / "done.json") as file:
            file.write(identity.encode())
    return source.name, rows


def limited(source: Source) -> Iterator[SourceRow | Refused]:
    """Yield a source's rows up to its `limit`."""
    for place, row in enumerate(source.rows()):
        if source.limit is not None and place >= source.limit:
            return
        yield row


def as_entry(
    source: str, row: SourceRow | Refused, max_chars: int, licences: Licences = ANY_LICENCE
) -> Entry:
    """Return a row as it is spilled: a question with its responses, or a refusal."""
    if isinstance(row, Refused):
        id = content_hash([source, row.content])
        return refusal(id, source, row.reason, row.origin, row.excerpt)
    question = replace(row.question, origins=(row.origin,))
    entry: Entry = {
        "id": question.id,
        "question": question.to_row(),
        "responses": [asdict(response) for response in row.responses],
    }
    reason = _not_a_question(entry, question, max_chars, licences)
    return refusal(question.id, source, reason, row.origin, question.user_text) if reason else entry


def _not_a_question(
    entry: Entry, question: Question, max_chars: int, licences: Licences
) -> str | None:
    if not question.user_text.strip():
        return "empty_prompt"
    if [turn.role for turn in question.prompt] != alternating(len(question.prompt)):
        return "turns_not_alternating"
    if sum(len(turn.content) for turn in question.prompt) > max_chars:
        return "prompt_too_long"
    try:
        canonical_json(entry).encode()
    except UnicodeEncodeError:
        return "invalid_unicode"
    if spdx(question.licence) is None:
        return "bad_licence"
    return None if licences.permits(question.licence) else "licence"


def alternating(turns: int) -> list[str]:
    """Return the roles of a conversation that a user begins and whose last turn is a user's."""
    return [ROLES[place % 2] for place in range(turns | 1)]


def refusal(id: str, source: str, reason: str, origin: str, excerpt: str) -> Entry:
    """Return the entry of a row that is no question; its source's name stands in `of`."""
    shown = excerpt[:200].encode("utf-8", "replace").decode()
    return {"id": id, "of": source, "reason": reason, "origin": origin, "excerpt": shown}


@dataclass(slots=True)
class Merged:
    """One shard in the making: questions, responses and refusals by id."""

    questions: dict[str, Question] = field(default_factory=dict)
    responses: dict[str, list[SourceResponse]] = field(default_factory=dict)
    refused: dict[str, Drop] = field(default_factory=dict)
    read: Counter[str] = field(default_factory=Counter)
    repeated: int = 0

    def add(self, entry: Entry) -> None:
        """Add one entry, merging it with an earlier one of the same id."""
        id = entry["id"]
        self.repeated += id in self.questions or id in self.refused
        if "question" in entry:
            self._add_question(id, entry)
        else:
            self.read[entry["of"]] += 1
            evidence = canonical_json({"origin": entry["origin"], "excerpt": entry["excerpt"]})
            drop = Drop(id, "collect", entry["reason"], entry["of"], evidence=evidence)
            self.refused.setdefault(id, drop)

    def _add_question(self, id: str, entry: Entry) -> None:
        new = Question.from_row(entry["question"])
        self.read[new.source] += 1
        if id in self.refused:
            return
        old = self.questions.get(id)
        if old is not None and (clash := conflict(old, new)):
            del self.questions[id]
            self.responses.pop(id, None)
            evidence = canonical_json({"origins": [*old.origins, *new.origins], **clash})
            self.refused[id] = Drop(
                id, "collect", "reference_conflict", new.source, evidence=evidence
            )
            return
        self.questions[id] = merge(old, new) if old else new
        known = self.responses.setdefault(id, [])
        fresh = (SourceResponse(**response) for response in entry["responses"])
        known.extend(response for response in fresh if response not in known)

    def tables(self, also: Mapping[str, tuple[str, ...]] = MappingProxyType({})) -> Tables:
        """Return the shard's three tables, each sorted by id; `also` are origins elsewhere."""
        mine = [self.questions[id] for id in sorted(self.questions)]
        questions = [replace(q, origins=(*q.origins, *also.get(q.id, ()))) for q in mine]
        refused = [self.refused[id] for id in sorted(self.refused)]
        responses = [r for q in questions for r in imported(q.id, self.responses.get(q.id, []))]
        reasons = Counter(drop.reason for drop in refused)
        reads = {f"read/{name}": count for name, count in sorted(self.read.items())}
        counts = {"rows_read": self.read.total(), "repeated": self.repeated, **reads}
        return {
            "questions": (Question.to_table(questions), counts),
            "refused": (Drop.to_table(refused), dict(sorted(reasons.items()))),
            ROUND_0: (Response.to_table(responses), Counter(r.teacher for r in responses)),
        }


def conflict(old: Question, new: Question) -> dict[str, Any]:
    """Return the references in which two rows with one id contradict each other, if any."""
    for name in ("reference_answer", "test_cases", "constraints"):
        mine, other = getattr(old, name), getattr(new, name)
        if mine is not None and other is not None and mine.strip() != other.strip():
            return {"field": name, "values": [mine[:500], other[:500]]}
    return {}


def merge(old: Question, new: Question) -> Question:
    """Return one question for two rows with one id: what one lacks, the other gives."""
    return replace(
        old,
        reference_answer=old.reference_answer or new.reference_answer,
        test_cases=old.test_cases or new.test_cases,
        constraints=old.constraints or new.constraints,
        origins=(*old.origins, *(o for o in new.origins if o not in old.origins)),
    )


def imported(id: str, responses: Iterable[SourceResponse]) -> Iterator[Response]:
    """Yield a question's own responses as round 0, numbered as they came."""
    for attempt, response in enumerate(responses):
        yield Response.parse(
            response.text,
            id=id,
            teacher=response.teacher,
            round=0,
            attempt=attempt,
            finish_reason=response.finish_reason,
            prompt_tokens=None,
            response_tokens=None,
        )
