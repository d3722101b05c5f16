"""What the tests of the worker pool share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from verifiers.pool import Pool, Reply

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MakePool = Callable[..., Pool]


@pytest.fixture
def make_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakePool]:
    monkeypatch.syspath_prepend(HERE)
    pools: list[Pool] = []

    def make(function: str, **options: Any) -> Pool:
        pools.append(Pool(f"pool_targets:{function}", **options))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def values(replies: Iterator[Reply]) -> list[Any]:
    return [reply.value for reply in replies]


def alive(pid: int) -> bool:
    """A process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False
