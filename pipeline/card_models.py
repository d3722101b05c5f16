"""Which models had a hand in a dataset, for the card and its header.

    models(recipe)      [ModelUse("writes responses", "R1", "deepseek-ai/DeepSeek-R1", "56d4…"), …]

Those are named that the recipe asks, whether or not a published row shows their work. Who wrote the
responses that came with the sources is known by name alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from pipeline.facts import Facts
from pipeline.labelling import linear
from pipeline.recipe import Recipe

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model, what it was asked for, and the revision of its weights as the recipe says it."""

    use: str
    model: str
    revision: str


def models(recipe: Recipe) -> list[ModelUse]:
    """Return every model that a recipe asks, in the order in which they are asked."""
    return list(_models(recipe))


def _models(recipe: Recipe) -> Iterator[ModelUse]:
    labeller, verify = recipe.label.model, recipe.verify
    if labeller is not None:
        yield ModelUse("labels category and difficulty", labeller.model, labeller.revision)
    elif recipe.label.baseline == "linear":
        name = linear.load(recipe.label.weights).name
        yield ModelUse("labels category and difficulty", name, "of this release")
    if recipe.propose is not None:
        use = "proposes constraints of answers"
        yield ModelUse(use, recipe.propose.model, recipe.propose.revision)
    yield ModelUse("embeds questions", recipe.embed.model, _release(recipe.embed.model))
    if recipe.teacher is not None and recipe.distill.rounds:
        yield ModelUse("writes responses", recipe.teacher.model, recipe.teacher.revision)
    if verify.judge is not None:
        use = "judges answers where no rule could tell"
        yield ModelUse(use, verify.judge.model, verify.judge.revision)
    if verify.reward is not None:
        yield ModelUse("scores answers (reward)", verify.reward.model, verify.reward.revision)
    if verify.quality is not None:
        yield ModelUse("grades answers", verify.quality.model, verify.quality.revision)
    if verify.perplexity is not None:
        use = "refuses improbable responses"
        yield ModelUse(use, verify.perplexity.model, verify.perplexity.revision)


def _release(model: str) -> str:
    """Return the release of a model that a package carries; others have no pinned revision."""
    try:
        return f"package {version(model)}"
    except PackageNotFoundError:
        return "not pinned"


def base_models(recipe: Recipe, facts: Facts) -> list[str]:
    """Return the Hub's ids of the models that wrote published rows, as far as they are known."""
    teacher = recipe.teacher
    if teacher is None or not facts.configs["distilled"]:
        return []
    return [teacher.model] if HUB_ID.fullmatch(teacher.model) else []
