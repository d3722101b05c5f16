"""What a verdict shows of single tests: bounded, and always writable.

::

    {"case": 0, "test": "call", "outcome": "wrong_answer", "ms": 2, "cpu_ms": 1, "mb": 14,
     "text": "AssertionError: expected 3", "call": "f(1) gave 0"}
"""

from __future__ import annotations

from typing import Any

from verifiers.code_run import Ended

# Entries of the evidence: enough for ten test cases and the usual test module.
MAX_EVIDENCE = 30


def listed(ended: list[Ended]) -> list[dict[str, Any]]:
    """Return the evidence of single tests, those that did not pass first in line to be kept."""
    kept = sorted(range(len(ended)), key=lambda k: ended[k].outcome == "passed")[:MAX_EVIDENCE]
    return [_entry(ended[k]) for k in sorted(kept)]


def _entry(one: Ended) -> dict[str, Any]:
    entry = {"case": one.case, "test": one.name[:100], "outcome": one.outcome, "ms": one.ms}
    kept = {name: value for name, value in one.detail.items() if value != ""}
    return {name: writable(value) for name, value in {**entry, **kept}.items()}


def writable(value: Any) -> Any:
    """Return a value whose text can be written: programs may print half a surrogate pair."""
    if isinstance(value, dict):
        return {writable(name): writable(part) for name, part in value.items()}
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
