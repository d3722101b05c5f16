"""What a served proposer is asked about a question, and which of its proposals are used.

    read_proposal('{"constraints": [{"id": "punctuation:no_comma", "kwargs": {}}]}', 10)
    # [{"id": "punctuation:no_comma", "kwargs": {}}]

The last JSON object with a list `constraints` counts. Each proposal is then held against the prompt
(verifiers/constraints/consistency.py). An empty list is an answer: nothing is demanded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.config import Config
from pipeline.labelling.replies import objects_of, response_format, shortened
from pipeline.labelling.served import Asked, check_served
from pipeline.recipe_proposer import Proposer
from pipeline.records import Question, canonical_json
from pipeline.records_proposed import Proposal
from pipeline.teacher.base import Reply
from verifiers.constraints.consistency import why_not
from verifiers.constraints.described import OFFERED, types_listed

NAME, TABLE = "proposer", "recipe.propose"
WHY_CHARS = 300  # of why a proposal is not used, and of what it was


@dataclass(frozen=True, slots=True)
class Proposed:
    """What is used of a reply, and what is not."""

    used: list[dict[str, Any]]
    refused: list[dict[str, Any]]


def asked(config: Config) -> Asked:
    """Return the proposer and what it is asked; the recipe has one."""
    proposer = config.recipe.propose
    assert proposer is not None  # the caller's: only where a model proposes
    served = config.runtime.proposer
    return Asked(config, NAME, TABLE, proposer, served, lambda q: request_of(proposer, q.user_text))


def check_proposer(config: Config) -> None:
    """Raise ConfigError where the model has no server, or a server no model."""
    check_served(NAME, TABLE, config.recipe.propose, config.runtime.proposer, "propose constraints")
    if config.recipe.propose is not None:
        with asked(config).client():
            pass


def request_of(proposer: Proposer, question: str) -> dict[str, Any]:
    """Return the request about a question, as the client takes it."""
    shown = shortened(question, proposer.max_chars)
    # The question last, so that nothing in it is taken for a slot.
    text = proposer.prompt.replace("{types}", types_listed()).replace("{question}", shown)
    request: dict[str, Any] = {"messages": [{"role": "user", "content": text}]}
    return request | response_format(proposer.structured, "constraints", schema_of(proposer.most))


def schema_of(most: int) -> dict[str, Any]:
    """Return the JSON schema of a reply; which kwargs fit an id is looked at afterwards."""
    one = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "enum": list(OFFERED)},
            "kwargs": {"type": "object"},
        },
        "required": ["id", "kwargs"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"constraints": {"type": "array", "items": one, "maxItems": most}},
        "required": ["constraints"],
        "additionalProperties": False,
    }


def wants_proposal(question: Question, proposer: Proposer) -> bool:
    """Tell whether the model is asked about a question: of its kinds, one turn, no constraints."""
    return question.kind in proposer.kinds and not question.constraints and len(question.prompt) < 2


def read_proposal(text: str, most: int) -> list[Any] | None:
    """Return the proposals of a reply, None where it has no list of them or too long a one."""
    found = None
    for value in objects_of(text):
        if isinstance(value.get("constraints"), list):
            found = value["constraints"]
    return None if found is None or len(found) > most else found


def sorted_out(proposals: Sequence[Any], prompt: str) -> Proposed:
    """Return which proposals are used: those that can be read and stand in the prompt, once."""
    proposed = Proposed([], [])
    for raw in proposals:
        why = why_not(raw, prompt)
        if why:
            told = canonical_json(raw)[:WHY_CHARS]
            proposed.refused.append({"proposed": told, "why": why[:WHY_CHARS]})
        elif raw not in proposed.used:
            proposed.used.append({"id": raw["id"], "kwargs": raw.get("kwargs") or {}})
    return proposed


def proposal(question: Question, reply: Reply | None, proposer: Proposer) -> Proposal:
    """Return what became of asking about a question."""
    why, found = "refused", None
    if reply is not None:
        found = read_proposal(reply.text, proposer.most)
        why = "cut off" if reply.finish_reason == "length" else "unreadable"
    if found is None:
        return Proposal(question.id, proposer.model, "[]", "[]", why)
    proposed = sorted_out(found, question.user_text)
    used, refused = canonical_json(proposed.used), canonical_json(proposed.refused)
    return Proposal(question.id, proposer.model, used, refused, "")
