"""Asks as vLLM's stage in Ray Data reads them, and what it returns."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.cluster import Cluster
from pipeline.teacher.ray_rows import FAILED, for_vllm, from_vllm


def row(**changes: Any) -> dict[str, Any]:
    values = {"key": "3fa9", "attempt": 2, "temperature": 0.6, "request": '{"prompt": "6 * 7"}'}
    return {**values, **changes}


def done(prompt: int, written: int) -> dict[str, Any]:
    counts = {"num_input_tokens": prompt, "num_generated_tokens": written}
    return {"key": "3fa9", "generated_text": "42", **counts}


def test_each_attempt_is_sampled_with_a_seed_of_its_own() -> None:
    asked = [for_vllm(row(attempt=n), 0.95, 100, 7, ()) for n in (0, 3)]
    assert [each["sampling_params"]["seed"] for each in asked] == [7, 10]


def test_a_request_goes_through_as_it_is_written() -> None:
    messages = [{"role": "user", "content": "6 × 7 “?”"}]
    asked = for_vllm(
        row(request='{"messages": [{"role": "user", "content": "6 × 7 “?”"}]}'), 1, 9, 0, ()
    )
    assert asked["messages"] == messages
    assert "prompt" not in asked


def test_no_stop_text_is_sent_where_there_is_none() -> None:
    assert "stop" not in for_vllm(row(), 0.95, 100, 0, ())["sampling_params"]
    assert for_vllm(row(), 0.95, 100, 0, ("\n",))["sampling_params"]["stop"] == ["\n"]


@pytest.mark.parametrize(
    ("prompt", "written", "reason"),
    [(10, 99, "stop"), (10, 100, "length"), (160, 40, "length"), (160, 39, "stop")],
)
def test_a_reply_is_cut_off_by_max_tokens_or_by_the_end_of_the_context(
    prompt: int, written: int, reason: str
) -> None:
    assert from_vllm(done(prompt, written), 100, 200)["finish_reason"] == reason


def test_what_vllm_could_not_do_is_a_refusal_that_says_why() -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    from pipeline.teacher.ray_engines import reply_in

    reply = reply_in({"key": "3fa9", FAILED: "ValueError: too long"}, 100)
    assert (reply.finish_reason, reply.error) == ("error", "ValueError: too long")


def test_workers_are_as_many_as_vllm_splits_the_model_into() -> None:
    settings = Cluster(vllm={"tensor_parallel_size": 8, "pipeline_parallel_size": 2})
    assert settings.workers_each == 16


@pytest.mark.parametrize("name", ["model", "max_model_len", "seed"])
def test_what_is_said_elsewhere_may_not_be_said_to_vllm(name: str) -> None:
    with pytest.raises(ValidationError, match=f"vllm.{name}"):
        Cluster(vllm={name: 1})
