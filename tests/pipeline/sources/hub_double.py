"""A Hub for tests that only gives: repositories of files over the Hub's HTTP protocol.

    with hub_double({"org/name": folder}, faults={"org/name": "503"}) as hub:
        subprocess.run(…, env={"HF_ENDPOINT": hub.url})

A repository has one commit, `SHA`, which `main` and its first letters name too. Faults, by
repository: a status ("503"), "gated", "hang", which never answers, or "cut", which gives
half of each data file twice and then all of it. It knows what
`dataset_info`, `load_dataset` and the file system of the Hub's client ask for, and no more.
"""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml  # type: ignore[import-untyped]

SHA = "0123456789abcdef0123456789abcdef01234567"
NAMES = ("main", SHA, SHA[:7])
CODES = {"repo": "RepoNotFound", "revision": "RevisionNotFound", "entry": "EntryNotFound"}


@dataclass
class Hub:
    """A running double; `asked` are the paths of all requests."""

    folders: Mapping[str, Path]
    faults: Mapping[str, str]
    url: str = ""
    asked: list[str] = field(default_factory=list)
    cuts: int = 2
    closing: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._asked_for = self.rfile.read(length)
        self._answer(body=True)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(path)
        parts = [part for part in path.split("/") if part not in ("", "api", "datasets")]
        repo = "/".join(parts[:2])
        fault = self.hub.faults.get(repo)
        if fault == "hang":
            self.hub.closing.wait()
        elif fault == "gated":
            self._send(403, {"error": "gated"}, body, {"X-Error-Code": "GatedRepo"})
        elif fault and fault != "cut":
            self._send(int(fault), {"error": "fault"}, body)
        elif repo not in self.hub.folders:
            self._missing("repo", body)
        else:
            self._repository(self.hub.folders[repo], repo, parts[2:], body)

    def _repository(self, folder: Path, repo: str, rest: list[str], body: bool) -> None:
        what, revision = (rest + ["revision", "main"][len(rest) :])[:2] if rest else ("", "main")
        if revision not in NAMES:
            self._missing("revision", body)
        elif what in ("", "revision"):
            self._send(200, _info(folder, repo), body)
        elif what == "tree":
            self._send(200, _tree(folder, "/".join(rest[2:])), body)
        elif what == "paths-info":
            self._send(200, _paths_info(folder, self._paths()), body)
        elif what == "resolve":
            self._file(folder.joinpath(*rest[2:]), body)
        else:
            self._missing("entry", body)

    def _paths(self) -> list[str]:
        asked = self._asked_for.decode()
        if asked.startswith("{"):
            return list(json.loads(asked)["paths"])
        pairs = (pair.partition("=") for pair in asked.split("&"))
        return [unquote(value.replace("+", " ")) for key, _, value in pairs if key == "paths"]

    def _file(self, path: Path, body: bool) -> None:
        if not path.is_file():
            return self._missing("entry", body)
        data, status, headers = path.read_bytes(), 200, {"X-Repo-Commit": SHA, "ETag": _oid(path)}
        if wanted := self.headers.get("Range"):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(data) - 1), len(data) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            data, status = data[start : end + 1], 206
        return self._raw(status, data, "application/octet-stream", body, headers)

    def _missing(self, what: str, body: bool) -> None:
        self._send(404, {"error": f"no such {what}"}, body, {"X-Error-Code": CODES[what]})

    def _send(
        self, status: int, value: Any, body: bool, headers: Mapping[str, str] | None = None
    ) -> None:
        self._raw(status, json.dumps(value).encode(), "application/json", body, headers or {})

    def _raw(
        self, status: int, data: bytes, kind: str, body: bool, headers: Mapping[str, str]
    ) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Type": kind}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if body and self._is_cut() and len(data) > 1:
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif body:
            self.wfile.write(data)

    def _is_cut(self) -> bool:
        """Tell whether this answer, a file of data of a repository with that fault, breaks off."""
        repo = "/".join(urlsplit(self.path).path.split("/")[2:4])
        cut = self.hub.faults.get(repo) == "cut" and self.path.endswith(".parquet")
        self.hub.cuts -= cut
        return cut and self.hub.cuts >= 0


def _files(folder: Path) -> list[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(found)


def _oid(path: Path) -> str:
    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()


def _info(folder: Path, repo: str) -> dict[str, Any]:
    readme = folder / "README.md"
    head = readme.read_text(encoding="utf-8").split("---")[1] if readme.is_file() else ""
    return {
        "_id": "1",
        "id": repo,
        "sha": SHA,
        "private": False,
        "gated": False,
        "disabled": False,
        "tags": [],
        "downloads": 0,
        "likes": 0,
        "lastModified": "2026-01-01T00:00:00.000Z",
        "createdAt": "2026-01-01T00:00:00.000Z",
        "siblings": [{"rfilename": name} for name in _files(folder)],
        "cardData": yaml.safe_load(head) or {},
    }


def _entry(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    if path.is_dir():
        return {"type": "directory", "oid": "0" * 40, "size": 0, "path": name}
    return {"type": "file", "oid": _oid(path), "size": path.stat().st_size, "path": name}


def _tree(folder: Path, below: str) -> list[dict[str, Any]]:
    root = folder / below
    inside = sorted(path.relative_to(folder).as_posix() for path in root.rglob("*"))
    return [_entry(folder, name) for name in inside]


def _paths_info(folder: Path, paths: list[str]) -> list[dict[str, Any]]:
    return [_entry(folder, path) for path in paths if (folder / path).exists()]


@contextmanager
def hub_double(
    folders: Mapping[str, Path], faults: Mapping[str, str] | None = None
) -> Iterator[Hub]:
    """Serve repositories on a free port of this machine until the block ends."""
    hub = Hub(folders, faults or {})
    handler = type("BoundHandler", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
