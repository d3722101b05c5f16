"""Reads the configuration of an evaluation: which models on which benchmarks, and how often.

The shape of a file (configs/think-twice.toml is a whole one)::

    name = "think-twice"
    version = "1"

    [evaluation]                        # decides what is measured
    rounds = 4
    models = ["teachers/deepseek-r1.toml"]
    benchmarks = ["aime24", "math500"]  # by name, or as [[evaluation.benchmarks]] tables

    [runtime.endpoints.DeepSeek-R1]     # where each model is served
    urls = ["http://127.0.0.1:8000/v1"]

It is another kind of run than building a dataset, so it has models of its own; unknown keys
and values of another type are errors here too. docs/think-twice.md lists all keys.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SerializeAsAny, ValidationError, field_validator, model_validator

from pipeline.cluster import Cluster
from pipeline.config import (
    NAME_PATTERN,
    Caps,
    Endpoints,
    Local,
    Prices,
    Runtime,
    _explain,
    _read_toml,
    find_config,
)
from pipeline.errors import ConfigError, Unavailable
from pipeline.evaluation.base import Benchmark, available_benchmarks
from pipeline.recipe import RETHINK_PROMPT, Sampling, Strict, Teacher
from verifiers import available


class Model(Teacher):
    """A model to measure: a teacher's table, whose `sampling` overrides that of a benchmark.

    Only the keys that are set in it do.
    """

    name: str = Field(pattern=NAME_PATTERN, description="in tables and folders")

    def sampled(self, benchmark: Benchmark) -> Teacher:
        """Return the model as it is asked about a benchmark."""
        own = {name: getattr(self.sampling, name) for name in self.sampling.model_fields_set}
        sampling = Sampling.model_validate({**benchmark.sampling.model_dump(), **own})
        return self.model_copy(update={"sampling": sampling})


class Evaluation(Strict):
    """What is measured: all that bears the identity of the figures."""

    rounds: int = Field(4, ge=1, le=99, description="of thinking; the paper goes to 4")
    prompt: str = Field(RETHINK_PROMPT, description="from round 2 on: arXiv 2503.19855, 3.1")
    seed: int = Field(0, description="shuffles options")
    shards: int = Field(8, ge=1, le=65_536, description="files of each table (guess)")
    pass_at: tuple[int, ...] = Field(
        (4, 8, 16, 32), strict=False, description="pass@k for these k, up to the samples (guess)"
    )
    models: tuple[Model, ...] = Field(
        min_length=1, strict=False, description="tables, or paths of files relative to this one"
    )
    benchmarks: tuple[SerializeAsAny[Benchmark], ...] = Field(
        min_length=1, strict=False, description="names, or tables with options"
    )
    settings: dict[str, dict[str, Any]] = Field(
        {}, description="verifier → its settings (docs/verdicts.md), over the benchmark's own"
    )

    @field_validator("prompt")
    @classmethod
    def _has_slots(cls, prompt: str) -> str:
        if "{question}" not in prompt or "{answer}" not in prompt:
            raise ValueError("must contain {question} and {answer}")
        return prompt

    @field_validator("pass_at")
    @classmethod
    def _positive(cls, pass_at: tuple[int, ...]) -> tuple[int, ...]:
        if any(k < 2 for k in pass_at):
            raise ValueError("must be 2 or more; pass@1 is always there")
        return tuple(sorted(set(pass_at)))

    @field_validator("benchmarks", mode="before")
    @classmethod
    def _by_name(cls, benchmarks: Any) -> Any:
        if not isinstance(benchmarks, (list, tuple)):
            raise ValueError("must be a list of names or tables")
        return tuple(_benchmark(place, given) for place, given in enumerate(benchmarks))

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _check_distinct("models", [model.name for model in self.models])
        _check_distinct("benchmarks", [benchmark.label for benchmark in self.benchmarks])
        used = {benchmark.verified_by() for benchmark in self.benchmarks}
        if strange := sorted(set(self.settings) - used):
            raise ValueError(f"settings: no benchmark here is judged by {strange}")
        return self

    def settings_of(self, benchmark: Benchmark) -> dict[str, Any]:
        """Return the settings of a benchmark's verifier."""
        return {**benchmark.settings, **self.settings.get(benchmark.verified_by(), {})}


class EvaluationRuntime(Strict):
    """Where it runs and how fast; never part of the identity."""

    data: str = Field("data", description="the folder of tables and of replies")
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, description="processes that verify"
    )
    unsafe_no_sandbox: bool = Field(
        False,
        description="run programs to judge them even where no sandbox holds: they can then read"
        " and change whatever this user can",
    )
    sandbox_fusion_url: str = Field(
        "", description="a SandboxFusion service that runs the programs, as for a dataset"
    )
    endpoints: dict[str, Endpoints] = Field({}, description="a model's name → where it is served")
    local: Local = Local()
    budget: Caps = Caps()
    prices: Prices = Prices()
    ray: Cluster = Cluster()

    def of(self, model: Model) -> Runtime:
        """Return what a client of a model needs."""
        served = self.endpoints.get(model.name, Endpoints())
        return Runtime(
            data=self.data,
            workers=self.workers,
            endpoints=served,
            local=self.local,
            ray=self.ray,
        )


class EvaluationConfig(Strict):
    """A whole configuration."""

    name: str = Field(pattern=NAME_PATTERN, description="of the evaluation; also its folder's")
    version: str = Field(
        pattern=NAME_PATTERN, description='any name; other settings need another, but for "dev"'
    )
    evaluation: Evaluation
    runtime: EvaluationRuntime = EvaluationRuntime()

    @model_validator(mode="after")
    def _served(self) -> Self:
        names = {model.name for model in self.evaluation.models}
        if strange := sorted(set(self.runtime.endpoints) - names):
            raise ValueError(f"runtime.endpoints: {strange} are no models of [evaluation]")
        for model in self.evaluation.models:
            served = self.runtime.endpoints.get(model.name)
            if model.engine == "openai" and not (served and served.urls):
                raise ValueError(
                    f"runtime.endpoints.{model.name}: urls is missing; name the model's server,"
                    ' such as urls = ["http://127.0.0.1:8000/v1"]'
                )
        return self


def load_evaluation(name: str, version: str | None = None) -> EvaluationConfig:
    """Read a configuration, with another version where one is given; raises ConfigError."""
    path = find_config(name)
    data = _read_toml(path)
    if version is not None:
        data["version"] = version
    if "evaluation" not in data:
        raise ConfigError(f"{path}: has no [evaluation]; docs/think-twice.md shows one")
    part = data["evaluation"]
    if isinstance(part, dict) and isinstance(part.get("models"), list):
        part["models"] = [_model(path, given) for given in part["models"]]
    try:
        return EvaluationConfig.model_validate(data)
    except ValidationError as error:
        said = _explain(path, error).replace("docs/configuration.md", "docs/think-twice.md")
        raise ConfigError(said) from None


def is_evaluation(name: str) -> bool:
    """Tell whether a file is the configuration of an evaluation, not of a dataset."""
    return "evaluation" in _read_toml(find_config(name))


def check_verifiers(benchmarks: Iterable[Benchmark]) -> None:
    """Raise Unavailable where a benchmark needs a verifier that this installation lacks."""
    known = available()
    for benchmark in benchmarks:
        if (name := benchmark.verified_by()) not in known:
            raise Unavailable(
                f"evaluation.benchmarks: {benchmark.label} is judged by the verifier {name!r},"
                f" which is not here (there are {', '.join(known)}); leave it out"
            )


def _model(path: Path, given: Any) -> Any:
    return _read_toml(path.parent / given) if isinstance(given, str) else given


def _benchmark(place: int, given: Any) -> Benchmark:
    """Make the benchmark that a name or a table asks for; errors name its place."""
    if isinstance(given, Benchmark):
        return given
    options = {"benchmark": given} if isinstance(given, str) else given
    known = available_benchmarks()
    name = options.get("benchmark") if isinstance(options, dict) else None
    if name not in known:
        raise ValueError(f"benchmarks[{place}]: must be one of {sorted(known)}, got {name!r}")
    try:
        return known[name](**options)
    except ValidationError as error:
        raise ValueError("; ".join(_wrong(place, item) for item in error.errors())) from None


def _wrong(place: int, item: Any) -> str:
    field = ".".join(str(part) for part in item["loc"])
    value = "" if item["type"] == "missing" else f" (got {item['input']!r:.80})"
    return f"benchmarks[{place}].{field}: {item['msg'].removeprefix('Value error, ')}{value}"


def _check_distinct(what: str, names: list[str]) -> None:
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{what}: names must differ, {repeated} are used twice")
