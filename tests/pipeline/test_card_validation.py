"""The card's header is one that the Hub and `datasets` take, for every config that there can be.

The Hub's own check is a service. What it checks is tried here by the rules that its clients carry:
known words, known keys, configs whose files are there, features that the files have.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml  # type: ignore[import-untyped, unused-ignore]
from datasets import Features, get_dataset_config_names, load_dataset
from datasets.info import DatasetInfosDict
from datasets.utils.metadata import MetadataConfigs, known_task_ids
from huggingface_hub import DatasetCard, DatasetCardData

from pipeline.folder import is_ours
from pipeline.licences import RENAMED, SAME_AS_SPDX
from tests.pipeline.conftest import make_config, make_store
from tests.pipeline.publish_support import with_publish
from tests.pipeline.test_splits import published_with_vectors

CONFIGS = ("open_source", "distilled", "rl", "preference")
KNOWN_KEYS = {
    *("pretty_name", "language", "license", "license_name", "task_categories"),
    *("size_categories", "tags", "configs", "dataset_info"),
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version published with everything that can be asked for."""
    root = tmp_path_factory.mktemp("whole")
    config = with_publish(
        make_config(root),
        original=True,
        rl=True,
        preference={"pairs": 2},
        split={"share": 0.4},
    )
    return published_with_vectors(config, make_store(root / "data"), root / "out")


@pytest.fixture(scope="module")
def card(out: Path) -> DatasetCard:
    return DatasetCard((out / "README.md").read_text(encoding="utf-8"))


def known(name: str) -> set[str]:
    text = files("datasets.utils.resources").joinpath(f"{name}.json").read_text(encoding="utf-8")
    return set(json.loads(text))


def test_the_header_is_plain_yaml_that_comes_back_as_it_is(out: Path, card: DatasetCard) -> None:
    text = (out / "README.md").read_text(encoding="utf-8")
    stated = yaml.safe_load(text.split("---\n")[1])
    assert DatasetCardData(**stated).to_dict() == card.data.to_dict() == stated  # type: ignore[no-untyped-call]
    assert set(stated) == KNOWN_KEYS - {"license_name"}
    assert DatasetCard(str(card)).data.to_dict() == stated  # type: ignore[no-untyped-call]


def test_its_words_are_those_that_the_hub_knows(card: DatasetCard) -> None:
    data: dict[str, Any] = card.data.to_dict()  # type: ignore[no-untyped-call]
    assert set(data["task_categories"]) <= set(known_task_ids)
    assert set(data["size_categories"]) <= known("size_categories")
    assert set(data["language"]) <= known("languages")
    assert data["license"] in {*SAME_AS_SPDX, *RENAMED.values(), "other"}


def test_datasets_finds_exactly_the_configs_of_the_header(out: Path, card: DatasetCard) -> None:
    configs = MetadataConfigs.from_dataset_card_data(card.data)
    assert set(configs) == set(get_dataset_config_names(str(out))) == set(CONFIGS)


def test_every_pattern_finds_files_and_every_parquet_file_is_of_one(
    out: Path, card: DatasetCard
) -> None:
    configs = MetadataConfigs.from_dataset_card_data(card.data)
    patterns = [split["path"] for of in configs.values() for split in of["data_files"]]
    found = [path for pattern in patterns for path in out.glob(pattern)]
    assert sorted(found) == sorted(out.rglob("*.parquet"))
    assert all(list(out.glob(pattern)) for pattern in patterns)


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_loaded_has_the_features_and_rows_of_the_header(
    out: Path, card: DatasetCard, name: str, tmp_path: Path
) -> None:
    info = DatasetInfosDict.from_dataset_card_data(card.data)[name]
    loaded = load_dataset(str(out), name, cache_dir=str(tmp_path))
    assert set(loaded) == set(info.splits)
    for split, rows in loaded.items():
        assert rows.features == info.features
        assert len(rows) == info.splits[split].num_examples > 0


@pytest.mark.parametrize("name", CONFIGS)
def test_datasets_infers_the_features_of_the_header_from_the_files_alone(
    out: Path, card: DatasetCard, name: str, tmp_path: Path
) -> None:
    stated = DatasetInfosDict.from_dataset_card_data(card.data)[name].features
    for path in (out / name).glob("*.parquet"):
        assert Features.from_arrow_schema(pq.read_schema(path)) == stated
        inferred = load_dataset("parquet", data_files=str(path), cache_dir=str(tmp_path))
        assert inferred["train"].features == stated


def test_every_file_is_one_that_goes_up_to_the_hub(out: Path) -> None:
    names = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    assert "am_0.9M.jsonl.zst" in names
    assert [name for name in names if not is_ours(name)] == []


def test_rows_for_rl_name_the_split_in_which_they_are(out: Path, tmp_path: Path) -> None:
    for split, rows in load_dataset(str(out), "rl", cache_dir=str(tmp_path)).items():
        assert {of["split"] for of in rows["extra_info"]} == {split}


def test_a_question_is_on_one_side_in_all_configs(out: Path) -> None:
    sides: dict[str, set[str]] = {}
    for path in out.rglob("*.parquet"):
        ids = pq.read_table(path, columns=["id"]).column("id").to_pylist()
        sides.setdefault(path.name.split("-")[0], set()).update(ids)
    assert set(sides) == {"train", "test"} and not sides["train"] & sides["test"]
