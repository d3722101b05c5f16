"""What made a version: the code and packages that decide it, and the run that took time.

    provenance(store).packages["pyarrow"]       "26.0.1"
    run_record(store, prices).stages["label"]   12.4 (seconds of work, all processes together)

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

from pipeline.accounts import Spent, spent
from pipeline.config import Prices
from pipeline.scan import rounds
from pipeline.store import Store, code_version
from pipeline.teacher.budget import Tokens

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
    """When and where it was published, seconds of work by stage, and what the teacher cost."""

    published_at: str
    machine: str
    stages: dict[str, float]
    asking: tuple[tuple[str, str], ...] = ()


def provenance(store: Store) -> Provenance:
    """Return what decides the version beside its recipe."""
    return Provenance(
        code=tuple(sorted(_codes(store))),
        publisher=code_version(),
        python=".".join(platform.python_version_tuple()[:2]),
        packages={name: found for name in PACKAGES if (found := _version(name))},
    )


def run_record(store: Store, prices: Prices) -> RunRecord:
    """Return the time, the machine, how long each stage worked, and the teacher's cost."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} logical cores"
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return RunRecord(now, machine, stage_seconds(store), tuple(_asking(spent(store), prices)))


def _asking(of: Spent, prices: Prices) -> Iterator[tuple[str, str]]:
    """Yield what asking the teacher took, in words; nothing where it was not asked."""
    if not of.prompt_tokens + of.response_tokens:
        return
    yield "asking the teacher", f"{of.seconds:,.0f} s, of runs that ended by themselves"
    tokens = f"{of.prompt_tokens:,} of prompts, {of.response_tokens:,} of responses"
    yield "the teacher's tokens", tokens + (f", {of.lost_tokens:,.0f} lost" * (of.lost_tokens > 0))
    each = (prices.prompt_million, prices.response_million, prices.gpu_hour)
    if not any(each):
        yield "cost", "not known: runtime.prices names none"
        return
    hours = of.seconds / 3_600 * prices.gpus
    money = Tokens(of.prompt_tokens, of.response_tokens).money(prices) + hours * prices.gpu_hour
    yield (
        "cost",
        f"{money:,.2f} {prices.currency}, at {each[0]:g} and {each[1]:g} for a million tokens of"
        f" prompts and responses and {each[2]:g} for each of {hours:,.1f} GPU hours",
    )


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
