"""Leases: who of several workers does what, so that nothing is done twice.

    data/set/1/.leases/embed-00003.1     {"owner": "box:4711:9f2c", "beat": 12}

A lease is a file or object that only one worker can create; its number rises by one whenever
it is taken over from a worker that has fallen silent, and whoever holds a lower number is out.
The holder changes the content now and then. That it has stopped is known by looking twice, by
the clock of the one who looks: clocks of two machines are never compared.

A worker may be paused for longer than its lease lasts and then go on, so that a lease alone
prevents nothing: `check` is asked just before something is sealed, and sealing is exclusive.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from pipeline.errors import LeaseLost, PassingError

FOLDER = ".leases"
BEATS = 4  # in the time after which a lease counts as left (guess: three may get lost)


class Medium(Protocol):
    """Where leases lie; `create` is exclusive among all machines that see the place."""

    def create(self, name: str, data: bytes) -> bool:
        """Create what does not exist; returns False where it does."""

    def put(self, name: str, data: bytes) -> None:
        """Put other content in its place."""

    def get(self, name: str) -> bytes | None:
        """Return the content, None where there is none."""

    def marks(self) -> dict[str, str]:
        """Return all names, each with something that changes with the content."""

    def delete(self, name: str) -> None:
        """Delete what may be there."""


@dataclass(frozen=True, slots=True)
class FolderMedium:
    """Files in a folder, on a local or a network file system."""

    folder: Path

    def create(self, name: str, data: bytes) -> bool:
        """Create a file by a hard link, which is exclusive on NFS of every version."""
        self.folder.mkdir(parents=True, exist_ok=True)
        unlinked = self._written(data)
        try:
            os.link(unlinked, self.folder / name)
        except FileExistsError:
            # The answer of an NFS server may have got lost, and the question been sent twice.
            return unlinked.stat().st_nlink == 2
        finally:
            unlinked.unlink()
        return True

    def put(self, name: str, data: bytes) -> None:
        """Replace a file."""
        self._written(data).replace(self.folder / name)

    def get(self, name: str) -> bytes | None:
        """Return a file's content."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def marks(self) -> dict[str, str]:
        """Return the contents themselves: NFS keeps what `stat` says for up to a minute."""
        names = [path.name for path in self.folder.glob("[!.]*")]
        found = {name: self.get(name) for name in names}
        return {name: data.decode() for name, data in found.items() if data is not None}

    def delete(self, name: str) -> None:
        """Delete a file."""
        (self.folder / name).unlink(missing_ok=True)

    def _written(self, data: bytes) -> Path:
        path = self.folder / f".{secrets.token_hex(8)}.tmp"
        path.write_bytes(data)
        return path


@dataclass(frozen=True, slots=True)
class Lease:
    """What one worker holds; may be sent to its processes."""

    medium: Medium
    work: str
    number: int
    owner: str

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.work}.{self.number}"

    @property
    def held(self) -> bool:
        """Whether it is still this worker's."""
        later = [name for name in self.medium.marks() if _number(name, self.work) > self.number]
        data = self.medium.get(self.name)
        return not later and data is not None and json.loads(data)["owner"] == self.owner

    def check(self) -> None:
        """Raise LeaseLost where another worker has taken over."""
        if not self.held:
            raise LeaseLost(
                f"{self.work}: another worker took it over, since this one was silent for too"
                " long; what it makes of it stands"
            )

    def body(self, beat: int) -> bytes:
        """Return the content at the nth heartbeat."""
        return json.dumps({"owner": self.owner, "beat": beat}).encode()


def _number(name: str, work: str) -> int:
    """Return the number of a lease's file, 0 where it is of other work."""
    of, _, number = name.rpartition(".")
    return int(number) if of == work and number.isdigit() else 0


def owner_name() -> str:
    """Return a name that no other worker has, and that tells people which it is."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(slots=True)
class Leases:
    """The leases of one worker, renewed by a thread while the block runs.

    `expiry_s` is how long another's lease must not have changed to count as left.
    """

    medium: Medium
    expiry_s: float
    owner: str = field(default_factory=owner_name)
    _held: dict[str, Lease] = field(default_factory=dict)
    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)
    _end: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join()
        for lease in list(self._held.values()):
            self.release(lease)

    def take(self, work: str) -> Lease | None:
        """Take hold of some work; returns None where another worker has it."""
        before = {n: mark for n, mark in self.medium.marks().items() if _number(n, work)}
        last = max((_number(name, work) for name in before), default=0)
        if last and self._alive(f"{work}.{last}", before[f"{work}.{last}"]):
            return None
        lease = Lease(self.medium, work, last + 1, self.owner)
        # An answer that got lost makes a client ask again, and then it finds its own lease.
        if not self.medium.create(lease.name, lease.body(0)) and not lease.held:
            return None
        for name in before:
            self.medium.delete(name)
        with self._lock:
            self._held[lease.name] = lease
        return lease

    def take_over(self, work: str) -> Lease | None:
        """Take hold of some work, waiting to see whether the one who has it is still there.

        Returns None where it is.
        """
        lease = self.take(work)
        return lease if lease or self.really_busy(work) else self.take(work)

    def really_busy(self, kind: str) -> list[str]:
        """Return work whose name begins so and that some worker is seen at.

        Where there is any, waits until its lease has changed or has expired.
        """
        first = self._of_kind(kind)
        while now := self._of_kind(kind):
            moved = {name for name, mark in now.items() if first.get(name) != mark}
            if moved or not any(self._alive(name, mark) for name, mark in now.items()):
                return sorted(name.rpartition(".")[0] for name in moved)
            time.sleep(self.expiry_s / BEATS / 2)
        return []

    def _of_kind(self, kind: str) -> dict[str, str]:
        return {n: mark for n, mark in self.medium.marks().items() if n.startswith(kind)}

    def busy(self) -> set[str]:
        """Return the work that some worker is at, as far as one look can tell."""
        marks = self.medium.marks()
        return {name.rpartition(".")[0] for name, mark in marks.items() if self._alive(name, mark)}

    def release(self, lease: Lease) -> None:
        """Give some work back, done or not."""
        with self._lock:
            self._held.pop(lease.name, None)
            if lease.held:
                self.medium.delete(lease.name)

    @contextlib.contextmanager
    def taken(self, work: str) -> Iterator[Lease | None]:
        """Hold some work while the block runs; gives None where another worker has it."""
        lease = self.take(work)
        try:
            yield lease
        finally:
            if lease is not None:
                self.release(lease)

    @contextlib.contextmanager
    def waited_for(self, work: str, poll_s: float) -> Iterator[Lease]:
        """Hold some work while the block runs, and wait until that is possible."""
        while (lease := self.take(work)) is None:
            time.sleep(poll_s)
        try:
            yield lease
        finally:
            self.release(lease)

    def _alive(self, name: str, mark: str) -> bool:
        now = time.monotonic()
        if self._seen.get(name, ("", 0.0))[0] != mark:
            self._seen[name] = (mark, now)
        return now - self._seen[name][1] < self.expiry_s

    def _renew(self) -> None:
        beat = 0
        while not self._end.wait(self.expiry_s / BEATS):
            beat += 1
            for lease in list(self._held.values()):
                # A place that can't be reached for a moment: the next beat tries again, and
                # whoever has lost the lease by then is told when it comes to seal.
                with contextlib.suppress(OSError, PassingError), self._lock:
                    if lease.name in self._held and lease.held:
                        self.medium.put(lease.name, lease.body(beat))
