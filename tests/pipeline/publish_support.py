"""What the tests of publishing share: other settings, what was loaded, and a Hub to publish to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, load_dataset

from pipeline.config import Config
from pipeline.recipe import Publish
from pipeline.store import Store
from tests.loopback_hub import LoopbackHub


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


@contextmanager
def loopback_hub(
    folder: Path, monkeypatch: pytest.MonkeyPatch, part_bytes: int = 64 * 1024
) -> Iterator[LoopbackHub]:
    """Let the Hub's client in this process ask a Hub of our own."""
    with LoopbackHub(folder, part_bytes=part_bytes) as served:
        monkeypatch.setenv("HF_TOKEN", "hf_test")
        for name, value in {
            "ENDPOINT": served.url,
            "HF_HUB_OFFLINE": False,
            "HF_HUB_DISABLE_XET": True,
        }.items():
            monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
        yield served


def hub_environment(hub: LoopbackHub, home: Path) -> dict[str, str]:
    """Return the environment in which another process asks that Hub."""
    own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_TOKEN": "hf_test"}
    return {**os.environ, **own, "HF_HUB_DISABLE_XET": "1"}
