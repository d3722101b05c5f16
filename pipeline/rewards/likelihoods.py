"""The likelihood of texts under a language model, in this process or behind vLLM.

A text longer than the window is read in windows, each of which but the first begins with what
the one before ended with, so that every token has some context; a token counts once. Half of the
window is repeated, which a smaller share would change little and a larger one cost much.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from pipeline.acceptance import PERPLEXITY
from pipeline.config import Local, Runtime
from pipeline.errors import ConfigError, Unavailable
from pipeline.judging import Bench, as_teacher, blamed
from pipeline.recipe_judges import Asked
from pipeline.recipe_reward import Improbable
from pipeline.teacher.journal import Journal
from pipeline.teacher.loading import load_model, torch_device
from pipeline.teacher.openai import OpenAIClient
from pipeline.teacher.openai_scoring import Likely
from verifiers.asked_model import Request
from verifiers.perplexity import Likelihood, Perplexity, Settings

BATCH_TOKENS = 4_096  # of one step, padding included: their logits take 800 MB with SmolLM2


@contextmanager
def open_perplexity(
    recipe: Improbable, runtime: Runtime, folder: Path, *, outlive: bool = False
) -> Iterator[Perplexity]:
    """Give the verifier; replies of servers are kept in a journal below `folder`.

    With `outlive`, what servers that went down did not answer is `perplexity_unavailable`; else
    TeacherUnavailable is raised. Raises ConfigError and Unavailable for a model that can't be had.
    """
    settings = Settings(recipe.most, recipe.fewest)
    if recipe.engine == "transformers":
        yield Perplexity(LocalLikelihoods(recipe, runtime.local), settings)
        return
    model = Asked(model=recipe.model, revision=recipe.revision)
    try:
        client = OpenAIClient(
            as_teacher(model), model.sampling, runtime.perplexity, protocol=Likely()
        )
    except (ConfigError, Unavailable) as error:
        raise type(error)(blamed(PERPLEXITY, recipe.model, error)) from error
    with Journal(folder) as journal, client:
        bench = Texts(model, client, journal, name=PERPLEXITY, outlive=outlive)
        yield Perplexity(ServedLikelihoods(bench), settings)


class Texts(Bench):
    """A bench whose requests are texts to be scored."""

    def _body(self, request: Request) -> dict[str, object]:
        return {"likely": request.messages[0]["content"]}


class ServedLikelihoods:
    """A `Likelihoods` that asks servers, which read a text in one piece."""

    def __init__(self, bench: Texts) -> None:
        self._bench = bench

    @property
    def model(self) -> str:
        """The model's name."""
        return self._bench.model

    def __call__(self, texts: list[str]) -> list[Likelihood]:
        """Return what the servers give; raises TeacherUnavailable where they are down."""
        found = [Likelihood(failure="no reply came back")] * len(texts)
        asked = (Request(place, ({"content": text},)) for place, text in enumerate(texts))
        for request, reply in self._bench(asked):
            if reply.failure:
                found[request.number] = Likelihood(failure=reply.failure)
            else:
                total, tokens = json.loads(reply.text)
                found[request.number] = Likelihood(total, tokens)
        return found


class LocalLikelihoods:
    """A `Likelihoods` that runs a model here."""

    def __init__(self, recipe: Improbable, local: Local) -> None:
        """Load the model; raises Unavailable without it."""
        torch.set_num_threads(local.threads or os.cpu_count() or 1)
        self._recipe = recipe
        asked = as_teacher(Asked(model=recipe.model, revision=recipe.revision))
        try:
            self._model, self._tokenizer = load_model(asked, local.device)
        except Unavailable as error:
            raise Unavailable(f"recipe.verify.perplexity: {error}") from error
        self._device = torch_device(local.device)
        longest = getattr(self._model.config, "max_position_embeddings", recipe.window)
        self._window = min(recipe.window, longest)

    @property
    def model(self) -> str:
        """The model's name."""
        return self._recipe.model

    def __call__(self, texts: list[str]) -> list[Likelihood]:
        """Return the likelihood of each text."""
        ids = [self._tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
        pieces = [
            (place, start, piece)
            for place, tokens in enumerate(ids)
            for start, piece in windows(tokens, self._window)
        ]
        totals, counts = [0.0] * len(texts), [0] * len(texts)
        for batch in batches(pieces):
            sums = self._sums([(start, piece) for _, start, piece in batch])
            for (place, start, piece), total in zip(batch, sums, strict=True):
                totals[place] += total
                counts[place] += len(piece) - start
        return [Likelihood(total, count) for total, count in zip(totals, counts, strict=True)]

    def _sums(self, batch: Sequence[tuple[int, list[int]]]) -> list[float]:
        """Return the summed log-likelihood of each piece from its start on."""
        length = max(len(piece) for _, piece in batch)
        ids = torch.tensor([[*piece, *[0] * (length - len(piece))] for _, piece in batch])
        mask = torch.tensor([[1] * len(piece) + [0] * (length - len(piece)) for _, piece in batch])
        counted = mask.clone()
        for row, (start, _) in enumerate(batch):
            counted[row, :start] = 0
        ids, mask, counted = (part.to(self._device) for part in (ids, mask, counted))
        with torch.inference_mode():
            logits = self._model(ids, attention_mask=mask).logits[:, :-1].float()
            each = -torch.nn.functional.cross_entropy(
                logits.transpose(1, 2), ids[:, 1:], reduction="none"
            )
        sums: list[float] = (each * counted[:, 1:]).sum(1).tolist()
        return sums


def windows(tokens: list[int], window: int) -> Iterator[tuple[int, list[int]]]:
    """Yield windows of a text, each with the place in it from which its tokens count.

    The first token has nothing before it, and never counts.
    """
    if len(tokens) < 2:
        return
    yield 1, tokens[:window]
    step, end = max(1, window // 2), window
    while end < len(tokens):
        more = min(step, len(tokens) - end)
        end += more
        piece = tokens[max(0, end - window) : end]
        yield len(piece) - more, piece


Piece = tuple[int, int, list[int]]


def batches(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Yield pieces of like length together, at most BATCH_TOKENS with what fills them up."""
    batch: list[Piece] = []
    for piece in sorted(pieces, key=lambda one: len(one[2])):
        if batch and (len(batch) + 1) * len(piece[2]) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(piece)
    if batch:
        yield batch
