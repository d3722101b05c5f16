"""Finds how many requests a server can take at once, by trying.

What it is told of a server with room for 200, a window after another::

    limit 32, 960 characters/s       → 64     the first windows double
    limit 64, 1,910 characters/s     → 128
    limit 128, 3,800 characters/s    → 256
    limit 256, 5,900 characters/s    → 256    a gain, but not one of that size: wait once more
    limit 256, 5,950 characters/s    → 128    no gain: back to where there was one
    …                                → 141    now and then a tenth more, kept if it brings more

A failure that means "too much" (429, 5xx, silence, a full cache) takes a part away at once,
and once only for what was in flight then. Nothing here knows HTTP; times are in seconds of a
monotonic clock. That throughput also varies by itself makes this a hunt near the best, not
a proof of it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hunt:
    """How a limit is found; all guesses, but for `window_s`, longer than R1's first token takes."""

    window_s: float = 5.0
    doubling: float = 2.0  # the first windows' growth
    step: float = 1.1  # later ones'
    worth: float = 0.3  # of the growth in requests, the growth in throughput that justifies it
    cut: float = 0.7  # what is left after a failure
    rest_windows: int = 6  # between two tries
    fullest: float = 0.92  # of a KV cache; vLLM evicts requests when it is full
    queue: float = 0.1  # requests that may wait in the server, as a share of the running ones


class Limit:
    """The most requests that may be in flight at one server now: `int(value)`, 1 or more."""

    def __init__(self, start: int, most: int, hunt: Hunt) -> None:
        self.hunt = hunt
        self.most = most
        self.value = float(min(start, most))
        self._doubling = True
        self._before: tuple[float, float] | None = None  # limit and rate before the last growth
        self._doubts = 0
        self._resting = 0
        self._cut_at = float("-inf")

    @property
    def room(self) -> int:
        """How many requests may be in flight."""
        return max(1, int(self.value))

    def set_most(self, most: int) -> None:
        """Change the bound, when the configuration changes."""
        self.most = most
        self.value = min(self.value, float(most))

    def too_much(self, now: float, sent_at: float) -> None:
        """Take a part away, unless that was done after the failed request had been sent."""
        if sent_at <= self._cut_at:
            return
        self._cut_at = now
        self.value = max(1.0, self.value * self.hunt.cut)
        self._settle()

    def window(self, rate: float, *, needed: bool, full: bool, now: float) -> None:
        """Note a window's throughput, in any unit; `needed` if more requests were to be sent."""
        if full:
            self.too_much(now, now)
        elif needed and rate > 0:  # before the first text there is nothing to go by
            self._judge(rate)
            if self._before is None:
                self._grow(rate)

    def _judge(self, rate: float) -> None:
        """Decide whether the last growth was worth it; undecided, `_before` stays."""
        if self._before is None:
            return
        limit, rate_before = self._before
        wanted = 1.0 + self.hunt.worth * (self.value / limit - 1.0)
        if rate >= rate_before * wanted:
            self._before, self._doubts = None, 0
            return
        self._doubts += 1
        if self._doubts > 1:  # its answers may begin only in the next window
            self.value = limit
            self._settle()

    def _grow(self, rate: float) -> None:
        if self._resting > 0:
            self._resting -= 1
            return
        grown = self.value * (self.hunt.doubling if self._doubling else self.hunt.step)
        grown = min(float(self.most), max(grown, self.value + 1))
        if grown > self.value:
            self._before, self._doubts = (self.value, rate), 0
            self.value = grown
            if not self._doubling:
                self._resting = self.hunt.rest_windows

    def _settle(self) -> None:
        self._doubling = False
        self._before, self._doubts = None, 0
        self._resting = self.hunt.rest_windows
