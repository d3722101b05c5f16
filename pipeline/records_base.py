"""What all records share: conversion to and from Arrow, and the hashes that name things.

content_hash(["gsm8k", [["user", "Julie is …"]]])      "1c0f3e…" (32 digits)
shard_of("1c0f3e…", 16)                                1
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any, ClassVar, Self

import pyarrow as pa


def canonical_json(value: Any) -> str:
    """Return JSON that is equal for equal values: sorted keys, no spaces, Unicode as it is."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def content_hash(value: Any) -> str:
    """Return 32 hexadecimal digits (BLAKE2b, 128 bits) of a value's canonical JSON.

    Lone surrogates, which JSON files can smuggle in, are hashed as they are.
    """
    data = canonical_json(value).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def shard_of(id: str, shards: int) -> int:
    """Return the shard of an id, 0 ≤ k < shards.

    Shards are ranges of ids, so shards sorted by id, one after the other, are sorted by id.
    """
    return (int(id[:8], 16) * shards) >> 32


class Record:
    """Base of all records: conversion to and from Arrow by the class's schema."""

    SCHEMA: ClassVar[pa.Schema]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Make a record from one row of its table."""
        return cls(**row)

    @classmethod
    def from_table(cls, table: pa.Table) -> Iterator[Self]:
        """Yield the records of a table in order, one batch in memory at a time."""
        for batch in table.to_batches(max_chunksize=1024):
            yield from (cls.from_row(row) for row in batch.to_pylist())

    def to_row(self) -> dict[str, Any]:
        """Return the record as a row of its table."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def to_table(cls, records: Iterable[Self]) -> pa.Table:
        """Make a table in the class's schema, which holds also when there are no records.

        Raises ValueError for a missing value that the schema requires: Arrow would let it pass.
        """
        table = pa.Table.from_pylist([record.to_row() for record in records], schema=cls.SCHEMA)
        for field in cls.SCHEMA:
            if not field.nullable and table.column(field.name).null_count:
                raise ValueError(f"{cls.__name__}.{field.name}: must not be missing")
        return table
