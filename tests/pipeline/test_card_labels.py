"""What the card says of labels: whose they are, with the figures of the linear model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.card_labels import base_name, label_limits
from pipeline.config import Config
from pipeline.facts import gather
from pipeline.labelling import linear
from tests.pipeline.conftest import MakeStore, SmallData


def labelled(name: str) -> Callable[[SmallData], None]:
    def change(data: SmallData) -> None:
        data.tables["labels"] = [replace(row, labeller=name) for row in data.tables["labels"]]

    return change


def said(config: Config, make: MakeStore, folder: Path, name: str) -> str:
    return " ".join(label_limits(config, gather(config, make(folder, change=labelled(name)))))


def test_the_linear_models_figures_are_told(
    small_config: Config, make_small_store: MakeStore, tmp_path: Path
) -> None:
    figures = linear.load("").figures
    text = said(small_config, make_small_store, tmp_path, "linear-1 (unreadable reply of m)")
    assert "100.0 % of the rows are those of `linear-1`" in text
    assert f"{100 * figures['category']['mean_of_sources']:.1f} %" in text
    assert f"{figures['difficulty']['spearman']:.2f}, in five folds" in text


def test_words_alone_are_called_guesses(
    small_config: Config, make_small_store: MakeStore, tmp_path: Path
) -> None:
    text = said(small_config, make_small_store, tmp_path, "words-1")
    assert "guesses of the labeller `words-1`" in text


def test_a_sources_own_difficulty_is_told(
    small_config: Config, make_small_store: MakeStore, tmp_path: Path
) -> None:
    name = "Qwen/Qwen2.5-7B-Instruct, difficulty from source"
    text = said(small_config, make_small_store, tmp_path, name)
    assert "difficulty of 100.0 % of the rows is their source's own" in text
    assert "those of `Qwen/Qwen2.5-7B-Instruct`" in text


@pytest.mark.parametrize(
    "name",
    ["linear-1", "linear-1 (refused reply of m)", "linear-1 (refused reply of m), difficulty …"],
)
def test_who_labelled_stands_first(name: str) -> None:
    assert base_name(name) == "linear-1"
