"""What must never be published: a list of questions, prompts, sources and source rows.

    # removals.toml, which recipe.publish.removals names; a line of JSONL has the same keys
    [[removals]]
    prompt = "8f0e5b0c0f3a4c1fb6c7b6f2f1d0a9e3"     # or id, source, row: exactly one of them
    reason = "asked for by its author"              # is published, counted, in the card
    date = 2026-11-24

What a list once named is kept in `data/<name>/removals.jsonl`, beside the versions, so that no
later version brings it back, whatever its configuration names; only a person who edits that
file can. Choose leaves out what is named when it runs, so that no teacher is paid for it; each
publish looks the entries up anew and writes the table `removed`. The hash of a prompt, for a text
on standard input: `python -m pipeline.removals < prompt.txt`.

A prompt is known by its user turns, runs of white space as one space; a reworded copy is not
found. What was published before stays where it was published (docs/publishing.md).
"""

from __future__ import annotations

import datetime
import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from pipeline.compared import user_text
from pipeline.config import Config
from pipeline.errors import ConfigError
from pipeline.paths import expand
from pipeline.published import REMOVED
from pipeline.recipe_teacher import Strict
from pipeline.records import Drop, Question, canonical_json, content_hash
from pipeline.scan import batches
from pipeline.store import Origin, Store, replacing, writing

FIELD = "recipe.publish.removals"
KEPT = "removals.jsonl"
HASH = r"^[0-9a-f]{32}$"
KEYS = ("id", "prompt", "source", "row")
Entries = Mapping[tuple[str, str], "Removal"]  # what an entry is about → the entry
COLUMNS = ["id", "source", "prompt", "origins"]


class Removal(Strict):
    """One entry: what is removed, named by one of `KEYS`, and why and when that was asked for."""

    id: str | None = Field(None, pattern=HASH)
    prompt: str | None = Field(None, pattern=HASH)
    source: str | None = Field(None, min_length=1)
    row: str | None = Field(None, min_length=1)
    reason: str = Field(min_length=1, max_length=200, pattern=r"^[^\r\n]*$")
    date: datetime.date = Field(strict=False)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(named := [key for key in KEYS if getattr(self, key) is not None]) != 1:
            raise ValueError(f"must have exactly one of {', '.join(KEYS)}, has {named or 'none'}")
        return self

    @property
    def key(self) -> tuple[str, str]:
        """What the entry is about, such as ("source", "gsm8k_train")."""
        return next((key, value) for key in KEYS if (value := getattr(self, key)) is not None)

    @property
    def evidence(self) -> dict[str, str]:
        """What a drop says of the entry: by what it names the question, and why and since when."""
        return {"by": self.key[0], "date": str(self.date), "why": self.reason}


def prompt_hash(text: str) -> str:
    """Return the hash by which a list names a prompt, of its user turns (`Question.user_text`)."""
    return content_hash(["prompt", " ".join(text.split())])


def read_removals(path: Path) -> list[Removal]:
    """Read a list; raises ConfigError naming the entry that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{FIELD}: {path} cannot be read ({error}); correct the path") from None
    return [_entry(f"{FIELD}: {path}: {place}", row) for place, row in _entries(path, text)]


def _entries(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    try:
        if path.suffix == ".toml":
            table = tomllib.loads(text)
            if set(table) - {"removals"} or not isinstance(table.get("removals", []), list):
                raise ValueError("must have nothing but [[removals]] tables")
            for number, row in enumerate(table.get("removals", []), 1):
                yield f"entry {number}", row
        elif path.suffix == ".jsonl":
            for number, line in enumerate(text.splitlines(), 1):
                if line.strip():
                    yield f"line {number}", json.loads(line)
        else:
            raise ValueError("must end in .toml or .jsonl")
    except ValueError as error:
        raise ConfigError(f"{FIELD}: {path}: {error}; correct the file") from None


def _entry(place: str, row: Any) -> Removal:
    try:
        return Removal.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "(the whole)"
        rule = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{place}: {name}: {rule}; correct the file") from None


def all_removals(config: Config, store: Store) -> list[Removal]:
    """Return what was named before, of any version, and what the configuration's list names."""
    kept = kept_file(store)
    known = read_removals(kept) if kept.exists() else []
    named = config.recipe.publish.removals
    given = read_removals(expand(named)) if named else []
    first: dict[tuple[str, str], Removal] = {}
    for removal in [*known, *given]:
        first.setdefault(removal.key, removal)
    return list(first.values())


def by_key(removals: Iterable[Removal]) -> Entries:
    """Return entries by what they are about."""
    return {removal.key: removal for removal in removals}


def removal_of(question: Question, entries: Entries) -> Removal | None:
    """Return the entry that names a question, None where none does."""
    if not entries:
        return None
    row = {"id": question.id, "source": question.source, "origins": question.origins}
    names = _names({**row, "text": question.user_text})
    return next((entries[name] for name in names if name in entries), None)


def entries_hash(entries: Entries) -> str:
    """Return a hash of entries in any order."""
    told = sorted(canonical_json(one.model_dump(mode="json")) for one in entries.values())
    return content_hash(told)


def kept_file(store: Store) -> Path:
    """Return where a dataset's entries are kept, for all of its versions."""
    return store.root / store.name / KEPT


def keep(store: Store, removals: Iterable[Removal]) -> None:
    """Keep entries for every later version; raises StoreUnwritable."""
    lines = [removal.model_dump_json(exclude_none=True) + "\n" for removal in removals]
    path = kept_file(store)
    if lines and (not path.exists() or path.read_text(encoding="utf-8") != "".join(lines)):
        with writing(path.parent), replacing(path) as file:
            file.write("".join(lines).encode())


@dataclass(frozen=True, slots=True)
class Removed:
    """What the entries came to: questions by why, and entries that name nothing here."""

    questions: Counter[str]
    idle: tuple[Removal, ...]

    def told(self) -> Iterator[str]:
        """Yield what a person should read of it, a line each."""
        if self.questions:
            yield f"removed  {self.questions.total():,} questions"
        if self.idle:
            kind, name = self.idle[0].key
            yield f"removed  {len(self.idle):,} entries name nothing here, such as {kind} {name}"


def write_removed(store: Store, removals: list[Removal]) -> Removed:
    """Write the table `removed` of a version, or forget it where there are no entries."""
    if not removals:
        store.forget(REMOVED)
        return Removed(Counter(), ())
    entries = by_key(removals)
    recipe = {"publish.removals": entries_hash(entries)}
    questions: Counter[str] = Counter()
    met: set[tuple[str, str]] = set()
    for shard in range(store.shards):
        manifest = store.manifest("questions", shard)
        drops = list(_drops(store, shard, entries, met))
        questions.update(json.loads(drop.evidence)["why"] for drop in drops)
        inputs = {"questions": manifest.output} if manifest else {}
        counts = {REMOVED: len(drops)}
        store.write(REMOVED, shard, Drop.to_table(drops), Origin(recipe, inputs), counts, 0.0)
    return Removed(questions, tuple(r for r in removals if r.key not in met))


def _drops(
    store: Store,
    shard: int,
    entries: Entries,
    met: set[tuple[str, str]],
) -> Iterator[Drop]:
    """Yield the drops of a shard in the order of ids; what they name is added to `met`."""
    texts = any(kind == "prompt" for kind, _ in entries)
    columns = COLUMNS if texts else [name for name in COLUMNS if name != "prompt"]
    for batch in batches(store, "questions", shard, columns):
        for row in batch.to_pylist():
            told = {"text": user_text(row.pop("prompt"))} if texts else {}
            named = [key for key in _names({**row, **told}) if key in entries]
            met.update(named)
            if named:
                evidence = canonical_json(entries[named[0]].evidence)
                yield Drop(row["id"], "publish", "removed", evidence=evidence)


def _names(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield everything by which an entry may name a question."""
    yield "id", row["id"]
    if "text" in row:  # read only where an entry names one
        yield "prompt", prompt_hash(row["text"])
    yield "source", row["source"]
    yield from (("row", origin) for origin in row["origins"])


if __name__ == "__main__":
    print(prompt_hash(sys.stdin.read()))
