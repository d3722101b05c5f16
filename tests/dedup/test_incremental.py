from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.chunks import Chunks
from dedup.coarse import coarse_keys
from dedup.incremental import Kept, LookedUp, deduplicate_after
from dedup.index import Rows, Vectors
from dedup.semantic import Deduplication, deduplicate
from dedup.stored import Stored, save_cells

WORDS = ("red", "green", "blue", "Red ", "7", "8")


def planted(rows: int, seed: int, topics: int = 6) -> Vectors:
    """Vectors so near to a few topics that many pairs lie around the threshold."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((topics, 16))
    made = centres[random.integers(0, topics, rows)] + 0.3 * random.standard_normal((rows, 16))
    unit = made / np.linalg.norm(made, axis=1, keepdims=True)
    return np.asarray(unit, np.float16)


def kept_of(
    first: Deduplication, texts: list[str], vectors: Vectors, priorities: list[int]
) -> Kept:
    """What was kept of rows that were deduplicated."""
    gone = {drop.id for drop in first.drops}
    stay = np.array([k for k, id in enumerate(first.ids) if id not in gone], np.int64)

    def look_up(rows: Rows) -> LookedUp:
        places = stay[rows].tolist()
        return LookedUp(
            [first.ids[k] for k in places],
            [texts[k] for k in places],
            np.ones(len(places), np.bool_),
            [priorities[k] for k in places],
        )

    keys = coarse_keys([texts[k] for k in stay.tolist()])
    return Kept(Stored.build(vectors[stay]), keys, look_up)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6),
    st.integers(0, 30),
    st.integers(0, 30),
    st.lists(st.sampled_from(WORDS), min_size=60, max_size=60),
    st.lists(st.integers(0, 2), min_size=60, max_size=60),
)
def test_a_batch_loses_what_a_full_run_with_earlier_rows_first_would_drop_of_it(
    seed: int, old: int, new: int, words: list[str], priorities: list[int]
) -> None:
    texts = [f"{word} {k % 5} x" for k, word in enumerate(words)][: old + new]
    ids = [f"{k:03}" for k in np.random.default_rng(seed).permutation(old + new).tolist()]
    vectors = planted(old + new, seed)
    first = deduplicate(texts[:old], vectors[:old], priorities[:old], ids[:old], engine="exact")
    kept = kept_of(first, texts[:old], vectors[:old], priorities[:old])
    batch = deduplicate_after(
        kept,
        texts[old:],
        vectors[old:],
        priorities[old : old + new],
        ids[old:],
        engine="exact",
    )
    raised = [10 * (k < old) + priorities[k] for k in range(old + new)]
    whole = deduplicate(texts, vectors, raised, ids, engine="exact")
    mine = set(ids[old:])
    assert batch.drops == [drop for drop in whole.drops if drop.id in mine]
    assert first.drops == [drop for drop in whole.drops if drop.id not in mine]


def test_without_vectors_equal_texts_are_found() -> None:
    kept = Kept(
        None,
        coarse_keys(["What is 2+2?"]),
        lambda rows: LookedUp(["a"], ["What is 2+2?"], np.ones(len(rows), np.bool_)),
    )
    found = deduplicate_after(kept, ["what is 2 + 2", "Why?"], None, None, ["b", "c"])
    assert [(gone.id, gone.of) for gone in found.drops] == [("b", "a")]


def test_chunks_of_kept_rows_and_of_the_batch_must_agree() -> None:
    whole = np.array([[1, 0], [1, 0]], np.float16)
    one = Chunks.of(np.array([0, 0]), np.array([[1, 0], [1, 0]], np.float16), 1)
    other = Chunks.of(np.array([0, 0]), np.array([[1, 0], [0, 1]], np.float16), 1)
    kept = Kept(
        Stored.build(whole[:1]),
        coarse_keys(["a long text"]),
        lambda rows: LookedUp(["a"], ["a long text"], np.zeros(1, np.bool_), None, one),
    )
    found = [
        deduplicate_after(kept, ["one more"], whole[1:], None, ["b"], chunks=chunks)
        for chunks in (one, other)
    ]
    assert [len(of.drops) for of in found] == [1, 0]
    assert found[1].spared["chunks"] == 1


def test_an_id_that_is_kept_already_is_refused() -> None:
    kept = Kept(
        None,
        coarse_keys(["same"]),
        lambda rows: LookedUp(["a"], ["same"], np.ones(1, np.bool_)),
    )
    with pytest.raises(ValueError, match="'a' is a kept row's already"):
        deduplicate_after(kept, ["same"], None, None, ["a"])


def test_vectors_on_one_side_alone_are_refused() -> None:
    kept = Kept(None, coarse_keys([]), lambda rows: LookedUp([], [], np.ones(0, np.bool_)))
    with pytest.raises(ValueError, match="or for neither"):
        deduplicate_after(kept, ["a"], planted(1, 0), None, ["a"])


def test_a_saved_index_finds_what_the_built_one_finds(tmp_path: Path) -> None:
    base, batch = planted(4_000, 1, 900), planted(500, 1, 900)
    stored = Stored.build(base)
    stored.save(tmp_path)
    loaded = Stored.load(tmp_path)
    assert isinstance(loaded.vectors, np.memmap)
    one, other = (index.near(batch, 0.9, engine="cells") for index in (stored, loaded))
    assert len(one.i) > 0
    assert one.engine == "cells"
    assert np.array_equal(one.i, other.i)
    assert np.array_equal(one.j, other.j)


def test_cells_find_nearly_what_all_products_find() -> None:
    base, batch = planted(6_000, 2, 900), planted(800, 2, 900)
    stored = Stored.build(base)
    cells, exact = (stored.near(batch, 0.9, engine=name) for name in ("cells", "exact"))
    keys = [found.j * len(base) + found.i for found in (cells, exact)]
    assert np.isin(keys[0], keys[1]).all()
    assert np.isin(keys[1], keys[0]).mean() >= 0.99
    assert cells.recall >= 0.995
    assert cells.checked > 0


def test_too_little_found_widens_until_all_products_are_made() -> None:
    base = planted(14_000, 3, 900)
    stored = Stored.build(base)
    wrong = Stored(base, stored.centres, np.zeros_like(stored.homes))  # all at home in one cell
    found = wrong.near(planted(300, 3, 900), 0.9, engine="cells")
    assert found.widened


def test_an_index_of_other_vectors_is_refused(tmp_path: Path) -> None:
    stored = Stored.build(planted(50, 0))
    save_cells(tmp_path, stored.centres, stored.homes)
    with pytest.raises(ValueError, match=r"is of 50 x 16 vectors"):
        Stored.load(tmp_path, planted(51, 0))


def test_an_empty_index_is_near_to_nothing() -> None:
    stored = Stored.build(planted(0, 0))
    assert len(stored.near(planted(3, 0), 0.9, engine="cells").i) == 0


def test_an_index_grows_in_its_cells_until_they_are_outgrown() -> None:
    small, batch = Stored.build(planted(1_500, 4, 50)), planted(400, 5, 50)
    grown = small.extended(batch)
    assert np.array_equal(grown.centres, small.centres)
    assert np.array_equal(grown.homes[:1_500], small.homes)
    assert len(grown.homes) == len(grown.vectors) == 1_900
    assert len(small.extended(planted(4_000, 6, 50)).centres) == 7
    assert len(Stored.build(planted(0, 0)).extended(planted(0, 0)).homes) == 0
    assert len(Stored.build(planted(0, 0)).extended(batch).homes) == 400


def test_a_batch_of_another_dimension_or_a_threshold_out_of_range_is_refused() -> None:
    stored = Stored.build(planted(30, 0))
    with pytest.raises(ValueError, match="expected 16 numbers a row as the index has, got 2"):
        stored.near(np.eye(2, dtype=np.float16), 0.9)
    with pytest.raises(ValueError, match="threshold: expected above 0"):
        stored.near(planted(3, 0), 1.5)
