"""Compares times of day, with or without a.m. and p.m.: 3:30 pm is 15:30, and not 3:30 am."""

from __future__ import annotations

from verifiers.equality.decision import Decision
from verifiers.equality.exact import NotRational, exact
from verifiers.equality.shapes import Ratio

NOON = {"am", "pm"}


def same_time(first: Ratio, second: Ratio) -> Decision:
    """Compare two times; a missing suffix is no difference unless the hour tells."""
    one, other = _hours(first), _hours(second)
    if one is None or other is None:
        return Decision.DIFFERENT
    if first.suffix and second.suffix:
        return _decision(one == other and first.suffix == second.suffix)
    suffixed, plain = (one, other) if first.suffix else (other, one)
    hour = _on_24_hours(suffixed[0], first.suffix or second.suffix)
    return _decision(suffixed[1:] == plain[1:] and plain[0] in {suffixed[0], hour})


def _on_24_hours(hour: int, suffix: str) -> int:
    return hour % 12 + (12 if suffix == "pm" else 0)


def _hours(time: Ratio) -> tuple[int, ...] | None:
    try:
        values = [exact(node) for node in time.nodes]
    except NotRational:
        return None
    whole = all(value.denominator == 1 for value in values)
    known = time.suffix in {*NOON, ""}
    return tuple(int(value) for value in values) if whole and known else None


def _decision(equal: bool) -> Decision:
    return Decision.EQUAL if equal else Decision.DIFFERENT
