"""Measures what single tests cost a program that goes on running: the kernel's word, not its own.

``meter.lap()`` after each test gives, say, ``{"cpu_ms": 3}``, the CPU time of all threads since
the last lap; ``meter.peak()`` in the end ``{"mb": 14}``, the most memory that was ever resident.
Both are of the first process of a sandboxed child; what it started is not counted here. A lap
takes 2 µs and a peak 20.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from verifiers.sandbox_child import Child


class Meter:
    """The consumption of one child."""

    def __init__(self, child: Child) -> None:
        self._pid = child.pid
        # linux/posix-timers.h: the CPU clock of a whole process, by its number.
        self._clock = ~self._pid << 3 | 2
        self._cpu = 0.0
        self._cpu = self.seconds()

    def start(self) -> None:
        """Begin a lap here: what was spent since the last one is nobody's."""
        self._cpu = self.seconds()

    def lap(self) -> dict[str, int]:
        """Return CPU milliseconds since the lap began."""
        before, self._cpu = self._cpu, self.seconds()
        return {"cpu_ms": round((self._cpu - before) * 1000)}

    def seconds(self) -> float:
        """Return its CPU time; the clock is there until the zygote has taken note of its end."""
        with contextlib.suppress(OSError):
            if self._pid:
                return time.clock_gettime(self._clock)
        return self._cpu

    def peak(self) -> dict[str, int]:
        """Return the peak of its memory in MiB; nothing where it has ended by itself."""
        try:
            text = Path(f"/proc/{self._pid}/status").read_text()
        except OSError:
            return {}
        _, found, rest = text.partition("VmHWM:")
        return {"mb": int(rest.split(None, 1)[0]) // 1024} if found else {}
