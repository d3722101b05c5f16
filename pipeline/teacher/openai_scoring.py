"""Asks vLLM for the scores of a conversation, or for the likelihood of a text.

A request of ours is ``{"scored": [{"role": "user", "content": "2+2?"}, {"role": "assistant",
"content": "4"}]}``; vLLM answers ``{"data": [{"index": 0, "label": null, "probs": [3.1, 3.4],
"num_classes": 2}], …}``, which becomes a reply with the text ``[3.1, 3.4]``. Its `probs` are the
model's own outputs, since no activation is asked for. The model is served with
``vllm serve MODEL --runner pooling``; the API lies beside `/v1`, not below it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pipeline.recipe import Sampling, Teacher
from pipeline.teacher.base import Ask, Reply
from pipeline.teacher.openai_protocol import CHECK, Generating, Malformed, server_message

PATH = "/classify"


class Scoring(Generating):
    """How servers are asked for the outputs of a model with a head for classification."""

    def url(self, base: str, request: Mapping[str, Any]) -> str:
        """Return where every request goes."""
        return base.removesuffix("/v1") + PATH

    def body(self, teacher: Teacher, sampling: Sampling, ask: Ask) -> dict[str, Any]:
        """Return the request body of an ask; nothing is sampled."""
        return _body(teacher.model, ask.request["scored"])

    def check(self, base: str, teacher: Teacher) -> tuple[str, dict[str, Any]]:
        """Return URL and body of a request about a question alone."""
        asked = {"role": "user", "content": CHECK}
        return self.url(base, {}), _body(teacher.model, [asked])

    def reply(self, content: bytes, max_tokens: int) -> Reply:
        """Return the outputs as JSON; raises Malformed."""
        try:
            answer = json.loads(content)
            outputs = answer["data"][0]["probs"]
        except (ValueError, RecursionError, LookupError, TypeError):
            said = server_message(content)
            raise Malformed(f"the answer has no data[0].probs: {said}") from None
        if not isinstance(outputs, list) or not outputs or not all(map(_finite, outputs)):
            raise Malformed("data[0].probs: expected finite numbers")
        usage = answer.get("usage")
        asked = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        tokens = asked if type(asked) is int and asked >= 0 else None
        return Reply(json.dumps(outputs), "stop", tokens, 0, max_tokens)


class Likely(Generating):
    """How servers are asked for the likelihood of a text's own tokens.

    A request of ours is ``{"likely": "The Ebro."}``; the reply's text is ``[-12.25, 3]``, the sum
    over all tokens but the first and how many those are. vLLM has to generate one token for it.
    """

    def url(self, base: str, request: Mapping[str, Any]) -> str:
        """Return where every request goes."""
        return f"{base}/completions"

    def body(self, teacher: Teacher, sampling: Sampling, ask: Ask) -> dict[str, Any]:
        """Return the request body of an ask."""
        return _prompt(teacher.model, ask.request["likely"])

    def check(self, base: str, teacher: Teacher) -> tuple[str, dict[str, Any]]:
        """Return URL and body of a request about a few words."""
        return self.url(base, {}), _prompt(teacher.model, CHECK)

    def reply(self, content: bytes, max_tokens: int) -> Reply:
        """Return sum and count as JSON; raises Malformed."""
        try:
            choice = json.loads(content)["choices"][0]
            chosen = [_chosen(place) for place in choice["prompt_logprobs"][1:]]
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            said = server_message(content)
            raise Malformed(f"the answer has no choices[0].prompt_logprobs: {said}") from None
        if not all(map(_finite, chosen)):
            raise Malformed("choices[0].prompt_logprobs: expected finite numbers")
        return Reply(json.dumps([sum(chosen), len(chosen)]), "stop", None, 0, max_tokens)


def _prompt(model: str, text: str) -> dict[str, Any]:
    return {
        "model": model,
        "prompt": text,
        "max_tokens": 1,
        "temperature": 0.0,
        "prompt_logprobs": 0,
        "add_special_tokens": False,
    }


def _chosen(place: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return the one log-likelihood at a place: with 0 others asked for, the text's own token's."""
    (entry,) = place.values()
    return entry["logprob"]


def _body(model: str, messages: Any) -> dict[str, Any]:
    return {"model": model, "messages": messages, "use_activation": False}


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
