"""Reads how full a vLLM server is from its `/metrics`, beside which other servers say nothing.

The lines that count, of some hundred (Prometheus's text format)::

    vllm:num_requests_running{engine="0",model_name="deepseek-ai/DeepSeek-R1"} 243.0
    vllm:num_requests_waiting{engine="0",model_name="deepseek-ai/DeepSeek-R1"} 11.0
    vllm:kv_cache_usage_perc{engine="0",model_name="deepseek-ai/DeepSeek-R1"} 0.91
    vllm:num_preemptions_total{engine="0",model_name="deepseek-ai/DeepSeek-R1"} 3.0

A server with several engines has a line for each: requests and preemptions add up, the fullest
cache counts. Before version 0.10 the cache was called `gpu_cache_usage_perc`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

FIELDS = {
    "vllm:num_requests_running": "running",
    "vllm:num_requests_waiting": "waiting",
    "vllm:num_preemptions_total": "preemptions",
    "vllm:kv_cache_usage_perc": "cache",
    "vllm:gpu_cache_usage_perc": "cache",
}
LINE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{[^}]*\})? ([-+.\deE]+)$", re.MULTILINE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Load:
    """How full a server is: requests, `cache` the share of its KV cache, `preemptions` so far."""

    running: float = 0.0
    waiting: float = 0.0
    cache: float = 0.0
    preemptions: float = 0.0

    def is_full(self, before: Load | None, fullest: float, queue: float) -> bool:
        """Tell whether more requests would only wait.

        That is when the cache is fuller than `fullest`, when more than `queue` times the
        running requests wait, or when requests lost their place since `before`.
        """
        return self.overflows(before, fullest) or self.waiting > max(1.0, queue * self.running)

    def overflows(self, before: Load | None, fullest: float) -> bool:
        """Tell whether even those that run are too many for the cache."""
        lost_place = before is not None and self.preemptions > before.preemptions
        return lost_place or self.cache > fullest


def load_of(text: str) -> Load | None:
    """Read a page of metrics; None where it isn't vLLM's."""
    found: dict[str, float] = {}
    for name, value in LINE.findall(text):
        if field := FIELDS.get(name):
            number = _number(value)
            found[field] = (
                max(found.get(field, 0.0), number)
                if field == "cache"
                else (found.get(field, 0.0) + number)
            )
    return _load(found) if "running" in found else None


def _load(found: Mapping[str, float]) -> Load:
    return Load(**found)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
