"""The part of the recipe that says who answers: teacher, sampling, how often it is asked.

As TOML::

    [recipe.teacher]
    name = "DeepSeek-R1"
    [recipe.teacher.sampling]
    temperature = 0.6
    [recipe.distill]
    rounds = 2

The descriptions make docs/configuration.md, as those of pipeline/recipe.py, which see.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

SYSTEM_PROMPT = (
    "You are a helpful assistant. Think about the question first, then answer. Write the"
    " reasoning and the answer in these tags: <think> reasoning process here </think>"
    " <answer> answer here </answer>."
)
RETHINK_PROMPT = (
    "{question}\nThe assistant's previous answer is: <answer> {answer} </answer>,"
    " and please re-answer."
)


class Strict(BaseModel):
    """A part of the configuration: unknown keys and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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
    engine: Literal["openai", "transformers", "ray"] = Field(
        description="a server that speaks OpenAI's API, this process, or a Ray cluster's workers"
    )
    style: Literal["chat", "completion"] = Field("chat", description="messages, or raw text")
    system: str = Field(SYSTEM_PROMPT, description="of chat; the original's, in our words")
    shots: str = Field("", description="of completion: examples in front of the question")
    template: str = Field("{question}\n<think>", description="of completion")
    reply_prefix: str = Field("", description="of completion: put in front of what comes back")
    thinks: bool = Field(
        True, description="a reply without </think> is all thinking and no answer, as of R1 and QwQ"
    )
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
    most_attempts: int | None = Field(
        None,
        ge=1,
        description="in each round, of a question whose responses were all wrong so far; between"
        " this and `attempts` by the share that was right; absent: no more than `attempts`",
    )
    correct: int = Field(
        1, ge=1, description="a question is asked until so many responses are good enough"
    )
    policy: Literal["sample", "rethink", "both"] = Field(
        "sample",
        description="afresh; or from round 2 on by arXiv 2503.19855: think again about the last"
        " answer; or every other attempt so",
    )
    temperatures: tuple[Annotated[float, Field(ge=0, le=2)], ...] = Field(
        (),
        strict=False,
        description="of the first attempt, the second and so on over all rounds, the last of them"
        " for the rest; absent: the teacher's",
    )
    rethink_prompt: str = Field(RETHINK_PROMPT, description="arXiv 2503.19855, section 3.1")

    @property
    def most(self) -> int:
        """How often a round asks a question at most."""
        return self.most_attempts or self.attempts

    def temperature(self, attempt: int) -> float | None:
        """Return the temperature of an attempt, counted over all rounds; None: the teacher's."""
        if not self.temperatures:
            return None
        return self.temperatures[min(attempt, len(self.temperatures) - 1)]

    @field_validator("rethink_prompt")
    @classmethod
    def _has_slots(cls, prompt: str) -> str:
        if "{question}" not in prompt or "{answer}" not in prompt:
            raise ValueError("must contain {question} and {answer}")
        return prompt

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.most_attempts is not None and self.most_attempts < self.attempts:
            raise ValueError("most_attempts: must be at least attempts; leave it out or raise it")
        return self
