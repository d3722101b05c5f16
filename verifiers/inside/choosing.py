"""Chooses among several programs the first that compiles, before any of them runs.

``first_that_compiles(["f(x) = x", "def f(x): return x"])`` is 1.

A child process does it: source can be made that crashes the compiler, and must not take
this process along.
"""

from __future__ import annotations

import os


def first_that_compiles(sources: list[str]) -> int:
    """Return the place of the first source that compiles, 0 where none does."""
    if len(sources) < 2:
        return 0
    pid = os.fork()
    if pid == 0:
        os._exit(_search(sources))
    _, status = os.waitpid(pid, 0)
    place = os.waitstatus_to_exitcode(status)
    return place if 0 <= place < len(sources) else 0


def _search(sources: list[str]) -> int:
    for place, source in enumerate(sources):
        try:
            compile(source, "solution.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        return place
    return 0
