"""Fills a version with published rows made from real traces, for the benchmarks of publishing.

    fill(Store(root, "made_up", "1", 16), 100_000, traces())

`traces()` are the responses of DeepSeek-R1 in $REAL_DATA/traces/kodcode_r1_prefill.parquet, 8 KB
each on the average; a published row holds its response twice, so that 16 KB become of them. Each
row has its number in its question and in its thinking: no two are equal. All tables that publish
reads are there, and every question is published.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.parquet as pq
from exports import example
from real_data import folder

from pipeline.records import (
    Label,
    Message,
    Question,
    Record,
    Response,
    Verdict,
    content_hash,
    shard_of,
)
from pipeline.store import Origin, Store

TEACHER = "DeepSeek-R1"


def traces() -> list[str]:
    """Return real responses with their thinking; ends with 2 where there is no real data."""
    path = folder() / "traces" / "kodcode_r1_prefill.parquet"
    found = [str(text) for text in pq.read_table(path, columns=["response"]).column(0).to_pylist()]
    return [text for text in found if "</think>" in text]


def fill(store: Store, rows: int, texts: Sequence[str]) -> None:
    """Write the tables of a version with so many published rows, a shard in memory."""
    numbers: list[list[int]] = [[] for _ in range(store.shards)]
    for number in range(rows):
        numbers[shard_of(content_hash(["asked", number]), store.shards)].append(number)
    for shard, mine in enumerate(numbers):
        _shard(store, shard, mine, texts)


def _shard(store: Store, shard: int, numbers: list[int], texts: Sequence[str]) -> None:
    asked = sorted((_question(number) for number in numbers), key=lambda one: one.id)
    replies = [_reply(one, texts) for one in asked]
    tables: dict[str, list[Record]] = {
        "questions": list(asked),
        "labels": [Label(one.id, "coding", "medium", "en", 60, "made up") for one in asked],
        "responses/round=00": list(replies),
        "verdicts/round=00": [
            Verdict(*reply.key, "code", "correct", None, "passed", "{}", 0.0) for reply in replies
        ],
        "examples": [example(one, reply) for one, reply in zip(asked, replies, strict=True)],
    }
    for name, records in tables.items():
        counts = {"rows_read": len(records)} if name == "questions" else {}
        store.write(name, shard, type(records[0]).to_table(records), Origin({}, {}), counts, 0.0)


def _question(number: int) -> Question:
    """Return a question whose id decides its shard, as `fill` has reckoned."""
    text = f"Question {number}: write a function that does what is asked of it."
    return Question(
        id=content_hash(["asked", number]),
        source="made_up",
        source_revision="1",
        licence="MIT",
        prompt=(Message("user", text),),
        kind="code",
        test_cases='[{"assert": "f(1) == 1"}]',
        metadata=f'{{"number":{number}}}',
        origins=(f"made_up#{number}",),
    )


def _reply(of: Question, texts: Sequence[str]) -> Response:
    number = int(of.metadata.split(":")[1].rstrip("}"))
    think, _, answer = texts[number % len(texts)].partition("</think>")
    text = f"<think>{think.replace('<think>', '')}\nThat was number {number}.</think>{answer}"
    return Response.parse(
        text,
        id=of.id,
        teacher=TEACHER,
        round=0,
        attempt=0,
        finish_reason="stop",
        prompt_tokens=60,
        response_tokens=2_000,
    )
