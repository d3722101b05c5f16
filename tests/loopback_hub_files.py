"""How the loopback Hub takes files in, commits them, and gives them out again."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterable
from typing import Any

from tests.loopback_hub import Entry
from tests.loopback_hub_repos import REPO, Answer, Repositories, route

LFS_BYTES = 10 * 1024 * 1024  # the Hub's own bound for text
LFS_ENDINGS = (".parquet", ".png", ".zst", ".html")


class Handler(Repositories):
    """One request; every route is a method. Here: uploads, commits and downloads."""

    # Uploading

    @route("POST", rf"/api/datasets/{REPO}/preupload/(?P<revision>[^/]+)")
    def preupload(self, repo: str, revision: str) -> None:
        files = self._files(repo, revision)
        answer = []
        for asked in json.loads(self.body)["files"]:
            large = asked["size"] > LFS_BYTES or asked["path"].endswith(LFS_ENDINGS)
            there = files.get(asked["path"])
            answer.append(
                {
                    "path": asked["path"],
                    "uploadMode": "lfs" if large else "regular",
                    "shouldIgnore": False,
                    "oid": there.oid if there else None,
                }
            )
        self._send(200, {"files": answer})

    @route("POST", rf"/datasets/{REPO}\.git/info/lfs/objects/batch")
    def batch(self, repo: str) -> None:
        self._repo(repo)
        objects = [self._upload_of(item) for item in json.loads(self.body)["objects"]]
        self._send(200, {"transfer": "multipart", "objects": objects})

    def _upload_of(self, item: dict[str, Any]) -> dict[str, Any]:
        oid, size = item["oid"], item["size"]
        if self.hub.blob(oid).exists():
            return {"oid": oid, "size": size}
        if size <= self.hub.part_bytes:
            upload: dict[str, Any] = {"href": f"{self.hub.url}/lfs/{oid}"}
        else:
            parts = -(-size // self.hub.part_bytes)
            header = {str(k): f"{self.hub.url}/lfs/{oid}/{k}" for k in range(1, parts + 1)}
            header["chunk_size"] = str(self.hub.part_bytes)
            upload = {"href": f"{self.hub.url}/lfs/{oid}/complete", "header": header}
        verify = {"href": f"{self.hub.url}/lfs/{oid}/verify"}
        return {"oid": oid, "size": size, "actions": {"upload": upload, "verify": verify}}

    @route("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})")
    def put(self, oid: str) -> None:
        self._keep(oid, [self.body])
        self._send(200, {})

    @route("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})/(?P<part>\d+)")
    def put_part(self, oid: str, part: str) -> None:
        (self.hub.blobs / f".{oid}.{part}").write_bytes(self.body)
        etag = hashlib.md5(self.body, usedforsecurity=False).hexdigest()
        self._send(200, {}, {"ETag": f'"{etag}"'})

    @route("POST", r"/lfs/(?P<oid>[0-9a-f]{64})/complete")
    def complete(self, oid: str) -> None:
        numbers = [part["partNumber"] for part in json.loads(self.body)["parts"]]
        paths = [self.hub.blobs / f".{oid}.{number}" for number in numbers]
        if numbers != list(range(1, len(numbers) + 1)) or not all(p.exists() for p in paths):
            raise Answer(400, "", "parts are missing")
        self._keep(oid, (path.read_bytes() for path in paths))
        for path in paths:
            path.unlink()
        self._send(200, {})

    def _keep(self, oid: str, parts: Iterable[bytes]) -> None:
        """Keep a blob if it is what its name says."""
        digest, whole = hashlib.sha256(), self.hub.blobs / f".{oid}.{threading.get_ident()}.new"
        with whole.open("wb") as file:
            for part in parts:
                digest.update(part)
                file.write(part)
        if digest.hexdigest() != oid:
            whole.unlink()
            raise Answer(400, "", "content is not what its SHA-256 says")
        whole.rename(self.hub.blob(oid))
        with self.hub.lock:
            self.hub.uploaded.append(oid)

    @route("POST", r"/lfs/(?P<oid>[0-9a-f]{64})/verify")
    def verify(self, oid: str) -> None:
        if not self.hub.blob(oid).exists():
            raise Answer(404, "", "object is not there")
        self._send(200, {})

    @route("POST", rf"/api/datasets/{REPO}/commit/(?P<revision>[^/]+)")
    def commit(self, repo: str, revision: str) -> None:
        with self.hub.lock:
            found = self._repo(repo)
            header, *lines = [json.loads(line) for line in self.body.splitlines() if line]
            parent = header["value"].get("parentCommit")
            if parent and parent != found.sha(revision):
                raise Answer(412, "", "the branch has moved")
            files = dict(self._files(repo, revision))
            for line in lines:
                self._apply(files, line["key"], line["value"])
            sha = found.commit(header["value"].get("summary", ""), files)
        url = f"{self.hub.url}/datasets/{repo}/commit/{sha}"
        self._send(200, {"success": True, "commitUrl": url, "commitOid": sha})

    def _apply(self, files: dict[str, Entry], key: str, value: dict[str, Any]) -> None:
        if key == "deletedFile":
            files.pop(value["path"], None)
        elif key == "deletedFolder":
            for name in [n for n in files if n.startswith(value["path"].rstrip("/") + "/")]:
                del files[name]
        elif key == "lfsFile":
            if not self.hub.blob(value["oid"]).exists():
                raise Answer(400, "", f"LFS object {value['oid']} is not there")
            files[value["path"]] = Entry(value["oid"], value["size"], True)
        elif key == "file":
            data = base64.b64decode(value["content"])
            oid = git_hash(data)
            self.hub.blob(oid).write_bytes(data)
            files[value["path"]] = Entry(oid, len(data), False)

    # Downloading

    @route("GET", rf"/datasets/{REPO}/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
    def resolve(self, repo: str, revision: str, path: str) -> None:
        entry = self._files(repo, revision).get(path)
        if entry is None:
            raise Answer(404, "EntryNotFound", f"no {path}")
        headers = {
            "ETag": f'"{entry.oid}"',
            "X-Repo-Commit": self._repo(repo).sha(revision) or "",
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
            "X-Linked-Size": str(entry.size),
            "X-Linked-Etag": f'"{entry.oid}"',
        }
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        first, last = _range(wanted, entry.size)
        if wanted:
            headers["Content-Range"] = f"bytes {first}-{last}/{entry.size}"
        if self.command == "HEAD":
            self._head(headers, entry.size)
            return
        with self.hub.blob(entry.oid).open("rb") as file:
            file.seek(first)
            self._send(206 if wanted else 200, file.read(last - first + 1), headers)

    def _head(self, headers: dict[str, str], size: int) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        self.end_headers()


def git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _range(wanted: re.Match[str] | None, size: int) -> tuple[int, int]:
    if wanted is None:
        return 0, size - 1
    if not wanted[1]:
        return max(0, size - int(wanted[2])), size - 1
    return int(wanted[1]), min(int(wanted[2] or size - 1), size - 1)
