"""A student of two small layers, three chat templates, and rows to learn from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from pipeline.training.config import TrainingConfig

# Each in the form of a family's, written for these tests. Qwen's: a system turn of its own where
# there is none. Llama 3's: a token that begins a text, headers, and contents trimmed. SmolLM2's:
# as Qwen's, whose two special tokens also begin and end every text.
QWEN = (
    "{% if messages[0].role != 'system' %}"
    "<|im_start|>system\nYou are nobody.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA = (
    "<|begin_of_text|>{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
SMOL = (
    "{% for m in messages %}{% if loop.first and m.role != 'system' %}<|im_start|>system\nHello."
    "<|im_end|>\n{% endif %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# What QwQ and the distilled R1 models come with: it leaves out what was thought.
FORGETS = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{{ m.content.split('</think>')[-1] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = {
    "qwen": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
    "llama": ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    "smol": ["<|im_start|>", "<|im_end|>", "<|endoftext|>"],
    "forgets": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
}
TEMPLATES = {"qwen": QWEN, "llama": LLAMA, "smol": SMOL, "forgets": FORGETS}
END = {"qwen": "<|im_end|>", "llama": "<|eot_id|>", "smol": "<|im_end|>"}
FAMILIES = tuple(END)


def tokenizer(family: str) -> PreTrainedTokenizerFast:
    """One token for each byte, and the family's special tokens."""
    letters = {letter: place for place, letter in enumerate(sorted(ByteLevel.alphabet()))}
    made = Tokenizer(BPE(vocab=letters, merges=[]))
    made.pre_tokenizer = ByteLevel(add_prefix_space=False)
    made.decoder = ByteLevelDecoder()
    made.add_special_tokens(SPECIAL[family])
    found = PreTrainedTokenizerFast(tokenizer_object=made, eos_token=SPECIAL[family][0])
    found.chat_template = TEMPLATES[family]
    return found


def student(folder: Path, family: str = "qwen") -> Path:
    """Write a student with random weights to a folder; returns it."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=260,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4_096,
        bos_token_id=None,
        eos_token_id=256,
        pad_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer(family).save_pretrained(folder)
    return folder


def turn(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content, "info": None}


def response(number: int) -> str:
    return f"<think>\nIt is {number} & one more.\n</think>\n<answer>{number + 1}</answer>"


def row(number: int, **columns: Any) -> dict[str, Any]:
    """A row of one question; every third is the second question of a conversation."""
    last = [turn("user", f"What follows {number}?"), turn("assistant", response(number))]
    before = [turn("user", "Hello"), turn("assistant", "<think>\nhidden\n</think>\nGood day.")]
    return {"messages": [*(before if number % 3 == 0 else []), *last], "id": str(number), **columns}


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def config(folder: Path, rows: Path, runtime: dict[str, Any] | None = None, **training: Any) -> Any:
    """A training that is done in a second."""
    values: dict[str, Any] = {
        "student": {"model": str(folder / "student"), "revision": "1", "system": "Think."},
        "data": [{"path": str(rows)}],
        "batch": 2,
        "epochs": 1,
        "max_tokens": 700,
        "learning_rate": 1e-2,
        **training,
    }
    where = {"data": str(folder / "data"), "device": "cpu", "precision": "fp32", "log_every": 1}
    where |= runtime or {}
    whole = {"name": "tiny", "version": "1", "training": values, "runtime": where}
    return TrainingConfig.model_validate(whole)
