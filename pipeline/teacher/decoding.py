"""Generates continuations of many prompts at once with a causal model.

Input: prompts as lists of token ids, for example ``[[17872, 42, 253, …], …]``.

Three things make this faster than `model.generate` on a CPU (figures: docs/log.md): what all
prompts begin with is computed once and kept; a row that has finished leaves the batch at
once; a row's text is searched for stop strings only at its end.

Works with decoder models whose cache can be repeated and selected by row (the ordinary
key/value cache, sliding windows included; not linear attention).
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import DynamicCache

from pipeline.recipe import Sampling
from pipeline.teacher.sampling import next_tokens


@dataclass(slots=True)
class Row:
    """One prompt, the tokens written so far, and how many may be written."""

    prompt: list[int]
    room: int
    stream: random.Random
    written: list[int] = field(default_factory=list)


class Decoder:
    """A model, its tokenizer, and the computed beginning that prompts share."""

    def __init__(self, model: Any, tokenizer: Any, sampling: Sampling) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._sampling = sampling
        self._ends = _end_tokens(model, tokenizer)
        # A stop string of n bytes is spread over at most n tokens.
        self._tail = max((len(stop.encode()) for stop in sampling.stop), default=0)
        self._prefix: list[int] = []
        self._prefix_cache: Any = None

    @torch.inference_mode()
    def finished(self, rows: Sequence[Row], prefix: list[int]) -> Iterator[tuple[Row, str, str]]:
        """Yield (row, text, finish reason) in the order in which rows finish.

        Every prompt starts with `prefix` and has at least one token after it.
        """
        active = list(rows)
        cache = self._cache(prefix, len(active))
        logits, mask, places = self._read_prompts(active, len(prefix), cache)
        while True:
            kept = []
            tokens = next_tokens(logits, self._sampling, [row.stream for row in active])
            for index, (row, token) in enumerate(zip(active, tokens, strict=True)):
                row.written.append(token)
                if (end := self._end(row)) is None:
                    kept.append(index)
                else:
                    yield row, *end
            if not kept:
                return
            if len(kept) < len(active):
                active = [active[index] for index in kept]
                chosen = torch.tensor(kept, device=mask.device)
                cache.batch_select_indices(chosen)
                mask, places = mask[chosen], places[chosen]
            mask = torch.cat([mask, mask.new_ones(len(active), 1)], dim=1)
            places = places + 1
            last = torch.tensor([[row.written[-1]] for row in active], device=mask.device)
            logits = self._forward(last, mask, places, cache)

    def _end(self, row: Row) -> tuple[str, str] | None:
        """Return the text and the reason if the row has just ended."""
        if row.written[-1] in self._ends:
            return self._text(row.written[:-1]), "stop"
        if self._tail and (text := self._cut(row.written)) is not None:
            return text, "stop"
        if len(row.written) >= row.room:
            return self._text(row.written), "length"
        return None

    def _cut(self, written: list[int]) -> str | None:
        """Return the text before the first stop string, or None where there is none."""
        tail = self._text(written[-self._tail - 1 :])
        if not any(stop in tail for stop in self._sampling.stop):
            return None
        text = self._text(written)
        places = [text.find(stop) for stop in self._sampling.stop]
        return text[: min(place for place in places if place >= 0)] if max(places) >= 0 else None

    def _text(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))

    def _cache(self, prefix: list[int], rows: int) -> Any:
        """Return a cache that holds the prefix for each of `rows` rows."""
        if not prefix:
            return DynamicCache(config=self._model.config)
        if prefix != self._prefix:
            self._prefix_cache = DynamicCache(config=self._model.config)
            ids = torch.tensor([prefix], device=self._model.device)
            self._model(ids, past_key_values=self._prefix_cache, use_cache=True, logits_to_keep=1)
            self._prefix = prefix
        cache = copy.deepcopy(self._prefix_cache)
        cache.batch_repeat_interleave(rows)
        return cache

    def _read_prompts(
        self, rows: Sequence[Row], skip: int, cache: Any
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Read what follows the prefix, padded on the left; return logits, mask and places."""
        rests = [row.prompt[skip:] for row in rows]
        width = max(map(len, rests))
        ids = torch.tensor([[self._pad] * (width - len(rest)) + rest for rest in rests])
        mask = torch.tensor(
            [[1] * skip + [0] * (width - len(rest)) + [1] * len(rest) for rest in rests]
        )
        ids, mask = ids.to(self._model.device), mask.to(self._model.device)
        places = (mask.cumsum(dim=1) - 1).clamp(min=0)
        logits = self._forward(ids, mask, places[:, skip:], cache)
        return logits, mask, places[:, -1:]

    @property
    def _pad(self) -> int:
        """Any token will do: what is padded is masked."""
        return next(iter(self._ends), 0)

    def _forward(
        self, ids: torch.Tensor, mask: torch.Tensor, places: torch.Tensor, cache: Any
    ) -> torch.Tensor:
        output = self._model(
            ids,
            attention_mask=mask,
            position_ids=places,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = output.logits[:, -1]
        return logits


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return every token that ends a text, by the model's and the tokenizer's word."""
    named = [model.generation_config.eos_token_id, tokenizer.eos_token_id]
    ends: set[int] = set()
    for value in named:
        ends.update(value if isinstance(value, (list, tuple)) else [value])
    return frozenset(end for end in ends if end is not None)
