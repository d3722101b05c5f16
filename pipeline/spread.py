"""How work is spread over processes and machines: parts of `[runtime]`.

[runtime.share]
on = true               # several runs on one version
[runtime.embed]
engine = "ray"          # with [runtime.ray]'s address
actors = 8
gpus = 1.0
[runtime.prefect]
runner = "ray"
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.recipe import Strict


class Share(Strict):
    """How several runs work on one version together; each of them has it on."""

    on: bool = Field(False, description="or `run --share`; without it a run has a version alone")
    expiry_s: float = Field(
        60.0,
        gt=0,
        strict=False,
        description="of silence, after which others take over what a worker was at; the same for"
        " all of them (guess: longer than any pause of a healthy machine)",
    )
    poll_s: float = Field(
        1.0, gt=0, strict=False, description="between two looks at what others are at (guess)"
    )


class Embedding(Strict):
    """Where questions are embedded."""

    engine: Literal["here", "ray"] = Field(
        "here",
        description="this machine's processes, or its GPU; or Ray Data's actors on the cluster of"
        " `[runtime.ray]`, whose nodes all see the data",
    )
    actors: int = Field(1, ge=1, description="of Ray, each with an encoder of its own")
    gpus: float = Field(0.0, ge=0, strict=False, description="for each actor")
    cpus: float = Field(1.0, gt=0, strict=False, description="for each actor")


class Shell(Strict):
    """How the Prefect flow runs its tasks."""

    runner: Literal["threads", "ray"] = Field(
        "threads",
        description="shards in this machine's worker processes; or as tasks of prefect-ray on the"
        " cluster of `[runtime.ray]`, whose nodes all see the data and the Prefect server",
    )
    data_url: str | None = Field(
        None,
        pattern=r"^https?://\S+$",
        description="where a web server shows the folder `runtime.data`, so that a run's page can"
        " link its report; without it the page names the path, since no browser follows a link"
        " from there to a file",
    )
