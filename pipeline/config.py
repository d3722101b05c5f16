"""Reads a configuration file: TOML, strict, one clear error for each thing that is wrong.

The shape of a file (configs/quickstart.toml is a whole one)::

    name = "quickstart"
    version = "1"

    [recipe]        # decides what the dataset is: pipeline/recipe.py
    shards = 4
    teacher = "teachers/smollm2-135m.toml"     # or a table of its own

    [runtime]       # decides where and how fast it runs
    workers = 2

Relative paths in `recipe.teacher` are relative to the file; those in `runtime` to the
folder in which the command runs.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr, ValidationError

from pipeline.cluster import Cluster
from pipeline.errors import ConfigError
from pipeline.recipe import Recipe, Strict
from pipeline.runtime_watch import Checks, Logs, Metrics
from pipeline.schedule import Schedule
from pipeline.spread import Embedding, Share, Shell

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"


class Endpoints(Strict):
    """Where an `openai` teacher is served and how hard it is driven."""

    urls: tuple[str, ...] = Field(
        (), strict=False, description="any number of them, such as http://127.0.0.1:8000/v1"
    )
    api_key_env: str = Field(
        "OPENAI_API_KEY", description="the variable that holds the key; sent only if set"
    )
    concurrency: int = Field(
        1_024,
        ge=1,
        description="at most so many requests in flight at each URL; how many are best is found"
        " while it runs (vLLM's own bound is 256 or 1,024)",
    )
    start: int = Field(
        32, ge=1, description="so many at first, then more as it brings more (guess)"
    )
    timeout_s: float = Field(
        600.0,
        gt=0,
        strict=False,
        description="of silence; an answer that keeps coming may take for ever (guess: a full"
        " queue in front of R1)",
    )
    connect_timeout_s: float = Field(10.0, gt=0, strict=False, description="a guess")
    retries: int = Field(
        8,
        ge=0,
        description="of one request, while the servers answer others; then it is given up alone",
    )
    patience_s: float = Field(
        3_600.0,
        ge=0,
        strict=False,
        description="so long no server may answer anything; loading R1 takes up to half of it",
    )
    reread_s: float = Field(
        10.0,
        gt=0,
        strict=False,
        description="so often the file is looked at: URLs that were added or removed count at once",
    )
    _origin: tuple[str, str] | None = PrivateAttr(None)  # file, and the table's name in [runtime]

    def again(self) -> Self:
        """Return what the configuration's file says now; raises ConfigError."""
        if self._origin is None:
            return self
        path, name = self._origin
        table = _read_toml(Path(path)).get("runtime", {}).get(name, {})
        try:
            found = type(self).model_validate(table)
        except ValidationError as error:
            raise ConfigError(_explain(Path(path), error)) from None
        found._origin = self._origin
        return found

    def changed_at(self) -> float:
        """Return when the configuration's file changed last; 0 where there is none."""
        if self._origin is None:
            return 0.0
        try:
            return Path(self._origin[0]).stat().st_mtime
        except OSError:
            return 0.0


class JudgeEndpoints(Endpoints):
    """Where the judge of `[recipe.verify.judge]` is served and how hard it is driven."""

    timeout_s: float = Field(
        600.0, gt=0, strict=False, description="for one reply: 4 k tokens at 10/s, and a queue"
    )
    patience_s: float = Field(
        0.0, ge=0, strict=False, description="so long no server may answer, beyond the retries"
    )


class LabelEndpoints(JudgeEndpoints):
    """Where the labeller of `[recipe.label.model]` is served and how hard it is driven."""


class ProposerEndpoints(JudgeEndpoints):
    """Where the model of `[recipe.propose]` is served and how hard it is driven."""


class RewardEndpoints(JudgeEndpoints):
    """Where the reward model of `[recipe.verify.reward]` is served, with engine "vllm"."""


class QualityEndpoints(JudgeEndpoints):
    """Where the model of `[recipe.verify.quality]` is served."""


class PerplexityEndpoints(JudgeEndpoints):
    """Where the model of `[recipe.verify.perplexity]` is served, with engine "vllm"."""


class Caps(Strict):
    """What the teacher may cost; a run stops cleanly before it would cost more."""

    tokens: int | None = Field(
        None, gt=0, description="prompts and responses of the version, all rounds; no cap if absent"
    )
    money: float | None = Field(
        None, gt=0, strict=False, description="at the prices below; no cap if absent"
    )


class Prices(Strict):
    """What the teacher costs, for caps, forecast and report; all 0 where it costs nothing."""

    prompt_million: float = Field(0.0, ge=0, strict=False, description="for a million tokens")
    response_million: float = Field(0.0, ge=0, strict=False, description="for a million tokens")
    gpu_hour: float = Field(0.0, ge=0, strict=False, description="for one GPU, while it is asked")
    gpus: int = Field(1, ge=0, description="of all servers together, for GPU hours")
    currency: str = Field("USD", description="only shown")


class Local(Strict):
    """How a `transformers` teacher generates in this process."""

    batch_size: int = Field(
        32, ge=1, description="questions at once; measured: 380 tokens/s with SmolLM2 at 32"
    )
    threads: int = Field(
        0, ge=0, description="0: all cores; a model as small as SmolLM2 is as fast on one"
    )
    device: str = Field("auto", description='as torch names it; "auto" is a GPU if there is one')


class Runtime(Strict):
    """Where the data lies and how many processes work on it; never part of the identity."""

    data: str = Field(
        "data",
        description="the folder of tables and of the teacher's replies, or where they lie in an"
        " object store, such as s3://bucket/prefix",
    )
    scratch: str = Field(
        "scratch",
        description="a folder on a local disk, for copies and the journal; only used where data"
        " is a URL",
    )
    scratch_gb: float = Field(
        100.0,
        gt=0,
        strict=False,
        description="of copied shards there, at most; the least used go first (guess)",
    )
    carry_s: float = Field(
        30.0,
        gt=0,
        strict=False,
        description="so often new replies are uploaded where data is a URL: what a killed run"
        " loses, if its disk is lost too (guess)",
    )
    published: str = Field("published", description="the folder in which publish writes")
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        description="processes; as many as there are cores where it is not given",
    )
    unsafe_no_sandbox: bool = Field(
        False,
        description="run programs to judge them even where no sandbox holds: they can then read"
        " and change whatever this user can",
    )
    sandbox_fusion_url: str = Field(
        "",
        description="a SandboxFusion service that runs the programs instead of this machine's"
        " sandbox; its key, if it wants one, is in SANDBOX_FUSION_KEY",
    )
    endpoints: Endpoints = Endpoints()
    labeller: LabelEndpoints = LabelEndpoints()
    proposer: ProposerEndpoints = ProposerEndpoints()
    judge: JudgeEndpoints = JudgeEndpoints()
    reward: RewardEndpoints = RewardEndpoints()
    quality: QualityEndpoints = QualityEndpoints()
    perplexity: PerplexityEndpoints = PerplexityEndpoints()
    local: Local = Local()
    embed: Embedding = Embedding()
    ray: Cluster = Cluster()
    prefect: Shell = Shell()
    schedule: Schedule = Schedule()
    share: Share = Share()
    logs: Logs = Logs()
    metrics: Metrics = Metrics()
    checks: Checks = Checks()
    budget: Caps = Caps()
    prices: Prices = Prices()


class Config(Strict):
    """A whole configuration."""

    name: str = Field(pattern=NAME_PATTERN, description="of the dataset")
    version: str = Field(
        pattern=NAME_PATTERN, description='any name; another recipe needs another, but for "dev"'
    )
    recipe: Recipe
    runtime: Runtime = Runtime()


def find_config(name: str) -> Path:
    """Return the file for a path, or for the bare name of one in `configs/` (`quickstart`)."""
    for path in (Path(name), CONFIGS / f"{name}.toml"):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in CONFIGS.glob("*.toml")))
    raise ConfigError(f"{name}: no such configuration file; the ones that come along: {known}")


def load_config(name: str, version: str | None = None) -> Config:
    """Read a configuration, with another version where one is given; raises ConfigError."""
    path = find_config(name)
    data = _read_toml(path)
    if version is not None:
        data["version"] = version
    recipe = data.get("recipe")
    if isinstance(recipe, dict) and isinstance(recipe.get("teacher"), str):
        recipe["teacher"] = _read_toml(path.parent / recipe["teacher"])
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_explain(path, error)) from None
    config.runtime.endpoints._origin = (str(path.resolve()), "endpoints")
    config.runtime.labeller._origin = (str(path.resolve()), "labeller")
    config.runtime.proposer._origin = (str(path.resolve()), "proposer")
    config.runtime.judge._origin = (str(path.resolve()), "judge")
    config.runtime.reward._origin = (str(path.resolve()), "reward")
    config.runtime.quality._origin = (str(path.resolve()), "quality")
    config.runtime.perplexity._origin = (str(path.resolve()), "perplexity")
    return config


def _read_toml(path: Path) -> dict[str, Any]:
    """Return a file's table; the `recipe.json` of a published dataset is JSON of the same form."""
    try:
        text = path.read_text(encoding="utf-8")
        return _read_json(path, text) if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from None


def _read_json(path: Path, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path}: is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: must be a JSON object, as a published recipe.json is")
    return found


def _explain(path: Path, error: ValidationError) -> str:
    lines = [f"{path}: {error.error_count()} thing(s) to put right"]
    for item in error.errors():
        field = ".".join(str(part) for part in item["loc"]) or "(the whole)"
        rule = item["msg"].removeprefix("Value error, ")
        lines.append(f"  {field}: {rule}{_received(item)}{_remedy(item)}")
    return "\n".join(lines)


def _received(item: Any) -> str:
    value = item.get("input")
    scalar = isinstance(value, (str, int, float, bool)) or value is None
    return f" (got {value!r:.80})" if scalar and item["type"] != "missing" else ""


def _remedy(item: Any) -> str:
    if item["type"] == "extra_forbidden":
        return "; remove the key or correct its spelling (docs/configuration.md lists all)"
    if item["type"] == "missing":
        return "; add it (docs/configuration.md)"
    return ""
