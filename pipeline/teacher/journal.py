"""Keeps every reply of every teacher, each durable before `put` returns.

A data folder has one journal, which all its datasets and versions share::

    data/journal/replies-0.sqlite … replies-f.sqlite     by the first digit of a reply's key

    put("3fa9…", Reply("… so 42.\\n</think>\\n42", "stop", 80, 412, max_tokens=4096), "r1")

Each file is SQLite in WAL mode with synchronous=FULL, and replies are put in transactions, so
one for which `put` has returned outlives a kill, and a power cut where the disk obeys fsync.
Runs in several processes of one machine may use a journal at the same time; WAL needs a local
disk, not a network file system. Nothing is ever changed or deleted: the first reply under a key
and max_tokens stands. An open journal must not cross a fork.
"""

from __future__ import annotations

import fcntl
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Self

import zstandard

from pipeline.errors import CorruptShard, DiskFull, PassingError, StoreUnwritable
from pipeline.teacher.base import Reply

SCHEMA_VERSION = 1
PARTITIONS = "0123456789abcdef"  # 1.4 M replies of 6 kB make 0.5 GB a file (guess)
BATCH = 500  # keys in one query; SQLite takes 32,766
COMPRESS_ABOVE = 512  # bytes; guess: below it zstd saves less than a page's slack
WRITERS = 8  # files written at once; measured: 4, 8 and 16 are alike
BUSY_TIMEOUT_S = 60.0  # guess: a neighbour's transaction takes milliseconds

SCHEMA = f"""
CREATE TABLE replies (
    key TEXT NOT NULL,
    max_tokens INTEGER NOT NULL,
    teacher TEXT NOT NULL,
    finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER,
    response_tokens INTEGER,
    arrived REAL NOT NULL, -- seconds since 1970, for accounting
    compressed INTEGER NOT NULL,
    text BLOB NOT NULL,
    PRIMARY KEY (key, max_tokens)
);
PRAGMA user_version = {SCHEMA_VERSION};
"""

INSERT = "INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

# Of several replies under one key the first of this order counts: finished ones, then short.
SELECT = """
SELECT key, max_tokens, finish_reason, prompt_tokens, response_tokens, compressed, text
FROM replies WHERE key IN ({marks}) AND (finish_reason = 'stop' OR max_tokens >= ?)
ORDER BY key, finish_reason != 'stop', max_tokens
"""

COLUMNS = (
    *("key", "max_tokens", "teacher", "finish_reason", "prompt_tokens", "response_tokens"),
    *("arrived", "compressed", "text"),
)
NEWER = "SELECT rowid, * FROM replies WHERE rowid > ? ORDER BY rowid LIMIT ?"
LAST = "SELECT coalesce(max(rowid), 0) FROM replies"

KNOWN = """
SELECT key, prompt_tokens, response_tokens
FROM replies WHERE key IN ({marks}) AND (finish_reason = 'stop' OR max_tokens >= ?)
ORDER BY key, finish_reason != 'stop', max_tokens
"""

UNWRITABLE = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "its files cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_PERM: "its files may not be opened",
}


class Journal:
    """The replies of a data folder; safe to use from several threads."""

    def __init__(self, folder: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.folder = folder
        self._timeout = busy_timeout_s
        self._open: dict[str, sqlite3.Connection] = {}
        self._locks = {partition: Lock() for partition in PARTITIONS}
        self._writers = _writers()

    def prepare(self) -> None:
        """Make and open all files, so that the first replies need not wait for it (0.2 to 0.5 s).

        Raises what `put` does, before anything is paid for.
        """
        for partition in PARTITIONS:
            with self._locks[partition], self._blame(partition):
                self._partition(partition)

    def put(self, key: str, reply: Reply, teacher: str) -> None:
        """Keep a reply for ever; it is on disk when this returns.

        Raises ValueError for a reply that is an error, StoreUnwritable, CorruptShard, and
        PassingError where another process holds the file for longer than the timeout.
        """
        self.put_all([(key, reply)], teacher)

    def put_all(self, replies: Iterable[tuple[str, Reply]], teacher: str) -> None:
        """Keep replies as `put` does, those of one file in one transaction.

        A disk that takes 6 ms to flush keeps 150 replies a second one by one, and any number of
        them at once in 4 ms where 16 flushes in turn took 96 (docs/log.md).
        """
        rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for key, reply in replies:
            rows[key[:1]].append(_row(key, reply, teacher))
        self._insert(rows)

    def restore(self, rows: Iterable[tuple[Any, ...]]) -> dict[str, tuple[int, int]]:
        """Keep rows of another journal, in the order of COLUMNS, as they are.

        Returns for each file the number of its last row before and after: what lies between came
        from there, whoever else writes at the same time.
        """
        parts: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for row in rows:
            parts[row[0][:1]].append(row)
        return self._insert(parts)

    def rows_after(self, partition: str, number: int, most: int) -> list[tuple[Any, ...]]:
        """Return up to so many rows of a file behind one's number, each behind its own number."""
        if not self._path(partition).exists():
            return []
        with self._locks[partition], self._blame(partition):
            return self._partition(partition).execute(NEWER, (number, most)).fetchall()

    def _insert(self, rows: Mapping[str, list[tuple[Any, ...]]]) -> dict[str, tuple[int, int]]:
        """Insert rows, and return for each file the number of its last row before and after.

        All files are written at once: flushes that a disk gets together cost little more than one.
        """
        if len(rows) <= 1:
            return {
                partition: self._insert_part(partition, part) for partition, part in rows.items()
            }
        writing = {each: self._writers.submit(self._insert_part, each, rows[each]) for each in rows}
        wait(writing.values())
        return {partition: part.result() for partition, part in writing.items()}

    def _insert_part(self, partition: str, rows: list[tuple[Any, ...]]) -> tuple[int, int]:
        with self._locks[partition], self._blame(partition):
            database = self._partition(partition)
            database.execute("BEGIN IMMEDIATE")
            try:
                before = _last_row(database)
                database.executemany(INSERT, rows)
                after = _last_row(database)
                database.execute("COMMIT")
            except BaseException:
                database.rollback()
                raise
        return before, after

    def get(self, keys: Iterable[str], max_tokens: int) -> dict[str, Reply]:
        """Return the replies that need not be asked for again, by key.

        A reply that finished counts whatever its `max_tokens` was; one that was cut off
        counts if it had at least the `max_tokens` asked for now.
        """
        found: dict[str, Reply] = {}
        for key, *row in self._found(SELECT, keys, max_tokens):
            with self._blame(key[0]):
                found[key] = _reply(*row)
        return found

    def known(self, keys: Iterable[str], max_tokens: int) -> dict[str, tuple[int, int]]:
        """Return which replies `get` would, with their tokens (prompt, response), without text."""
        found = self._found(KNOWN, keys, max_tokens)
        return {key: (prompt or 0, response or 0) for key, prompt, response in found}

    def close(self) -> None:
        """Close the files; using the journal again opens them again."""
        self._writers.shutdown()
        self._writers = _writers()
        for partition, lock in self._locks.items():
            with lock:
                if (database := self._open.pop(partition, None)) is not None:
                    database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _found(self, query: str, keys: Iterable[str], max_tokens: int) -> Iterator[Any]:
        """Yield the first row of each key, of the partitions that exist."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for key in keys:
            wanted[key[0]].add(key)
        for partition, part in wanted.items():
            if self._path(partition).exists():
                yield from self._read(query, partition, sorted(part), max_tokens)

    def _read(self, query: str, partition: str, keys: list[str], max_tokens: int) -> Iterator[Any]:
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            asked = query.format(marks=",".join("?" * len(batch)))
            seen = ""
            with self._locks[partition], self._blame(partition):
                rows = self._partition(partition).execute(asked, [*batch, max_tokens]).fetchall()
            for row in rows:  # those of one key stand together, the one that counts first
                if row[0] != seen:
                    seen = row[0]
                    yield row

    def _path(self, partition: str) -> Path:
        return self.folder / f"replies-{partition}.sqlite"

    def _partition(self, partition: str) -> sqlite3.Connection:
        """Return the open database of a partition, made if it is missing."""
        if partition not in self._open:
            self._make_folder()
            database = sqlite3.connect(
                self._path(partition),
                timeout=self._timeout,
                isolation_level=None,  # each statement is its own transaction
                check_same_thread=False,
            )
            try:
                with self._alone():
                    self._prepare(database)
            except BaseException:
                database.close()
                raise
            self._open[partition] = database
        return self._open[partition]

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self.folder, error.strerror or "cannot be made") from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes out: SQLite waits for a busy file, but not to make it WAL."""
        try:
            file = (self.folder / ".preparing").open("a")
        except OSError as error:
            raise _unwritable(self.folder, error.strerror or "cannot be written") from None
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _prepare(self, database: sqlite3.Connection) -> None:
        """Set how a database writes; make its table where there is none."""
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA journal_mode = WAL")
        if _schema_version(database) == 0:
            database.execute("BEGIN IMMEDIATE")  # two processes may both see version 0
            if _schema_version(database) == 0:
                for statement in filter(str.strip, SCHEMA.split(";")):
                    database.execute(statement)
            database.execute("COMMIT")
        if (version := _schema_version(database)) != SCHEMA_VERSION:
            raise StoreUnwritable(
                f"{self.folder}: the journal has schema version {version}, this program reads"
                f" and writes {SCHEMA_VERSION}; use the program that made it or another folder"
            )

    @contextmanager
    def _blame(self, partition: str) -> Iterator[None]:
        """Turn SQLite's errors into ours, naming the folder or the file."""
        path = self._path(partition)
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = error.sqlite_errorcode & 0xFF
            if code in UNWRITABLE:
                raise _unwritable(self.folder, UNWRITABLE[code]) from error
            if code == sqlite3.SQLITE_BUSY:
                raise PassingError(
                    f"{path}: another process held it for {self._timeout:g} s; run again"
                ) from error
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise _corrupt(path, str(error)) from error
            raise
        except zstandard.ZstdError as error:
            raise _corrupt(path, str(error)) from error


def _writers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WRITERS, thread_name_prefix="journal")


def _check(key: str, reply: Reply) -> None:
    if key[:1] not in PARTITIONS or not key:
        raise ValueError(f"key: must start with a hexadecimal digit, got {key!r}")
    if reply.finish_reason not in ("stop", "length"):
        raise ValueError(f"finish_reason: {reply.finish_reason!r} is not kept, stop and length are")
    if reply.max_tokens < 1:
        raise ValueError(f"max_tokens: must be what was asked for, got {reply.max_tokens}")


def _row(key: str, reply: Reply, teacher: str) -> tuple[Any, ...]:
    _check(key, reply)
    compressed, text = _pack(reply.text)
    named = (key, reply.max_tokens, teacher, reply.finish_reason)
    counts = (reply.prompt_tokens, reply.response_tokens)
    return (*named, *counts, time.time(), compressed, text)


def _pack(text: str) -> tuple[bool, bytes]:
    """Return whether a text was compressed, and its bytes; lone surrogates stay as they are."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) <= COMPRESS_ABOVE:
        return False, data
    return True, zstandard.ZstdCompressor(write_checksum=True).compress(data)


def _reply(
    max_tokens: int,
    finish_reason: str,
    prompt_tokens: int | None,
    response_tokens: int | None,
    compressed: int,
    text: bytes,
) -> Reply:
    data = zstandard.ZstdDecompressor().decompress(text) if compressed else text
    words = data.decode("utf-8", "surrogatepass")
    return Reply(words, finish_reason, prompt_tokens, response_tokens, max_tokens)


def _last_row(database: sqlite3.Connection) -> int:
    return int(database.execute(LAST).fetchone()[0])


def _schema_version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _unwritable(folder: Path, why: str) -> StoreUnwritable:
    kind = DiskFull if why == UNWRITABLE[sqlite3.SQLITE_FULL] else StoreUnwritable
    return kind(
        f"{folder}: the journal of replies cannot be kept: {why}; free space or allow writing,"
        " or set runtime.data to another folder"
    )


def _corrupt(path: Path, why: str) -> CorruptShard:
    return CorruptShard(
        f"{path}: is damaged ({why}); restore it from a copy, or move it and its -wal file away"
        " to ask the teacher again for the replies in it"
    )
