"""Finds how many requests a server can take at once, by trying.

What it is told of a server with room for 200, a window after another::

    limit 32, 960 characters/s       → 64     the first windows double
    limit 64, 1,910 characters/s     → 128
    limit 128, 3,800 characters/s    → 256
    limit 256, 5,900 characters/s    → 256    a gain, but not one of that size: wait once more
    limit 256, 5,950 characters/s    → 128    no gain: back to where there was one
    …                                → 141    now and then a tenth more, kept if it brings more

Failures that mean "too much" (429, 5xx, silence) take a part away when they are more than a
tenth of what ended since the window began, and a full cache does; once only for what was in
flight then. A few among many successes do not: cut for each of them, the limit went to 1 where
6 of 100 requests failed by chance. After a cut it comes back in a few windows.

Nothing here knows HTTP; times are in seconds of a monotonic clock. That throughput also varies
by itself makes this a hunt near the best, not a proof of it.
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
    cut: float = 0.7  # what is left after failures
    burst: int = 3  # so many failures are not chance yet
    share: float = 0.1  # of failures in what ended, from which there are too many
    comeback: float = 1.25  # growth after a cut, up to where it was
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
        self._cut_from = 0.0
        self._well = self._ill = 0  # what ended in this window

    @property
    def room(self) -> int:
        """How many requests may be in flight."""
        return max(1, int(self.value))

    def set_most(self, most: int) -> None:
        """Change the bound, when the configuration changes."""
        self.most = most
        self.value = min(self.value, float(most))

    def succeeded(self) -> None:
        """Note a request that ended well."""
        self._well += 1

    def failed(self, now: float, sent_at: float) -> None:
        """Note a failure that means too much; take a part away when there are many of them."""
        if sent_at <= self._cut_at:
            return
        self._ill += 1
        if self._ill >= self.hunt.burst and self._ill > self.hunt.share * (self._well + self._ill):
            self.too_much(now, sent_at)

    def too_much(self, now: float, sent_at: float, floor: float = 1.0) -> None:
        """Take a part away, unless that was done after the failed request had been sent.

        `floor` requests are known to fit.
        """
        if sent_at <= self._cut_at:
            return
        self._cut_at, self._cut_from = now, max(self._cut_from, self.value)
        self._well = self._ill = 0
        self.value = min(self.value, max(floor, 1.0, self.value * self.hunt.cut))
        self._settle()

    def window(
        self, rate: float, *, needed: bool, full: bool, now: float, floor: float = 1.0
    ) -> None:
        """Note a window's throughput, in any unit; `needed` if more requests were to be sent.

        `full` must tell of a server in which no more are in flight than the limit allows: what
        is still to drain after a cut says nothing about the cut.
        """
        self._well = self._ill = 0
        if full:
            self.too_much(now, now, floor)
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
        if self.value * self.hunt.comeback < self._cut_from:
            self.value *= self.hunt.comeback
            return
        self._cut_from = 0.0
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
