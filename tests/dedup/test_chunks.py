from __future__ import annotations

import numpy as np
import pytest

from dedup.chunks import SHIFTED, Chunks
from dedup.semantic import deduplicate


def at(*degrees: float) -> np.ndarray:
    angle = np.deg2rad(np.array(degrees))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float16)


def rows(*chunks: tuple[float, ...]) -> Chunks:
    owner = np.array([k for k, part in enumerate(chunks) for _ in part], np.int64)
    return Chunks.of(owner, at(*(angle for part in chunks for angle in part)), len(chunks))


def agrees(one: tuple[float, ...], other: tuple[float, ...], whole: np.ndarray) -> bool:
    pair = np.array([0]), np.array([1])
    return bool(rows(one, other).agree(whole, *pair, 0.9)[0])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 90), (0, 90), True),
        ((0, 90), (90, 0), True),
        ((0, 90), (0, 80), True),
        ((0, 90), (0, 40), False),  # a part that differs
        ((0, 90, 45), (0, 90), False),  # a part more
        ((0, 90, 85), (0, 90), True),
        ((), (0, 90), False),  # whole, beside one that goes on
        ((), (0, 5), True),
        ((), (), True),  # both are seen whole: their vectors alone decide
    ],
)
def test_every_chunk_needs_its_like(
    one: tuple[float, ...], other: tuple[float, ...], expected: bool
) -> None:
    assert agrees(one, other, at(0, 0)) is expected


def test_the_margin_for_shifted_chunks_is_what_it_says() -> None:
    inside, outside = (float(np.rad2deg(np.arccos(0.9 - SHIFTED + d))) for d in (0.01, -0.01))
    assert agrees((0, inside), (0, 0), at(0, 0))
    assert not agrees((0, outside), (0, 0), at(0, 0))


def test_long_texts_that_differ_in_a_chunk_are_kept_apart_and_counted() -> None:
    found = deduplicate(
        ["alpha", "beta", "gamma"],
        at(0, 1, 2),
        None,
        ["a", "b", "c"],
        chunks=rows((0, 90), (0, 90), (0, 10)),
    )
    assert [(gone.id, gone.of) for gone in found.drops] == [("b", "a")]
    assert found.spared["chunks"] == 2


def test_chunks_of_other_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="chunks: expected one for each of 1 ids, got 2"):
        deduplicate(["a"], at(0), None, ["a"], chunks=rows((0, 1), ()))
