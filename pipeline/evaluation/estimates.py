"""Means with their standard errors, and pass@k.

    mean_of([1.0, 0.5, 0.0, 0.5])      Estimate(value=0.5, error=0.204…, of=4)

The error is that of a mean over questions: the questions of a benchmark are taken for a
sample of all that could have been asked, and the responses to one question hang together,
so that a hundred responses to 30 questions count as 30. It needs two questions at least.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, its standard error, and of how many it is; None where it cannot be had."""

    value: float | None
    error: float | None
    of: int


def mean_of(values: Sequence[float]) -> Estimate:
    """Return the mean and its standard error s / √n, with s from n - 1."""
    n = len(values)
    if n == 0:
        return Estimate(None, None, 0)
    mean = math.fsum(values) / n
    if n == 1:
        return Estimate(mean, None, 1)
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    return Estimate(mean, math.sqrt(variance / n), n)


def average_of(estimates: Sequence[Estimate]) -> Estimate:
    """Return the mean of independent figures, such as those of several benchmarks.

    None where one of them is; its error is √(Σ error²) / n.
    """
    values = [one.value for one in estimates if one.value is not None]
    if not estimates or len(values) < len(estimates):
        return Estimate(None, None, len(values))
    mean = math.fsum(values) / len(values)
    errors = [one.error for one in estimates if one.error is not None]
    if len(errors) < len(values):
        return Estimate(mean, None, len(values))
    return Estimate(mean, math.hypot(*errors) / len(values), len(values))


def pass_at(k: int, n: int, correct: int) -> float:
    """Return the chance that k of n responses, drawn without putting back, hold a correct one.

    The unbiased estimator of Chen et al. (arXiv 2107.03374): 1 - C(n - c, k) / C(n, k). Raises
    ValueError where k exceeds n.
    """
    if not 1 <= k <= n:
        raise ValueError(f"k: must be 1 to {n}, got {k}")
    return 1.0 - math.comb(n - correct, k) / math.comb(n, k)
