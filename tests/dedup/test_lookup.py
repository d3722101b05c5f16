from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.lookup import Lookup, Sieve
from dedup.quick import Hashes

TOP = (1 << 64) - 1
HASHES = st.lists(st.integers(0, TOP) | st.integers(0, 20) | st.integers(TOP - 20, TOP))


def sorted_hashes(values: list[int]) -> Hashes:
    return np.unique(np.array(values, np.uint64))


@given(HASHES, HASHES)
def test_a_hash_is_found_where_it_stands_and_others_are_not(
    known: list[int], asked: list[int]
) -> None:
    hashes = sorted_hashes(known)
    places = {value: place for place, value in enumerate(hashes.tolist())}
    every = [*asked, *known]
    found = Lookup(hashes).places(np.array(every, np.uint64))
    assert found.tolist() == [places.get(value, -1) for value in every]


@given(HASHES, st.integers(1, 12))
def test_a_sieve_lets_every_known_hash_through(known: list[int], bits: int) -> None:
    hashes = sorted_hashes(known)
    assert Sieve(hashes, bits).passed(hashes).tolist() == list(range(len(hashes)))


@pytest.mark.parametrize("bits", [12, 16])
def test_a_sieve_keeps_most_unknown_hashes_back(bits: int) -> None:
    random = np.random.default_rng(0)
    hashes, others = random.integers(0, TOP, (2, 200), np.uint64)
    assert len(Sieve(hashes, bits).passed(others)) < len(others) // 4


def test_a_sieve_tells_places_apart_by_each_of_their_bits() -> None:
    hashes = np.arange(16, dtype=np.uint64) << np.uint64(60)
    for place in range(16):
        sieve = Sieve(hashes[place : place + 1], 4)
        assert sieve.passed(hashes).tolist() == [place]
