"""A small Hugging Face Hub on loopback that speaks its HTTP protocol, with faults on demand.

It keeps dataset repositories with commits, branches and tags, and their large files by
SHA-256; `huggingface_hub` and `datasets` talk to it as to the real one when HF_ENDPOINT names
it (HF_HUB_DISABLE_XET=1: it knows no Xet). Errors carry the Hub's own headers.

    with LoopbackHub(folder) as hub:
        hub.faults.append(Fault(path="/commit/", status=500, times=2))
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Self


@dataclass(slots=True)
class Fault:
    """What goes wrong: requests whose path holds `path` get `status`, or a cut connection.

    `every` counts requests of that path and hits each n-th; `times` bounds the hits. Status 0
    reads the request and cuts the connection, status −1 does what was asked and cuts then.
    """

    path: str
    status: int = 500
    every: int = 1
    times: int = 1_000_000
    method: str = ""
    retry_after: str = ""
    seen: int = 0
    hits: int = 0

    def strikes(self, method: str, path: str) -> bool:
        if self.path not in path or (self.method and method != self.method):
            return False
        self.seen += 1
        if self.hits >= self.times or self.seen % self.every:
            return False
        self.hits += 1
        return True


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a commit: its blob, its size, and whether it lies in LFS."""

    oid: str  # git's SHA-1 of a small file, SHA-256 of a large one
    size: int
    lfs: bool


@dataclass(slots=True)
class Repo:
    """A dataset repository: commits in order, and what branches and tags point to."""

    private: bool
    commits: list[tuple[str, str, dict[str, Entry]]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def files(self, revision: str) -> dict[str, Entry] | None:
        wanted = self.sha(revision)
        return next((files for sha, _, files in self.commits if sha == wanted), None)

    def sha(self, revision: str) -> str | None:
        if revision == "main":
            return self.commits[-1][0]
        known = {sha for sha, _, _ in self.commits}
        return self.tags.get(revision) or (revision if revision in known else None)

    def commit(self, message: str, files: dict[str, Entry]) -> str:
        text = json.dumps([len(self.commits), message, sorted(files)])
        sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self.commits.append((sha, message, files))
        return sha


class LoopbackHub:
    """The server, its repositories, its blobs, and a count of what was asked of it."""

    def __init__(self, folder: Path, part_bytes: int = 8 * 1024 * 1024) -> None:
        self.blobs = folder / "blobs"
        self.blobs.mkdir(parents=True, exist_ok=True)
        self.part_bytes = part_bytes
        self.repos: dict[str, Repo] = {}
        self.faults: list[Fault] = []
        self.asked: Counter[str] = Counter()
        self.uploaded: list[str] = []  # names of blobs, in the order in which they became whole
        self.lock = threading.RLock()
        from tests.loopback_hub_files import Handler  # which needs what is above

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.hub = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def blob(self, oid: str) -> Path:
        return self.blobs / oid

    def content(self, repo: str, path: str, revision: str = "main") -> bytes:
        files = self.repos[repo].files(revision)
        assert files is not None
        return self.blob(files[path].oid).read_bytes()

    def paths(self, repo: str, revision: str = "main") -> set[str]:
        return set(self.repos[repo].files(revision) or {})


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
