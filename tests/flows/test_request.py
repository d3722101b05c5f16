"""What a request may say, and which configuration it means."""

from __future__ import annotations

import typing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.request import Build, StageName, TableName, load, with_overrides
from pipeline.config import load_config
from pipeline.errors import ConfigError
from pipeline.stages import STAGES, stages_of

PLANNED = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
CONFIG = """
name = "set"
version = "7"
[recipe]
[[recipe.sources]]
source = "quickstart"
[recipe.teacher]
name = "t"
model = "m"
revision = "1"
engine = "openai"
[runtime.endpoints]
urls = ["http://127.0.0.1:1/v1"]
[runtime.schedule]
timezone = "Asia/Tokyo"
"""
# The stage that a recipe may do without.
PROPOSES = """
[recipe.propose]
model = "m"
revision = "1"
[runtime.proposer]
urls = ["http://127.0.0.1:1/v1"]
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "set.toml"
    path.write_text(CONFIG)
    return str(path)


def test_the_form_offers_all_stages() -> None:
    assert typing.get_args(StageName) == STAGES


def test_the_form_offers_all_tables(tmp_path: Path) -> None:
    whole = tmp_path / "whole.toml"
    whole.write_text(
        CONFIG.replace("[recipe.teacher]", PROPOSES + "[recipe.teacher]"), encoding="utf-8"
    )
    stages = stages_of(load_config(str(whole)))
    tables = {table.partition("/")[0] for stage in stages for table in stage.writes()}
    assert set(typing.get_args(TableName)) == tables


def test_without_a_version_the_file_says_which(config: str) -> None:
    assert load(Build(config=config), PLANNED).version == "7"


def test_a_version_may_be_the_day_of_the_plan_in_the_time_zone_of_the_schedule(config: str) -> None:
    assert load(Build(config=config, version="%Y-%m-%d"), PLANNED).version == "2026-11-25"


def test_a_pattern_that_makes_no_name_is_refused(config: str) -> None:
    with pytest.raises(ConfigError, match="version: .*pattern"):
        load(Build(config=config, version="%Y%%"), PLANNED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("runtime.workers", 7),
        ("recipe.distill.rounds", 3),
        ("recipe.teacher.sampling.temperature", 0.1),
        ("recipe.select.unverified.math", "keep"),
        ("recipe.verify.settings.code.time_limit_s", 2.0),
        ("runtime.endpoints.urls", ["http://127.0.0.1:2/v1"]),
    ],
)
def test_an_override_changes_one_value(config: str, name: str, value: Any) -> None:
    found: Any = with_overrides(load_config(config), {name: value})
    for key in name.split("."):
        found = found[key] if isinstance(found, dict) else getattr(found, key)
    assert found == (tuple(value) if isinstance(value, list) else value)


def test_an_override_leaves_the_rest_as_it_is(config: str) -> None:
    before = load_config(config)
    after = with_overrides(before, {"runtime.workers": 7})
    assert after.recipe == before.recipe
    assert after.runtime.endpoints is before.runtime.endpoints  # which knows its file


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("recipe.distil.rounds", 3, "no such key"),
        ("recipe.distill.rounds", "three", "valid integer"),
        ("recipe.distill.rounds", -1, "greater than or equal to 0"),
        ("recipe.shards.more", 1, "not a key of a table"),
        ("recipe.teacher", None, "teacher: is missing"),
    ],
)
def test_a_wrong_override_is_named_with_its_rule(
    config: str, name: str, value: Any, rule: str
) -> None:
    with pytest.raises(ConfigError, match=rule) as error:
        with_overrides(load_config(config), {name: value})
    assert name in str(error.value)


def test_overrides_are_the_only_words_that_a_request_adds(config: str) -> None:
    assert load(Build(config=config), PLANNED) == load_config(config)
