"""The search of engine `faiss-gpu` on faiss-cpu's flat index; nothing here runs on a GPU."""

from __future__ import annotations

from collections.abc import Iterator

import faiss
import numpy as np
import pytest

from dedup import gpu, index
from dedup.index import near_pairs, pairs_above


def unit(rows: int, seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal((rows, 8)).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float16)


def keys(parts: Iterator[index.Found]) -> list[tuple[int, int]]:
    return [(i, j) for left, right, _ in parts for i, j in zip(left, right, strict=True)]


@pytest.fixture
def on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the index stay on the processor."""
    monkeypatch.setattr(
        gpu, "flat_index", lambda rows: gpu.filled(faiss.IndexFlatIP(rows.shape[1]), rows)
    )


@pytest.mark.usefixtures("on_cpu")
@pytest.mark.parametrize("first", [2, 32])
def test_faiss_finds_the_pairs_that_all_products_find(
    first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "FIRST", first)  # 2: rows must be asked for more
    vectors = unit(400)
    found = keys(pairs_above(vectors, 0.7, engine="faiss-gpu", block=150))
    assert found == keys(pairs_above(vectors, 0.7, engine="exact"))
    assert len(found) > 400


@pytest.mark.usefixtures("on_cpu")
def test_near_pairs_name_the_engine() -> None:
    found = near_pairs(unit(50), 0.9, engine="faiss-gpu")
    assert (found.engine, found.recall, found.widened) == ("faiss-gpu", 1.0, False)


def test_more_near_rows_than_faiss_can_give_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "FIRST", 4)
    monkeypatch.setattr(gpu, "MOST", 8)
    same = np.tile(unit(1), (20, 1))
    with pytest.raises(ValueError, match="at most 8 rows"):
        gpu.within(gpu.filled(faiss.IndexFlatIP(8), same), same, 0.9)


def test_without_a_gpu_the_engine_says_what_it_needs() -> None:
    if getattr(faiss, "get_num_gpus", lambda: 0)():
        pytest.skip("faiss sees a GPU")
    with pytest.raises(ValueError, match="needs the package faiss-gpu"):
        near_pairs(unit(50), 0.9, engine="faiss-gpu")
