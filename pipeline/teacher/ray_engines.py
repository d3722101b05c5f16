"""Builds what Ray Data runs for a teacher: a stream of asks, an engine in its workers, replies.

    replies_of(feed, teacher, sampling, settings, local)     a Dataset that is read once, as it runs

The stream is one endless read, so that workers load their model once for a whole round. Ray Data
would wait until 128 MB of replies have come together; here each block leaves as it is made.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import ray
import ray.cloudpickle
import ray.data
from ray.data.block import BlockMetadata
from ray.data.datasource import Datasource, ReadTask

from pipeline.cluster import Cluster
from pipeline.config import Local
from pipeline.recipe import Sampling, Teacher
from pipeline.teacher import ray_rows
from pipeline.teacher.base import Ask, Reply, sampling_of

ray.cloudpickle.register_pickle_by_value(ray_rows)  # type: ignore[no-untyped-call]

# What turns rows into requests and back reserves nothing: on a cluster whose processors are all
# reserved by engines, replies would wait for one for ever (seen with two of them).
LIGHT = {"num_cpus": 0, "concurrency": 1}


class FeedSource(Datasource):
    """Reads a feed, in one task that ends with it."""

    def __init__(self, feed: Any, size: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._feed, self._size = feed, size

    def estimate_inmemory_data_size(self) -> int | None:
        """Return nothing: nobody knows how much will be asked."""
        return None

    def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[ReadTask]:
        """Return the one task, whatever the parallelism: a feed has one order."""
        unknown = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(partial(ray_rows.blocks, self._feed, self._size), unknown)]


class Generate:
    """The `transformers` engine in a worker.

    A batch leaves as one block, in its own order: where a worker dies, Ray has the batch generated
    again and takes what it had handed on for the beginning of what comes then.
    """

    def __init__(self, teacher: Teacher, sampling: Sampling, local: Local) -> None:
        from pipeline.teacher.local import TransformersClient

        self._client = TransformersClient(teacher, sampling, local)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Return a batch's replies."""
        found = {ask.key: reply for ask, reply in self._client.replies(asks_in(batch))}
        rows = [reply_row(str(key), found[str(key)]) for key in batch["key"]]
        return {name: [row[name] for row in rows] for name in rows[0]}


def here() -> dict[str, str]:
    """Return the label of this node, where the feed and its reader stay.

    What another node had taken out of the feed would be lost with that node.
    """
    return {"ray.io/node-id": ray.get_runtime_context().get_node_id()}


def replies_of(
    feed: Any, teacher: Teacher, sampling: Sampling, settings: Cluster, local: Local
) -> ray.data.Dataset:
    """Return the stream of replies to what a feed is given; nothing runs yet."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)  # our own bar stands on the terminal
    context = ray.data.DataContext.get_current().copy()
    context.target_max_block_size = 1  # byte: no block waits for another
    context.execution_no_progress_timeout_s = -1  # a long answer is no standstill
    context.wait_for_min_actors_s = int(settings.start_s)
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # vLLM's stage gives a batch back when its longest reply is done: its batches are of one.
    size = 1 if settings.engine == "vllm" else local.batch_size
    with ray.data.DataContext.current(context):
        asks = ray.data.read_datasource(
            FeedSource(feed, size),
            num_cpus=0,
            override_num_blocks=1,
            label_selector=here(),
        )
        if settings.engine == "vllm":
            return _with_vllm(asks, teacher, sampling, settings)
        return _with_transformers(asks, teacher, sampling, settings, local)


def _with_vllm(
    asks: ray.data.Dataset, teacher: Teacher, sampling: Sampling, settings: Cluster
) -> ray.data.Dataset:
    """Put Ray's own vLLM stage behind the asks; vLLM itself turns text into tokens and back."""
    from ray.data.llm import build_processor, vLLMEngineProcessorConfig

    bundle = {"CPU": settings.cpus, **({"GPU": 1} if settings.gpus else {})}
    config = vLLMEngineProcessorConfig(
        model_source=teacher.model,
        engine_kwargs={**settings.vllm, "max_model_len": settings.context},
        concurrency=(settings.replicas, settings.replicas),
        batch_size=1,
        max_concurrent_batches=settings.concurrency,
        max_tasks_in_flight_per_actor=settings.concurrency,
        should_continue_on_error=True,
        placement_group_config={"bundles": [bundle] * settings.workers_each},
        chat_template_stage={"enabled": teacher.style == "chat", **LIGHT},
        tokenize_stage=False,
        detokenize_stage=False,
        log_engine_metrics=False,
        runtime_env=None,
    )
    limit = sampling.max_tokens
    fixed: dict[str, Any] = sampling.model_dump(include={"top_p", "max_tokens", "seed", "stop"})
    before = partial(ray_rows.for_vllm, **fixed)
    after = partial(ray_rows.from_vllm, max_tokens=limit, context=settings.context)
    found: ray.data.Dataset = build_processor(
        config,
        preprocess=before,
        postprocess=after,
        preprocess_map_kwargs=LIGHT,
        postprocess_map_kwargs=LIGHT,
    )(asks)
    return found


def _with_transformers(
    asks: ray.data.Dataset, teacher: Teacher, sampling: Sampling, settings: Cluster, local: Local
) -> ray.data.Dataset:
    """Put the in-process teacher behind the asks, one in each worker."""
    return asks.map_batches(
        Generate,
        fn_constructor_args=(teacher, sampling, local),
        batch_size=None,  # as the feed has made them
        compute=ray.data.ActorPoolStrategy(size=settings.replicas, max_tasks_in_flight_per_actor=1),
        num_cpus=settings.cpus,
        num_gpus=1 if settings.gpus else 0,
    )


def ask_row(ask: Ask, sampling: Sampling) -> dict[str, Any]:
    """Return an ask as it travels to a worker."""
    return {
        "key": ask.key,
        "attempt": ask.attempt,
        "temperature": float(sampling_of(sampling, ask).temperature),
        "request": json.dumps(dict(ask.request)),
    }


def asks_in(batch: dict[str, Any]) -> Iterator[Ask]:
    """Yield the asks of a batch of rows."""
    columns = (batch[name] for name in ("key", "attempt", "temperature", "request"))
    for key, attempt, temperature, request in zip(*columns, strict=True):
        yield Ask("", int(attempt), json.loads(request), str(key), float(temperature))


def reply_row(key: str, reply: Reply) -> dict[str, Any]:
    """Return a reply as it travels back."""
    return {
        "key": key,
        "text": reply.text,
        "finish_reason": reply.finish_reason,
        "prompt_tokens": reply.prompt_tokens,
        "response_tokens": reply.response_tokens,
        "error": reply.error,
    }


def reply_in(row: dict[str, Any], max_tokens: int) -> Reply:
    """Return what came back of an ask; what the engine could not do with it is a refusal."""
    if failed := row.get(ray_rows.FAILED):
        return Reply("", "error", max_tokens=max_tokens, error=failed)
    counts = (row["prompt_tokens"], row["response_tokens"])
    return Reply(row["text"], row["finish_reason"], *counts, max_tokens, row["error"])
