"""Scores conversations with a model in this process, by transformers' sequence classification.

``LocalReward(reward, local)([({"role": "user", …}, {"role": "assistant", …})])`` gives the
model's outputs for each conversation, which the model's own chat template writes out. Batches
hold conversations of like length. A conversation longer than the model's context is `too_long`,
never cut. Outputs move in their last bits with what stands beside a conversation in its batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import torch

from dedup.encoder import fast_dtype
from pipeline.config import Local
from pipeline.errors import ConfigError, Unavailable
from pipeline.recipe_reward import Reward
from pipeline.teacher.loading import quiet, torch_device
from verifiers.reward_model import Scores, Turns

# Tokens of one batch, padding included: 1 GB of activations for an 8B model. A guess.
BATCH_TOKENS = 32_768


class LocalReward:
    """A `Scorer` that runs a model here."""

    stand_in = False

    def __init__(self, reward: Reward, local: Local) -> None:
        """Load the model; raises Unavailable without it, ConfigError for one that does not fit."""
        torch.set_num_threads(local.threads or os.cpu_count() or 1)
        self._reward, self._batch_size = reward, local.batch_size
        self._model, self._tokenizer = load(reward, torch_device(local.device))
        self._device = next(self._model.parameters()).device
        if not self._tokenizer.chat_template:
            raise ConfigError(
                f"recipe.verify.reward.model: {reward.model} has no chat template, so that nobody"
                " knows how it wants a conversation written"
            )
        self._config = self._model.config.get_text_config()
        self._pad: int | None = getattr(self._config, "pad_token_id", None)
        self._longest: int = getattr(self._config, "max_position_embeddings", 1 << 62)

    @property
    def model(self) -> str:
        """The model's name."""
        return self._reward.model

    def __call__(self, conversations: list[Turns]) -> list[Scores]:
        """Return the model's outputs for each conversation."""
        ids = [self._tokens(turns) for turns in conversations]
        found = [Scores()] * len(ids)
        fitting: list[int] = []
        for place, tokens in enumerate(ids):
            if len(tokens) > self._longest:
                said = f"{len(tokens)} tokens, the model takes {self._longest}"
                found[place] = Scores(failure=said, too_long=True)
            else:
                fitting.append(place)
        for batch in batches(fitting, ids, self._batch_size):
            for place, values in zip(batch, self._run([ids[k] for k in batch]), strict=True):
                found[place] = Scores(tuple(values))
        return found

    def _tokens(self, turns: Turns) -> list[int]:
        text = self._tokenizer.apply_chat_template([dict(turn) for turn in turns], tokenize=False)
        # The template has written the special tokens already.
        tokens: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens

    def _padding(self, ids: Sequence[list[int]]) -> int:
        """Return the token to fill up with, behind which the model sees no conversation.

        transformers scores at the last token that is not this one. A model that names one was
        trained so, even if that ends its turns, too (vLLM then scores one token later);
        for others it must not be one that a conversation ends with.
        """
        if self._pad is not None:
            return self._pad
        self._config.pad_token_id = unused(ids)
        return int(self._config.pad_token_id)

    def _run(self, ids: Sequence[list[int]]) -> list[list[float]]:
        length = max(map(len, ids))
        pad = self._padding(ids)
        padded = [[*tokens, *[pad] * (length - len(tokens))] for tokens in ids]
        mask = [[1] * len(tokens) + [0] * (length - len(tokens)) for tokens in ids]
        with torch.inference_mode():
            result = self._model(
                torch.tensor(padded, device=self._device),
                attention_mask=torch.tensor(mask, device=self._device),
            )
        outputs = getattr(result, self._reward.output, None)
        if not isinstance(outputs, torch.Tensor):
            raise ConfigError(
                f"recipe.verify.reward.output: {self._reward.model} gives no tensor"
                f" {self._reward.output!r}; it gives {sorted(result.keys())}"
            )
        rows: list[list[float]] = outputs.float().reshape(len(ids), -1).cpu().tolist()
        return rows


def unused(ids: Sequence[list[int]]) -> int:
    """Return the lowest token that stands in none of the conversations."""
    used = set().union(*ids)
    return next(token for token in count() if token not in used)


def load(reward: Reward, device: torch.device) -> tuple[Any, Any]:
    """Return a model and its tokenizer; raises Unavailable."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    given: dict[str, Any] = {"trust_remote_code": reward.trust_remote_code}
    if not Path(reward.model).is_dir():
        given["revision"] = reward.revision
    how = {"dtype": fast_dtype(device.type), "output_loading_info": True}
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(reward.model, **given)
            loader = AutoModelForSequenceClassification
            model, gaps = loader.from_pretrained(reward.model, **how, **given)
    except (OSError, ValueError, ImportError) as error:
        said = " ".join(str(error).split())[:300]
        raise Unavailable(
            f"recipe.verify.reward.model: {reward.model} at {reward.revision} can't be loaded:"
            f" {said}; name a folder, or a model that can be reached, or another engine"
        ) from error
    if missing := [*gaps["missing_keys"], *gaps["mismatched_keys"]]:
        raise Unavailable(
            f"recipe.verify.reward.model: {reward.model} lacks weights, such as {missing[0]}: its"
            " head would be random; name a model that was trained for rewards"
        )
    return model.to(device).eval(), tokenizer


def batches(places: Sequence[int], ids: Sequence[list[int]], most: int) -> Iterator[list[int]]:
    """Yield places in batches of like length, of at most `most` rows and BATCH_TOKENS tokens."""
    batch: list[int] = []
    for place in sorted(places, key=lambda k: (len(ids[k]), k)):
        tokens = (len(batch) + 1) * len(ids[place])  # the longest so far
        if batch and (len(batch) == most or tokens > BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
