"""Rules that every response must keep: complete, in format, no loop, no refusal, no leak.

A row is ``{"id": "q1", "answer": "<think>…</think> 42", "prompt": "How many …",
"finish_reason": "stop"}``; `prompt` (a string or a list of messages) and `finish_reason`
may be missing, and then the rules that need them break nothing.

The first rule broken, in the order of `RULES`, is the reason of an `incorrect`. Rules can
refuse a row, never vouch for one: `correct`, `none_broken`, says nothing about the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from verifiers.base import BadInput, Outcome, Result, Row, Verifier, prompt_text, text_field
from verifiers.parallel import Guarded, judged
from verifiers.personal import Found, find_personal, find_secrets
from verifiers.pool import Pool
from verifiers.questions import BROKEN, TABLE, URL, around, letter_share, uneven
from verifiers.repetition import Thresholds, find_loop
from verifiers.response import ANSWER_CLOSE, ANSWER_OPEN, TAGS, Parts, final_answer, split
from verifiers.scripts import mismatch, mixing
from verifiers.wording import META, about_ai, first_leak, refusal_in

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
    "meta_talk",
    "leak",
    "language",
    "mixed_language",
    "uneven_turns",
    "question_broken",
    "question_symbols",
    "question_url",
    "question_table",
    "secret",
    "personal_data",
)
ACTIONS = ("flag", "refuse")
EXCERPT_CHARS = 200


@dataclass(frozen=True, slots=True)
class Settings:
    """Every threshold of the rules.

    `off` names rules that are not applied. `require_answer_tags` puts `no_answer_tags` on;
    it is off by default, since R1 writes its answer bare. `refusal_chars` is how far into
    the answer a refusal may begin (a guess: one sentence). `language_units` and
    `language_share` say when a script is clear (guesses: a sentence, four fifths).
    `mixing_units` and `mixing_share` say when a think part mixes languages. A question has at
    least `letter_share` letters and digits; `forbid_urls` and `forbid_tables` put on the rules
    against questions with links and tables. `personal_data` and `secrets`: "flag" only tells of
    them in the evidence, "refuse" makes them rules. Thresholds of `repetition`: see
    `verifiers.repetition`.
    """

    off: tuple[str, ...] = ()
    require_answer_tags: bool = False
    refusal_chars: int = 160
    language_units: int = 12
    language_share: float = 0.8
    mixing_units: int = 12
    mixing_share: float = 0.03
    letter_share: float = 0.3
    forbid_urls: bool = False
    forbid_tables: bool = False
    personal_data: str = "flag"
    secrets: str = "refuse"
    repetition: Thresholds = field(default_factory=Thresholds)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.off) - set(RULES))
        if unknown:
            raise ValueError(
                f"off: expected names among {', '.join(RULES)}; got {', '.join(unknown)}"
            )
        for name in ("personal_data", "secrets"):
            if getattr(self, name) not in ACTIONS:
                raise ValueError(f"{name}: expected one of {ACTIONS}, got {getattr(self, name)!r}")


@dataclass(frozen=True, slots=True)
class Subject:
    """What the rules look at: a response taken apart, its prompt and how it ended."""

    parts: Parts
    prompt: str
    finish_reason: str | None
    turns: Any = None

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
    think = subject.parts.think
    return None if think is None or think.strip() else {"think": think}


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
    match = refusal_in(head, subject.prompt)
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


def meta_talk(subject: Subject, _: Settings) -> Finding:
    """The answer speaks of its writer as a machine, and the question is not about that."""
    match = META.search(subject.answer.replace("’", "'"))
    return {"matched": match[0]} if match and not about_ai(subject.prompt) else None


def leak(subject: Subject, _: Settings) -> Finding:
    """The response tells of a reference answer, a system prompt, or a chat template."""
    for name, text in (("think", subject.parts.think or ""), ("answer", subject.answer)):
        if match := first_leak(text, subject.prompt):
            return {"part": name, "matched": match[0], "around": around(text, match)}
    return None


def mixed_language(subject: Subject, settings: Settings) -> Finding:
    """The think part mixes Chinese and English."""
    think = subject.parts.think or ""
    return mixing(think, subject.prompt, settings.mixing_units, settings.mixing_share)


def uneven_turns(subject: Subject, _: Settings) -> Finding:
    """User and assistant do not take turns, or the last turn is not the user's."""
    roles = uneven(subject.turns)
    return None if roles is None else {"roles": roles[:20]}


def question_broken(subject: Subject, _: Settings) -> Finding:
    """The question holds characters that were not decoded rightly."""
    match = BROKEN.search(subject.prompt)
    return {"around": repr(around(subject.prompt, match))} if match else None


def question_symbols(subject: Subject, settings: Settings) -> Finding:
    """The question is mostly neither letters nor digits."""
    share = letter_share(subject.prompt)
    if share >= settings.letter_share:
        return None
    return {"share": round(share, 3), "head": subject.prompt[:EXCERPT_CHARS]}


def question_url(subject: Subject, settings: Settings) -> Finding:
    """The question holds a link."""
    match = URL.search(subject.prompt) if settings.forbid_urls else None
    return {"matched": match[0][:EXCERPT_CHARS]} if match else None


def question_table(subject: Subject, settings: Settings) -> Finding:
    """The question holds a table."""
    match = TABLE.search(subject.prompt) if settings.forbid_tables else None
    return {"matched": match[0][:EXCERPT_CHARS]} if match else None


def secret(subject: Subject, settings: Settings) -> Finding:
    """The response holds a key."""
    return seen(subject, find_secrets) if settings.secrets == "refuse" else None


def personal_data(subject: Subject, settings: Settings) -> Finding:
    """The response holds an e-mail address, a phone number or a payment card."""
    return seen(subject, find_personal) if settings.personal_data == "refuse" else None


def seen(subject: Subject, find: Callable[[str], list[Found]]) -> Finding:
    """Return how many of each kind are found in the response; what they are is not repeated.

    What the prompt holds as well is no new disclosure.
    """
    text = f"{subject.parts.think or ''}\n{subject.parts.answer or ''}"
    new = [one for one in find(text) if text[one.start : one.end] not in subject.prompt]
    kinds = sorted({one.kind for one in new})
    return {kind: sum(one.kind == kind for one in new) for kind in kinds} or None


def flagged(subject: Subject, settings: Settings) -> dict[str, Any]:
    """Return what is only to be told of, as evidence."""
    found: dict[str, Any] = {}
    if settings.secrets == "flag" and "secret" not in settings.off:
        found |= {"secret": seen(subject, find_secrets)}
    if settings.personal_data == "flag" and "personal_data" not in settings.off:
        found |= {"personal_data": seen(subject, find_personal)}
    return {name: kinds for name, kinds in found.items() if kinds}


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
        meta_talk,
        leak,
        language,
        mixed_language,
        uneven_turns,
        question_broken,
        question_symbols,
        question_url,
        question_table,
        secret,
        personal_data,
    )
}


def read(row: Row) -> Subject:
    """Take a row apart; raises BadInput naming the field that is not as it should be."""
    finish = row.get("finish_reason")
    if not (finish is None or isinstance(finish, str)):
        raise BadInput(f"finish_reason: expected a string, got {type(finish).__name__}")
    prompt = row.get("prompt")
    return Subject(split(text_field(row, "answer")), prompt_text(prompt), finish, prompt)


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
        evidence = flagged(subject, self.settings)
        return Result(Outcome.CORRECT, "none_broken", NAME, evidence=evidence)


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
