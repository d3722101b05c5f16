"""The generated pages of docs/ are current, and what they are made from is complete."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from pipeline.config import Config
from pipeline.evaluation.config import EvaluationConfig
from pipeline.reference import DOCS, PAGES, configuration_markdown
from pipeline.sources.base import Source, available_sources
from pipeline.sources.local_files import LocalFiles
from pipeline.training.config import TrainingConfig


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), f"docs/{name} is old: run python -m pipeline.reference"


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not Source:
                yield from models(kind)


ALL = sorted(
    {
        *models(Config),
        *models(EvaluationConfig),
        *models(TrainingConfig),
        *(part for source in available_sources().values() for part in models(source)),
    },
    key=lambda model: model.__qualname__,
)


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.__name__)
def test_every_key_is_described_or_a_table_that_is(model: type[BaseModel]) -> None:
    bare = [
        name
        for name, field in model.model_fields.items()
        if not field.description and field.annotation not in ALL
    ]
    assert bare == []


def test_every_key_is_on_the_page() -> None:
    page = configuration_markdown()
    for model in ALL:
        for name in model.model_fields:  # as a row, or as the title of a table of its own
            assert f"| `{name}` |" in page or f"{name}]`" in page, f"{model.__name__}.{name}"


def test_a_bound_is_on_the_page_in_words() -> None:
    assert (
        "| `shards` | whole number, at least 1, at most 65536 | `16` |" in configuration_markdown()
    )


def test_nothing_on_the_page_depends_on_the_machine() -> None:
    assert "| `workers` | whole number, at least 1 | computed |" in configuration_markdown()


BLOCKS = re.findall(r"```toml\n(.*?)```", (DOCS / "local-files.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_the_sources_in_the_page_about_files_are_sources(block: str) -> None:
    for options in tomllib.loads(block)["recipe"]["sources"]:
        LocalFiles.model_validate(options)


def test_the_page_about_files_names_every_reason_for_refusing_a_row() -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in (Path(DOCS).parent / "pipeline" / "sources").glob("local_*.py")
    )
    raised = set(re.findall(r'BadRow\("(\w+)"\)|Broken\(place, "(\w+)"', code))
    raised |= {("", name) for name in re.findall(r'_given\(.*"(no_\w+)"\)', code)}
    page = (DOCS / "local-files.md").read_text(encoding="utf-8")
    names = {name for pair in raised for name in pair if name}
    assert len(names) > 10
    assert sorted(name for name in names if f"`{name}`" not in page) == []
