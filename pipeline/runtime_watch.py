"""The part of `[runtime]` that says how a run is watched, and what is looked at before it.

As TOML::

    [runtime.logs]
    format = "json"
    [runtime.metrics]
    textfile = "/var/lib/node_exporter/textfile/build_dataset.prom"
    [runtime.checks]
    skip = ["memory"]

Nothing of it bears on what the dataset is.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.recipe_teacher import Strict

CHECKS = ("disk", "memory", "files")


class Logs(Strict):
    """How what happens is told on stderr, and where else."""

    format: Literal["text", "json"] = Field(
        "text",
        description='"json": one object a line in place of text and bars; or `--log-json`',
    )
    file: str = Field(
        "", description="a file to which the same is appended, always as JSON; none if empty"
    )


class Metrics(Strict):
    """What Prometheus can read of a run; nothing where neither a file nor a port is named."""

    textfile: str = Field(
        "",
        pattern=r"^$|\.prom$",
        description="a file for node_exporter's textfile collector, whose name must end in .prom;"
        " it stays after the run, with what it said last",
    )
    port: int = Field(0, ge=0, le=65_535, description="serves /metrics while the run lasts")
    address: str = Field("127.0.0.1", description="to which the port is bound")
    every_s: float = Field(
        15.0,
        gt=0,
        strict=False,
        description="between two writings of the file, Prometheus' usual pace; more where counting"
        " would take over 2 % of the time",
    )


class Checks(Strict):
    """What is looked at before a run begins; see docs/operations.md for how needs are reckoned."""

    skip: tuple[Literal["disk", "memory", "files"], ...] = Field(
        (), strict=False, description="which of disk, memory, files not; or `--skip-checks`"
    )
