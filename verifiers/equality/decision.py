"""The three answers to "are these two equal?", and how several of them add up."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Decision(StrEnum):
    """Whether two things are equal, as far as can be told."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


def all_equal(decisions: Iterable[Decision]) -> Decision:
    """Return EQUAL if all are, DIFFERENT if one is, else UNKNOWN."""
    found = Decision.EQUAL
    for decision in decisions:
        if decision is Decision.DIFFERENT:
            return decision
        if decision is Decision.UNKNOWN:
            found = decision
    return found


def any_equal(decisions: Iterable[Decision]) -> Decision:
    """Return EQUAL if one is, UNKNOWN if none is and one is unknown, else DIFFERENT."""
    found = Decision.DIFFERENT
    for decision in decisions:
        if decision is Decision.EQUAL:
            return decision
        if decision is Decision.UNKNOWN:
            found = decision
    return found
