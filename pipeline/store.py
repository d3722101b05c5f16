"""Tables on disk: Parquet shards, each with a manifest that says what it is made from.

    data/quickstart/1/questions/part-00002.parquet
    data/quickstart/1/questions/part-00002.json      rows, counts, hashes, recipe, seconds

A shard exists when its manifest does; both are written to a temporary name, flushed and
renamed, the manifest last, so that a kill at any moment leaves a whole shard or none.
The store knows nothing of what the tables mean.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import FULL, CorruptShard, VersionBusy, unwritable
from pipeline.fences import retire, take_place, temporary_name
from pipeline.leases import FOLDER as LEASES
from pipeline.leases import FolderMedium, Lease, Medium
from pipeline.records import content_hash

UNWRITABLE = {
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.EEXIST,
} | FULL
ROW_GROUP_BYTES = 64 << 20  # well below the 100 MB that viewers read at once


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a shard is: `inputs` and `output` are sha256 of files, `recipe` what made it."""

    table: str
    shard: int
    rows: int
    counts: dict[str, int]
    inputs: dict[str, str]
    output: str
    fingerprint: str
    recipe: dict[str, Any]
    code: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Origin:
    """What a shard is made from: the recipe's fields that matter, and its input files."""

    recipe: Mapping[str, Any]
    inputs: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """The hash of the recipe's fields."""
        return content_hash(dict(self.recipe))


@dataclass(frozen=True, slots=True)
class Store:
    """The tables of one version of one dataset, all cut into the same number of shards."""

    root: Path
    name: str
    version: str
    shards: int
    fence: Lease | None = None  # that must still be held when something is sealed

    @property
    def folder(self) -> Path:
        """Where the version lies."""
        return self.root / self.name / self.version

    @property
    def staging(self) -> Path:
        """Where stages keep files that are no tables; may be deleted between runs.

        Under a lease it is a folder of its own: a worker that was taken over from may still write.
        """
        mine = f"{self.fence.name}-{self.fence.owner}" if self.fence else ""
        return self.folder / ".staging" / mine

    def medium(self) -> Medium:
        """Return where the leases of those lie who share the version."""
        return FolderMedium(self.folder / LEASES)

    def path(self, table: str, shard: int) -> Path:
        """Return where a shard's Parquet file is or will be."""
        return self.folder / table / f"part-{shard:05d}.parquet"

    def manifest(self, table: str, shard: int) -> Manifest | None:
        """Return a shard's manifest, or None where the shard does not exist.

        Without its rows it doesn't: a worker killed in the middle of `retire` may leave that.
        """
        rows = self.path(table, shard)
        path = rows.with_suffix(".json")
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        return as_manifest(str(path), text) if rows.exists() else None

    def look_again(self, table: str) -> None:
        """Make the next look at a table a fresh one; on a file system each is."""

    def tables(self) -> list[str]:
        """Return the names of all tables that have a shard, in alphabetical order."""
        folders = {path.parent for path in self.folder.rglob("part-*.json")}
        return sorted(str(folder.relative_to(self.folder)) for folder in folders)

    def rounds(self, table: str) -> list[int]:
        """Return the rounds that a table (`responses`, `verdicts`) has, in order."""
        folders = (self.folder / table).glob("round=*")
        return sorted(int(folder.name.removeprefix("round=")) for folder in folders)

    def versions(self) -> list[str]:
        """Return the versions of this dataset, in alphabetical order."""
        return sorted(path.name for path in (self.root / self.name).iterdir() if path.is_dir())

    def changed_at(self, table: str, shard: int) -> int | None:
        """Return when a shard was written, as its manifest's place says, in ns; None if never."""
        try:
            return self.path(table, shard).with_suffix(".json").stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def complete(self, table: str) -> bool:
        """Tell whether every shard of a table exists."""
        return all(self.manifest(table, shard) for shard in range(self.shards))

    def read(self, table: str, shard: int, columns: list[str] | None = None) -> pa.Table:
        """Return a shard; raises CorruptShard where it is missing or cannot be read."""
        path = self.path(table, shard)
        try:
            with self.opened(table, shard) as file:
                return pq.ParquetFile(file).read(columns=columns)
        except FileNotFoundError:
            raise CorruptShard(f"{path}: is missing; run again to build it") from None
        except (pa.ArrowInvalid, pa.ArrowIOError, OSError) as error:
            raise CorruptShard(
                f"{path}: cannot be read ({error}); delete it with its .json and run again"
            ) from None

    @contextlib.contextmanager
    def opened(self, table: str, shard: int) -> Iterator[IO[bytes]]:
        """Open a shard's file; raises FileNotFoundError."""
        with self.path(table, shard).open("rb") as file:
            yield file

    def write(
        self,
        table: str,
        shard: int,
        rows: pa.Table,
        origin: Origin,
        counts: Mapping[str, int],
        seconds: float,
    ) -> Manifest:
        """Write a shard and then its manifest; raises StoreUnwritable.

        Raises LeaseLost where another worker took over: what is there then is not touched.
        """
        return self.write_parts(table, shard, rows.schema, [rows], origin, counts, seconds)

    def write_parts(
        self,
        table: str,
        shard: int,
        schema: pa.Schema,
        parts: Iterable[pa.Table],
        origin: Origin,
        counts: Mapping[str, int],
        seconds: float,
    ) -> Manifest:
        """Write a shard as `write` does, part by part: only one is in memory at a time.

        The counts are read when all parts have been taken.
        """
        path = self.path(table, shard)
        with writing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._make_room(path)
            with replacing(path, self._fence_here) as file:
                how = {"compression": "zstd", **vector_encoding(schema)}
                written = 0
                with pq.ParquetWriter(file, schema, **how) as writer:
                    for part in parts:
                        writer.write_table(part, row_group_size=group_rows(part))
                        written += part.num_rows
            manifest = Manifest(
                table=table,
                shard=shard,
                rows=written,
                counts=dict(sorted(counts.items())),
                inputs=dict(origin.inputs),
                output=sha256(path),
                fingerprint=origin.fingerprint,
                recipe=dict(origin.recipe),
                code=code_version(),
                seconds=round(seconds, 3),
            )
            text = json.dumps(asdict(manifest), ensure_ascii=False).encode()
            self._seal(path, manifest, text)
        return manifest

    @property
    def _fence_here(self) -> Lease | None:
        """What must hold when a file takes its place on this file system."""
        return self.fence

    def _seal(self, path: Path, manifest: Manifest, text: bytes) -> None:
        """Write the manifest, with which the shard exists."""
        with replacing(path.with_suffix(".json"), self.fence) as file:
            file.write(text)

    def _make_room(self, path: Path) -> None:
        """Delete an outdated shard's manifest, and its rows where the new ones can't replace them.

        Under a lease, what is sealed must not be there: of two who think that they hold it the
        first one wins.
        """
        manifest = path.with_suffix(".json")
        if self.fence is None:
            manifest.unlink(missing_ok=True)
        else:
            retire(manifest, self.fence)
            retire(path, self.fence)

    def forget(self, table: str) -> None:
        """Delete a table's manifests, so that it is built again; its rows stay until then."""
        for path in (self.folder / table).glob("part-*.json"):
            path.unlink()

    @contextlib.contextmanager
    def locked(self, share: bool = False) -> Iterator[None]:
        """Hold the version for one run, or for one of those that share it.

        Raises VersionBusy where another run holds it, and shares it or not as this one doesn't.
        """
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("a+")
        with lock:
            try:
                fcntl.flock(lock, (fcntl.LOCK_SH if share else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise VersionBusy(
                    f"{self.name} {self.version}: another run holds this version"
                    f" (process {lock.read().strip() or 'unknown'}); wait for it, or build"
                    " another one with --version; --share lets runs work together that all have it"
                ) from None
            lock.truncate(0)
            lock.write(f"{os.getpid()}, shared" if share else str(os.getpid()))
            lock.flush()
            if not share:
                self._sweep()
            yield

    def _sweep(self) -> None:
        """Delete what killed runs left: half-written files, leases, spills under a lease."""
        for path in self.folder.rglob(".*.tmp"):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.folder / LEASES, ignore_errors=True)
        for folder in (self.folder / ".staging").glob("*.*-*:*"):
            shutil.rmtree(folder, ignore_errors=True)


def as_manifest(place: str, text: bytes) -> Manifest:
    """Return the manifest that stands in a file or object; raises CorruptShard."""
    try:
        return Manifest(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise CorruptShard(
            f"{place}: is not a manifest ({error}); delete the file and run again"
        ) from None


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn the errors of a disk that can't be written into StoreUnwritable."""
    try:
        yield
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        raise unwritable(
            error,
            f"{folder}: cannot be written ({error.strerror}); free space, correct its permissions"
            " or name another folder, and run again: what is done stays done",
        ) from error


@contextlib.contextmanager
def replacing(path: Path, fence: Lease | None = None) -> Iterator[IO[bytes]]:
    """Open a temporary file that takes the place of `path` when the block ends well.

    With a fence the place must be empty and the lease held; else LeaseLost is raised.
    """
    temporary = temporary_name(path)
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if fence is None:
            temporary.replace(path)
        else:
            take_place(temporary, path, fence)
        _flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def vector_encoding(schema: pa.Schema) -> dict[str, Any]:
    """Return how columns of vectors are written: byte by byte, without a dictionary.

    Of 384 numbers in float16, that reads five times as fast and takes a tenth less room.
    """
    vectors = [field.name for field in schema if pa.types.is_fixed_size_list(field.type)]
    if not vectors:
        return {}
    return {
        "use_dictionary": [field.name for field in schema if field.name not in vectors],
        "use_byte_stream_split": [f"{name}.list.element" for name in vectors],
    }


def group_rows(rows: pa.Table) -> int:
    """Return how many rows make a row group of about `ROW_GROUP_BYTES`."""
    if rows.num_rows == 0:
        return 1
    each = max(1, rows.nbytes // rows.num_rows)
    return int(min(1 << 20, max(1, ROW_GROUP_BYTES // each)))


def sha256(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def count_by(rows: pa.Table, *columns: str) -> dict[str, int]:
    """Count a table's rows by the values of columns, joined with "/", in alphabetical order."""
    if rows.num_rows == 0:
        return {}
    groups = rows.select(list(columns)).group_by(list(columns)).aggregate([([], "count_all")])
    names = zip(*(groups.column(name).to_pylist() for name in columns), strict=True)
    counts = groups.column("count_all").to_pylist()
    return dict(sorted(("/".join(map(str, n)), c) for n, c in zip(names, counts, strict=True)))


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the commit of this code where it runs from a checkout, else its release."""
    head = Path(__file__).resolve().parent.parent / ".git"
    if head.exists():
        import subprocess

        command = ["git", "-C", str(head.parent), "rev-parse", "HEAD"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("build-dataset")
    except PackageNotFoundError:
        return "unknown"
