"""Turns the journalled replies of a shard into its table of responses, a part at a time.

    parts = response_parts(teacher, 1, asks, journal, refused, counts)
    store.write_parts("responses/round=01", 0, Response.SCHEMA, parts, origin, counts, 5.0)

A shard of a large run has gigabytes of thinking; what is in memory is one part of it. The asks
come without their requests, which nobody needs any more, and in any order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa

from pipeline.asking import as_response
from pipeline.recipe import Teacher
from pipeline.records import Response
from pipeline.store import ROW_GROUP_BYTES
from pipeline.teacher.base import Ask, Reply
from pipeline.teacher.journal import Journal

AT_ONCE = 64  # replies taken from the journal together: 8 MB of the longest; a guess


def without_request(ask: Ask) -> Ask:
    """Return what sealing needs of an ask."""
    return Ask(ask.id, ask.attempt, {}, ask.key, ask.temperature)


def response_parts(
    teacher: Teacher,
    round: int,
    asks: Iterable[Ask],
    journal: Journal,
    refused: Mapping[str, Reply],
    counts: Counter[str],
    part_bytes: int = ROW_GROUP_BYTES,
) -> Iterator[pa.Table]:
    """Yield the responses to asks, in their order, in tables of about `part_bytes`.

    Adds to `counts` how replies ended. Raises KeyError for an ask that has no reply.
    """
    ordered = sorted(asks, key=lambda ask: (ask.id, ask.attempt))
    waiting: list[pa.Table] = []
    for start in range(0, len(ordered), AT_ONCE):
        some = ordered[start : start + AT_ONCE]
        waiting.append(_table(teacher, round, some, journal, refused, counts))
        if sum(table.nbytes for table in waiting) >= part_bytes:
            yield pa.concat_tables(waiting).combine_chunks()
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _table(
    teacher: Teacher,
    round: int,
    asks: Sequence[Ask],
    journal: Journal,
    refused: Mapping[str, Reply],
    counts: Counter[str],
) -> pa.Table:
    replies = journal.get([ask.key for ask in asks], teacher.sampling.max_tokens)
    replies |= {ask.key: refused[ask.key] for ask in asks if ask.key in refused}
    rows = [as_response(teacher, round, ask, replies[ask.key]) for ask in asks]
    counts.update(response.finish_reason for response in rows)
    return Response.to_table(rows)
