"""The configurations that come along are whole and mean what their comments say."""

from __future__ import annotations

from collections import Counter

import pytest

from pipeline.config import CONFIGS, load_config
from pipeline.evaluation.config import is_evaluation, load_evaluation
from pipeline.paths import expand
from pipeline.sources.base import SourceRow
from pipeline.sources.reasoning_gym import ReasoningGym

NAMES = sorted(path.stem for path in CONFIGS.glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_configuration_that_comes_along_is_valid(name: str) -> None:
    config = load_evaluation(name) if is_evaluation(name) else load_config(name)
    assert config.name == name


def test_the_quickstart_needs_no_file_from_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REAL_DATA", raising=False)
    recipe = load_config("quickstart").recipe
    assert all(list(source.rows()) for source in recipe.sources)
    assert [path for path in recipe.decontaminate.benchmarks if not expand(path).is_file()] == []


def test_the_quickstart_weights_are_numbers_of_rows() -> None:
    (made,) = [s for s in load_config("quickstart").recipe.sources if isinstance(s, ReasoningGym)]
    assert sum(task.weight for task in made.tasks) == made.count
    rows = [row for row in made.rows() if isinstance(row, SourceRow)]
    counts = Counter(row.origin.partition("#")[0] for row in rows)
    assert sorted(counts.values()) == sorted(int(task.weight) for task in made.tasks)
