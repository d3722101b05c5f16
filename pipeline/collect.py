"""Stage collect: sources in, questions out, with the responses that they carry.

Each source is first spilled into one file a shard (`.staging/collect/<source>/`), in
parallel and once; then each shard is merged from the spills of all sources. Rows with
one id become one question that lists all its origins; an id with references that
contradict each other is refused, as is a row that cannot be a question.
"""

from __future__ import annotations

import io
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import zstandard

from pipeline.config import Config
from pipeline.errors import SourceError
from pipeline.files import FileHashes
from pipeline.progress import meter
from pipeline.records import (
    ROLES,
    Drop,
    Question,
    Response,
    canonical_json,
    content_hash,
    shard_of,
)
from pipeline.sources.base import Refused, Source, SourceResponse, SourceRow
from pipeline.stage import Run, ShardStage, Tables
from pipeline.store import Store, replacing, writing

SPILL_BYTES = 32 << 20  # rows in memory before they go to disk, for all shards together
ROUND_0 = "responses/round=00"


class Collect(ShardStage):
    """Writes `questions`, `refused` and `responses/round=00`."""

    name = "collect"

    def writes(self) -> tuple[str, ...]:
        """Return the three tables."""
        return ("questions", "refused", ROUND_0)

    def reads(self) -> tuple[str, ...]:
        """Return nothing: what it reads are sources, whose content is part of the recipe."""
        return ()

    def fields(self, run: Run) -> dict[str, Any]:
        """Return the sources' options with the hashes of their files."""
        recipe = run.config.recipe
        sources = {s.name: source_identity(s, run.hashes) for s in recipe.sources}
        return {"sources": sources, "limits": recipe.collect.model_dump()}

    def build(self, run: Run) -> None:
        """Spill the sources that are not spilled yet, then merge the outdated shards."""
        if not list(self.outdated(run)):
            return
        spill_all(run)
        super().build(run)
        shutil.rmtree(run.store.staging / "collect", ignore_errors=True)

    def make(self, config: Config, store: Store, shard: int) -> Tables:
        """Merge one shard from the spills of all sources, in the order of the recipe."""
        merged = Merged()
        for source in config.recipe.sources:
            for entry in read_spill(spill_path(store, source.name, shard)):
                merged.add(entry)
        return merged.tables()


def source_identity(source: Source, hashes: FileHashes) -> dict[str, Any]:
    """Return what decides a source's rows: its options and the content of its files."""
    files = [hashes.of(Path(path)) for path in source.files()]
    return {**source.identity(), "files": files} if files else source.identity()


def spill_path(store: Store, source: str, shard: int) -> Path:
    """Return the spill of one source for one shard."""
    return store.staging / "collect" / source / f"part-{shard:05d}.jsonl.zst"


def spill_all(run: Run) -> None:
    """Read every source once; those that an interrupted run has read are not read again."""
    wanted = []
    for source in run.config.recipe.sources:
        identity = content_hash([source_identity(source, run.hashes), run.store.shards])
        done = spill_path(run.store, source.name, 0).parent / "done.json"
        if not (done.is_file() and done.read_text(encoding="utf-8") == identity):
            wanted.append((source, identity))
    if not wanted:
        return
    with meter("sources", len(wanted)) as progress:
        limit = run.config.recipe.collect.max_prompt_chars
        jobs = [run.pool.submit(spill, source, run.store, limit, mark) for source, mark in wanted]
        for job in as_completed(jobs):
            name, rows = job.result()
            progress.advance(1, f"{name}: {rows:,} rows")


def spill(source: Source, store: Store, max_chars: int, identity: str) -> tuple[str, int]:
    """Write a source's rows to its spill files; returns its name and how many rows it had.

    Raises SourceError where the source has none: a misspelt filter must not go unnoticed.
    """
    folder = spill_path(store, source.name, 0).parent
    with writing(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        rows = 0
        writer = SpillWriter(store, source.name)
        for row in limited(source):
            writer.add(as_entry(source.name, row, max_chars))
            rows += 1
        writer.flush()
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


Entry = dict[str, Any]


def as_entry(source: str, row: SourceRow | Refused, max_chars: int) -> Entry:
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
    reason = _not_a_question(entry, question, max_chars)
    return refusal(question.id, source, reason, row.origin, question.user_text) if reason else entry


def _not_a_question(entry: Entry, question: Question, max_chars: int) -> str | None:
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
    return None


def alternating(turns: int) -> list[str]:
    """Return the roles of a conversation that a user begins and whose last turn is a user's."""
    return [ROLES[place % 2] for place in range(turns | 1)]


def refusal(id: str, source: str, reason: str, origin: str, excerpt: str) -> Entry:
    """Return the entry of a row that is no question; its source's name stands in `of`."""
    shown = excerpt[:200].encode("utf-8", "replace").decode()
    return {"id": id, "of": source, "reason": reason, "origin": origin, "excerpt": shown}


class SpillWriter:
    """Appends entries to the spill files of one source, each flush one zstd frame a file."""

    def __init__(self, store: Store, source: str) -> None:
        self.store, self.source = store, source
        self.waiting: dict[int, list[bytes]] = {}
        self.bytes = 0

    def add(self, entry: Entry) -> None:
        """Add one entry; writes when enough are waiting."""
        line = json.dumps(entry).encode() + b"\n"
        self.waiting.setdefault(shard_of(entry["id"], self.store.shards), []).append(line)
        self.bytes += len(line)
        if self.bytes >= SPILL_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        squeeze = zstandard.ZstdCompressor(level=1)
        for shard, lines in self.waiting.items():
            with spill_path(self.store, self.source, shard).open("ab") as file:
                file.write(squeeze.compress(b"".join(lines)))
        self.waiting, self.bytes = {}, 0


def read_spill(path: Path) -> Iterator[Entry]:
    """Yield a spill file's entries; a shard without rows of a source has no file."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        frames = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        yield from (json.loads(line) for line in io.TextIOWrapper(frames, encoding="utf-8"))


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

    def tables(self) -> Tables:
        """Return the shard's three tables, each sorted by id."""
        questions = [self.questions[id] for id in sorted(self.questions)]
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
