"""The processes that train together under `accelerate launch`; alone there is one.

with in_turn() as leads: ...      the first goes through alone, then the others; True for it
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


def world_size() -> int:
    """Return how many processes there are."""
    return int(_state().num_processes)


def leads() -> bool:
    """Tell whether this process is the one that writes and speaks."""
    return bool(_state().is_main_process)


@contextlib.contextmanager
def in_turn() -> Iterator[bool]:
    """Let the first process go through the block alone, then the others; yields if it leads."""
    with _state().main_process_first():
        yield leads()


def _state() -> Any:
    from accelerate import PartialState  # type: ignore[import-untyped]

    return PartialState()
