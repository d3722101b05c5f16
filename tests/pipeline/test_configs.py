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


def test_the_published_recipe_has_the_nineteen_sources_and_aims_at_its_shape() -> None:
    recipe = load_config("am-1.4m").recipe
    names = {source.name for source in recipe.sources}
    assert len(recipe.sources) == len(names) == 19
    assert set(recipe.choose.per_source) <= names
    assert set(recipe.deduplicate.source_priority) == names
    assert 1_700_000 < sum(recipe.choose.per_source.values()) < 1_800_000
    checkable = {"meta_math_qa", "numina_math", "prime", "natural_reasoning", "code_io"}
    asked = sum(recipe.choose.per_source[name] for name in checkable)
    assert 0.2 < asked / 1_750_000 < 0.389  # the rest of the references came with responses


def test_the_published_recipe_asks_a_model_wherever_nothing_can_be_checked() -> None:
    verify = load_config("am-1.4m").recipe.verify
    assert verify.by_kind["chat"] == verify.by_kind["instruction"] == "reward"
    assert verify.judge is not None and verify.reward is not None and verify.quality is not None
    assert verify.perplexity is not None and verify.perplexity.most == 20.0
    assert (verify.reward.threshold, verify.reward.divisor) == (0.7, 12.0)
