"""The perplexity of responses, with likelihoods that are known."""

from __future__ import annotations

import math
from typing import Any

import pytest

from verifiers import Outcome, Result
from verifiers.perplexity import Likelihood, Perplexity


class Known:
    """Gives each text a likelihood by its first word, and remembers what it was shown."""

    model = "known"

    def __init__(self, **by_word: Likelihood) -> None:
        self.by_word = by_word
        self.shown: list[str] = []

    def __call__(self, texts: list[str]) -> list[Likelihood]:
        self.shown += texts
        return [self.by_word[text.split()[0]] for text in texts]


def judge(ask: Known, *answers: Any, window: int = 4, **settings: Any) -> list[Result]:
    made = Perplexity.create(likelihoods=ask, **settings)
    with Perplexity(ask, made._settings, window) as verifier:
        return list(verifier.results({"answer": answer} for answer in answers))


def at(perplexity: float, tokens: int = 100) -> Likelihood:
    return Likelihood(-math.log(perplexity) * tokens, tokens)


@pytest.mark.parametrize(
    ("given", "outcome", "reason"),
    [
        (at(19.9), Outcome.CORRECT, "probable"),
        (at(20.1), Outcome.INCORRECT, "improbable"),
        (at(1.0), Outcome.CORRECT, "probable"),
        (Likelihood(-1e9, 100), Outcome.INCORRECT, "improbable"),
        (at(500.0, tokens=19), Outcome.UNVERIFIED, "too_short"),
        (at(500.0, tokens=20), Outcome.INCORRECT, "improbable"),
        (Likelihood(0.0, 0), Outcome.UNVERIFIED, "too_short"),
        (Likelihood(failure="status 500"), Outcome.UNVERIFIED, "perplexity_unavailable"),
    ],
)
def test_above_the_limit_is_refused(given: Likelihood, outcome: Outcome, reason: str) -> None:
    (found,) = judge(Known(word=given), "word after word")
    assert (found.outcome, found.reason) == (outcome, reason)


def test_the_evidence_has_the_number() -> None:
    (found,) = judge(Known(a=at(12.3456)), "a text")
    assert found.evidence == {"model": "known", "tokens": 100, "perplexity": 12.35, "most": 20.0}


def test_the_thinking_counts() -> None:
    ask = Known(**{"<think>x": at(2.0)})
    judge(ask, "<think>x y</think>z")
    assert ask.shown == ["<think>x y</think>z"]


def test_order_holds_over_windows_and_rows_without_text() -> None:
    ask = Known(a=at(2.0), b=at(99.0))
    found = judge(ask, "a", None, "b", " ", "a", 7, "b", "a", window=3)
    assert [one.reason for one in found] == [
        "probable", "bad_input", "improbable", "too_short", "probable", "bad_input", "improbable",
        "probable",
    ]  # fmt: skip


def test_half_a_surrogate_pair_is_no_obstacle() -> None:
    (found,) = judge(Known(a=at(2.0)), "a \ud800")
    assert found.reason == "probable"


@pytest.mark.parametrize("settings", [{"most": 1.0}, {"fewest": 0}])
def test_settings_that_can_not_be_meant_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Perplexity.create(likelihoods=Known(), **settings)
