"""What runs in Ray's workers around an engine: the queue of asks, and rows for vLLM and back.

A row on its way to a worker, and what comes back of it::

    {"key": "3fa9…", "attempt": 2, "temperature": 0.6, "request": "{\\"messages\\": [...]}"}
    {"key": "3fa9…", "text": "… so 42.\\n</think>\\n42", "finish_reason": "stop",
     "prompt_tokens": 80, "response_tokens": 412, "error": ""}

This file is sent to the workers as it is and imports nothing of ours, since vLLM's environment
need not have this package in it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

FAILED = "__inference_error__"  # the column in which Ray's vLLM stage says what a row failed with


class Feed:
    """An actor that holds the asks until a worker takes them."""

    def __init__(self) -> None:
        self._rows: deque[dict[str, Any]] = deque()
        self._ended = self._read = self._hurry = False
        self._changed = asyncio.Condition()

    async def begin(self) -> None:
        """Say that somebody reads; raises RuntimeError the second time.

        Ray starts a task again whose process has died. What that one had taken and not handed
        on would be missing without a word, and whoever waits for it would wait for ever.
        """
        if self._read:
            raise RuntimeError("the process that read the asks has died")
        self._read = True

    async def put(self, row: dict[str, Any]) -> None:
        """Add a row."""
        async with self._changed:
            self._rows.append(row)
            self._changed.notify_all()

    async def hurry(self) -> None:
        """Say that nothing may come for a while: who waits for a full batch gets what there is."""
        async with self._changed:
            self._hurry = True
            self._changed.notify_all()

    async def end(self) -> None:
        """Say that no more will come."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def take(self, size: int) -> list[dict[str, Any]]:
        """Return the next rows, waiting for a full batch of them; none at the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._ended or self._are_ready(size))
            taken = [self._rows.popleft() for _ in range(min(size, len(self._rows)))]
            self._hurry = self._hurry and bool(self._rows)
            return taken

    def _are_ready(self, size: int) -> bool:
        return len(self._rows) >= size or (self._hurry and bool(self._rows))


def blocks(feed: Any, size: int) -> Iterator[Any]:
    """Yield what a feed is given, batch by batch, until it ends; runs as one endless task."""
    import pyarrow as pa
    import ray

    ray.get(feed.begin.remote())
    while rows := ray.get(feed.take.remote(size)):
        yield pa.Table.from_pylist(rows)


def has_module(name: str) -> bool:
    """Tell whether a worker could import a module."""
    return importlib.util.find_spec(name) is not None


def for_vllm(
    row: dict[str, Any], top_p: float, max_tokens: int, seed: int, stop: Sequence[str]
) -> dict[str, Any]:
    """Return an ask as vLLM's stage reads it; attempt n samples with seed + n."""
    sampling = {
        "temperature": row["temperature"],
        "top_p": top_p,
        "max_tokens": max_tokens,
        "seed": seed + row["attempt"],
    }
    if stop:  # an empty list has no type that a table could give it
        sampling["stop"] = list(stop)
    return {**json.loads(row["request"]), "sampling_params": sampling}


def from_vllm(row: dict[str, Any], max_tokens: int, context: int) -> dict[str, Any]:
    """Return what came of an ask; the stage does not say why a reply ended, its length does.

    A reply that ended by itself in its very last token counts as cut off, and is asked again
    when `max_tokens` grows.
    """
    prompt, written = row["num_input_tokens"], row["num_generated_tokens"]
    cut = written >= max_tokens or prompt + written >= context
    return {
        "key": row["key"],
        "text": row["generated_text"],
        "finish_reason": "length" if cut else "stop",
        "prompt_tokens": prompt,
        "response_tokens": written,
        "error": "",
    }
