"""Chooses among several programs the first that compiles, before any of them runs.

``first_that_compiles(["f(x) = x", "def f(x): return x"])`` is 1.

It is a role of its own, whose exit code is the place: source can be made that crashes the
compiler, and must take nothing else along.
"""

from __future__ import annotations


def first_that_compiles(sources: list[str]) -> int:
    """Return the place of the first source that compiles, 0 where none does."""
    for place, source in enumerate(sources):
        try:
            compile(source, "solution.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        return place
    return 0
