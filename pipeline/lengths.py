"""Lengths in tokens, summed up: mean, quantiles, and bars of which each is twice the one before.

lengths({40: 3, 900: 1, None: 2})      Lengths(counted=4, unknown=2, mean=255.0, median=40, …)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

TOKEN_EDGES = tuple(2**power for power in range(4, 17))  # 16 … 65,536: one bar each doubling


@dataclass(frozen=True, slots=True)
class Bar:
    """Rows whose length lies in low ≤ tokens < high."""

    low: int
    high: int
    rows: int


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths in tokens of `counted` rows; `unknown` rows have no count."""

    counted: int
    unknown: int
    mean: float
    median: int
    p95: int
    longest: int
    bars: tuple[Bar, ...]

    def below(self, tokens: int) -> int:
        """Return how many rows are shorter than so many tokens, an edge of the bars."""
        return sum(bar.rows for bar in self.bars if bar.high <= tokens)


def lengths(counts: Mapping[int | None, int]) -> Lengths:
    """Summarise lengths that are given as {tokens: rows}; quantiles are exact."""
    known = sorted((tokens, n) for tokens, n in counts.items() if tokens is not None)
    counted = sum(n for _, n in known)
    unknown = sum(n for tokens, n in counts.items() if tokens is None)
    if not counted:
        return Lengths(0, unknown, 0.0, 0, 0, 0, ())
    mean = round(sum(tokens * n for tokens, n in known) / counted, 1)
    median, p95 = _quantile(known, counted, 0.5), _quantile(known, counted, 0.95)
    return Lengths(counted, unknown, mean, median, p95, known[-1][0], _bars(known))


def _quantile(known: list[tuple[int, int]], counted: int, share: float) -> int:
    """Return the shortest length that at least `share` of the rows do not pass."""
    seen = 0
    for tokens, n in known:
        seen += n
        if seen >= share * counted:
            return tokens
    return known[-1][0]


def _bars(known: list[tuple[int, int]]) -> tuple[Bar, ...]:
    edges = [0, *TOKEN_EDGES]
    while edges[-1] <= known[-1][0]:
        edges.append(2 * edges[-1])
    bars = [
        Bar(low, high, sum(n for tokens, n in known if low <= tokens < high))
        for low, high in pairwise(edges)
    ]
    filled = [place for place, bar in enumerate(bars) if bar.rows]
    return tuple(bars[filled[0] : filled[-1] + 1])
