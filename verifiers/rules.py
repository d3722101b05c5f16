"""Rules that every response must keep: complete, in format, no loop, no refusal, right script.

A row is ``{"id": "q1", "answer": "<think>…</think> 42", "prompt": "How many …",
"finish_reason": "stop"}``; `prompt` (a string or a list of messages) and `finish_reason`
may be missing, and then the rules that need them break nothing.

The first rule broken, in the order of `RULES`, is the reason of an `incorrect`. Rules can
refuse a row, never vouch for one: `correct`, `none_broken`, says nothing about the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from verifiers.base import BadInput, Outcome, Result, Row, Verifier, prompt_text, text_field
from verifiers.parallel import Guarded, judged
from verifiers.pool import Pool
from verifiers.repetition import Thresholds, find_loop
from verifiers.response import ANSWER_CLOSE, ANSWER_OPEN, TAGS, Parts, final_answer, split
from verifiers.scripts import mismatch

NAME = "rules"
RULES = (
    "cut_off",
    "not_closed",
    "no_thinking",
    "empty_thinking",
    "empty_answer",
    "nested_tags",
    "no_answer_tags",
    "repetition",
    "refusal",
    "language",
)
EXCERPT_CHARS = 200

# Looked for at the beginning of the answer only, where refusals stand. Each names what the
# writer won't do, so that "I cannot find such a number" and "I'm sorry to hear" pass.
NEGATED = r"(?:can ?not|can't|could not|won't|will not|am unable to|'m unable to|am not able to)"
OFFERS = (
    r"(?:help(?! but\b)|assist|comply|fulfil|provide|answer|discuss|engage|support|generate"
    r"|do that)"
)
REFUSALS = (
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b",
    rf"\bsorry,? (?:but )?(?:i|we)(?: {NEGATED}|'m unable|'m not able| don't feel| must decline)",
    rf"\bi apologi[sz]e,? but i(?: {NEGATED}|'m unable|'m not able)",
    rf"\b(?:i|we)(?: {NEGATED}|'m unable to|'m not able to| must decline to) {OFFERS}\b",
    r"(?:抱歉|对不起|不好意思)[，,。！! ]{0,2}(?:但是?)?(?:我|作为)"
    r"[^，。\n]{0,8}(?:无法|不能|不会)",
    r"作为(?:一个|一名|一款)?(?:ai|人工智能|大?语言模型|智能助手)",
    r"我(?:无法|不能|没有办法)(?:提供|协助|帮助|满足|回答|讨论|参与|生成)",
)
REFUSAL = re.compile("|".join(REFUSALS), re.I)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every threshold of the rules.

    `off` names rules that are not applied. `require_answer_tags` puts `no_answer_tags` on;
    it is off by default, since R1 writes its answer bare. `refusal_chars` is how far into
    the answer a refusal may begin (a guess: one sentence). `language_units` and
    `language_share` say when a script is clear (guesses: a sentence, four fifths).
    Thresholds of `repetition`: see `verifiers.repetition`.
    """

    off: tuple[str, ...] = ()
    require_answer_tags: bool = False
    refusal_chars: int = 160
    language_units: int = 12
    language_share: float = 0.8
    repetition: Thresholds = field(default_factory=Thresholds)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.off) - set(RULES))
        if unknown:
            raise ValueError(
                f"off: expected names among {', '.join(RULES)}; got {', '.join(unknown)}"
            )


@dataclass(frozen=True, slots=True)
class Subject:
    """What the rules look at: a response taken apart, its prompt and how it ended."""

    parts: Parts
    prompt: str
    finish_reason: str | None

    @property
    def answer(self) -> str:
        """The final answer's text, tags removed."""
        return final_answer(self.parts.answer or "")


Finding = Mapping[str, Any] | None
Rule = Callable[[Subject, Settings], Finding]


def cut_off(subject: Subject, _: Settings) -> Finding:
    """The model ran into its token limit."""
    return {"finish_reason": "length"} if subject.finish_reason == "length" else None


def not_closed(subject: Subject, _: Settings) -> Finding:
    """The think part was opened and never closed."""
    if subject.parts.answer is not None:
        return None
    return {"tail": (subject.parts.think or "")[-EXCERPT_CHARS:]}


def no_thinking(subject: Subject, _: Settings) -> Finding:
    """There is no think part."""
    return {"head": subject.answer[:EXCERPT_CHARS]} if subject.parts.think is None else None


def empty_thinking(subject: Subject, _: Settings) -> Finding:
    """The think part holds nothing but space."""
    return None if (subject.parts.think or "").strip() else {"think": subject.parts.think}


def empty_answer(subject: Subject, _: Settings) -> Finding:
    """Nothing but space, or empty answer tags, follows the think part."""
    return None if subject.answer else {"answer": (subject.parts.answer or "")[:EXCERPT_CHARS]}


def nested_tags(subject: Subject, _: Settings) -> Finding:
    """A tag stands inside a part, so that the response could be taken apart in two ways."""
    for name, text in (("think", subject.parts.think or ""), ("answer", subject.answer)):
        found = [tag for tag in TAGS if tag in text]
        if found:
            return {"part": name, "tags": found}
    return None


def no_answer_tags(subject: Subject, settings: Settings) -> Finding:
    """The answer is not wrapped in one pair of answer tags."""
    text = (subject.parts.answer or "").strip()
    one_each = text.count(ANSWER_OPEN) == text.count(ANSWER_CLOSE) == 1
    wrapped = one_each and text.startswith(ANSWER_OPEN) and text.endswith(ANSWER_CLOSE)
    if wrapped or not settings.require_answer_tags:
        return None
    return {"head": text[:EXCERPT_CHARS]}


def repetition(subject: Subject, settings: Settings) -> Finding:
    """The think part or the answer runs in a loop."""
    for name, text in (("think", subject.parts.think or ""), ("answer", subject.answer)):
        loop = find_loop(text, settings.repetition)
        if loop:
            return {"part": name, **loop.evidence(text)}
    return None


def refusal(subject: Subject, settings: Settings) -> Finding:
    """The answer begins by refusing or by speaking of itself as an AI."""
    head = subject.answer[: settings.refusal_chars].replace("’", "'")
    match = REFUSAL.search(head)
    return {"matched": match.group(), "head": head} if match else None


def language(subject: Subject, settings: Settings) -> Finding:
    """The answer is in Chinese characters and the prompt in Latin letters, or the reverse."""
    scripts = mismatch(
        subject.prompt, subject.answer, settings.language_units, settings.language_share
    )
    if scripts is None:
        return None
    asked, given = scripts.split(", ")
    return {"prompt": asked, "answer": given, "head": subject.answer[:EXCERPT_CHARS]}


RULE: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        cut_off,
        not_closed,
        no_thinking,
        empty_thinking,
        empty_answer,
        nested_tags,
        no_answer_tags,
        repetition,
        refusal,
        language,
    )
}


def read(row: Row) -> Subject:
    """Take a row apart; raises BadInput naming the field that is not as it should be."""
    finish = row.get("finish_reason")
    if not (finish is None or isinstance(finish, str)):
        raise BadInput(f"finish_reason: expected a string, got {type(finish).__name__}")
    return Subject(split(text_field(row, "answer")), prompt_text(row.get("prompt")), finish)


@dataclass(frozen=True, slots=True)
class Rules:
    """The judge of one row."""

    settings: Settings

    def __call__(self, row: Row) -> Result:
        """Return the first rule broken, or `none_broken`; raises BadInput."""
        subject = read(row)
        for name in RULES:
            finding = None if name in self.settings.off else RULE[name](subject, self.settings)
            if finding is not None:
                return Result(Outcome.INCORRECT, name, NAME, evidence=finding)
        return Result(Outcome.CORRECT, "none_broken", NAME)


class RulesVerifier(Verifier):
    """Applies the rules to rows, in worker processes where there are several."""

    name: ClassVar[str] = NAME

    def __init__(self, settings: Settings, workers: int = 1) -> None:
        self._judge = Rules(settings)
        # 60 s: a rule takes milliseconds; this only frees a worker that the system stopped.
        guarded = Guarded(self._judge, NAME)
        self._pool = Pool(guarded, workers, deadline_s=60.0) if workers > 1 else None

    @classmethod
    def create(cls, workers: int = 1, **settings: Any) -> Self:
        """Make the verifier; settings are those of `Settings`, `repetition` as a mapping."""
        loops = settings.pop("repetition", {})
        off = tuple(settings.pop("off", ()))
        return cls(Settings(off=off, repetition=Thresholds(**loops), **settings), workers)

    def results(self, rows: Iterable[Row]) -> Iterator[Result]:
        """Yield one result for each row, in order."""
        return judged(self._judge, rows, NAME, self._pool)

    def close(self) -> None:
        """End the worker processes."""
        if self._pool is not None:
            self._pool.close()
