"""docs/publishing.md says what the code takes and makes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pipeline.exports import PREFERENCE, RL
from pipeline.lives import BROKEN
from pipeline.original_files import FILES
from pipeline.recipe import Publish
from pipeline.recipe_publish import Preference, Split
from pipeline.records import INFO_FIELDS
from pipeline.records_export import RlExample
from pipeline.removals import KEYS, Removal

PAGE = (Path(__file__).parent.parent / "docs" / "publishing.md").read_text(encoding="utf-8")
BLOCKS = [tomllib.loads(block) for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)]


def test_the_settings_on_the_page_are_settings() -> None:
    (settings,) = (block["recipe"]["publish"] for block in BLOCKS if "recipe" in block)
    publish = Publish.model_validate(settings)
    assert publish.original and publish.rl and publish.preference and publish.split


def test_the_page_shows_every_table_and_switch_of_publish() -> None:
    (settings,) = (block["recipe"]["publish"] for block in BLOCKS if "recipe" in block)
    assert set(Publish.model_fields) - set(settings) == {"description", "file_mb"}


def test_each_way_to_name_what_is_removed_is_shown_and_read() -> None:
    (entries,) = (block["removals"] for block in BLOCKS if "removals" in block)
    assert [Removal.model_validate(entry).key[0] for entry in entries] == list(KEYS)


def test_configs_files_and_fields_are_named() -> None:
    assert all(f"`{name}`" in PAGE for name in (RL, PREFERENCE, *FILES, *BROKEN))
    assert all(f'"{name}"' in PAGE for name in INFO_FIELDS)
    for name in ("data_source", "ability", "reward_model", "extra_info", "verifier", "pass_rate"):
        assert f"`{name}`" in PAGE and name in RlExample.SCHEMA.names


def test_defaults_are_those_of_the_recipe() -> None:
    assert (Split().share, Split().cosine, Preference().lengths) == (0.01, 0.9, "balanced")
