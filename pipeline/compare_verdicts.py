"""Which verdicts differ between two versions, on the responses that both have judged.

    compare_verdicts(new, old).changed
    # Counter({("math", "incorrect: different", "correct: equal"): 3})

A response is the same where question, teacher, round and attempt are; a sampled one may have
another text all the same, which is then said to differ, not its verdict. One shard of `new` is in
memory, and the shards of `old` that it overlaps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.acceptance import ResponseKey
from pipeline.earlier import overlapping
from pipeline.records import shard_of
from pipeline.scan import round_rows
from pipeline.store import Store
from pipeline.tally import KEY

NONE = "none"  # where one of the two versions has no verdict of that verifier
Findings = dict[ResponseKey, dict[str, str]]  # response → verifier → outcome: reason


@dataclass(slots=True)
class VerdictChanges:
    """Counts: `responses` that both judged, `texts` of them that differ, and verdicts that changed.

    `changed` counts by verifier and by what was found before and now, of equal texts alone.
    """

    responses: int = 0
    texts: int = 0
    changed: Counter[tuple[str, str, str]] = field(default_factory=Counter)


def compare_verdicts(new: Store, old: Store) -> VerdictChanges:
    """Return how the verdicts of `new` differ from those of `old`."""
    found = VerdictChanges()
    for shard in range(new.shards):
        theirs, texts = _findings_of(new, shard, old), _texts_of(new, shard, old)
        mine, own = _findings(new, shard), dict(_texts(new, shard))
        for key in mine.keys() & theirs.keys():
            found.responses += 1
            if own.get(key) != texts.get(key):
                found.texts += 1
                continue
            found.changed.update(_changes(mine[key], theirs[key]))
    return found


def _changes(now: dict[str, str], before: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for verifier in sorted({*now, *before}):
        was, is_ = before.get(verifier, NONE), now.get(verifier, NONE)
        if was != is_:
            yield verifier, was, is_


def _findings(store: Store, shard: int) -> Findings:
    found: Findings = {}
    for row in round_rows(store, "verdicts", shard, [*KEY, "verifier", "outcome", "reason"]):
        key = (row["id"], row["teacher"], row["round"], row["attempt"])
        found.setdefault(key, {})[row["verifier"]] = f"{row['outcome']}: {row['reason']}"
    return found


def _texts(store: Store, shard: int) -> Iterator[tuple[ResponseKey, int]]:
    """Yield each response's key with a hash of its text; equal texts have equal ones."""
    for row in round_rows(store, "responses", shard, [*KEY, "think", "answer"]):
        key = (row["id"], row["teacher"], row["round"], row["attempt"])
        yield key, hash((row["think"], row["answer"]))


def _findings_of(new: Store, shard: int, old: Store) -> Findings:
    """Return the findings of another version whose ids are of a shard of this one."""
    return {
        key: found
        for place in overlapping(new, shard, old)
        for key, found in _findings(old, place).items()
        if shard_of(key[0], new.shards) == shard
    }


def _texts_of(new: Store, shard: int, old: Store) -> dict[ResponseKey, int]:
    return {key: text for place in overlapping(new, shard, old) for key, text in _texts(old, place)}
