"""Which questions stand in several sources, so that the one that stays can name them all.

Big sets contain each other: the same problem is row 17 of one and row 905 of another. Each
keeps its own id (docs/design.md), deduplicate drops all but one, and without this the one
kept would know nothing of the others. After collect its `origins` are, for example::

    ("all/train#17", "open_r1_math: default/train#905")

Two prompts are the same here when deduplicate would call them `exact`. What is merely
similar is not looked for. One part of the index is in memory at a time.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable

from dedup.exact import text_hash
from pipeline.records import Question
from pipeline.spill import Entry, SpillWriter, read_spill, spill_path
from pipeline.store import Store

SHARED = "+shared"  # no source can be called so


def index_name(source: str) -> str:
    """Return the name under which a source's index is spilled."""
    return f"{source}/+index"


def index_entry(question: Question) -> Entry:
    """Return a question's line of the index, which goes to the part of its prompt's hash."""
    key = text_hash(question.user_text).hex()
    return {"id": key, "question": question.id, "origins": question.origins}


def find_shared(store: Store, sources: Iterable[str]) -> None:
    """Spill, for each question that other sources have too, where they have it."""
    folder = spill_path(store, SHARED, 0).parent
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = tuple(sources)
    writer = SpillWriter(store, SHARED)
    for part in range(store.shards):
        for group in _groups(store, names, part):
            for id, (source, _) in group.items():
                writer.add({"id": id, "also": _elsewhere(group, source)})
    writer.flush()


def _groups(
    store: Store, sources: tuple[str, ...], part: int
) -> Iterable[dict[str, tuple[str, list[str]]]]:
    """Yield, for each prompt that several sources have, {id: (source, origins)}."""
    groups: dict[str, dict[str, tuple[str, list[str]]]] = defaultdict(dict)
    for source in sources:
        for entry in read_spill(spill_path(store, index_name(source), part)):
            found = groups[entry["id"]].setdefault(entry["question"], (source, []))
            found[1].extend(entry["origins"])
    for group in groups.values():
        if len({source for source, _ in group.values()}) > 1:
            yield group


def _elsewhere(group: dict[str, tuple[str, list[str]]], source: str) -> list[str]:
    others = (found for found in group.values() if found[0] != source)
    return [f"{name}: {origin}" for name, origins in others for origin in origins]


def shared_origins(store: Store, shard: int) -> dict[str, tuple[str, ...]]:
    """Return the origins in other sources of a shard's questions that have any."""
    entries = read_spill(spill_path(store, SHARED, shard))
    return {entry["id"]: tuple(entry["also"]) for entry in entries}
