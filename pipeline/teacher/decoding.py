"""Generates continuations of many prompts at once with a causal model.

Input: prompts as lists of token ids, for example ``[[17872, 42, 253, …], …]``.

Three things make this faster than `model.generate` on a CPU: what all prompts begin with is
computed and held once (attention.py), a row that has finished leaves the batch at once, and
a row's text is searched for stop strings only at its end.

A continuation is decoded by itself, so that a tokenizer that writes a space in front of
words (SentencePiece's) loses the one in front of the first word.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import DynamicCache

from pipeline.recipe import Sampling
from pipeline.teacher.attention import shares_beginning
from pipeline.teacher.base import Ask
from pipeline.teacher.sampling import next_tokens

# Prompts are read in pieces of so many tokens, 1.3 seconds of a busy CPU with SmolLM2
# (docs/log.md): Ctrl-C is heard between two pieces, and memory stays bounded.
PIECE = 2_048


@dataclass(slots=True)
class Row:
    """An ask's prompt, the tokens written so far, and how many may be written."""

    ask: Ask
    prompt: list[int]
    room: int
    stream: random.Random
    written: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Batch:
    """The rows that are still being written, and what the model holds of each.

    `mask` (rows, own) is 1 where there is a token, `places` (rows, 1) the last one's position.
    """

    rows: list[Row]
    cache: Any
    mask: torch.Tensor
    places: torch.Tensor

    def keep(self, indices: list[int]) -> None:
        """Let all other rows go."""
        if len(indices) == len(self.rows):
            return
        chosen = torch.tensor(indices, dtype=torch.long, device=self.mask.device)
        self.rows = [self.rows[index] for index in indices]
        self.cache.batch_select_indices(chosen)
        self.mask, self.places = self.mask[chosen], self.places[chosen]

    def grow(self) -> None:
        """Make room for one more token in each row."""
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(self.rows), 1)], dim=1)
        self.places = self.places + 1


class Decoder:
    """A model with its tokenizer and its way of sampling."""

    def __init__(self, model: Any, tokenizer: Any, sampling: Sampling) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._sampling = sampling
        self._shares = shares_beginning(model)
        self._ends = _end_tokens(model, tokenizer)
        # A stop string of n bytes is spread over at most n tokens.
        self._tail = max((len(stop.encode()) for stop in sampling.stop), default=0)

    def read_beginning(self, rows: Sequence[Row]) -> Any:
        """Return the keys and values of what all prompts begin with, or None.

        At least one token of each prompt is left out of it.
        """
        length = _common([row.prompt for row in rows])
        if length < 1 or not self._shares:
            return None
        cache = DynamicCache(config=self._model.config)
        ids = self._tensor([rows[0].prompt[:length]])
        self._read(ids, torch.ones_like(ids), torch.arange(length)[None].to(ids), cache, None)
        return cache

    def finished(self, rows: Sequence[Row], beginning: Any) -> Iterator[tuple[Row, str, str]]:
        """Yield (row, text, finish reason) in the order in which rows finish.

        `beginning` is what was read of these rows and maybe more.
        """
        batch, logits = self._begin(rows, beginning)
        while True:
            tokens = next_tokens(logits, self._sampling, [row.stream for row in batch.rows])
            kept = []
            for index, (row, token) in enumerate(zip(batch.rows, tokens, strict=True)):
                row.written.append(token)
                if (end := self._end(row)) is None:
                    kept.append(index)
                else:
                    yield row, *end
            if not kept:
                return
            batch.keep(kept)
            batch.grow()
            last = self._tensor([row.written[-1:] for row in batch.rows])
            logits = self._forward(last, batch.mask, batch.places, batch.cache, beginning)

    def _begin(self, rows: Sequence[Row], beginning: Any) -> tuple[Batch, torch.Tensor]:
        """Read what follows the beginning, padded on the left; return the last logits too."""
        skip = beginning.get_seq_length() if beginning is not None else 0
        rests = [row.prompt[skip:] for row in rows]
        width = max(map(len, rests))
        # Any token will do where there is none: it is masked.
        ids = self._tensor([[0] * (width - len(rest)) + rest for rest in rests])
        mask = self._tensor([[0] * (width - len(rest)) + [1] * len(rest) for rest in rests])
        places = (mask.cumsum(dim=1) - 1).clamp(min=0) + skip
        cache = DynamicCache(config=self._model.config)
        logits = self._read(ids, mask, places, cache, beginning)
        return Batch(list(rows), cache, mask, places[:, -1:]), logits

    def _read(
        self,
        ids: torch.Tensor,
        mask: torch.Tensor,
        places: torch.Tensor,
        cache: Any,
        beginning: Any,
    ) -> torch.Tensor:
        """Read tokens (rows, width) piece by piece; return the logits of the last column."""
        step = max(1, PIECE // len(ids))
        for start in range(0, ids.shape[1], step):
            piece = slice(start, start + step)
            seen = mask[:, : start + step]
            logits = self._forward(ids[:, piece], seen, places[:, piece], cache, beginning)
        return logits

    def _forward(
        self,
        ids: torch.Tensor,
        mask: torch.Tensor,
        places: torch.Tensor,
        cache: Any,
        beginning: Any,
    ) -> torch.Tensor:
        shared = {} if beginning is None else {"beginning": beginning}
        with torch.inference_mode():
            output = self._model(
                ids,
                attention_mask=mask,
                position_ids=places,
                cache=cache,
                use_cache=True,
                logits_to_keep=1,
                **shared,
            )
        logits: torch.Tensor = output.logits[:, -1]
        return logits

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
        stops = self._sampling.stop
        tail = self._text(written[-self._tail - 1 :])
        if not any(stop in tail for stop in stops):
            return None
        text = self._text(written)
        places = [text.find(stop) for stop in stops if stop in text]
        return text[: min(places)] if places else None

    def _text(self, tokens: list[int]) -> str:
        return str(
            self._tokenizer.decode(
                tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )

    def _tensor(self, rows: list[list[int]]) -> torch.Tensor:
        return torch.tensor(rows, device=self._model.device)


def _common(prompts: Sequence[list[int]]) -> int:
    """Return how many tokens all prompts begin with, at least one of each left over."""
    least, most = min(prompts), max(prompts)  # what these two share, all share
    limit = min(map(len, prompts)) - 1
    return next((at for at in range(limit) if least[at] != most[at]), limit)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return every token that ends a text, by the model's and the tokenizer's word."""
    named = [model.generation_config.eos_token_id, tokenizer.eos_token_id]
    ends: set[int] = set()
    for value in named:
        ends.update(value if isinstance(value, (list, tuple)) else [value])
    return frozenset(end for end in ends if end is not None)
