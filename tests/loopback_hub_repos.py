"""How the loopback Hub answers about repositories, their revisions, trees and tags."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import yaml  # type: ignore[import-untyped, unused-ignore]

from tests.loopback_hub import Entry, Fault, LoopbackHub, Repo

PAGE = 50  # entries of a tree in one answer; the Hub's is 1,000
ROUTES: list[tuple[str, re.Pattern[str], str]] = []
REPO = r"(?P<repo>[\w.-]+/[\w.-]+)"


Method = TypeVar("Method", bound=Callable[..., None])


def route(method: str, pattern: str) -> Callable[[Method], Method]:
    """Let a method answer requests to the paths of a pattern."""

    def mark(function: Method) -> Method:
        ROUTES.append((method, re.compile(pattern), function.__name__))
        return function

    return mark


class Answer(Exception):
    """An answer that is not a plain success, raised from anywhere."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Repositories(BaseHTTPRequestHandler):
    """One request; every route is a method. Here: repositories, their trees and tags."""

    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> LoopbackHub:
        return self.server.hub  # type: ignore[attr-defined, no-any-return]

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def do_GET(self) -> None:
        self._serve("GET")

    def do_HEAD(self) -> None:
        self._serve("HEAD")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        parts = urlsplit(self.path)
        path, self.query = unquote(parts.path), parse_qs(parts.query)
        self.body = self._read_body()
        with self.hub.lock:
            fault = next((f for f in self.hub.faults if f.strikes(method, path)), None)
        if fault and fault.status >= 0:
            self._fail(fault)
            return
        try:
            self._dispatch(method, path, cut=fault is not None)
        except Answer as answer:
            self._send(answer.status, {"error": answer.message}, {"X-Error-Code": answer.code})

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(found)

    def _fail(self, fault: Fault) -> None:
        if fault.status == 0:
            self.close_connection = True
            self.connection.close()
            return
        headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
        self._send(fault.status, {"error": "said the test"}, headers)

    def _dispatch(self, method: str, path: str, cut: bool) -> None:
        for verb, pattern, name in ROUTES:
            match = pattern.fullmatch(path)
            if match and (verb == method or (verb, method) == ("GET", "HEAD")):
                with self.hub.lock:
                    self.hub.asked[name] += 1
                self.cut = cut
                getattr(self, name)(**match.groupdict())
                return
        raise Answer(404, "RepoNotFound", f"no such path {path}")

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        if getattr(self, "cut", False):
            self.close_connection = True
            self.connection.close()
            return
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    # Repositories

    def _repo(self, name: str) -> Repo:
        if name not in self.hub.repos:
            raise Answer(404, "RepoNotFound", "Repository not found")
        return self.hub.repos[name]

    def _files(self, repo: str, revision: str) -> dict[str, Entry]:
        files = self._repo(repo).files(revision)
        if files is None:
            raise Answer(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return files

    @route("GET", r"/api/whoami-v2")
    def whoami(self) -> None:
        if not self.headers.get("Authorization"):
            raise Answer(401, "", "Invalid username or password.")
        self._send(200, {"type": "user", "name": "org", "orgs": [], "auth": {}})

    @route("POST", r"/api/repos/create")
    def create(self) -> None:
        asked = json.loads(self.body)
        name = f"{asked.get('organization') or 'org'}/{asked['name']}"
        private = asked.get("private") or asked.get("visibility") == "private"
        with self.hub.lock:
            known = name in self.hub.repos
            if not known:
                self.hub.repos[name] = Repo(bool(private))
                self.hub.repos[name].commit("initial commit", {})
        url = f"{self.hub.url}/datasets/{name}"
        self._send(409 if known else 200, {"url": url, "id": name, "error": "exists"})

    @route("GET", rf"/api/datasets/{REPO}(?:/revision/(?P<revision>[^/]+))?")
    def info(self, repo: str, revision: str | None) -> None:
        found = self._repo(repo)
        files = self._files(repo, revision or "main")
        self._send(
            200,
            {
                "id": repo,
                "sha": found.sha(revision or "main"),
                "private": found.private,
                "siblings": [{"rfilename": name} for name in sorted(files)],
                "cardData": self._card(files),
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "disabled": False,
                "gated": False,
            },
        )

    def _card(self, files: dict[str, Entry]) -> dict[str, Any]:
        """Return what the head of a dataset's README says."""
        there = files.get("README.md")
        text = self.hub.blob(there.oid).read_text(encoding="utf-8") if there else ""
        found: Any = yaml.safe_load(text.split("---\n")[1]) if text.startswith("---\n") else None
        return found if isinstance(found, dict) else {}

    @route("GET", rf"/api/datasets/{REPO}/refs")
    def refs(self, repo: str) -> None:
        found = self._repo(repo)
        self._send(
            200,
            {
                "branches": [_ref("heads", "main", found.commits[-1][0])],
                "converts": [],
                "tags": [_ref("tags", name, sha) for name, sha in found.tags.items()],
            },
        )

    @route("POST", rf"/api/datasets/{REPO}/tag/(?P<revision>[^/]+)")
    def tag(self, repo: str, revision: str) -> None:
        found, name = self._repo(repo), json.loads(self.body)["tag"]
        sha = found.sha(revision)
        if sha is None:
            raise Answer(404, "RevisionNotFound", revision)
        if name in found.tags:
            raise Answer(409, "", f"Tag reference exists already: {name}")
        found.tags[name] = sha
        self._send(201, {})

    @route("DELETE", rf"/api/datasets/{REPO}/tag/(?P<name>[^/]+)")
    def untag(self, repo: str, name: str) -> None:
        if self._repo(repo).tags.pop(name, None) is None:
            raise Answer(404, "RevisionNotFound", name)
        self._send(200, {})

    @route("GET", rf"/api/datasets/{REPO}/tree/(?P<revision>[^/]+)(?:/(?P<folder>.*))?")
    def tree(self, repo: str, revision: str, folder: str | None) -> None:
        files = self._files(repo, revision)
        prefix = f"{folder.rstrip('/')}/" if folder else ""
        names = sorted(name for name in files if name.startswith(prefix))
        if prefix and not names:
            raise Answer(404, "EntryNotFound", folder or "")
        if self.query.get("recursive", ["False"])[0].lower() != "true":
            entries = list(_level(names, prefix, files))
        else:
            entries = [_listed(name, files[name]) for name in names]
        start = int(self.query.get("cursor", ["0"])[0])
        headers = {}
        if start + PAGE < len(entries):
            rest = "&".join(f"{k}={v[0]}" for k, v in self.query.items() if k != "cursor")
            url = f"{self.hub.url}{urlsplit(self.path).path}?{rest}&cursor={start + PAGE}"
            headers["Link"] = f'<{url}>; rel="next"'
        self._send(200, entries[start : start + PAGE], headers)

    @route("POST", rf"/api/datasets/{REPO}/paths-info/(?P<revision>[^/]+)")
    def paths_info(self, repo: str, revision: str) -> None:
        files = self._files(repo, revision)
        paths = _asked_paths(self.body, self.headers.get("Content-Type", ""))
        found = [_listed(name, files[name]) for name in paths if name in files]
        folders = {name for name in paths if any(f.startswith(f"{name}/") for f in files)}
        found += [{"type": "directory", "path": name, "oid": "0" * 40} for name in folders]
        self._send(200, found)

    @route("POST", r"/api/validate-yaml")
    def validate(self) -> None:
        self._send(200, {"errors": [], "warnings": []})


def _ref(kind: str, name: str, sha: str) -> dict[str, str]:
    return {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": sha}


def _listed(name: str, entry: Entry) -> dict[str, Any]:
    listed: dict[str, Any] = {"type": "file", "path": name, "oid": entry.oid, "size": entry.size}
    if entry.lfs:
        listed |= {"lfs": {"oid": entry.oid, "size": entry.size, "pointerSize": 130}}
        listed["oid"] = hashlib.sha1(entry.oid.encode(), usedforsecurity=False).hexdigest()
    return listed


def _level(names: list[str], prefix: str, files: dict[str, Entry]) -> Iterator[dict[str, Any]]:
    """Yield the entries right below a folder."""
    folders = set()
    for name in names:
        head, _, rest = name[len(prefix) :].partition("/")
        if not rest:
            yield _listed(name, files[name])
        elif head not in folders:
            folders.add(head)
            yield {"type": "directory", "path": prefix + head, "oid": "0" * 40, "size": 0}


def _asked_paths(body: bytes, content_type: str) -> list[str]:
    if "json" in content_type:
        found = json.loads(body)["paths"]
        return found if isinstance(found, list) else [found]
    return parse_qs(body.decode()).get("paths", [])
