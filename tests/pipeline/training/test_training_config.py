"""Configurations of trainings: what they must not say, and those that come along."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from accelerate.commands.launch import (  # type: ignore[import-untyped]
    _validate_launch_command,
    launch_command_parser,
)
from accelerate.utils import FullyShardedDataParallelPlugin  # type: ignore[import-untyped]
from accelerate.utils.launch import (  # type: ignore[import-untyped]
    prepare_deepspeed_cmd_env,
    prepare_multi_gpu_env,
)

from pipeline.config import CONFIGS
from pipeline.errors import ConfigError
from pipeline.training.config import Training, TrainingConfig, load_training

RECIPES = sorted((CONFIGS / "training").glob("*.toml"))
HEAD = 'name = "s"\nversion = "1"\n'
STUDENT = '[training.student]\nmodel = "m"\nrevision = "1"\n'
DATA = '[[training.data]]\npath = "rows.jsonl"\n'


def load(folder: Path, text: str) -> TrainingConfig:
    path = folder / "s.toml"
    path.write_text(text, encoding="utf-8")
    return load_training(str(path))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_that_comes_along_is_that_of_the_paper(path: Path) -> None:
    config = load_training(str(path))
    training = config.training
    assert config.name == path.stem
    assert (training.learning_rate, training.batch, training.epochs) == (8e-5, 64, 2)
    assert (training.max_tokens, training.packing) == (32_768, True)
    assert (training.schedule, training.warmup, training.lora) == ("cosine", 0.05, None)
    assert (
        training.student.system
        == Training.model_validate(
            {"student": {"model": "m", "revision": "1"}, "data": [{"path": "x"}]}
        ).student.system
    )


def test_the_recipes_are_of_four_sizes() -> None:
    models = [load_training(str(path)).training.student.model for path in RECIPES]
    assert models == [f"Qwen/Qwen2.5-{size}B" for size in ("1.5", "32", "72", "7")]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (f"{HEAD}{STUDENT}", "training.data: Field required"),
        (f"{HEAD}{DATA}", "training.student: Field required"),
        (f"{HEAD}[training]\nepoch = 2\n{STUDENT}{DATA}", "training.epoch: Extra inputs"),
        (f"{HEAD}[training]\nbatch = 0\n{STUDENT}{DATA}", "training.batch"),
        (f"{HEAD}[training]\nwarmup = 1.0\n{STUDENT}{DATA}", "training.warmup"),
        (f"{HEAD}[training]\nlearning_rate = inf\n{STUDENT}{DATA}", "training.learning_rate"),
        (f"{HEAD}[training]\nweight_decay = inf\n{STUDENT}{DATA}", "training.weight_decay"),
        (f"{HEAD}[training]\nmax_grad_norm = inf\n{STUDENT}{DATA}", "training.max_grad_norm"),
        (f"{HEAD}{STUDENT}[[training.data]]\n", "must have path or repo"),
        (f'{HEAD}{STUDENT}{DATA}repo = "a/b"\n', "must have path or repo, and not both"),
        (f'{HEAD}{STUDENT}[[training.data]]\nrepo = "a/b"\n', "name the commit"),
        (
            f'{HEAD}{STUDENT}[[training.data]]\nrepo = "a/b"\nrevision = "main"\n',
            "revision: must be a commit, got 'main'",
        ),
        (f'{HEAD}{STUDENT}{DATA}revision = "1"\n', "revision: is for repo"),
        (f"{HEAD}{STUDENT}{DATA}only = {{ round = [] }}\n", "only.round"),
        (f'{HEAD}{STUDENT}{DATA}[runtime]\nreport = "mlflow"\n', "runtime.report"),
    ],
)
def test_an_error_names_the_field(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(ConfigError, match=field):
        load(tmp_path, text)


def test_a_file_without_training_is_another_kind_of_configuration() -> None:
    with pytest.raises(ConfigError, match=r"has no \[training\]"):
        load_training("quickstart")


def test_a_template_lies_beside_its_configuration(tmp_path: Path) -> None:
    student = STUDENT + 'template = "chat.jinja"\n'
    config = load(tmp_path, HEAD + student + DATA)
    assert config.training.student.template == str(tmp_path / "chat.jinja")


def test_a_selection_is_found_by_its_name(tmp_path: Path) -> None:
    selections = "[training.selections.hard]\nonly = { difficulty = ['hard'] }\n"
    config = load(tmp_path, HEAD + STUDENT + DATA + selections)
    assert config.rows_of("hard").only == {"difficulty": ("hard",)}
    with pytest.raises(ConfigError, match="there is no 'all'; name one of these: hard"):
        config.rows_of("all")


def launched(name: str) -> dict[str, str]:
    """The environment that accelerate gives to the processes that it starts by a file."""
    path = str(CONFIGS / "training" / name)
    arguments = launch_command_parser().parse_args(["--config_file", path, "train.py"])
    arguments, file, _ = _validate_launch_command(arguments)
    if arguments.use_deepspeed:
        arguments.deepspeed_fields_from_accelerate_config = ",".join(file.deepspeed_config)
        _, found = prepare_deepspeed_cmd_env(arguments)
    else:
        found = prepare_multi_gpu_env(arguments)
    return {key: str(value) for key, value in found.items()}


def test_accelerate_takes_the_file_for_fsdp(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = launched("fsdp.yaml")
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    plugin = FullyShardedDataParallelPlugin()
    assert environment["ACCELERATE_USE_FSDP"] == "true"
    assert environment["ACCELERATE_MIXED_PRECISION"] == "bf16"
    assert plugin.fsdp_version == 2
    assert plugin.state_dict_type.name == "SHARDED_STATE_DICT"
    assert plugin.cpu_ram_efficient_loading


def test_accelerate_takes_the_file_for_deepspeed() -> None:
    environment = launched("deepspeed-zero3.yaml")
    assert environment["ACCELERATE_USE_DEEPSPEED"] == "true"
    assert environment["ACCELERATE_DEEPSPEED_CONFIG_FILE"].endswith("deepspeed-zero3.json")


def test_deepspeed_takes_its_settings() -> None:
    config = pytest.importorskip("deepspeed.runtime.config", reason="deepspeed is not installed")
    text = (CONFIGS / "training" / "deepspeed-zero3.json").read_text(encoding="utf-8")
    given = json.loads(text) | {"train_batch_size": 1, "train_micro_batch_size_per_gpu": 1}
    given |= {"gradient_accumulation_steps": 1, "gradient_clipping": 1.0}
    given["bf16"] = {"enabled": True}
    zero = given["zero_optimization"]
    given["zero_optimization"] = {k: v for k, v in zero.items() if v != "auto"}
    assert config.DeepSpeedConfig(given).zero_config.stage == 3
