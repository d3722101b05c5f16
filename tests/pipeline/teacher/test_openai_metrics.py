"""What vLLM says of itself."""

from __future__ import annotations

import pytest

from pipeline.teacher.openai_metrics import Load, load_of

PAGE = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 243.0
vllm:num_requests_running{engine="1",model_name="m"} 7.0
vllm:num_requests_waiting{engine="0",model_name="m"} 11.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.5
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.91
vllm:num_preemptions_total{engine="0",model_name="m"} 3.0
vllm:num_preemptions_created{engine="0",model_name="m"} 1.7e+09
"""


def test_a_page_is_read_and_engines_add_up() -> None:
    assert load_of(PAGE) == Load(running=250.0, waiting=11.0, cache=0.91, preemptions=3.0)


def test_the_older_name_of_the_cache_is_known() -> None:
    old = PAGE.replace("kv_cache", "gpu_cache")
    assert load_of(old) == load_of(PAGE)


@pytest.mark.parametrize("text", ["", "<html>", "process_cpu_seconds_total 3.0", "\x00" * 99])
def test_a_page_of_another_server_says_nothing(text: str) -> None:
    assert load_of(text) is None


@pytest.mark.parametrize(
    ("load", "full"),
    [
        (Load(running=100, cache=0.5), False),
        (Load(running=100, cache=0.95), True),
        (Load(running=100, waiting=5), False),
        (Load(running=100, waiting=50), True),
        (Load(running=100, preemptions=4), True),
    ],
)
def test_a_server_is_full_when_more_would_only_wait(load: Load, full: bool) -> None:
    assert load.is_full(Load(preemptions=3), fullest=0.92, queue=0.1) is full


def test_preemptions_from_before_it_was_watched_do_not_count() -> None:
    assert not Load(running=1, preemptions=9).is_full(None, fullest=0.92, queue=0.1)
