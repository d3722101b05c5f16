"""A teacher inside this process: transformers generates, batch by batch.

An ask carries `{"prompt": "Question: …\\n<think>"}`, which is continued as it is, or
`{"messages": [{"role": "user", "content": "…"}]}`, which the model's chat template writes out.

At a temperature above 0 each ask draws from its own stream of random numbers, made of seed,
attempt and key, whatever stands beside it in the batch. The same ask gives the same reply
in the same batch on the same machine; in another batch, with other threads or elsewhere the
logits differ in their last bits, and now and then a token does, after which the reply goes
another way. At temperature 0 nothing is drawn, and the same holds.

Memory isn't bounded by anything but the batch: a token of SmolLM2 takes 23 kB in each row.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, takewhile
from typing import Any

import torch
from jinja2 import TemplateError

from pipeline.config import Local
from pipeline.errors import ConfigError
from pipeline.recipe import Sampling, Teacher
from pipeline.teacher.account import Account
from pipeline.teacher.base import Ask, Client, Keeper, Reply, sampling_of
from pipeline.teacher.budget import Budget, Tokens
from pipeline.teacher.decoding import Decoder, Row
from pipeline.teacher.loading import load_model
from pipeline.teacher.sampling import stream

# Batches taken at a time, to put rows of like length together (a guess: more would sort
# better, and hold more asks whose replies are far away).
WINDOW = 4


class TransformersClient(Client):
    """A model in this process; one caller at a time."""

    def __init__(
        self,
        teacher: Teacher,
        sampling: Sampling,
        local: Local,
        budget: Budget | None = None,
    ) -> None:
        """Load the model; raises Unavailable without it, ConfigError for an unfit setting."""
        if "" in sampling.stop:
            raise ConfigError("teacher.sampling.stop: must not hold an empty text; remove it")
        self._sampling = sampling
        self._batch_size = local.batch_size
        self._budget = budget
        self._account = Account()
        self._threads = torch.get_num_threads()
        torch.set_num_threads(local.threads or os.cpu_count() or 1)
        self._model, self._tokenizer = load_model(teacher, local.device)
        if teacher.style == "chat" and not self._tokenizer.chat_template:
            raise ConfigError(
                f'teacher.style: must be "completion", got "chat", for which {teacher.model}'
                " has no template"
            )
        self._decoders: dict[float, Decoder] = {}

    def replies(
        self, asks: Iterable[Ask], keeper: Keeper | None = None
    ) -> Iterator[tuple[Ask, Reply]]:
        """Yield each ask with its reply; takes the asks of a few batches at a time."""
        waiting = iter(asks)
        while window := list(islice(waiting, WINDOW * self._batch_size)):
            fits = list(takewhile(self._affords, window))
            for ask, reply in self._answer(fits):
                self._count(ask, reply)
                if keeper is not None:
                    keeper.replies([(ask, reply)])
                yield ask, reply
            if len(fits) < len(window) and self._budget is not None:
                raise self._budget.reached()

    def note(self) -> str:
        """Return the tokens a second of the last seconds."""
        return f"{self._account.tokens_a_second():,.0f} tokens/s"

    def account(self) -> list[dict[str, Any]]:
        """Return what this process was asked and what it wrote."""
        return [self._account.line("this process")]

    def close(self) -> None:
        """Let the model go, and give torch its number of threads back."""
        self._decoders.clear()
        self._model = None
        torch.set_num_threads(self._threads)

    def _affords(self, ask: Ask) -> bool:
        self._account.requests += 1
        if self._budget is None:
            return True
        chars = len(str(ask.request))
        if self._budget.promise(ask.key, chars, self._sampling.max_tokens):
            return True
        self._account.requests -= 1
        return False

    def _count(self, ask: Ask, reply: Reply) -> None:
        self._account.chars += len(reply.text)
        self._account.ended(reply, len(reply.text))
        if self._budget is not None:
            cost = Tokens(reply.prompt_tokens or 0, reply.response_tokens or 0)
            self._budget.settle(ask.key, cost)

    def _answer(self, window: Sequence[Ask]) -> Iterator[tuple[Ask, Reply]]:
        """Yield the replies to a window's asks, those to short prompts first."""
        rows = []
        for ask in window:
            row = self._row(ask)
            if isinstance(row, Row):
                rows.append(row)
            else:
                yield ask, row
        rows.sort(key=lambda row: len(row.prompt))
        for temperature in sorted({self._temperature(row.ask) for row in rows}):
            alike = [row for row in rows if self._temperature(row.ask) == temperature]
            yield from self._generate(alike)

    def _temperature(self, ask: Ask) -> float:
        return sampling_of(self._sampling, ask).temperature

    def _decoder(self, ask: Ask) -> Decoder:
        """Return the decoder for an ask's temperature, one for all of that temperature."""
        if self._model is None:
            raise ValueError("this client is closed")
        sampling = sampling_of(self._sampling, ask)
        if sampling.temperature not in self._decoders:
            decoder = Decoder(self._model, self._tokenizer, sampling)
            self._decoders[sampling.temperature] = decoder
        return self._decoders[sampling.temperature]

    def _generate(self, rows: Sequence[Row]) -> Iterator[tuple[Ask, Reply]]:
        decoder = self._decoder(rows[0].ask)
        beginning = decoder.read_beginning(rows)
        for start in range(0, len(rows), self._batch_size):
            batch = rows[start : start + self._batch_size]
            for row, text, reason in decoder.finished(batch, beginning):
                yield row.ask, self._reply(row, text, reason)

    def _reply(self, row: Row, text: str, reason: str) -> Reply:
        return Reply(text, reason, len(row.prompt), len(row.written), self._sampling.max_tokens)

    def _row(self, ask: Ask) -> Row | Reply:
        """Return an ask ready to be continued, or the reply that says why it can't be."""
        try:
            prompt = self._encode(ask.request)
        except TemplateError as error:
            return self._refused(f"the chat template refuses these messages: {error}")
        context = getattr(self._model.config, "max_position_embeddings", None)
        room = self._sampling.max_tokens
        if context is not None:
            room = min(room, context - len(prompt))
        if not prompt or room < 1:
            return self._refused(f"a prompt of {len(prompt)} tokens, of at most {context}")
        draws = stream(self._sampling.seed + ask.attempt, ask.key)
        return Row(ask, prompt, room, draws)

    def _refused(self, why: str) -> Reply:
        return Reply("", "error", max_tokens=self._sampling.max_tokens, error=why)

    def _encode(self, request: Any) -> list[int]:
        if "prompt" in request:
            return list(self._tokenizer(request["prompt"], verbose=False)["input_ids"])
        text = self._tokenizer.apply_chat_template(
            request["messages"], tokenize=False, add_generation_prompt=True
        )
        # The template has written the special tokens out.
        return list(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
