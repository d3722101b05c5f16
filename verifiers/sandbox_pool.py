"""Keeps zygotes warm for several workers.

::

    with zygotes.lease(["numpy"]) as zygote:     # one that nobody else uses meanwhile
        zygote.start(…)

Solution and tests take turns, so both of a zygote's children run on one processor, the one with
the fewest leases: waking somebody on another one costs more than what a call does there.

A zygote that was lost is thrown away, one that has started `recycle_after` children too, and
so is the one that lay idle longest where there are more than anybody needs.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from verifiers.sandbox import Sandbox
from verifiers.sandbox_child import ZygoteLost
from verifiers.sandbox_zygote import Zygote

# A zygote does not grow: 2,500 children were forked without a page more. This bounds what
# nobody has thought of; its start, 0.2 s, is spread over so many programs.
RECYCLE_AFTER = 2_000


class Zygotes:
    """Zygotes of one sandbox; `workers` is how many are used at once at most."""

    def __init__(self, sandbox: Sandbox, workers: int, recycle_after: int = RECYCLE_AFTER) -> None:
        self._sandbox, self._recycle_after = sandbox, recycle_after
        self._most = 2 * workers  # one with packages and one without for each
        self._cpus = Counter(dict.fromkeys(sorted(os.sched_getaffinity(0)), 0))  # leases of each
        self._lock = threading.Lock()
        self._idle: list[tuple[tuple[str, ...], Zygote]] = []
        self._closed = False

    @contextmanager
    def lease(self, preload: Sequence[str]) -> Iterator[Zygote]:
        """Lend a zygote that has some modules loaded; raises ZygoteLost where none starts."""
        wanted = tuple(preload)
        zygote = self._take(wanted) or self._sandbox.launch(wanted)
        with self._lock:
            cpu = min(self._cpus, key=self._cpus.__getitem__)
            self._cpus[cpu] += 1
        usable = True
        try:
            zygote.run_on(cpu)
            yield zygote
        except ZygoteLost:
            usable = False  # it may not know yet
            raise
        finally:
            self._give_back(wanted, zygote, usable)
            with self._lock:
                self._cpus[cpu] -= 1

    def _take(self, wanted: tuple[str, ...]) -> Zygote | None:
        """Return the one that was used last; those that died meanwhile are thrown away."""
        while (zygote := self._pop(wanted)) is not None and not zygote.is_free:
            zygote.close()
        return zygote

    def _pop(self, wanted: tuple[str, ...]) -> Zygote | None:
        with self._lock:
            for place in reversed(range(len(self._idle))):
                if self._idle[place][0] == wanted:
                    return self._idle.pop(place)[1]
        return None

    def _give_back(self, wanted: tuple[str, ...], zygote: Zygote, usable: bool) -> None:
        done: list[Zygote] = [zygote]
        usable = usable and zygote.is_free and zygote.started < self._recycle_after
        with self._lock:
            if usable and not self._closed:
                self._idle.append((wanted, zygote))
                done = [self._idle.pop(0)[1]] if len(self._idle) > self._most else []
        for one in done:
            one.close()

    def close(self) -> None:
        """End the idle ones now, and those on lease when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for _, zygote in idle:
            zygote.close()
