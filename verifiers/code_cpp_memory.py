"""Programs that were compiled: what there is of one, and those that are remembered.

::

    built = memory.get(key, lambda: compile_it())     # what stands under a key, or is made now

A program lies in a file in memory (`memfd_create`), sealed when it is whole: nobody can change it
between one test and the next. It goes away when nobody holds it any more.
"""

from __future__ import annotations

import fcntl
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

# Some 80 programs, which are 1.7 MiB each since the libraries are in them; a guess.
KEPT_BYTES = 128 * 1024 * 1024
Builder = Callable[[], "Built"]


class MemoryFile:
    """A descriptor of a file in memory, which is gone when nobody holds it any more."""

    def __init__(self) -> None:
        self.fd = os.memfd_create("program", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        weakref.finalize(self, os.close, self.fd)

    def seal(self) -> None:
        """Let nobody change it any more."""
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, seals)


@dataclass(frozen=True, slots=True)
class Built:
    """A program in a memory file, which takes so much memory at its start, or why there is none.

    `cpu_ms` is what compiling it took.
    """

    file: MemoryFile | None = None
    size: int = 0
    memory_mb: int = 0
    error: str = ""
    cpu_ms: int = 0


class Memory:
    """Programs that were compiled, those asked for last; several threads may ask."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self._most, self._lock = most, threading.Lock()
        self._kept: OrderedDict[bytes, Future[Built]] = OrderedDict()

    def get(self, key: bytes, build: Builder) -> Built:
        """Return what stands under a key, built by the first who asks; raises what that raises."""
        with self._lock:
            known = self._kept.get(key)
            mine: Future[Built] = Future() if known is None else known
            self._kept[key] = mine
            self._kept.move_to_end(key)
        if known is None:
            self._fill(key, mine, build)
        return mine.result()

    def _fill(self, key: bytes, place: Future[Built], build: Builder) -> None:
        try:
            place.set_result(build())
        except BaseException as error:
            with self._lock:
                self._kept.pop(key, None)
            place.set_exception(error)
            raise
        self._shrink()

    def _shrink(self) -> None:
        """Forget programs that were not asked for lately."""
        with self._lock:
            done = [(k, f.result()) for k, f in self._kept.items() if f.done()]
            total = sum(built.size for _, built in done)
            for key, built in done[:-1]:
                if total <= self._most:
                    break
                total -= built.size
                del self._kept[key]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
