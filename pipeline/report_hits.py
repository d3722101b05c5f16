"""Every question that is in a benchmark, beside what it matched, for the report.

list(contamination_hits(store, 5_000))[0]
# ("Find $x$ if $2x = 5$.", "math500/7", "exact", 1.0, "Find $x$ if $2x=5$.")
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

from pipeline.compared import user_text
from pipeline.scan import rows
from pipeline.store import Store

SHOWN = 160  # characters of a text

Line = tuple[str, str, str, float, str]


def contamination_hits(store: Store, limit: int) -> Iterator[Line]:
    """Yield at most `limit` lines: question, item, method, score and what matched."""
    return islice(_lines(store), limit)


def _lines(store: Store) -> Iterator[Line]:
    for shard in range(store.shards):
        hits = list(rows(store, "contaminated", shard))
        wanted = {hit["id"] for hit in hits}
        texts = dict(_texts(store, shard, wanted)) if hits else {}
        for hit in hits:
            evidence = json.loads(hit["evidence"])
            also = int(evidence.get("items_hit", 1)) - 1
            item = (hit["of"] or "") + (f" and {also} more" if also else "")
            matched = str(evidence.get("matched", ""))[:SHOWN]
            text = texts.get(hit["id"], "")
            yield text, item, hit["reason"], round(hit["score"] or 0.0, 3), matched


def _texts(store: Store, shard: int, wanted: set[str]) -> Iterator[tuple[str, str]]:
    """Yield (id, beginning of its user turns) of some questions."""
    for row in rows(store, "questions", shard, ["id", "prompt"]):
        if row["id"] in wanted:
            yield row["id"], user_text(row["prompt"])[:SHOWN]
