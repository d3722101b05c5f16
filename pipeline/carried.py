"""Carries what is no table between here and an object store: replies, accounts, audits.

    s3://bucket/prefix/journal/218bf550370492ea.parquet     replies that arrived here
    s3://bucket/prefix/set/1/accounts.jsonl                     and the other files beside tables

The journal itself stays on a local disk, where a reply is durable before it counts as arrived.
From there what is new is uploaded every `runtime.carry_s` seconds and when a stage ends. So a
killed run loses nothing as long as its disk is there; if the disk is lost too, the replies of
the last `carry_s` seconds are lost with it, and are asked for again.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import secrets
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import PassingError
from pipeline.remote_store import RemoteStore
from pipeline.store import Store, replacing
from pipeline.teacher.journal import COLUMNS, PARTITIONS, Journal

JOURNAL = "journal"
MEMORY = ".carried.json"
ROWS = 1_000  # of each file of the journal in one object: 16 files of 6 kB a row make 96 MB


@dataclass(slots=True)
class Carrier:
    """What has been carried, remembered here between runs; safe to use from several threads."""

    store: RemoteStore
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fetch(self) -> None:
        """Bring what others have uploaded."""
        with self._lock, self._memory() as memory:
            self._fetch_replies(memory)
            self._fetch_files(memory)

    def send(self) -> None:
        """Upload what is new here."""
        with self._lock, self._memory() as memory:
            self._send_replies(memory)
            self._send_files(memory)

    def _fetch_replies(self, memory: dict[str, Any]) -> None:
        known = set(memory["segments"])
        names = sorted(set(self.store.remote.listed(JOURNAL)) - known)
        with Journal(self.store.root / JOURNAL) as journal:
            for name in names:
                data = self.store.remote.get(f"{JOURNAL}/{name}")
                if data is not None:
                    rows = pq.read_table(io.BytesIO(data)).to_pylist()
                    came = journal.restore([tuple(row[c] for c in COLUMNS) for row in rows])
                    memory["foreign"] += [[partition, *span] for partition, span in came.items()]
        memory["segments"] = sorted(known | set(names))

    def _send_replies(self, memory: dict[str, Any]) -> None:
        with Journal(self.store.root / JOURNAL) as journal:
            while found := {p: part for p in PARTITIONS if (part := _newer(journal, memory, p))}:
                foreign = [(p, range(lo + 1, hi + 1)) for p, lo, hi in memory["foreign"]]
                mine = [
                    row
                    for p, part in found.items()
                    for row in part
                    if not any(of == p and row[0] in span for of, span in foreign)
                ]
                if mine:
                    name = f"{secrets.token_hex(8)}.parquet"
                    self.store.remote.put(f"{JOURNAL}/{name}", as_parquet(mine))
                    memory["segments"].append(name)
                memory["rowids"] |= {p: part[-1][0] for p, part in found.items()}
        done = memory["rowids"]
        memory["foreign"] = [span for span in memory["foreign"] if span[2] > done.get(span[0], 0)]

    def _fetch_files(self, memory: dict[str, Any]) -> None:
        for folder in self._folders():
            for name, mark in self.store.remote.listed(folder).items():
                key = f"{folder}/{name}"
                if memory["theirs"].get(key) != mark and not name.startswith("."):
                    path = self.store.root / key
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with replacing(path) as file:
                        self.store.remote.download(key, Path(file.name))
                    memory["theirs"][key], memory["mine"][key] = mark, _changed(path)

    def _send_files(self, memory: dict[str, Any]) -> None:
        for folder in self._folders():
            sent = []
            for path in sorted((self.store.root / folder).glob("[!.]*")):
                key = f"{folder}/{path.name}"
                if path.is_file() and memory["mine"].get(key) != _changed(path):
                    memory["mine"][key] = _changed(path)
                    self.store.remote.upload(key, path, exclusive=False)
                    sent.append(path.name)
            marks = self.store.remote.listed(folder) if sent else {}
            memory["theirs"] |= {f"{folder}/{name}": marks[name] for name in sent}

    def _folders(self) -> tuple[str, str]:
        """Return the folders whose own files are carried: the dataset's and the version's."""
        return (self.store.name, f"{self.store.name}/{self.store.version}")

    @contextlib.contextmanager
    def _memory(self) -> Iterator[dict[str, Any]]:
        """Give what is remembered, and keep it when the block ends well; one process at a time."""
        path = self.store.root / MEMORY
        path.parent.mkdir(parents=True, exist_ok=True)
        with (path.parent / f"{MEMORY}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            memory = json.loads(path.read_bytes()) if path.exists() else empty()
            yield memory
            with replacing(path) as file:
                file.write(json.dumps(memory).encode())


def _newer(journal: Journal, memory: dict[str, Any], partition: str) -> list[tuple[Any, ...]]:
    return journal.rows_after(partition, memory["rowids"].get(partition, 0), ROWS)


def empty() -> dict[str, Any]:
    """Return what is remembered before anything was carried.

    `segments`: objects of replies that are here; `rowids`: of each file of the journal the last
    row that was uploaded; `foreign`: rows that came from elsewhere; `theirs` and `mine`: what other
    files were there and here when they were equal.
    """
    return {"segments": [], "rowids": {}, "foreign": [], "theirs": {}, "mine": {}}


def _changed(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def as_parquet(found: list[tuple[Any, ...]]) -> bytes:
    """Return rows of a journal, each behind its number there, as a Parquet file."""
    columns = zip(*(row[1:] for row in found), strict=True)
    table = pa.table({name: list(values) for name, values in zip(COLUMNS, columns, strict=True)})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


@contextlib.contextmanager
def carried(store: Store, every_s: float | None = None) -> Iterator[None]:
    """Bring what others have uploaded, and upload what is new when the block ends, however it does.

    With `every_s` also now and then while it runs. Does nothing for a local data folder.
    """
    if not isinstance(store, RemoteStore):
        yield
        return
    carrier, end = Carrier(store), threading.Event()
    carrier.fetch()
    thread = threading.Thread(target=_send_often, args=(carrier, end, every_s), daemon=True)
    if every_s is not None:
        thread.start()
    try:
        yield
    finally:
        end.set()
        if every_s is not None:
            thread.join()
        carrier.send()


def _send_often(carrier: Carrier, end: threading.Event, every_s: float) -> None:
    while not end.wait(every_s):
        try:
            carrier.send()
        except PassingError as error:  # the next time tries again, and the last one raises
            print(f"replies could not be uploaded yet: {error}", file=sys.stderr)
