"""How a `ray` teacher runs on a cluster: read by pipeline/teacher/ray_*.py, by nothing else.

As TOML::

    [runtime.ray]
    address = "auto"
    replicas = 2
    context = 40_960
    [runtime.ray.vllm]
    tensor_parallel_size = 8
    gpu_memory_utilization = 0.92
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from pipeline.recipe import Strict

OURS = ("model", "max_model_len", "seed")  # of vLLM's settings, what is set from elsewhere


class Cluster(Strict):
    """How a `ray` teacher generates: in Ray Data's workers, on all nodes of a cluster."""

    address: str = Field(
        "",
        description='of the cluster that this machine belongs to, or "auto"; empty: Ray is'
        " started on this machine for the run; in a process that is in a cluster already (a task on"
        " Ray), that one is used",
    )
    engine: Literal["vllm", "transformers"] = Field(
        "vllm", description="in each worker; `transformers` reads `[runtime.local]`"
    )
    replicas: int = Field(1, ge=1, description="of the model; each has workers of its own")
    gpus: bool = Field(
        True, description="one for each worker of a replica; false on a cluster without any"
    )
    cpus: float = Field(1.0, gt=0, strict=False, description="reserved for each worker")
    concurrency: int = Field(
        256,
        ge=1,
        description="asks in flight at each replica of engine `vllm` (its own bound is 256 or"
        " 1,024, `max_num_seqs`)",
    )
    context: int = Field(
        36_864,
        ge=2,
        description="tokens of prompt and reply together, vLLM's `max_model_len`; the default is"
        " the default `max_tokens` and a prompt of 4,096",
    )
    python: str = Field(
        "",
        description="of the workers, where vLLM has an environment of its own: the same Python and"
        " Ray, at the same path on every node",
    )
    start_s: float = Field(
        3_600.0,
        ge=1,
        strict=False,
        description="so long the workers may take to start; loading R1 takes up to half of it",
    )
    vllm: dict[str, bool | int | float | str] = Field(
        {}, description="further settings of its engine, by vLLM's names (`AsyncEngineArgs`)"
    )

    @field_validator("address")
    @classmethod
    def _on_a_node(cls, address: str) -> str:
        if address.startswith("ray://"):
            raise ValueError(
                "must not be a Ray client's (ray://): replies are kept where they arrive, so run"
                " the command on a node of the cluster and write its host:port, or auto"
            )
        return address

    @model_validator(mode="after")
    def _once(self) -> Self:
        for name in OURS:
            if name in self.vllm:
                raise ValueError(
                    f"vllm.{name}: is set from the teacher's file or `context`; remove it"
                )
        return self

    @property
    def workers_each(self) -> int:
        """How many workers a replica has."""
        sizes = (self.vllm.get(f"{way}_parallel_size", 1) for way in ("tensor", "pipeline"))
        tensor, pipeline = (int(size) for size in sizes)
        return tensor * pipeline
