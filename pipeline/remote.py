"""A data folder in an object store, or wherever fsspec reaches, and what of it lies here.

    data = "s3://bucket/prefix"          of [runtime]; credentials and endpoint: the environment's

There are the tables: objects of the same names as the files of a local data folder, whole or
absent, a shard's manifest written last. Here, in `runtime.scratch`, lies a copy of what was read
or written lately, each shard checked against its manifest's sha256, the least used ones deleted
beyond a bound. Tested against S3; of other services it is known that they create objects
exclusively (ATOMIC), as leases need it, and no more.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, PassingError, StoreUnwritable, Unavailable
from pipeline.leases import FolderMedium, Medium

SEPARATOR = "://"
# Protocols whose fsspec file systems create an object only where there is none (mode="create").
ATOMIC = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "file", "local")
LOCAL = ("file", "local")
LISTED_S = 2.0  # how old a look at a table may be (guess: a stage looks at each shard in turn)


@dataclass(frozen=True, slots=True)
class Remote:
    """A place that fsspec reaches; `bound` is how many bytes of shards may lie here."""

    url: str
    bound: int

    @property
    def protocol(self) -> str:
        """The part of the URL before the colon."""
        return self.url.partition(SEPARATOR)[0]

    def get(self, key: str) -> bytes | None:
        """Return an object's content, None where there is none."""
        with reaching(self.url), contextlib.suppress(FileNotFoundError):
            return bytes(self._fs.cat_file(self._at(key)))
        return None

    def put(self, key: str, data: bytes) -> None:
        """Write a small object, whatever was there."""
        with reaching(self.url), there(self.url):
            self._make_folder(key)
            self._fs.pipe_file(self._at(key), data)

    def create(self, key: str, data: bytes) -> bool:
        """Write a small object where there is none; returns False where there is one."""
        with reaching(self.url), there(self.url):
            self._make_folder(key)
            try:
                self._fs.pipe_file(self._at(key), data, mode="create")
            except FileExistsError:
                return False
        return True

    def upload(self, key: str, path: Path, exclusive: bool) -> bool:
        """Write a file's content; returns False where `exclusive` and there is an object."""
        with reaching(self.url), there(self.url):
            self._make_folder(key)
            mode = "create" if exclusive else "overwrite"
            try:
                self._fs.put_file(str(path), self._at(key), mode=mode)
            except FileExistsError:
                return False
        return True

    def download(self, key: str, path: Path) -> None:
        """Write an object's content to a file; raises FileNotFoundError."""
        with reaching(self.url):
            self._fs.get_file(self._at(key), str(path))

    def changed_at(self, key: str) -> int | None:
        """Return when an object was written, by the service's clock in ns; None if never."""
        with reaching(self.url), contextlib.suppress(FileNotFoundError):
            return int(self._fs.modified(self._at(key)).timestamp() * 1e9)
        return None

    def delete(self, key: str) -> None:
        """Delete what may be there."""
        with reaching(self.url), contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._at(key))

    def listed(self, folder: str) -> dict[str, str]:
        """Return the objects in a folder by name, each with what changes with its content."""
        with reaching(self.url), contextlib.suppress(FileNotFoundError):
            found = self._fs.ls(self._at(folder), detail=True)
            files = (entry for entry in found if entry["type"] == "file")
            return {posixpath.basename(e["name"]): _mark(e) for e in files}
        return {}

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder, in alphabetical order."""
        with reaching(self.url), contextlib.suppress(FileNotFoundError):
            found = self._fs.ls(self._at(folder), detail=True)
            names = [entry["name"].rstrip("/") for entry in found if entry["type"] == "directory"]
            return sorted(posixpath.basename(name) for name in names)
        return []

    def find(self, folder: str) -> list[str]:
        """Return the paths of all objects below a folder, relative to it."""
        start = self._at(folder).rstrip("/") + "/"
        with reaching(self.url), contextlib.suppress(FileNotFoundError):
            return [path.removeprefix(start) for path in self._fs.find(start)]
        return []

    def fetch_all(self, keys: list[str]) -> dict[str, bytes]:
        """Return the contents of small objects, fetched side by side, of those that exist."""
        names = {self._at(key): key for key in keys}
        with reaching(self.url):
            found = self._fs.cat(list(names), on_error="omit") if names else {}
        return {names[path]: data for path, data in found.items()}

    def medium(self, folder: str) -> Medium:
        """Return a folder as a place of leases."""
        if self.protocol in LOCAL:
            return FolderMedium(Path(self._at(folder)))
        return RemoteMedium(self, folder)

    @property
    def _fs(self) -> Any:
        return file_system(self.protocol)

    def _at(self, key: str) -> str:
        return str(self._fs._strip_protocol(f"{self.url.rstrip('/')}/{key}"))

    def _make_folder(self, key: str) -> None:
        if self.protocol in LOCAL:
            self._fs.makedirs(posixpath.dirname(self._at(key)), exist_ok=True)


@dataclass(frozen=True, slots=True)
class RemoteMedium:
    """Leases as objects; whoever creates first has it, as the service decides."""

    remote: Remote
    folder: str

    def create(self, name: str, data: bytes) -> bool:
        """Create what does not exist; returns False where it does."""
        return self.remote.create(f"{self.folder}/{name}", data)

    def put(self, name: str, data: bytes) -> None:
        """Put other content in its place."""
        self.remote.put(f"{self.folder}/{name}", data)

    def get(self, name: str) -> bytes | None:
        """Return the content, None where there is none."""
        return self.remote.get(f"{self.folder}/{name}")

    def marks(self) -> dict[str, str]:
        """Return all names with their ETags."""
        return self.remote.listed(self.folder)

    def delete(self, name: str) -> None:
        """Delete what may be there."""
        self.remote.delete(f"{self.folder}/{name}")


def _mark(entry: dict[str, Any]) -> str:
    """Return what a listing says of an object's content: its ETag, or when it was changed."""
    for name in ("ETag", "etag", "md5Hash", "mtime", "last_modified"):
        if name in entry:
            return f"{entry[name]}/{entry.get('size')}"
    return repr(sorted((key, str(value)) for key, value in entry.items()))


def is_remote(place: str) -> bool:
    """Tell whether a setting names a place by URL."""
    return SEPARATOR in place


def open_remote(url: str, bound: int) -> Remote:
    """Return the place of a URL; raises ConfigError or Unavailable."""
    expanded = os.path.expandvars(url)
    protocol = expanded.partition(SEPARATOR)[0]
    if "$" in expanded:
        raise ConfigError(
            f"runtime.data: {url} names an environment variable that is not set; set it"
        )
    if protocol not in ATOMIC:
        raise ConfigError(
            f"runtime.data: must be a folder or begin with one of {', '.join(ATOMIC)}, whose"
            f" objects can be created exclusively, got {url!r}"
        )
    file_system(protocol)
    return Remote(expanded.rstrip("/"), bound)


@lru_cache
def file_system(protocol: str) -> Any:
    """Return the file system of a protocol, one in a process; raises Unavailable without it."""
    import fsspec  # type: ignore[import-untyped]

    try:
        # What a listing said a moment ago may not be so any more: others write there.
        return fsspec.filesystem(protocol, use_listings_cache=False)
    except ImportError as error:
        raise Unavailable(
            f"runtime.data: {protocol}:// needs a package that is missing ({error}); for S3"
            " install the extra `s3`"
        ) from None


def _errors() -> tuple[type[Exception], ...]:
    """Return what file systems raise when a service can't be reached or fails."""
    import aiohttp

    found: tuple[type[Exception], ...] = (OSError, aiohttp.ClientError)
    with contextlib.suppress(ImportError):
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

        found = (*found, BotoCoreError)
    return found


@contextlib.contextmanager
def reaching(url: str) -> Iterator[None]:
    """Turn errors of a service into ours; what is or isn't there passes through."""
    try:
        yield
    except (FileNotFoundError, FileExistsError):
        raise
    except PermissionError as error:
        raise StoreUnwritable(
            f"{url}: refuses ({error}); check the credentials in the environment, and what they"
            " may do: read, write, list and delete"
        ) from error
    except _errors() as error:
        raise PassingError(
            f"{url}: cannot be reached or fails ({type(error).__name__}: {error}); run again: what"
            " is done stays done"
        ) from error


@contextlib.contextmanager
def there(url: str) -> Iterator[None]:
    """Say what is missing when nothing can be written: a bucket."""
    try:
        yield
    except FileNotFoundError as error:
        raise StoreUnwritable(f"{url}: {error}; create it, or correct runtime.data") from error


def evict(root: Path, bound: int, coming: int) -> None:
    """Delete the copies of the least used shards, so that `coming` more bytes fit the bound.

    Only copies: a shard without its manifest beside it is not in the object store yet.
    """
    found = []
    for path in root.rglob("part-*.json"):
        rows = path.with_suffix(".parquet")
        with contextlib.suppress(FileNotFoundError):
            stat = rows.stat()
            found.append((stat.st_mtime_ns, stat.st_size, path, rows))
    total = coming + sum(size for _, size, _, _ in found)
    for _, size, manifest, rows in sorted(found):
        if total <= bound:
            return
        manifest.unlink(missing_ok=True)
        rows.unlink(missing_ok=True)
        total -= size


@dataclass(slots=True)
class Listing:
    """The manifests of one table as they were at a moment, by shard's name."""

    looked: float
    marks: dict[str, str]
    texts: dict[str, bytes]


_LISTINGS: dict[tuple[str, str], Listing] = {}


def manifests(remote: Remote, table: str) -> dict[str, bytes]:
    """Return the manifests of a table by name, at most LISTED_S old; only new ones are fetched.

    One without its rows counts as none: a worker that was paused may have deleted those alone.
    """
    known = _LISTINGS.get((remote.url, table))
    if known and time.monotonic() - known.looked < LISTED_S:
        return known.texts
    looked = time.monotonic()
    found = remote.listed(table)
    whole = (name for name in found if name.endswith(".json"))
    marks = {n: found[n] for n in whole if n.replace(".json", ".parquet") in found}
    same = {n for n in marks if known and known.marks.get(n) == marks[n] and n in known.texts}
    fresh = remote.fetch_all([f"{table}/{name}" for name in marks if name not in same])
    texts = {name: known.texts[name] for name in same} if known else {}
    texts |= {posixpath.basename(key): data for key, data in fresh.items()}
    _LISTINGS[remote.url, table] = Listing(looked, marks, texts)
    return texts


def look_again(remote: Remote, table: str) -> None:
    """Make the next look at a table's manifests a fresh one."""
    if known := _LISTINGS.get((remote.url, table)):
        known.looked = float("-inf")
