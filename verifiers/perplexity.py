"""Refuses responses that a language model finds improbable, such as gibberish or word salad.

A row is ``{"id": "q1", "answer": "<think>…</think>The Ebro."}``. The model gives the log-likelihood
of the whole response, thinking included; its perplexity is exp of the mean over tokens, and above
`most` the response is `incorrect`. The limit of 20 is AM's; what is improbable depends on the
model, and a small one finds code, formulas and other languages improbable too.

How the model is run is the caller's business: a `Likelihoods` is handed in. `unverified` with
`perplexity_unavailable` or `too_short`. It can refuse a response and never vouch for one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, ClassVar, Protocol, Self

from verifiers.base import BadInput, Outcome, Result, Row, Verifier, bad_input, text_field

NAME = "perplexity"
WINDOW = 256  # responses looked at together; a guess: 1 M tokens
EXCERPT_CHARS = 300


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The sum of the log-likelihoods of a text's tokens but the first, and how many those are."""

    total: float = 0.0
    tokens: int = 0
    failure: str = ""


class Likelihoods(Protocol):
    """A way to have texts scored by a language model. What it raises ends the judging."""

    @property
    def model(self) -> str:
        """The model's name, as in evidence."""

    def __call__(self, texts: list[str]) -> list[Likelihood]:
        """Return the likelihood of each text, in their order."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How improbable a response may be, and how long it must be for that to mean anything.

    `most` is AM's limit, `fewest` tokens a guess: the perplexity of a few words says nothing.
    """

    most: float = 20.0
    fewest: int = 20

    def __post_init__(self) -> None:
        if not self.most > 1:
            raise ValueError("most: must be above 1, which is the perplexity of the certain")
        if self.fewest < 1:
            raise ValueError("fewest: must be above 0")


class Perplexity(Verifier):
    """Refuses improbable responses by a model that is handed in as `likelihoods`."""

    name: ClassVar[str] = NAME

    def __init__(self, likelihoods: Likelihoods, settings: Settings, window: int = WINDOW) -> None:
        self._ask, self._settings, self._window = likelihoods, settings, window

    @classmethod
    def create(cls, workers: int = 1, **settings: Any) -> Self:
        """Make the verifier; `likelihoods` is a `Likelihoods`, the others are those of `Settings`.

        `workers` count for nothing: how much runs at once is for `likelihoods` to say.
        """
        if "likelihoods" not in settings:
            raise TypeError("perplexity: needs `likelihoods`, a way to run a model")
        return cls(settings.pop("likelihoods"), Settings(**settings))

    def results(self, rows: Iterable[Row]) -> Iterator[Result]:
        """Yield one result for each row, in order; raises what the model's runner raises."""
        waiting = iter(rows)
        while window := list(islice(waiting, self._window)):
            started = time.perf_counter()
            read = [_text(row) for row in window]
            found = iter(self._ask([text for text in read if isinstance(text, str)]))
            for text in read:
                result = text if isinstance(text, Result) else self._finding(next(found))
                yield replace(result, seconds=time.perf_counter() - started)

    def _finding(self, found: Likelihood) -> Result:
        evidence: dict[str, Any] = {"model": self._ask.model}
        if found.failure:
            evidence["error"] = found.failure[:EXCERPT_CHARS]
            return Result(Outcome.UNVERIFIED, "perplexity_unavailable", NAME, evidence=evidence)
        evidence["tokens"] = found.tokens
        if found.tokens < self._settings.fewest:
            return Result(Outcome.UNVERIFIED, "too_short", NAME, evidence=evidence)
        # Beyond a mean of 700 the exponential has no number any more.
        perplexity = math.exp(min(700.0, -found.total / found.tokens))
        evidence |= {"perplexity": float(f"{perplexity:.4g}"), "most": self._settings.most}
        if perplexity > self._settings.most:
            return Result(Outcome.INCORRECT, "improbable", NAME, evidence=evidence)
        return Result(Outcome.CORRECT, "probable", NAME, evidence=evidence)


def _text(row: Row) -> str | Result:
    """Return what is looked at in a row, or its result where there is nothing."""
    try:
        text = text_field(row, "answer") if hasattr(row, "get") else None
        if text is None:
            raise BadInput(f"row: expected an object, got {type(row).__name__}")
    except BadInput as error:
        return bad_input(NAME, str(error))
    # Half a surrogate pair has no bytes, so that no tokenizer takes it.
    text = text.encode("utf-8", "replace").decode()
    return text if text.strip() else Result(Outcome.UNVERIFIED, "too_short", NAME)
