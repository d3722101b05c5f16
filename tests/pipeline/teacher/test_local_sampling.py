"""Draws of the next token."""

from __future__ import annotations

import random
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.recipe import Sampling
from pipeline.teacher import sampling as module
from pipeline.teacher.sampling import next_tokens, stream

SHARES = torch.tensor([[0.1, 0.5, 0.05, 0.3, 0.05]])


def draws(sampling: Sampling, count: int = 4_000) -> Counter[int]:
    streams = [random.Random(n) for n in range(count)]
    return Counter(next_tokens(SHARES.log().expand(count, -1), sampling, streams))


def test_at_temperature_0_the_likeliest_token_is_taken() -> None:
    assert set(draws(Sampling(temperature=0), 50)) == {1}


def test_draws_come_in_the_shares_of_the_distribution() -> None:
    found = draws(Sampling(temperature=1, top_p=1))
    assert [found[token] / 4_000 for token in range(5)] == pytest.approx(SHARES[0], abs=0.03)


def test_the_nucleus_is_the_smallest_set_that_reaches_top_p() -> None:
    found = draws(Sampling(temperature=1, top_p=0.7))
    assert set(found) == {1, 3}
    assert found[1] / 4_000 == pytest.approx(0.5 / 0.8, abs=0.03)


def test_a_high_temperature_evens_the_shares_out() -> None:
    cold, hot = (draws(Sampling(temperature=t, top_p=1))[1] for t in (0.5, 2.0))
    assert hot < 2_000 < cold


@pytest.mark.parametrize("top_p", [0.3, 0.9, 0.999])
def test_a_nucleus_larger_than_the_first_look_is_not_cut(
    monkeypatch: pytest.MonkeyPatch, top_p: float
) -> None:
    logits = torch.randn(40, 300, generator=torch.Generator().manual_seed(3))
    settings = Sampling(temperature=1, top_p=top_p)
    whole = next_tokens(logits, settings, [random.Random(n) for n in range(40)])
    monkeypatch.setattr(module, "LIKELY", 4)
    assert next_tokens(logits, settings, [random.Random(n) for n in range(40)]) == whole


@given(st.integers(), st.integers(), st.text())
def test_streams_are_the_same_for_the_same_seed_and_key_only(a: int, b: int, key: str) -> None:
    same = stream(a, key).random() == stream(b, key).random()
    assert same == (a == b)
