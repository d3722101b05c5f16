"""What made a version: the code and packages that decide it, and the run that took time.

    provenance(store).packages["pyarrow"]       "26.0.1"
    run_record(store).stages["label"]           12.4 (seconds of work, all processes together)

`Provenance` is equal for equal inputs, `RunRecord` never is: only the last section of the
card may show it.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from pipeline.scan import rounds
from pipeline.store import Store, code_version

# The packages whose release can change rows or bytes.
PACKAGES = (
    "datasets",
    "huggingface_hub",
    "lingua-language-detector",
    "math-verify",
    "pyarrow",
    "sentence-transformers",
    "sympy",
    "torch",
    "transformers",
)
# One table of each stage: all tables of a stage carry the same seconds.
TIMED = {
    "collect": "questions",
    "label": "labels",
    "embed": "vectors",
    "deduplicate": "duplicates",
    "decontaminate": "contaminated",
    "choose": "chosen",
    "select": "examples",
}


@dataclass(frozen=True, slots=True)
class Provenance:
    """Commits (or releases) of the code that built the tables, and package versions."""

    code: tuple[str, ...]
    publisher: str
    python: str
    packages: dict[str, str]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """When and where it was published, and seconds of work by stage."""

    published_at: str
    machine: str
    stages: dict[str, float]


def provenance(store: Store) -> Provenance:
    """Return what decides the version beside its recipe."""
    return Provenance(
        code=tuple(sorted(_codes(store))),
        publisher=code_version(),
        python=".".join(platform.python_version_tuple()[:2]),
        packages={name: found for name in PACKAGES if (found := _version(name))},
    )


def run_record(store: Store) -> RunRecord:
    """Return the time, the machine and how long each stage worked."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} logical cores"
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return RunRecord(now, machine, stage_seconds(store))


def stage_seconds(store: Store) -> dict[str, float]:
    """Return seconds of work by stage and round, from the manifests."""
    tables = dict(TIMED)
    for number in rounds(store, "responses"):
        if number:
            tables[f"distill {number}"] = f"responses/round={number:02d}"
    for number in rounds(store, "verdicts"):
        tables[f"verify {number}"] = f"verdicts/round={number:02d}"
    seconds = {stage: list(_seconds(store, table)) for stage, table in tables.items()}
    return {stage: round(sum(found), 1) for stage, found in seconds.items() if found}


def _seconds(store: Store, table: str) -> Iterator[float]:
    for shard in range(store.shards):
        if manifest := store.manifest(table, shard):
            yield manifest.seconds


def _codes(store: Store) -> set[str]:
    found = (store.manifest(table, k) for table in store.tables() for k in range(store.shards))
    return {manifest.code for manifest in found if manifest}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
