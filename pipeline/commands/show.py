"""Show a question's whole life: source row, labels, drops, responses, verdicts, published row.

ID may be the beginning of an id, eight digits at least, if no other id begins so.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

import pyarrow.compute as pc

from pipeline.config import load_config
from pipeline.errors import UserError
from pipeline.ledger import DROP_TABLES
from pipeline.records import shard_of
from pipeline.stages import open_store
from pipeline.store import Store

MIN_DIGITS = 8  # what decides the shard
JSON_COLUMNS = ("metadata", "evidence", "sampling", "test_cases", "constraints", "verdicts")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("id", metavar="ID")
    parser.add_argument("--version", metavar="V", help="another version than the file's")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def main(arguments: argparse.Namespace) -> int:
    """Print everything that is known of a question; returns the exit code."""
    config = load_config(arguments.config, arguments.version)
    store = open_store(config)
    life = life_of(store, check_id(arguments.id))
    if arguments.json:
        print(json.dumps(life, ensure_ascii=False, indent=2))
        return 0
    for table, rows in life.items():
        print(f"── {table} " + "─" * max(1, 60 - len(table)))
        for row in rows:
            print_row(row)
    return 0


def check_id(id: str) -> str:
    """Return an id or its beginning; raises UserError where it can't be one."""
    if len(id) < MIN_DIGITS or any(digit not in "0123456789abcdef" for digit in id):
        raise UserError(
            f"ID: must be at least {MIN_DIGITS} hexadecimal digits (an `id` of the published"
            f" rows), got {id!r}"
        )
    return id


def life_of(store: Store, start: str) -> dict[str, list[dict[str, Any]]]:
    """Return all rows about the question whose id begins with `start`, by table.

    Raises UserError where there is none, or where several ids begin so.
    """
    shard = shard_of(start, store.shards)
    tables = [name for name in in_order(store) if store.manifest(name, shard)]
    life = {name: list(rows_of(store, name, shard, start)) for name in tables}
    ids = {row["id"] for rows in life.values() for row in rows}
    if not ids:
        raise UserError(f"{start}: no question of {store.name} {store.version} has this id")
    if len(ids) > 1:
        raise UserError(f"{start}: several ids begin so ({', '.join(sorted(ids)[:3])}, …)")
    return {name: rows for name, rows in life.items() if rows}


def in_order(store: Store) -> list[str]:
    """Return the tables in the order in which a question meets them."""
    first = ("questions", "refused", "labels", *DROP_TABLES[1:4], "chosen")
    rounds = [t for t in store.tables() if t.startswith(("responses/", "verdicts/"))]
    rounds.sort(key=lambda name: (name.rpartition("=")[2], name))
    return [*first, *rounds, "unselected", "examples", "removed"]


def rows_of(store: Store, table: str, shard: int, start: str) -> Iterator[dict[str, Any]]:
    """Yield a table's rows whose id begins with `start`, their JSON columns read."""
    rows = store.read(table, shard)
    for row in rows.filter(pc.starts_with(rows.column("id"), start)).to_pylist():
        yield {k: read_json(v) if k in JSON_COLUMNS else v for k, v in row.items()}


def read_json(text: str | None) -> Any:
    """Return the value of a JSON column."""
    return None if text is None else json.loads(text)


def print_row(row: dict[str, Any]) -> None:
    """Print a row, one column a line, long texts indented below their name."""
    for name, value in row.items():
        if value is None or value in ([], {}):
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if "\n" in text:
            text = "\n" + "\n".join(f"      {line}" for line in text.splitlines())
        print(f"  {name:<16} {text}")
    print()
