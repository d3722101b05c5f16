"""A version whose tables are in an object store: the same shards, read through a copy here.

    s3://bucket/prefix/set/1/questions/part-00002.parquet, then part-00002.json
    scratch/9f2c01d4/set/1/questions/part-00002.parquet     the copy, and what is no table

What is no table (journal, accounts, audit) lies here too and is carried there and back
(pipeline/carried.py).
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import CorruptShard, LeaseLost, VersionBusy
from pipeline.leases import FOLDER as LEASES
from pipeline.leases import Lease, Leases, Medium
from pipeline.remote import Remote, evict, look_again, manifests
from pipeline.store import Manifest, Store, as_manifest, replacing, sha256, writing

VERSION, SHARER = "version", "sharer"  # the leases of a run that is alone, and of one that shares
TRIES = 5  # a copy may be deleted, or its shard be replaced, while it is being opened (guess)


@dataclass(frozen=True, slots=True)
class RemoteStore(Store):
    """The tables of one version; `root` is where copies lie."""

    remote: Remote = field(kw_only=True)
    expiry_s: float = 60.0  # of silence, after which another run's lease counts as left

    @property
    def place(self) -> str:
        """Where the version is, for people."""
        return f"{self.remote.url}/{self.name}/{self.version}"

    def medium(self) -> Medium:
        """Return where the leases of those lie who share the version."""
        return self.remote.medium(self._key(LEASES))

    def manifest(self, table: str, shard: int) -> Manifest | None:
        """Return a shard's manifest, None where the shard does not exist."""
        name = f"part-{shard:05d}.json"
        text = manifests(self.remote, self._key(table)).get(name)
        return None if text is None else as_manifest(f"{self.place}/{table}/{name}", text)

    def look_again(self, table: str) -> None:
        """Make the next look at a table a fresh one."""
        look_again(self.remote, self._key(table))

    def tables(self) -> list[str]:
        """Return the names of all tables that have a shard, in alphabetical order."""
        found = (key.rpartition("/") for key in self.remote.find(self._key("")))
        return sorted({t for t, _, n in found if n.startswith("part-") and n.endswith(".json")})

    def rounds(self, table: str) -> list[int]:
        """Return the rounds that a table has, in order."""
        found = (name.rpartition("round=") for name in self.tables())
        return sorted(int(number) for of, _, number in found if of == f"{table}/")

    def versions(self) -> list[str]:
        """Return the versions of this dataset, in alphabetical order."""
        return self.remote.folders(self.name)

    def forget(self, table: str) -> None:
        """Delete a table's manifests, so that it is built again; its rows stay until then."""
        for name in self.remote.listed(self._key(table)):
            if name.startswith("part-") and name.endswith(".json"):
                self.remote.delete(self._key(f"{table}/{name}"))
        self.look_again(table)

    def changed_at(self, table: str, shard: int) -> int | None:
        """Return when a shard was written, as its manifest's place says, in ns; None if never."""
        return self.remote.changed_at(self._key(f"{table}/part-{shard:05d}.json"))

    @contextlib.contextmanager
    def opened(self, table: str, shard: int) -> Iterator[BinaryIO]:
        """Open a shard's file, fetched where it is not here; raises FileNotFoundError."""
        for left in reversed(range(TRIES)):
            self._fetch(table, shard)
            with contextlib.suppress(FileNotFoundError):
                file = self.path(table, shard).open("rb")
                break
            if not left:
                raise CorruptShard(
                    f"{self.path(table, shard)}: its copy keeps being deleted; raise"
                    " runtime.scratch_gb"
                )
        with file:
            yield file

    @contextlib.contextmanager
    def locked(self, share: bool = False) -> Iterator[None]:
        """Hold the version for one run, or for one of those that share it.

        Each shows itself first and looks for others then, so that of two who come at once neither
        may get it, and never both. Raises VersionBusy.
        """
        with Leases(self.medium(), self.expiry_s) as leases:
            mine = f"{SHARER}-{leases.owner}" if share else VERSION
            lease = leases.take_over(mine)
            others = leases.really_busy(SHARER if mine == VERSION else VERSION)
            if lease is None or others:
                raise VersionBusy(
                    f"{self.place}: another run holds this version ({', '.join(others) or mine});"
                    " wait for it, or build another one with --version; --share lets runs work"
                    " together that all have it"
                )
            if not share:
                for name in set(self.medium().marks()) - {lease.name}:
                    self.medium().delete(name)  # of killed runs
            yield

    @property
    def _fence_here(self) -> Lease | None:
        """The copy needs no fence: it is checked against the manifest whenever it is read."""
        return None

    def _fetch(self, table: str, shard: int) -> None:
        """Make sure that the copy of a shard is the one that its manifest means."""
        path = self.path(table, shard)
        for _ in range(TRIES):
            manifest = self.manifest(table, shard) or self._manifest_now(table, shard)
            if manifest is None:
                raise FileNotFoundError(f"{self.place}/{table}: has no shard {shard}")
            if self._here(path) == manifest.output:
                with contextlib.suppress(FileNotFoundError):
                    os.utime(path)  # the least used copies are deleted first
                return
            with writing(path.parent):
                self._download(path, manifest)
            self.look_again(table)
        raise CorruptShard(
            f"{self.place}/{table}/{path.name}: is not what its manifest says (sha256); delete"
            " both and run again"
        )

    def _manifest_now(self, table: str, shard: int) -> Manifest | None:
        self.look_again(table)
        return self.manifest(table, shard)

    def _here(self, path: Path) -> str | None:
        """Return the sha256 of a copy, as was found when it was made; None where there is none."""
        try:
            known = json.loads(path.with_suffix(".json").read_bytes())["output"]
        except FileNotFoundError:
            return None
        return str(known) if path.exists() else None

    def _download(self, path: Path, manifest: Manifest) -> None:
        """Fetch a shard; what turns out to be something else is thrown away."""
        key = self._key(f"{manifest.table}/{path.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError), replacing(path) as file:
            self.remote.download(key, Path(file.name))
        if path.exists() and sha256(path) == manifest.output:
            evict(self.root, self.remote.bound, path.stat().st_size)
            self._note(path, json.dumps(asdict(manifest)).encode())

    def _note(self, path: Path, manifest: bytes) -> None:
        with replacing(path.with_suffix(".json")) as file:
            file.write(manifest)

    def _make_room(self, path: Path) -> None:
        """Forget the copy of an outdated shard."""
        path.with_suffix(".json").unlink(missing_ok=True)

    def _seal(self, path: Path, manifest: Manifest, text: bytes) -> None:
        """Upload a shard's rows, then its manifest; raises LeaseLost."""
        rows = self._key(f"{manifest.table}/{path.name}")
        self._clear(rows)
        fenced = self.fence is not None
        if not self.remote.upload(rows, path, exclusive=fenced):
            self._check_same(rows, manifest.output)
        if self.fence is not None:
            self.fence.check()
        key = rows.replace(".parquet", ".json")
        if not fenced:
            self.remote.put(key, text)
        elif not self.remote.create(key, text) and self.remote.get(key) != text:
            raise LeaseLost(f"{key}: another worker has written it; what it wrote stands")
        self.look_again(manifest.table)
        evict(self.root, self.remote.bound, path.stat().st_size)
        self._note(path, text)

    def _clear(self, rows: str) -> None:
        """Delete an outdated shard's manifest, and its rows where they must not be replaced."""
        if self.fence is not None:
            self.fence.check()
        self.remote.delete(rows.replace(".parquet", ".json"))
        if self.fence is not None:
            self.remote.delete(rows)

    def _check_same(self, key: str, output: str) -> None:
        """Accept rows that are there already if they are the same; raises LeaseLost otherwise.

        They are this worker's own where an answer got lost and the client asked again.
        """
        place = self.root / f".{key.replace('/', '-')}"
        with replacing(place) as file:
            self.remote.download(key, Path(file.name))
            same = sha256(Path(file.name)) == output
        place.unlink()
        if not same:
            raise LeaseLost(f"{key}: another worker has written it; what it wrote stands")

    def _key(self, name: str) -> str:
        return f"{self.name}/{self.version}/{name}"
