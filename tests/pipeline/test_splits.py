"""A test split that shares nothing near with what is left for training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from datasets import load_dataset
from huggingface_hub import DatasetCard
from pydantic import ValidationError

from pipeline.config import Config
from pipeline.errors import UserError
from pipeline.publish import publish_folder
from pipeline.recipe import Deduplicate, Publish, Recipe
from pipeline.recipe_publish import Split
from pipeline.records import Drop, content_hash, shard_of, vector_schema
from pipeline.splits import split_of
from pipeline.store import Origin, Store
from pipeline.vectors import column

Array = np.ndarray[Any, Any]
DIMENSION = 32


def asking(config: Config, engine: str = "auto", **setting: Any) -> Config:
    update = {
        "publish": Publish(split=Split(**setting)),
        "deduplicate": config.recipe.deduplicate.model_copy(update={"engine": engine}),
    }
    return config.model_copy(update={"recipe": config.recipe.model_copy(update=update)})


def names(count: int, of: str = "q") -> list[str]:
    return [content_hash([of, number]) for number in range(count)]


def unit(rows: Array) -> Array:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def far(count: int, seed: int = 0) -> Array:
    """Return unit vectors, of which no two are near at 0.9."""
    return unit(np.random.default_rng(seed).normal(size=(count, DIMENSION)))


def with_vectors(root: Path, vectors: Mapping[str, Array], shards: int = 3) -> Store:
    """Write the table `vectors` of a version that has nothing else."""
    store = Store(root, "small", "1", shards)
    for shard in range(shards):
        ids = sorted(id for id in vectors if shard_of(id, shards) == shard)
        rows = np.array([vectors[id] for id in ids]).reshape(len(ids), DIMENSION)
        arrays = [pa.array(ids), column(rows), pa.array([False] * len(ids))]
        table = pa.Table.from_arrays(arrays, schema=vector_schema(DIMENSION))
        store.write("vectors", shard, table, Origin({}, {}), {}, 0.0)
    return store


def clustered(count: int) -> dict[str, Array]:
    """Return vectors in clusters of about five, each chained by near pairs."""
    rng = np.random.default_rng(1)
    centres = far(count // 5, seed=2)
    rows = centres[rng.integers(0, len(centres), count)]
    noise = unit(rng.normal(size=rows.shape)) * rng.uniform(0.0, 0.6, (count, 1))
    return dict(zip(names(count), unit(rows + noise), strict=True))


@pytest.mark.parametrize("engine", ["exact", "cells"])
def test_no_question_for_testing_is_near_one_for_training(
    small_config: Config, tmp_path: Path, engine: str
) -> None:
    vectors = clustered(400)
    config = asking(small_config, engine, share=0.3)
    test = split_of(config, with_vectors(tmp_path, vectors)).test
    rows = np.array(list(vectors.values())).astype(np.float16).astype(np.float32)
    side = np.array([id in test for id in vectors])
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, 0.0)
    assert (cosines >= 0.9).any()  # there is something to keep together
    assert 0 < side.sum() < len(side)
    assert not (cosines[side][:, ~side] >= 0.9).any()


def test_a_near_pair_that_the_cells_missed_is_not_on_both_sides(
    small_config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dedup import index

    def missing_all(vectors: Any, threshold: float, **_: Any) -> index.Near:
        none = np.empty(0, np.int64)
        return index.Near(none, none, none.astype(np.float32), "cells")

    vectors = clustered(400)
    store, config = with_vectors(tmp_path, vectors), asking(small_config, share=0.3)
    monkeypatch.setattr(index, "near_pairs", missing_all)
    test = split_of(config, store).test
    rows = np.array(list(vectors.values())).astype(np.float16).astype(np.float32)
    side = np.array([id in test for id in vectors])
    assert 0 < side.sum() < len(side)
    assert not (rows[side] @ rows[~side].T >= 0.9).any()


def test_a_chain_of_near_pairs_is_one_group(small_config: Config, tmp_path: Path) -> None:
    steps = np.radians([0.0, 20.0, 40.0])  # cosines 0.94 to the next, 0.77 over two
    chain = np.zeros((3, DIMENSION))
    chain[:, 0], chain[:, 1] = np.cos(steps), np.sin(steps)
    vectors = dict(zip(names(3), chain, strict=True))
    found = split_of(asking(small_config, share=0.5), with_vectors(tmp_path, vectors))
    assert (found.questions, found.groups, found.largest) == (3, 1, 3)
    assert len(found.test) in (0, 3)


def test_about_the_asked_share_of_the_groups_is_for_testing(
    small_config: Config, tmp_path: Path
) -> None:
    vectors = dict(zip(names(2_000), far(2_000), strict=True))
    found = split_of(asking(small_config, share=0.1), with_vectors(tmp_path, vectors))
    assert found.groups == 2_000 and found.test_groups == len(found.test)
    assert abs(len(found.test) - 200) < 3 * (2_000 * 0.1 * 0.9) ** 0.5


def test_added_questions_that_are_near_none_move_none(small_config: Config, tmp_path: Path) -> None:
    old = clustered(200)
    more = dict(zip(names(200, "new"), far(200, seed=9), strict=True))
    config = asking(small_config, share=0.3)
    before = split_of(config, with_vectors(tmp_path / "a", old)).test
    after = split_of(config, with_vectors(tmp_path / "b", old | more, shards=4)).test
    assert before == {id for id in after if id in old}
    assert after - before


def test_removing_a_question_moves_none(small_config: Config, tmp_path: Path) -> None:
    vectors = clustered(200)
    store, config = with_vectors(tmp_path, vectors), asking(small_config, share=0.3)
    before = split_of(config, store).test
    for shard in range(store.shards):
        ids = [id for id in sorted(vectors) if shard_of(id, store.shards) == shard][::3]
        drops = Drop.to_table([Drop(id, "publish", "removed") for id in ids])
        store.write("removed", shard, drops, Origin({}, {}), {}, 0.0)
    assert split_of(config, store).test == before


def test_a_dropped_question_joins_no_groups(small_config: Config, tmp_path: Path) -> None:
    vectors = dict(zip(names(3), far(1).repeat(3, axis=0), strict=True))
    store, config = with_vectors(tmp_path, vectors, shards=1), asking(small_config, share=0.3)
    drops = [Drop(id, "deduplicate", "exact") for id in sorted(vectors)[:2]]
    store.write("duplicates", 0, Drop.to_table(drops), Origin({}, {}), {}, 0.0)
    assert split_of(config, store).questions == 1


def test_another_seed_draws_others(small_config: Config, tmp_path: Path) -> None:
    store = with_vectors(tmp_path, clustered(400))
    drawn = {split_of(asking(small_config, share=0.3, seed=seed), store).test for seed in range(3)}
    assert len(drawn) == 3


def test_what_choose_takes_does_not_decide_what_is_for_testing(
    small_config: Config, tmp_path: Path
) -> None:
    from pipeline.choose import place

    ids = [id for id in names(4_000) if place(0, id) < 0.25]  # as choose would take a quarter
    store = with_vectors(tmp_path, dict(zip(ids, far(len(ids)), strict=True)))
    test = split_of(asking(small_config, share=0.25, seed=0), store).test
    assert 0.2 < len(test) / len(ids) < 0.3


def test_a_version_without_vectors_is_refused(small_config: Config, small_store: Store) -> None:
    with pytest.raises(UserError, match="has no vectors"):
        split_of(asking(small_config), small_store)


def test_a_cosine_above_that_of_duplicates_is_refused(small_config: Config) -> None:
    of = small_config.recipe
    with pytest.raises(ValidationError, match="at most deduplicate"):
        Recipe(
            sources=of.sources,
            teacher=of.teacher,
            publish=Publish(split=Split(cosine=0.95)),
            deduplicate=Deduplicate(threshold=0.9),
        )


def published_with_vectors(config: Config, store: Store, folder: Path) -> Path:
    """Publish the small version with a vector for each question, all far from each other."""
    ids = [id for k in range(store.shards) for id in store.read("questions", k)["id"].to_pylist()]
    with_vectors(store.root, dict(zip(ids, far(len(ids)), strict=True)), store.shards)
    return publish_folder(config, store, folder).folder


def test_each_config_is_published_with_both_splits_and_no_row_is_lost(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    config = asking(small_config, share=0.4, seed=0)
    out = published_with_vectors(config, small_store, tmp_path / "out")
    test, rows = split_of(config, small_store).test, {}
    for name in ("open_source", "distilled"):
        loaded = load_dataset(str(out), name, cache_dir=str(tmp_path / "cache"))
        assert set(loaded) == {"train", "test"}
        assert set(loaded["test"]["id"]) <= test and not set(loaded["train"]["id"]) & test
        rows[name] = sum(map(len, loaded.values()))
    assert rows == {"open_source": 3, "distilled": 4}


def test_the_header_states_the_rows_of_both_splits(
    small_config: Config, small_store: Store, tmp_path: Path
) -> None:
    out = published_with_vectors(
        asking(small_config, share=0.4, seed=0), small_store, tmp_path / "o"
    )
    card = DatasetCard.load(out / "README.md")
    for info in card.data["dataset_info"]:
        splits = {of["name"]: of["num_examples"] for of in info["splits"]}
        assert set(splits) == {"train", "test"}
        row = f"| `{info['config_name']}` | {splits['train']} | {splits['test']} |"
        assert row in card.text
