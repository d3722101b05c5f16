"""Loads a student, and puts what it has learnt into one folder that any program loads.

    data/students/qwen2.5-7b/1/all/learnt/    as the trainer wrote it: weights, or an adapter
    data/students/qwen2.5-7b/1/all/model/     bf16 weights, tokenizer, template: this is the student

`model/` is what transformers, vLLM and `[evaluation.models]` read. It stops at the token that
ended the responses it learnt, whatever the base model stopped at.
"""

from __future__ import annotations

import contextlib
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from pipeline.errors import ConfigError
from pipeline.teacher.loading import quiet, read_model
from pipeline.training.chat import Chat
from pipeline.training.config import Student, TrainingConfig

LEARNT, MODEL = "learnt", "model"


def load_student(config: TrainingConfig) -> tuple[Any, Chat]:
    """Return the model with fp32 weights, bf16 where they are frozen, and its way to write.

    Raises Unavailable where it can't be loaded, ConfigError for an unfit template.
    """
    frozen = config.training.lora is not None and config.runtime.precision == "bf16"
    dtype = torch.bfloat16 if frozen else torch.float32
    how = {"attn_implementation": config.runtime.attention}
    model, tokenizer = read_model(config.training.student, dtype, "training.student", **how)
    chat = _chat(config.training.student, tokenizer)
    context = getattr(model.config, "max_position_embeddings", None)
    if context is not None and config.training.max_tokens > context:
        raise ConfigError(
            f"training.max_tokens: must be at most {context}, which is the context of"
            f" {config.training.student.model}, got {config.training.max_tokens}"
        )
    return model, chat


def template_of(student: Student) -> str | None:
    """Return the template that a configuration names, None for the model's own."""
    if student.template is None:
        return None
    path = Path(student.template)
    if not path.is_file():
        raise ConfigError(f"training.student.template: {path}: no such file")
    return path.read_text(encoding="utf-8")


def _chat(student: Student, tokenizer: Any) -> Chat:
    if (template := template_of(student)) is not None:
        tokenizer.chat_template = template
    return Chat(tokenizer, student.system)


def put_together(config: TrainingConfig, chat: Chat, folder: Path) -> Path:
    """Write the student's own folder from what the trainer wrote; returns it.

    In main memory, with bf16 weights: 2 bytes for each of the model's.
    """
    learnt, made = folder / LEARNT, folder / f".{MODEL}.new"
    shutil.rmtree(made, ignore_errors=True)
    with quiet():
        model = _whole(config, learnt)
        _stop_at(model, chat)
        model.save_pretrained(made)
        chat.tokenizer.save_pretrained(made)
    shutil.rmtree(folder / MODEL, ignore_errors=True)
    made.rename(folder / MODEL)
    shutil.rmtree(learnt)
    return folder / MODEL


def _whole(config: TrainingConfig, learnt: Path) -> Any:
    from transformers import AutoModelForCausalLM

    if config.training.lora is None:
        return AutoModelForCausalLM.from_pretrained(learnt, dtype=torch.bfloat16)
    from peft import PeftModel

    base, _ = read_model(config.training.student, torch.bfloat16, "training.student")
    with peft_silenced():
        return PeftModel.from_pretrained(base, str(learnt)).merge_and_unload()


@contextlib.contextmanager
def peft_silenced() -> Iterator[None]:
    """Leave out what is not for users: peft 0.21 calls transformers 5.24 by an old name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        yield


def _stop_at(model: Any, chat: Chat) -> None:
    """Add the token that ends a turn to those at which the model stops."""
    end = chat.tokenizer.convert_tokens_to_ids(chat.end)
    chat.tokenizer.eos_token = chat.end
    model.config.eos_token_id = end
    before = model.generation_config.eos_token_id
    others = before if isinstance(before, list) else [before]
    kept = [id for id in others if id is not None and id != end]
    model.generation_config.eos_token_id = [end, *kept]
