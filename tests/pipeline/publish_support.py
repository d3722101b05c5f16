"""What the tests of publishing share: a configuration with other settings, and what was loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset, load_dataset

from pipeline.config import Config
from pipeline.recipe import Publish
from pipeline.store import Store


def with_publish(config: Config, **settings: Any) -> Config:
    """Return a configuration with these settings in [recipe.publish]."""
    recipe = config.recipe.model_copy(update={"publish": Publish(**settings)})
    return config.model_copy(update={"recipe": recipe})


def id_of(store: Store, start: str) -> str:
    """Return the id of the question whose text begins so."""
    for shard in range(store.shards):
        for row in store.read("questions", shard).to_pylist():
            if row["prompt"][0]["content"].startswith(start):
                return str(row["id"])
    raise AssertionError(start)


def load(folder: Path, config: str, split: str = "train") -> Dataset:
    """Load a split of a published config, with a cache beside the folder."""
    return load_dataset(str(folder), config, split=split, cache_dir=f"{folder}-cache")
