"""Publishes a version to a folder that `load_dataset` reads; one that stands there is replaced.

    published/quickstart/1/README.md  ledger.json  recipe.json  plots/funnel.png  …
    published/quickstart/1/distilled/train-00000-of-00001.parquet

Equal tables and an equal recipe give equal files, but for the last section of the card.
How the folder takes its place is in pipeline/folder.py, the way to the Hub in
pipeline/hub.py.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.card import Made, build_card
from pipeline.changes import Change, plan
from pipeline.compare import compare_versions
from pipeline.config import Config
from pipeline.exports import asked_for, write_exports
from pipeline.facts import CONFIGS, Facts, gather
from pipeline.folder import MARK, PUBLISHER, files_of, taking_the_place_of
from pipeline.hub import plan_hub, publish_hub
from pipeline.ledger import read_ledger
from pipeline.original_files import write_original
from pipeline.parquet_parts import write_parts
from pipeline.plots import draw
from pipeline.probing import check_probes
from pipeline.provenance import provenance, run_record
from pipeline.removals import Removed, all_removals, keep, write_removed
from pipeline.splits import split_of
from pipeline.store import Store
from pipeline.students import known

__all__ = [
    "Change",
    "Published",
    "ledger_json",
    "plan",
    "plan_hub",
    "publish_folder",
    "publish_hub",
    "recipe_json",
]


@dataclass(frozen=True, slots=True)
class Published:
    """What was published: rows by config, all files below `folder`, their bytes together.

    `removed` says what the list of what must not be published came to.
    """

    folder: Path
    rows: dict[str, int]
    files: tuple[str, ...]
    bytes: int
    removed: Removed


def publish_folder(
    config: Config,
    store: Store,
    to: Path,
    allow_open: bool = False,
    against: Store | None = None,
    trial: bool = False,
    repo: str | None = None,
) -> Published:
    """Write the dataset with its card to `to`; with `against` the card tells what has changed.

    `repo` is the Hub's repository to which the folder will go, for the card to name. What is to
    be removed is kept for later versions, unless this is a `trial`. Raises LedgerBroken where the
    ledger does not balance, LedgerOpen while questions are pending (unless `allow_open`),
    ProbesMissed, ConfigError for the list of what is to be removed, and UserError where `to` is
    not ours to replace.
    """
    removals = all_removals(config, store)
    if not trial:
        keep(store, removals)
    removed = write_removed(store, removals)
    ledger = read_ledger(store)
    if not (allow_open and ledger.balanced):
        ledger.check()
    facts = gather(config, store)
    check_probes(config, facts)
    to = to.resolve()
    with taking_the_place_of(to) as new:
        rows = _write(config, store, facts, new, against, repo)
    files = files_of(to)
    size = sum((to / name).stat().st_size for name in files)
    return Published(to, rows, files, size, removed)


def _write(
    config: Config,
    store: Store,
    facts: Facts,
    folder: Path,
    against: Store | None,
    repo: str | None,
) -> dict[str, int]:
    """Write every file below `folder`; returns the rows of each config."""
    publish = config.recipe.publish
    split = None if publish.split is None else split_of(config, store)
    test = split.test if split else frozenset()
    parts = write_parts(store, folder, publish.file_mb, test)
    exports = write_exports(config, store, folder, test)
    figures = draw(facts, folder / "plots")
    changes = None if against is None else (against.version, compare_versions(store, against))
    made_by, run = provenance(store), run_record(store, config.runtime.prices)
    files = write_original(store, folder, test) if publish.original else ()
    made = Made((*parts, *exports), files, split, tuple(known(store)))
    card = build_card(config, facts, made, figures, made_by, run, changes, repo)
    (folder / "README.md").write_text(card, encoding="utf-8")
    _write_json(folder / "recipe.json", recipe_json(config))
    _write_json(folder / MARK, ledger_json(facts))
    also = {part.name: part.rows for part in exports}
    return {name: facts.configs[name] for name in CONFIGS} | {
        name: also.get(name, 0) for name in asked_for(config)
    }


def recipe_json(config: Config) -> dict[str, Any]:
    """Return a configuration without its runtime; `build-dataset run recipe.json` reads it."""
    return config.model_dump(mode="json", serialize_as_any=True, exclude={"runtime"})


def ledger_json(facts: Facts) -> dict[str, Any]:
    """Return the funnel for programs; `published_by` marks the folder as this program's."""
    return {
        "published_by": PUBLISHER,
        "name": facts.name,
        "version": facts.version,
        "balanced": facts.balanced,
        "rows_read": facts.rows_read,
        "repeated": facts.repeated,
        "collected": facts.collected,
        "published": facts.published,
        "pending": facts.pending,
        "dropped": [asdict(step) for step in facts.steps],
        "removed": facts.removed,
        "rows": facts.configs,
        "sources": [asdict(source) for source in facts.sources],
    }


def _write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
