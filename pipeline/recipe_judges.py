"""The part of the recipe that names models which are asked about answers.

As TOML::

    [recipe.verify.judge]
    model = "Qwen/Qwen2.5-7B-Instruct"
    revision = "a09a35458c702b33eeacc393d103063234e8bc28"
    [recipe.verify.quality]
    model = "Qwen/Qwen2.5-7B-Instruct"
    revision = "a09a35458c702b33eeacc393d103063234e8bc28"
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipeline.recipe_teacher import Sampling, Strict
from verifiers.judge_words import PROMPT, SCORE_PROMPT, check_prompt
from verifiers.quality_judge import PROMPT as QUALITY_PROMPT
from verifiers.quality_judge import Settings as Grading
from verifiers.reference_judge import Settings as Judging


class JudgeSampling(Sampling):
    """How the judge samples; all but `max_tokens` is part of a reply's key."""

    temperature: float = Field(0.0, ge=0, le=2, description="its likeliest verdict, every time")
    top_p: float = Field(1.0, gt=0, le=1, description="all of its words, at temperature 0 one")
    max_tokens: int = Field(
        4_096, gt=0, description="room for a judge that thinks (guess); others stop after a word"
    )


class Asked(Strict):
    """A model that is asked about answers, as a server knows it."""

    model: str = Field(min_length=1, description="as the server knows it")
    revision: str = Field(min_length=1, description="of the model's weights")
    sampling: JudgeSampling = JudgeSampling()


class Judge(Asked):
    """The model that is asked where `math` or `short_answer` could not tell.

    It is served as `[runtime.judge]` says. Without this table no model judges. AM asks
    Qwen2.5-7B-Instruct.
    """

    reply: Literal["verdict", "score"] = Field(
        "verdict",
        description="correct, incorrect or unsure; or a score, which is recorded with the verdict",
    )
    prompt: str = Field(
        PROMPT, description="for a verdict: one user turn; must have {reference} and {answer}"
    )
    score_prompt: str = Field(SCORE_PROMPT, description="for a score: the same (our words)")
    most: int = Field(5, gt=0, description="scores go from 0 to this; the follow-up papers'")
    least: int = Field(
        5,
        gt=0,
        description="from this score on an answer is correct; the papers take 0.9 of the whole",
    )
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

    @field_validator("prompt", "score_prompt")
    @classmethod
    def _has_slots(cls, prompt: str) -> str:
        return check_prompt(prompt)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least: must be at most `most` ({self.most}), got {self.least}")
        return self

    def judging(self) -> dict[str, Any]:
        """Return the settings of the verifier."""
        return {field.name: getattr(self, field.name) for field in fields(Judging)}


class Quality(Asked):
    """The model that grades answers from 0 to `most` where nothing can be checked.

    A second opinion on what the reward model says, or the verifier of a kind by itself. AM asks
    Qwen2.5-7B-Instruct beside its reward model.
    """

    asks: Literal["approved", "doubtful"] = Field(
        "approved",
        description="about what the reward model approves, so that both must like it (guess); or"
        " only where that gives no score, and what it finds then stands",
    )
    prompt: str = Field(QUALITY_PROMPT, description="one user turn; must have {question}, {answer}")
    most: int = Field(5, gt=0, description="scores go from 0 to this; the follow-up papers'")
    least: int = Field(4, gt=0, description="from this score on an answer is good enough (guess)")
    max_answer_chars: int = Field(16_000, gt=0, description="a longer one is not graded (guess)")
    max_question_chars: int = Field(
        8_000, gt=0, description="of a longer one the middle is left out (guess)"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            Grading(**self.grading())
        except ValueError as error:
            raise ValueError(str(error)) from None
        return self

    def grading(self) -> dict[str, Any]:
        """Return the settings of the verifier."""
        names = ("prompt", "most", "least", "max_answer_chars", "max_question_chars")
        return {name: getattr(self, name) for name in names}
