"""When runs start by themselves: read by `python -m flows.serve`, by nothing else."""

from __future__ import annotations

from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from pipeline.recipe import Strict


class Schedule(Strict):
    """When `python -m flows.serve` starts a run by itself; without a time it starts none."""

    cron: str | None = Field(
        None,
        pattern=r"^\S+( \S+){4}$",
        description='minute, hour, day, month, weekday: "0 3 * * 1" is Mondays at three',
    )
    every_s: float | None = Field(
        None, gt=0, strict=False, description="seconds between two starts, in place of `cron`"
    )
    timezone: str = Field("UTC", description="of `cron` and of the version's date, IANA's name")
    version: str = Field(
        "%Y-%m-%d",
        pattern=r"^[A-Za-z0-9%][A-Za-z0-9_.%-]*$",
        description="of scheduled runs, by the time for which one is planned; two runs that come"
        " to the same name build the same version",
    )

    @field_validator("timezone")
    @classmethod
    def _known(cls, timezone: str) -> str:
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("must be a time zone of IANA's, such as Europe/Berlin") from None
        return timezone

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.cron is not None and self.every_s is not None:
            raise ValueError("cron and every_s: give one of them")
        return self
