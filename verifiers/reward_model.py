"""Lets a reward model say how good an answer is, where nothing can be checked.

A row is ``{"id": "q1", "prompt": "Name three rivers of Spain.", "answer": "<think>…</think>The
Ebro, the Tagus and the Duero."}``; `prompt` is text or a list of messages, `category` may stand
beside. The model is shown the conversation and the answer, without the thinking, and gives a
number for each of its `attributes`; the score is their weighted sum over `divisor`, and an
answer of at least the threshold is `correct`.

The defaults are those of Decision-Tree-Reward-Llama-3.1-8B (five attributes from 0 to 4) and of
the composite of AM's follow-up papers, (coherence + correctness + helpfulness) / 12, above 0.7.
A reward model is a model: its `correct` is an opinion of the style and plausibility of an answer.

How the model is run is the caller's business: a `Scorer` is handed in. `unverified` with
`reward_unavailable`, `reward_unreadable` or `too_long`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, ClassVar, Protocol, Self

from verifiers.base import BadInput, Outcome, Result, Row, Verifier, bad_input, text_field
from verifiers.judge_words import turn_text
from verifiers.response import final_answer, split

NAME = "reward"
WINDOW = 1_024  # rows scored together; a guess: enough to sort by length, and for many servers
EXCERPT_CHARS = 300
FIVE = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
Turns = tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """What a model gave for one conversation, in the order of its outputs, or why it gave none."""

    values: tuple[float, ...] = ()
    failure: str = ""
    too_long: bool = False


class Scorer(Protocol):
    """A way to have conversations scored. What it raises ends the judging."""

    @property
    def model(self) -> str:
        """The model's name, as in evidence."""

    @property
    def stand_in(self) -> bool:
        """Whether this is a small substitute for a reward model; evidence says so."""

    def __call__(self, conversations: list[Turns]) -> list[Scores]:
        """Return what the model gives for each conversation, in their order."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a model's outputs become a score, and how high it must be.

    `attributes` are the model's outputs in their order; `weights` name those that count. The
    score is their weighted sum over `divisor`. `thresholds` hold for the categories that they
    name, `threshold` for others. A longer conversation than `max_chars` is not scored.
    """

    attributes: tuple[str, ...] = FIVE
    weights: Mapping[str, float] = field(
        default_factory=lambda: {"coherence": 1.0, "correctness": 1.0, "helpfulness": 1.0}
    )
    divisor: float = 12.0
    threshold: float = 0.7
    thresholds: Mapping[str, float] = field(default_factory=dict)
    max_chars: int = 64_000  # a guess: 16 k tokens, what an 8B model takes on one GPU

    def __post_init__(self) -> None:
        if strange := set(self.weights) - set(self.attributes):
            raise ValueError(f"weights: must name attributes, got {sorted(strange)}")
        if not any(self.weights.values()):
            raise ValueError("weights: must have one that is not 0")
        if self.divisor <= 0 or self.max_chars < 1:
            raise ValueError("divisor, max_chars: must be above 0")

    def composite(self, values: tuple[float, ...]) -> float:
        """Return the score of a model's outputs, which are as many as the attributes."""
        named = dict(zip(self.attributes, values, strict=True))
        return sum(weight * named[name] for name, weight in self.weights.items()) / self.divisor


@dataclass(slots=True)
class Case:
    """A row on its way: a result, or a conversation to be scored."""

    started: float
    category: str = ""
    turns: Turns = ()
    result: Result | None = None


class RewardModel(Verifier):
    """Judges answers by a model that is handed in as `scorer`."""

    name: ClassVar[str] = NAME

    def __init__(self, scorer: Scorer, settings: Settings, window: int = WINDOW) -> None:
        self._scorer, self._settings, self._window = scorer, settings, window

    @classmethod
    def create(cls, workers: int = 1, **settings: Any) -> Self:
        """Make the verifier; `scorer` is a `Scorer`, the others are those of `Settings`.

        `workers` count for nothing: how much runs at once is for the scorer to say.
        """
        if "scorer" not in settings:
            raise TypeError("reward: needs `scorer`, a way to run a model")
        return cls(settings.pop("scorer"), Settings(**settings))

    def results(self, rows: Iterable[Row]) -> Iterator[Result]:
        """Yield one result for each row, in order; raises what the scorer raises."""
        waiting = iter(rows)
        while window := [self._begin(row) for row in islice(waiting, self._window)]:
            asked = [case for case in window if case.result is None]
            found = self._scorer([case.turns for case in asked]) if asked else []
            for case, scores in zip(asked, found, strict=True):
                case.result = self._finding(case, scores)
            for case in window:
                assert case.result is not None  # the scorer gave as many as it was asked for
                yield replace(case.result, seconds=time.perf_counter() - case.started)

    def _begin(self, row: Row) -> Case:
        case = Case(time.perf_counter())
        try:
            case.result = self._prepare(case, row)
        except BadInput as error:
            case.result = bad_input(NAME, str(error))
        except Exception as error:  # noqa: BLE001 - the verifier boundary
            told = {"error": f"{type(error).__name__}: {error}"[:EXCERPT_CHARS]}
            case.result = Result(Outcome.UNVERIFIED, "crashed", NAME, evidence=told)
        return case

    def _prepare(self, case: Case, row: Row) -> Result | None:
        """Write a case's conversation, or return its result where there is nothing to score."""
        if not isinstance(row, Mapping):
            raise BadInput(f"row: expected an object, got {type(row).__name__}")
        said = split(text_field(row, "answer")).answer
        asked = conversation(row.get("prompt"))
        if said is None:
            return Result(Outcome.INCORRECT, "not_closed", NAME)
        text = final_answer(said).strip()
        if not text:
            return Result(Outcome.INCORRECT, "no_answer", NAME)
        case.turns = (*asked, {"role": "assistant", "content": text})
        case.category = str(row.get("category") or "")
        chars = sum(len(turn["content"]) for turn in case.turns)
        if chars > self._settings.max_chars:
            evidence = {"chars": chars, "max_chars": self._settings.max_chars}
            return Result(Outcome.UNVERIFIED, "too_long", NAME, evidence=evidence)
        return None

    def _finding(self, case: Case, scores: Scores) -> Result:
        evidence: dict[str, Any] = {"model": self._scorer.model}
        if self._scorer.stand_in:
            evidence["stand_in"] = True
        if scores.failure:
            evidence["error"] = scores.failure[:EXCERPT_CHARS]
            if scores.too_long:
                return Result(Outcome.UNVERIFIED, "too_long", NAME, evidence=evidence)
            return Result(Outcome.UNVERIFIED, "reward_unavailable", NAME, evidence=evidence)
        names = self._settings.attributes
        if len(scores.values) != len(names):
            evidence["error"] = f"expected {len(names)} outputs, got {len(scores.values)}"
            return Result(Outcome.UNVERIFIED, "reward_unreadable", NAME, evidence=evidence)
        return self._weighed(case, scores.values, evidence)

    def _weighed(self, case: Case, values: tuple[float, ...], evidence: dict[str, Any]) -> Result:
        settings = self._settings
        score = settings.composite(values)
        least = settings.thresholds.get(case.category, settings.threshold)
        evidence["attributes"] = {
            name: round(value, 4) for name, value in zip(settings.attributes, values, strict=True)
        }
        evidence["threshold"] = least
        if score >= least:
            return Result(Outcome.CORRECT, "above_threshold", NAME, score, evidence)
        return Result(Outcome.INCORRECT, "below_threshold", NAME, score, evidence)


def conversation(prompt: Any) -> Turns:
    """Return a prompt as messages, what assistants said in it without thinking.

    Raises BadInput on anything but a text or messages with a role and a content.
    """
    if isinstance(prompt, str):
        return ({"role": "user", "content": prompt},)
    if not isinstance(prompt, list) or not prompt:
        raise BadInput(f"prompt: expected a string or a list, got {type(prompt).__name__}")
    return tuple({"role": role, "content": text} for role, text in map(turn_text, prompt))
