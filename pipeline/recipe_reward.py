"""The part of the recipe that says which reward model judges what nothing else can.

As TOML, for the small stand-in that ``build-dataset train-reward`` makes::

    [recipe.verify.reward]
    engine = "head"
    model = "reward-head.json"
    revision = "…"       # its SHA-256, as that command prints it
    attributes = ["preference"]
    weights = { preference = 1.0 }
    divisor = 1.0
    threshold = 0.5
"""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.recipe_teacher import Strict
from verifiers.reward_model import FIVE, Settings

PINNED = re.compile(r"[0-9a-f]{40}")
HEAD_ATTRIBUTES = ("preference",)  # what the stand-in gives, from 0 to 1


class Reward(Strict):
    """The model that scores answers of the kinds that `by_kind` gives to `reward`.

    The defaults of the scoring are those of Decision-Tree-Reward-Llama-3.1-8B and of the
    follow-up papers' composite; docs/verdicts.md says how others are set.
    """

    engine: Literal["vllm", "transformers", "head"] = Field(
        description="servers of `vllm serve MODEL --runner pooling`; this process; or the"
        " stand-in that `build-dataset train-reward` makes"
    )
    model: str = Field(min_length=1, description="its name, or the stand-in's file")
    revision: str = Field(
        min_length=1, description="of the model's weights; the SHA-256 of the stand-in's file"
    )
    trust_remote_code: bool = Field(
        False, description="runs code that comes with the model; wants a pinned revision"
    )
    output: str = Field(
        "logits", description="of transformers' result, the field that holds the outputs"
    )
    attributes: tuple[str, ...] = Field(
        FIVE, strict=False, description="what the model's outputs are called, in their order"
    )
    weights: dict[str, float] = Field(
        {"coherence": 1.0, "correctness": 1.0, "helpfulness": 1.0},
        description="of the attributes that count; the score is their weighted sum…",
    )
    divisor: float = Field(12.0, gt=0, description="… over this; three attributes from 0 to 4")
    threshold: float = Field(0.7, description="of a score that is good enough; the papers'")
    thresholds: dict[str, float] = Field(
        {},
        description="category → threshold, where it is another; `build-dataset thresholds` reads"
        " them off a version's scores",
    )
    max_chars: int = Field(
        64_000, gt=0, description="a longer conversation is not scored (guess: 16 k tokens)"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            Settings(**self.scoring())
        except ValueError as error:
            raise ValueError(str(error)) from None
        if self.trust_remote_code and not PINNED.fullmatch(self.revision):
            raise ValueError(
                "trust_remote_code: runs what stands at a revision, which must be 40 hexadecimal"
                f" digits, got {self.revision!r}"
            )
        if self.trust_remote_code and self.engine != "transformers":
            raise ValueError(f"trust_remote_code: means nothing to engine {self.engine!r}")
        if self.engine == "head" and self.attributes != HEAD_ATTRIBUTES:
            raise ValueError(
                'attributes: the stand-in gives one; write attributes = ["preference"], weights ='
                " { preference = 1.0 }, divisor = 1.0, threshold = 0.5"
            )
        return self

    def scoring(self) -> dict[str, Any]:
        """Return the settings of the verifier."""
        names = ("attributes", "weights", "divisor", "threshold", "thresholds", "max_chars")
        return {name: getattr(self, name) for name in names}


class Improbable(Strict):
    """The language model under which a response may not be too improbable.

    It looks at every response that the rules let pass. Without this table none is asked.
    """

    engine: Literal["vllm", "transformers"] = Field(
        description="servers of `vllm serve MODEL`, or this process"
    )
    model: str = Field(min_length=1, description="as the server or the loader knows it")
    revision: str = Field(min_length=1, description="of the model's weights")
    most: float = Field(20.0, gt=1, description="perplexity over all tokens of a response; AM's")
    fewest: int = Field(20, ge=1, description="tokens, below which perplexity says nothing (guess)")
    window: int = Field(
        2_048,
        ge=16,
        description="tokens that the model sees at once in this process, half of them for the"
        " second time (guess)",
    )
