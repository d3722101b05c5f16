"""Supervised fine-tuning by TRL: sequences in, what the student learnt out.

    learn(config, model, chat, folder)      Learnt(first_step=1, steps=312, last_loss=0.41, …)

TRL packs the sequences, spreads them over the GPUs that accelerate knows, computes the loss and
writes checkpoints; a run that was killed goes on at the newest that is whole. What is learnt of a
sequence was decided before (pipeline/training/chat.py): its labels are taken as they are.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, Unavailable
from pipeline.training.chat import Chat
from pipeline.training.config import Lora, TrainingConfig
from pipeline.training.processes import in_turn, world_size
from pipeline.training.student import LEARNT, peft_silenced
from pipeline.training.watching import Watch, without_bars

STATE = "trainer_state.json"  # the file of a checkpoint that is written last


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a training came to; `seconds` and `tokens` are of this run, not of those it resumed.

    So is `first_step`: 1 unless it went on at a checkpoint.
    """

    first_step: int
    steps: int
    sequences: int
    first_loss: float | None
    last_loss: float | None
    seconds: float
    tokens: int


def accumulation(config: TrainingConfig, processes: int) -> int:
    """Return how many micro-batches make a step; raises ConfigError where they don't fit."""
    at_once = config.runtime.micro_batch * processes
    steps, rest = divmod(config.training.batch, at_once)
    if rest or not steps:
        raise ConfigError(
            f"training.batch: must be a multiple of runtime.micro_batch × processes"
            f" ({config.runtime.micro_batch} × {processes} = {at_once}), got"
            f" {config.training.batch}"
        )
    return steps


def arguments(config: TrainingConfig, chat: Chat, folder: Path) -> Any:
    """Return TRL's settings for a configuration."""
    from trl import SFTConfig  # type: ignore[attr-defined]

    training, runtime = config.training, config.runtime
    return SFTConfig(
        output_dir=str(folder),
        learning_rate=training.learning_rate,
        num_train_epochs=training.epochs,
        per_device_train_batch_size=runtime.micro_batch,
        gradient_accumulation_steps=accumulation(config, world_size()),
        lr_scheduler_type=training.schedule,
        warmup_steps=training.warmup,
        weight_decay=training.weight_decay,
        max_grad_norm=training.max_grad_norm,
        seed=training.seed,
        max_length=training.max_tokens,
        packing=training.packing,
        shuffle_dataset=True,  # what is packed together, and the last sequence of all
        eos_token=chat.end,
        bf16=runtime.precision == "bf16",
        use_cpu=runtime.device == "cpu",
        activation_checkpointing=runtime.activation_checkpointing,
        save_steps=runtime.checkpoint_every,
        save_total_limit=runtime.checkpoints,
        logging_steps=runtime.log_every,
        logging_nan_inf_filter=False,  # it would log 0 in place of what is no number
        report_to=runtime.report,
        run_name=f"{config.name}-{config.version}-{folder.name}",
        disable_tqdm=True,
    )


def check(config: TrainingConfig, model: Any) -> None:
    """Raise Unavailable or ConfigError for what would fail when all rows have been read."""
    _check_installed(config)
    accumulation(config, world_size())
    if config.training.lora is not None:
        _check_targets(config.training.lora, model)


def _check_targets(lora: Lora, model: Any) -> None:
    """Raise ConfigError for targets that no module is called: peft takes what it finds."""
    from torch.nn import Linear

    every = {name: module for name, module in model.named_modules() if name}
    strange = [
        target
        for target in lora.targets
        if not any(name == target or name.endswith(f".{target}") for name in every)
    ]
    if strange:
        linear = {n.rpartition(".")[2] for n, module in every.items() if isinstance(module, Linear)}
        raise ConfigError(
            f"training.lora.targets: the student has no modules {strange}; its linear layers are"
            f" {', '.join(sorted(linear))}"
        )


def trainer(
    config: TrainingConfig, model: Any, chat: Chat, folder: Path, callbacks: Sequence[Any] = ()
) -> Any:
    """Return TRL's trainer over the samples of a folder."""
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTTrainer  # type: ignore[attr-defined]

    made = arguments(config, chat, folder)
    with peft_silenced():
        found = SFTTrainer(
            model=model,
            args=made,
            train_dataset=Dataset.from_file(str(folder / "samples.arrow")),
            processing_class=chat.tokenizer,
            peft_config=adapter(config.training.lora),
            callbacks=list(callbacks),
        )
    found.remove_callback(PrinterCallback)  # what it prints, Watch shows
    return found


def adapter(lora: Lora | None) -> Any:
    """Return peft's settings, None where all weights are tuned."""
    if lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets) or "all-linear",
        task_type="CAUSAL_LM",
    )


def learn(
    config: TrainingConfig, model: Any, chat: Chat, folder: Path, callbacks: Sequence[Any] = ()
) -> Learnt:
    """Train, or go on at the newest whole checkpoint, and write what was learnt.

    Raises Diverged where the loss is no number any more.
    """
    with without_bars(), Watch(config) as watch:
        made = trainer(config, model, chat, folder, [watch, *callbacks])
        newest = whole(folder)
        done = made.train(resume_from_checkpoint=str(newest) if newest else None)
        watch.check(done.training_loss, made.state.global_step)
        _save(made, folder / LEARNT)
    losses = [line["loss"] for line in made.state.log_history if "loss" in line]
    return Learnt(
        first_step=watch.first_step,
        steps=made.state.global_step,
        sequences=len(made.train_dataset),
        first_loss=losses[0] if losses else None,
        last_loss=losses[-1] if losses else None,
        seconds=done.metrics["train_runtime"],
        tokens=made._total_train_tokens,
    )


def whole(folder: Path) -> Path | None:
    """Return the newest checkpoint that was written to its end; deletes those that were not.

    The trainer writes in place, so that a kill leaves half of one.
    """
    found = {int(path.name.rpartition("-")[2]): path for path in folder.glob("checkpoint-*")}
    with in_turn() as alone:
        for path in found.values() if alone else ():
            if not _is_whole(path):
                shutil.rmtree(path)
    left = [step for step, path in found.items() if path.is_dir()]
    return found[max(left)] if left else None


def _is_whole(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return True


def _save(made: Any, folder: Path) -> None:
    """Write the weights or the adapter, gathered from all GPUs where they are spread."""
    if made.is_fsdp_enabled:
        made.accelerator.state.fsdp_plugin.set_state_dict_type("FULL_STATE_DICT")
    made.save_model(str(folder))


def _check_installed(config: TrainingConfig) -> None:
    from importlib.util import find_spec

    wanted = {"trl": True, "peft": config.training.lora is not None}
    wanted |= {name: config.runtime.report == name for name in ("tensorboard", "wandb")}
    missing = [name for name, needed in wanted.items() if needed and find_spec(name) is None]
    if missing:
        raise Unavailable(
            f"training: {', '.join(missing)} is not installed; pip install 'build-dataset[train]'"
            + (f" {' '.join(set(missing) & {'tensorboard', 'wandb'})}".rstrip())
        )
