"""What a flow may be asked for: the form in the server's pages, checked before a run exists.

A request as it stands in a run's parameters::

    {"build": {"config": "quickstart", "version": "%Y-%m-%d", "overrides": {"runtime.workers": 4}}}

The server refuses what the form rules out; whether the file is there and what it says is known
only where the run works, so that the rest is refused when the run starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from pipeline.config import NAME_PATTERN, Config, load_config
from pipeline.errors import ConfigError

StageName = Literal[
    "collect",
    "embed",
    "label",
    "propose",
    "deduplicate",
    "decontaminate",
    "choose",
    "distill",
    "verify",
    "select",
    "publish",
]
TableName = Literal[
    "questions",
    "refused",
    "responses",
    "labels",
    "vectors",
    "chunks",
    "duplicates",
    "contaminated",
    "probes",
    "chosen",
    "left_out",
    "verdicts",
    "examples",
    "unselected",
    "suspects",
    "phrases",
    "proposed",
]
KEY_PATTERN = r"^(recipe|runtime)(\.[A-Za-z0-9_-]+)+$"
VERSION_PATTERN = r"^[A-Za-z0-9%][A-Za-z0-9_.%-]*$"
Key = Annotated[str, Field(pattern=KEY_PATTERN)]
Overrides = Annotated[
    dict[Key, JsonValue], Field(json_schema_extra={"additionalProperties": False})
]
Pause = Annotated[
    float,
    Field(
        ge=0,
        title="Retry delay in seconds",
        description="before the first retry, twice as long before each next one (a guess)",
    ),
]
Part = TypeVar("Part", bound=BaseModel)


class Request(BaseModel):
    """Which version of which dataset."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    config: str = Field(
        min_length=1,
        description="a TOML file, or the name of one that comes along, such as quickstart",
    )
    version: str | None = Field(
        None,
        pattern=VERSION_PATTERN,
        description="in place of the file's; %Y-%m-%d becomes the day for which the run is planned",
    )
    overrides: Overrides = Field(
        {},
        description='settings in place of the file\'s, such as {"recipe.distill.rounds": 2}',
    )
    if_busy: Literal["refuse", "wait"] = Field(
        "refuse", description="what to do while another run holds this version"
    )


class Build(Request):
    """What to build."""

    only: list[StageName] = Field([], description="run only these stages; empty means all")
    rebuild: list[TableName] = Field(
        [], description="build these tables again, and what follows from them"
    )
    share: bool = Field(False, description="work with other runs on this version that say so, too")
    retries: int = Field(
        3, ge=0, le=100, description="of a shard or stage, after errors that may pass (a guess)"
    )
    retry_delay_s: Pause = 60.0


class Republish(Request):
    """What to publish again, and where."""

    to: str | None = Field(None, description="a folder; the one that a build uses if absent")
    repo: str | None = Field(
        None, pattern=r"^[^/\s]+/[^/\s]+$", description="a dataset of the Hub, ORG/NAME, as well"
    )
    public: bool = Field(False, description="make a dataset public that is new on the Hub")
    allow_open: bool = Field(False, description="publish although questions are pending")
    retries: int = Field(3, ge=0, le=100, description="of the upload, after errors that may pass")
    retry_delay_s: Pause = 60.0


class Train(Build):
    """What to build, which student to train on it, and what to ask the student."""

    training: str = Field(min_length=1, description="a file with [training]; its path is replaced")
    evaluation: str = Field(
        min_length=1, description="a file with [evaluation], whose first model's settings count"
    )
    launch: list[str] = Field(
        [],
        description="what starts the training, such as accelerate, launch, --config_file, FILE;"
        " empty means this Python",
    )


class Rounds(BaseModel):
    """What to measure in rounds of thinking."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    config: str = Field(min_length=1, description="a file with [evaluation], or think-twice")
    version: str | None = Field(
        None, pattern=NAME_PATTERN, description="measure this version, not the file's"
    )
    rebuild: bool = Field(False, description="make all tables again; replies are kept")
    pairs: str | None = Field(
        None, description="a file for training data: answers that were wrong, then right"
    )
    retries: int = Field(3, ge=0, le=100, description="after errors that may pass (a guess)")
    retry_delay_s: Pause = 60.0


def load(request: Request, planned: datetime) -> Config:
    """Return the configuration that a request means; raises ConfigError.

    `planned` is when the run was to start: a run that starts late, or again, keeps its version.
    """
    config = with_overrides(load_config(request.config), request.overrides)
    if request.version is None:
        return config
    local = planned.astimezone(ZoneInfo(config.runtime.schedule.timezone))
    return with_value(config, ("version",), local.strftime(request.version), "version")


def with_overrides(config: Config, overrides: Mapping[str, JsonValue]) -> Config:
    """Return a configuration with other values at dotted keys; raises ConfigError."""
    for name, value in overrides.items():
        config = with_value(config, tuple(name.split(".")), value, f"overrides: {name}")
    return config


def with_value(part: Part, path: tuple[str, ...], value: Any, name: str) -> Part:
    """Return a part of the configuration with another value at a path below it, checked again.

    Parts that the path does not lead through are kept as they are.
    """
    key = path[0]
    if key not in type(part).model_fields:
        raise ConfigError(f"{name}: there is no such key; docs/configuration.md lists all")
    if len(path) > 1:
        value = _inside(getattr(part, key), path[1:], value, name)
    try:
        return type(part).model_validate({**dict(part), key: value})
    except ValidationError as error:
        rules = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())
        raise ConfigError(f"{name}: {rules} (got {value!r:.80})") from None


def _inside(part: object, path: tuple[str, ...], value: Any, name: str) -> Any:
    if isinstance(part, BaseModel):
        return with_value(part, path, value, name)
    if isinstance(part, Mapping):
        rest = path[1:]
        return {
            **part,
            path[0]: _inside(part.get(path[0], {}), rest, value, name) if rest else value,
        }
    raise ConfigError(f"{name}: {path[0]!r} is not a key of a table; give the whole value above it")
