from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import index
from dedup.cells import Cells, joined, sample
from dedup.index import Vectors, hits_above, near_pairs, pairs_above

Pairs = dict[tuple[int, int], float]


def unit(count: int, dimension: int = 16, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def planted(count: int, copies: int, dimension: int = 64, seed: int = 0) -> np.ndarray:
    """Random rows, of which the last `copies` are near to one of the others each."""
    random = np.random.default_rng(seed)
    rows = unit(count, dimension, seed)
    noise = unit(copies, dimension, seed + 1)
    share = random.uniform(0.05, 0.25, (copies, 1)).astype(np.float32)
    rows[-copies:] = rows[random.integers(0, count - copies, copies)] + share * noise
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float16)


def collected(vectors: Vectors, threshold: float, **how: object) -> Pairs:
    found: Pairs = {}
    for i, j, score in pairs_above(vectors, threshold, **how):  # type: ignore[arg-type]
        for pair, value in zip(zip(i.tolist(), j.tolist(), strict=True), score, strict=True):
            assert pair not in found
            found[pair] = float(value)
    return found


def by_hand(vectors: Vectors, threshold: float) -> set[tuple[int, int]]:
    rows = vectors.astype(np.float64)
    i, j = np.nonzero(np.triu(rows @ rows.T, 1) >= threshold)
    return set(zip(i.tolist(), j.tolist(), strict=True))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("block", [1, 7, 1000])
def test_exact_finds_every_pair_once_in_any_block(dtype: type, block: int) -> None:
    vectors: Vectors = unit(60, 4).astype(dtype)
    found = collected(vectors, 0.8, block=block, engine="exact")
    assert found.keys() == by_hand(vectors, 0.8)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(40)))
def test_exact_gives_the_same_pairs_and_scores_under_any_order(order: list[int]) -> None:
    vectors = unit(40, 4).astype(np.float16)
    shuffled = collected(vectors[order], 0.7, block=9, engine="exact")
    back = {tuple(sorted((order[i], order[j]))): score for (i, j), score in shuffled.items()}
    assert back == collected(vectors, 0.7, engine="exact")


def test_cells_find_nearly_all_planted_pairs_and_no_other() -> None:
    vectors = planted(6_000, 600)
    exact = collected(vectors, 0.9, engine="exact")
    cells = collected(vectors, 0.9, engine="cells", block=1_000)
    assert len(exact) > 550
    assert cells.items() <= exact.items()
    assert len(cells) >= 0.99 * len(exact)


def test_cells_give_the_same_pairs_twice() -> None:
    vectors = planted(3_000, 300)
    assert collected(vectors, 0.9, engine="cells") == collected(vectors, 0.9, engine="cells")


def test_cells_and_their_pairs_do_not_depend_on_the_order_of_the_rows() -> None:
    vectors = planted(4_000, 400)
    order = np.random.default_rng(5).permutation(len(vectors))
    assert np.array_equal(Cells.train(vectors).centres, Cells.train(vectors[order]).centres)
    assert np.array_equal(vectors[sample(vectors, 50)], vectors[order][sample(vectors[order], 50)])
    shuffled = collected(vectors[order], 0.9, engine="cells")
    back = {tuple(sorted((order[i], order[j]))): score for (i, j), score in shuffled.items()}
    assert back == collected(vectors, 0.9, engine="cells")


def test_two_rows_are_compared_where_one_is_at_home_and_the_other_is_a_guest() -> None:
    vectors = np.eye(4, dtype=np.float32)[[0, 0, 1]]
    homes = np.array([[0, 2], [1, 0], [3, 1]], np.int32)
    pairs = [
        (a, b)
        for left, right in joined(vectors, homes, 0.9)
        for a, b in zip(left, right, strict=True)
    ]
    assert {(min(p), max(p)) for p in pairs if p[0] != p[1]} == {(0, 1)}
    apart = np.array([[0, 2], [1, 3], [3, 1]], np.int32)
    pairs = [
        (a, b)
        for left, right in joined(vectors, apart, 0.9)
        for a, b in zip(left, right, strict=True)
    ]
    assert all(a == b for a, b in pairs)


def test_all_pairs_at_once_come_with_the_share_that_a_sample_says_was_found() -> None:
    vectors = planted(6_000, 600)
    near = near_pairs(vectors, 0.9, engine="cells", recall=0.9)
    assert near.engine == "cells"
    assert near.checked > 100
    assert 0.95 < near.recall <= 1
    found = dict(zip(zip(near.i.tolist(), near.j.tolist(), strict=True), near.score, strict=True))
    assert found.items() <= collected(vectors, 0.9, engine="exact").items()


def test_a_search_that_misses_too_much_is_widened(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = planted(6_000, 600)
    shares = iter([0.5, 0.999])
    monkeypatch.setattr(index, "_recall", lambda *_: (next(shares), 100))
    near = near_pairs(vectors, 0.9, engine="cells")
    assert (near.engine, near.widened, near.guests) == ("cells", True, 2 * index.GUESTS)


def test_a_search_that_cannot_be_widened_further_compares_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vectors = planted(1_000, 100)
    monkeypatch.setattr(index, "_recall", lambda *_: (0.5, 100))
    near = near_pairs(vectors, 0.9, engine="cells")
    assert (near.engine, near.widened, near.recall) == ("exact", True, 1.0)
    assert len(near.i) == len(by_hand(vectors, 0.9))


def test_auto_is_exact_for_few_rows_and_cells_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[str] = []

    def engine(name: str) -> Iterator[tuple[index.Rows, index.Rows]]:
        used.append(name)
        return iter(())

    for name in index.ENGINES:
        monkeypatch.setitem(index.ENGINES, name, lambda *_, name=name: engine(name))
    monkeypatch.setattr(index, "EXACT_ROWS", 5)
    for count in (5, 6):
        list(pairs_above(unit(count), 0.9))
    assert used == ["exact", "cells"]


@pytest.mark.parametrize("engine", ["exact", "cells"])
def test_a_score_is_the_inner_product_of_the_rows_as_given(engine: str) -> None:
    vectors = planted(500, 100)
    rows = vectors.astype(np.float64)
    found = collected(vectors, 0.9, engine=engine)
    assert found
    for (i, j), score in found.items():
        assert score == pytest.approx(rows[i] @ rows[j], abs=1e-6)


@pytest.mark.parametrize("engine", ["exact", "cells"])
def test_a_zero_row_is_in_no_pair(engine: str) -> None:
    vectors = np.zeros((50, 8), np.float16)
    vectors[10:12, 0] = 1
    assert collected(vectors, 0.001, engine=engine).keys() == {(10, 11)}


@pytest.mark.parametrize("engine", ["exact", "cells"])
@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_rows_have_no_pairs(engine: str, count: int) -> None:
    assert collected(unit(count), 0.9, engine=engine) == {}


def test_pairs_come_ordered_by_worse_then_better_row() -> None:
    vectors = unit(80, 4)
    pairs = list(collected(vectors, 0.7, block=16, engine="exact"))
    assert pairs == sorted(pairs, key=lambda pair: (pair[1], pair[0]))


def test_a_memory_map_gives_what_its_array_gives(tmp_path: Path) -> None:
    vectors = planted(500, 100)
    np.save(tmp_path / "v.npy", vectors)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    assert collected(mapped, 0.9) == collected(vectors, 0.9)


def test_hits_are_all_rows_of_the_base_near_a_query() -> None:
    queries, base = unit(30, 4, seed=1), unit(70, 4, seed=2).astype(np.float16)
    found = set()
    for q, b, score in hits_above(queries, base, 0.8, block=8):
        assert (score >= np.float32(0.8)).all()
        found |= set(zip(q.tolist(), b.tolist(), strict=True))
    products = queries.astype(np.float64) @ base.astype(np.float64).T
    assert found == {(int(q), int(b)) for q, b in zip(*np.nonzero(products >= 0.8), strict=True)}


def test_no_queries_and_an_empty_base_have_no_hits() -> None:
    assert list(hits_above(unit(0), unit(5), 0.9)) == []
    assert list(hits_above(unit(5), unit(0), 0.9)) == []


@pytest.mark.parametrize("threshold", [0, -0.5, 1.01, float("nan")])
def test_a_threshold_that_is_no_cosine_above_zero_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold: expected above 0"):
        list(pairs_above(unit(3), threshold))


@pytest.mark.parametrize("bad", [2.0, np.nan, 0.5])
def test_a_row_that_is_not_of_length_one_is_named(bad: float) -> None:
    vectors = unit(5)
    vectors[3] *= bad
    with pytest.raises(ValueError, match="row 3 has length"):
        list(pairs_above(vectors, 0.9))


def test_wrong_kinds_of_input_are_refused() -> None:
    with pytest.raises(
        ValueError, match="expected auto or one of exact, cells, faiss-gpu, got 'best'"
    ):
        list(pairs_above(unit(3), 0.9, engine="best"))
    with pytest.raises(ValueError, match="block: expected at least 1"):
        list(pairs_above(unit(3), 0.9, block=0))
    with pytest.raises(ValueError, match="expected float16 or float32"):
        list(pairs_above(unit(3).astype(np.float64), 0.9))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dimension 8, but base has 4"):
        list(hits_above(unit(3, 8), unit(3, 4), 0.9))


BOTH = """
import {first}, {second}
import faiss, numpy as np, torch
torch.set_num_threads(2); faiss.omp_set_num_threads(2)
x = np.random.default_rng(0).standard_normal((3000, 64), np.float32)
x /= np.linalg.norm(x, axis=1, keepdims=True)
t = torch.from_numpy(x)
index = faiss.IndexFlatIP(64); index.add(x)
for _ in range(3):
    by_torch = int((t @ t.T > 0.5).sum())
    limits, _, _ = index.range_search(x, 0.5)
    assert by_torch == limits[-1], (by_torch, limits[-1])
"""


@pytest.mark.parametrize("names", [("torch", "faiss"), ("faiss", "torch")])
def test_faiss_and_torch_compute_side_by_side_in_either_order(names: tuple[str, str]) -> None:
    code = BOTH.format(first=names[0], second=names[1])
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
