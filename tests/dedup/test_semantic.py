from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.exact import normalise, numbers
from dedup.semantic import Deduplication, Dropped, deduplicate


def at(*degrees: float) -> np.ndarray:
    """Unit vectors in a plane: their cosine is that of the angle between them."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def drops(result: Deduplication) -> dict[str, tuple[str, float, str]]:
    return {d.id: (d.of, round(d.score, 4), d.reason) for d in result.drops}


def test_the_example_of_the_module() -> None:
    texts = ["What is 2+2?", "what is 2 + 2 ?", "How much is two and two?"]
    result = deduplicate(texts, at(0, 0, 90), [0, 1, 0], ["q1", "q2", "q3"])
    assert result.drops == [Dropped("q1", "q2", 1.0, "exact")]


def test_the_row_of_higher_priority_stays() -> None:
    result = deduplicate(["a", "A"], None, [0, 1], ["x", "y"])
    assert drops(result) == {"x": ("y", 1.0, "exact")}


def test_where_priorities_tie_the_lower_id_stays() -> None:
    result = deduplicate(["a", "A", "a."], None, None, ["c", "b", "d"])
    assert drops(result) == {"c": ("b", 1.0, "exact"), "d": ("b", 1.0, "exact")}


@pytest.mark.parametrize("kind", [np.uint8, np.bool_, np.int64, np.float64])
def test_priorities_of_any_kind_of_number_order_the_rows(kind: type) -> None:
    result = deduplicate(["a", "a"], None, np.array([0, 1], kind), ["x", "y"])
    assert drops(result) == {"x": ("y", 1.0, "exact")}


def test_priorities_beyond_the_precision_of_a_float_are_told_apart() -> None:
    result = deduplicate(["a", "a"], None, [2**60, 2**60 + 1], ["x", "y"])
    assert drops(result) == {"x": ("y", 1.0, "exact")}


def test_near_rows_are_dropped_for_the_better_one_with_their_cosine() -> None:
    result = deduplicate(["cats", "dogs"], at(0, 20), None, ["a", "b"])
    assert drops(result) == {"b": ("a", round(float(np.cos(np.radians(20))), 4), "semantic")}


def test_rows_below_the_threshold_stay() -> None:
    assert deduplicate(["cats", "dogs"], at(0, 20), None, ["a", "b"], threshold=0.95).drops == []


def test_without_texts_near_rows_are_found() -> None:
    assert drops(deduplicate(None, at(0, 0), None, ["a", "b"])) == {"b": ("a", 1.0, "semantic")}


def test_a_row_may_lack_its_text() -> None:
    texts = [None, "same", None, "SAME"]
    result = deduplicate(texts, at(0, 90, 0, 90), None, ["a", "b", "c", "d"])
    assert drops(result) == {"c": ("a", 1.0, "semantic"), "d": ("b", 1.0, "exact")}


def test_the_same_template_with_other_numbers_is_spared_and_counted() -> None:
    texts = ["add 3 and 4", "add 3 and 5", "sum of 3 and 4"]
    result = deduplicate(texts, at(0, 1, 2), None, ["a", "b", "c"])
    assert drops(result) == {"c": ("a", round(float(np.cos(np.radians(2))), 4), "semantic")}
    assert result.spared["numbers"] == 2
    reasons = {(row["of"], row["id"]): row["reason"] for row in result.pair_rows()}
    assert reasons == {("a", "b"): "spared", ("b", "c"): "spared", ("a", "c"): "semantic"}


def test_numbers_need_not_agree_where_told_so() -> None:
    result = deduplicate(["add 3", "add 4"], at(0, 1), None, ["a", "b"], numbers_must_agree=False)
    assert list(drops(result)) == ["b"]
    assert result.spared["numbers"] == 0


@pytest.mark.parametrize("marks", [[True, False], [False, True]])
def test_one_marked_row_is_enough_for_a_pair_to_be_spared(marks: list[bool]) -> None:
    result = deduplicate(["add 3", "add 4"], at(0, 1), None, ["a", "b"], numbers_must_agree=marks)
    assert result.drops == []
    assert result.spared["numbers"] == 1


def test_a_zero_vector_is_near_to_nothing_but_its_text_counts() -> None:
    vectors = np.zeros((3, 2), np.float32)
    result = deduplicate(["", "x", " "], vectors, None, ["a", "b", "c"])
    assert drops(result) == {"c": ("a", 1.0, "exact")}


def test_no_chain_from_an_exact_to_a_semantic_drop() -> None:
    """The best of two equal texts goes for a better row; the other must name that row too."""
    texts = ["better", "same", "same"]
    result = deduplicate(texts, at(0, 10, 10), [2, 1, 0], ["c", "g1", "g2"])
    score = round(float(np.cos(np.radians(10))), 4)
    assert drops(result) == {"g1": ("c", score, "semantic"), "g2": ("c", score, "semantic")}


def test_a_row_whose_own_vector_is_far_does_not_go_with_its_group() -> None:
    texts = ["better", "same", "same", "same"]
    result = deduplicate(texts, at(0, 20, 40, 20), [3, 2, 1, 0], ["c", "g1", "g2", "g3"])
    score = round(float(np.cos(np.radians(20))), 4)
    assert drops(result) == {"g1": ("c", score, "semantic"), "g3": ("g2", 1.0, "exact")}


def test_a_follower_before_the_kept_row_of_its_group_goes_for_its_leaders_row() -> None:
    texts = ["better", "same", "same", "same"]
    result = deduplicate(texts, at(0, 20, 20, 40), [3, 2, 1, 0], ["c", "g1", "g2", "g3"])
    assert {id: of for id, (of, *_) in drops(result).items()} == {"g1": "c", "g2": "c"}


def test_drops_come_in_the_order_of_the_input() -> None:
    result = deduplicate(["a", "b", "a", "b"], None, [0, 0, 1, 1], ["4", "3", "2", "1"])
    assert [d.id for d in result.drops] == ["4", "3"]


def test_an_exact_group_is_listed_with_its_best_row() -> None:
    result = deduplicate(["a", "A", "a."], at(0, 0, 0), None, ["x", "y", "z"])
    pairs = [(row["of"], row["id"], row["reason"]) for row in result.pair_rows()]
    assert pairs == [("x", "y", "exact"), ("x", "z", "exact")]


def test_nothing_in_gives_nothing_out() -> None:
    result = deduplicate([], np.empty((0, 4), np.float16), None, [])
    assert result.drops == []
    assert len(result.pairs) == 0


Rows = tuple[list[str], np.ndarray, list[int], list[bool]]


@st.composite
def rows(draw: st.DrawFn) -> Rows:
    count = draw(st.integers(1, 9))
    texts = st.sampled_from(["one", "ONE", "some", "add 3", "add 4", "Add  4.", ""])
    angles = st.sampled_from([0, 15, 30, 45, 60])
    return (
        draw(st.lists(texts, min_size=count, max_size=count)),
        at(*draw(st.lists(angles, min_size=count, max_size=count))),
        draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)),
        draw(st.lists(st.booleans(), min_size=count, max_size=count)),
    )


def score_by_hand(data: Rows, a: int, b: int) -> float:
    """The score of two rows, 0 where they are no pair."""
    texts, vectors, _, numeric = data
    if normalise(texts[a]) == normalise(texts[b]):
        return 1.0
    if (numeric[a] or numeric[b]) and numbers(texts[a]) != numbers(texts[b]):
        return 0.0
    score = float((vectors[a] * vectors[b]).sum())
    return score if score >= 0.9 else 0.0


def kept_by_hand(data: Rows, ids: Sequence[str]) -> set[int]:
    order = sorted(range(len(ids)), key=lambda row: (-data[2][row], ids[row]))
    kept: list[int] = []
    for row in order:
        if not any(score_by_hand(data, row, other) for other in kept):
            kept.append(row)
    return set(kept)


def run(data: Rows, ids: Sequence[str]) -> Deduplication:
    return deduplicate(data[0], data[1], data[2], ids, 0.9, data[3])


@settings(deadline=None)
@given(rows())
def test_it_keeps_what_a_walk_by_hand_keeps(data: Rows) -> None:
    ids = [f"id{row}" for row in range(len(data[0]))]
    gone = {d.id for d in run(data, ids).drops}
    assert {row for row, id in enumerate(ids) if id not in gone} == kept_by_hand(data, ids)


@settings(deadline=None)
@given(rows())
def test_every_dropped_row_names_a_kept_row_that_it_pairs_with(data: Rows) -> None:
    ids = [f"id{row}" for row in range(len(data[0]))]
    result = run(data, ids)
    gone = {d.id for d in result.drops}
    for drop in result.drops:
        row, of = ids.index(drop.id), ids.index(drop.of)
        assert drop.of not in gone
        assert drop.score == pytest.approx(score_by_hand(data, row, of), abs=1e-6)
        equal = normalise(data[0][row]) == normalise(data[0][of])
        assert drop.reason == ("exact" if equal else "semantic")


@settings(deadline=None)
@given(rows(), st.data())
def test_the_order_of_the_rows_does_not_matter(data: Rows, more: st.DataObject) -> None:
    ids = [f"id{row}" for row in range(len(data[0]))]
    order = more.draw(st.permutations(range(len(ids))))
    texts, vectors, priorities, numeric = data
    shuffled = (
        [texts[row] for row in order],
        vectors[order],
        [priorities[row] for row in order],
        [numeric[row] for row in order],
    )
    there = run(shuffled, [ids[row] for row in order])
    here = run(data, ids)
    assert {d.id: d for d in there.drops} == {d.id: d for d in here.drops}
    assert list(there.pair_rows()) == list(here.pair_rows())


def test_wrong_input_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="ids: expected each once, got 'a'"):
        deduplicate(["x", "y"], None, None, ["a", "a"])
    with pytest.raises(ValueError, match="texts: expected one for each of 2 ids, got 1"):
        deduplicate(["x"], None, None, ["a", "b"])
    with pytest.raises(ValueError, match="vectors: expected one for each of 2 ids, got 3"):
        deduplicate(None, at(0, 1, 2), None, ["a", "b"])
    with pytest.raises(ValueError, match="priorities: expected 2 numbers"):
        deduplicate(["x", "y"], None, ["high", "low"], ["a", "b"])
    with pytest.raises(ValueError, match="priorities: expected numbers, got NaN"):
        deduplicate(["x", "y"], None, [1, float("nan")], ["a", "b"])


@pytest.mark.parametrize("engine", ["cells", "faiss-gpu"])
def test_engines_and_orders_of_rows_give_one_result(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import faiss

    from dedup import gpu

    monkeypatch.setattr(  # the index stays on the processor
        gpu, "flat_index", lambda rows: gpu.filled(faiss.IndexFlatIP(rows.shape[1]), rows)
    )
    random = np.random.default_rng(3)
    near = random.standard_normal((60, 12))[random.integers(0, 60, 2_000)]
    rows = near + 0.25 * random.standard_normal((2_000, 12))
    vectors = np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float16)
    ids = [f"{k:04}" for k in range(2_000)]
    priorities = random.integers(0, 3, 2_000)
    expected = drops(deduplicate(None, vectors, priorities, ids, engine="exact"))
    order = random.permutation(2_000)
    shuffled = deduplicate(
        None, vectors[order], priorities[order], [ids[k] for k in order], engine=engine, recall=1.0
    )
    assert drops(shuffled) == expected
    assert len(expected) > 500
