"""The card's YAML header: what the Hub and `load_dataset` read before any row.

    header(config, facts, parts)       "configs:\\n- config_name: distilled\\n  data_files: …"

Features come from the schema in pipeline/records.py, so that header and files can't differ.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from pipeline.card_models import base_models
from pipeline.config import Config
from pipeline.facts import Facts
from pipeline.licences import hub_licence
from pipeline.records import Example

TRAIN, TEST = "train", "test"
SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
    (10**10, "1B<n<10B"),
)
TAGS = ["reasoning", "chain-of-thought", "distillation", "verified"]


@dataclass(frozen=True, slots=True)
class SplitFiles:
    """One split of a config: `memory` is its size in Arrow, `download` that of its files."""

    name: str
    rows: int
    memory: int
    download: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One config as published: its splits, of which each has rows, and their columns."""

    name: str
    splits: tuple[SplitFiles, ...]
    schema: pa.Schema = Example.SCHEMA

    @property
    def rows(self) -> int:
        """The rows of all splits."""
        return sum(split.rows for split in self.splits)

    @property
    def memory(self) -> int:
        """The size of all splits in Arrow."""
        return sum(split.memory for split in self.splits)

    @property
    def download(self) -> int:
        """The size of all files."""
        return sum(split.download for split in self.splits)

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of all files, beside the card."""
        return tuple(path for split in self.splits for path in split.files)

    def pattern(self, split: str) -> str:
        """Return where a split's files are, beside the card."""
        return f"{self.name}/{split}-*.parquet"


def title(config: Config) -> str:
    """Return the dataset's title."""
    return config.recipe.publish.title or config.name


def header(config: Config, facts: Facts, parts: Sequence[Part]) -> str:
    """Return the header's YAML, without the lines of dashes around it."""
    from huggingface_hub import DatasetCardData

    licence = hub_licence(facts.rows_by["licence"])
    data = DatasetCardData(
        pretty_name=title(config),
        language=languages(facts) or None,
        task_categories=["text-generation"],
        size_categories=[size(facts.rows)],
        tags=TAGS,
        license=licence.get("license"),
        license_name=licence.get("license_name"),
    )
    if found := base_models(config.recipe, facts):
        data["base_model"] = found  # the client has no argument for it in a dataset's card
    _add_configs(data, parts)
    return data.to_yaml().rstrip()


def _add_configs(data: object, parts: Sequence[Part]) -> None:
    """Add `configs` and `dataset_info` for the configs that have rows."""
    from datasets import DatasetInfo, Features, SplitDict, SplitInfo
    from datasets.info import DatasetInfosDict
    from datasets.utils.metadata import MetadataConfigs

    configs, infos = MetadataConfigs(), DatasetInfosDict()
    for part in parts:
        infos[part.name] = DatasetInfo(
            features=Features.from_arrow_schema(part.schema),
            splits=SplitDict(
                {of.name: SplitInfo(of.name, of.memory, of.rows) for of in part.splits}
            ),
            download_size=part.download,
            dataset_size=part.memory,
        )
        data_files = [{"split": of.name, "path": part.pattern(of.name)} for of in part.splits]
        configs[part.name] = {"data_files": data_files}
    configs.to_dataset_card_data(data)
    infos.to_dataset_card_data(data)


def languages(facts: Facts) -> list[str]:
    """Return the rows' language codes, the most frequent first, `und` (unknown) left out."""
    codes = facts.rows_by["language"]
    return [code for code in codes if re.fullmatch(r"[a-z]{2,3}", code) and code != "und"]


def size(rows: int) -> str:
    """Return the Hub's name of a size class."""
    return next((name for limit, name in SIZES if rows < limit), "10B<n<100B")
