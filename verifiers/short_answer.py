"""Judges short answers: choices, numbers with units, and texts that are the same word for word.

A row is ``{"id": "q1", "answer": "<think>…</think>The correct answer is (B) pearls.",
"reference_answer": "B", "options": ["coral", "pearls", "amber"]}``; `options` may be missing.
The reference is a label, an option's text, a number, or a short text.

A choice is compared by its label, whatever it is called by. A number or a label that is none of
the options is `incorrect`. What else has digits goes to the mathematical verifier. Any other text
is `correct` where it is the same but for case, articles, punctuation and number words, `incorrect`
where it is the opposite (yes, no), and else `undecided`: that other words mean another thing is for
a judge to say.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, ClassVar, Self

from verifiers.base import BadInput, Outcome, Result, Row, Verifier, bad_input, text_field
from verifiers.math_answer import MathVerifier, excerpt
from verifiers.parallel import crashed
from verifiers.response import final_answer, split
from verifiers.short.claims import Claim, Finder
from verifiers.short.options import Options, is_none_of, read_options
from verifiers.short.words import clean, decided, key, side, tokens

NAME = "short_answer"
BATCH = 256  # rows held at once, of which those with numbers are judged together; a guess


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of the comparison; all are guesses.

    `max_chars`: a longer reference or final answer is not looked at. `near`: a number that names
    no option, and differs from the right one by less than such a share of it, may be rounded:
    `undecided`. `math` are settings of the mathematical verifier, for numbers, as a table.
    """

    max_chars: int = 8_000
    near: float = 0.05
    math: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.near < 1:
            raise ValueError(f"near: must be at least 0 and below 1, got {self.near}")


@dataclass(frozen=True, slots=True)
class Numeric:
    """A row that the mathematical verifier has to judge, and what a difference means."""

    row: Row
    evidence: Mapping[str, Any]
    sure: bool


class Examiner:
    """Does for one row what needs no mathematics."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def examine(self, row: Row) -> Result | Numeric:
        """Return the row's result, or what the mathematical verifier is asked; never raises."""
        start = time.perf_counter()
        try:
            step = self._examine(row)
        except BadInput as error:
            step = bad_input(NAME, str(error))
        except Exception as error:  # noqa: BLE001 - the verifier boundary
            step = crashed(NAME, f"{type(error).__name__}: {error}")
        if isinstance(step, Numeric):
            return step
        return replace(step, seconds=time.perf_counter() - start)

    def _examine(self, row: Row) -> Result | Numeric:
        if not isinstance(row, Mapping):
            raise BadInput(f"row: expected an object, got {type(row).__name__}")
        reference, answer = text_field(row, "reference_answer"), text_field(row, "answer")
        options = read_options(row.get("options"))
        evidence: dict[str, Any] = {"reference": excerpt(reference)}
        if not reference.strip() or len(reference) > self._settings.max_chars:
            return Result(Outcome.UNVERIFIED, "reference_unusable", NAME, evidence=evidence)
        said = split(answer).answer
        if said is None:
            return Result(Outcome.INCORRECT, "not_closed", NAME, evidence=evidence)
        text = final_answer(said)
        if not text.strip():
            return Result(Outcome.INCORRECT, "no_answer", NAME, evidence=evidence)
        if len(text) > self._settings.max_chars:
            text = text[-self._settings.max_chars :]
        return self._compare(row, reference, text, options, evidence)

    def _compare(
        self,
        row: Row,
        reference: str,
        text: str,
        options: Options | None,
        evidence: dict[str, Any],
    ) -> Result | Numeric:
        wanted = wanted_labels(reference, options)
        if wanted is None:
            evidence["remark"] = "reference names two options"
            return Result(Outcome.UNVERIFIED, "reference_unusable", NAME, evidence=evidence)
        claim = Finder(options).find(text) if options or wanted else None
        if wanted and claim is not None:
            return choice(row, wanted, claim, options, evidence, self._settings.near)
        return free(row, reference, text, evidence)


def wanted_labels(reference: str, options: Options | None) -> frozenset[str] | None:
    """Return the options that a reference names, none where it is no choice, None if two ways.

    Without options, a lone letter from A to J is a choice, alone or with a text behind it.
    """
    if options is None:
        bare = clean(reference).strip("() .:")
        claim = Finder(None).read(reference, "reference")
        letters = claim.labels if claim and not claim.hedged else frozenset()
        lone = len(bare) == 1 or clean(reference)[:1] == "("
        return letters if letters <= set("ABCDEFGHIJ") and lone else frozenset()
    same = options.exactly(reference)
    claim = Finder(options).read(reference, "reference")
    named = claim.labels if claim and not claim.hedged else frozenset()
    bare = clean(reference).strip("() .:").upper()
    if bare in options.labels and same and bare not in same:
        return None
    return frozenset({bare}) if bare in options.labels else same or named


def choice(
    row: Row,
    wanted: frozenset[str],
    claim: Claim,
    options: Options | None,
    evidence: dict[str, Any],
    near: float,
) -> Result | Numeric:
    """Return what a claim comes to beside the options that the reference names."""
    evidence |= {"wanted": sorted(wanted), "found_by": claim.how, "chosen": sorted(claim.labels)}
    evidence["extracted"] = excerpt(claim.text)
    if claim.hedged:
        return Result(Outcome.INCORRECT, "hedged", NAME, evidence=evidence)
    if claim.contradictory:
        return Result(Outcome.INCORRECT, "contradictory", NAME, evidence=evidence)
    if not claim.labels:
        return unnamed(row, wanted, claim, options, evidence, near)
    if claim.labels == wanted or (
        options and _texts(claim.labels, options) == _texts(wanted, options)
    ):
        return Result(Outcome.CORRECT, "equal", NAME, evidence=evidence)
    return Result(Outcome.INCORRECT, "different", NAME, evidence=evidence)


def _texts(labels: Iterable[str], options: Options) -> set[tuple[str, ...]]:
    """Return the options' texts: of two that have the same, either is as good."""
    return {tokens(options.text(label)) for label in labels}


def unnamed(
    row: Row,
    wanted: frozenset[str],
    claim: Claim,
    options: Options | None,
    evidence: dict[str, Any],
    near: float,
) -> Result | Numeric:
    """Return what becomes of an answer that names no option: its number may be the option's."""
    label = next(iter(wanted))
    if options is not None and is_none_of(claim.text, options, wanted, near):
        return Result(Outcome.INCORRECT, "none_of_options", NAME, evidence=evidence)
    if options is None or len(wanted) > 1 or not _has_digit(options.text(label)):
        return Result(Outcome.UNVERIFIED, "undecided", NAME, evidence=evidence)
    return Numeric(_math_row(row, options.text(label)), evidence, sure=False)


def free(row: Row, reference: str, text: str, evidence: dict[str, Any]) -> Result | Numeric:
    """Return what a text comes to beside a reference that is no choice."""
    claim = Finder(None).find(text)
    said = claim.text if claim and claim.text else text
    evidence |= {"extracted": excerpt(said), "found_by": claim.how if claim else "none"}
    if key(said) == key(reference) or key(text) == key(reference):
        return Result(Outcome.CORRECT, "equal", NAME, evidence=evidence)
    if (wanted := decided(reference)) is not None:
        return opposite(wanted, said, evidence)
    if _has_digit(reference):
        return Numeric(_math_row(row, reference), evidence, sure=True)
    return Result(Outcome.UNVERIFIED, "undecided", NAME, evidence=evidence)


def opposite(wanted: int, said: str, evidence: dict[str, Any]) -> Result:
    """Compare the side that an answer takes, by its first word, with yes, no or maybe."""
    given = side(said)
    if given is None:
        return Result(Outcome.UNVERIFIED, "undecided", NAME, evidence=evidence)
    if given == wanted:
        return Result(Outcome.CORRECT, "equal", NAME, evidence=evidence)
    return Result(Outcome.INCORRECT, "different", NAME, evidence=evidence)


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text)) or "\\" in text


def _math_row(row: Row, reference: str) -> Row:
    names = ("answer", "prompt")
    return {"reference_answer": reference, **{name: row[name] for name in names if name in row}}


def judged(step: Numeric, found: Result) -> Result:
    """Return a mathematical finding as this verifier's.

    A reference that is no mathematics, an answer that is only words, or one that named no
    option, differ from each other without being wrong.
    """
    evidence = {**found.evidence, **step.evidence}
    wordy = found.evidence.get("remark") in ("answer_is_text", "prose", "words")
    doubtful = found.outcome is Outcome.INCORRECT and (wordy or not step.sure)
    if found.reason in ("no_answer", "reference_unusable") or doubtful:
        return Result(
            Outcome.UNVERIFIED, "undecided", NAME, evidence=evidence, seconds=found.seconds
        )
    return replace(found, verifier=NAME, evidence=evidence)


class ShortAnswerVerifier(Verifier):
    """Judges short answers; numbers go to a mathematical verifier of its own."""

    name: ClassVar[str] = NAME

    def __init__(self, settings: Settings, workers: int = 1) -> None:
        self._examiner = Examiner(settings)
        self._math = MathVerifier.create(workers, **settings.math)

    @classmethod
    def create(cls, workers: int = 1, **settings: Any) -> Self:
        """Make the verifier; settings are those of `Settings`."""
        return cls(Settings(**settings), workers)

    def results(self, rows: Iterable[Row]) -> Iterator[Result]:
        """Yield one result for each row, in order; raises PoolError where no worker starts."""
        waiting = iter(rows)
        while batch := list(islice(waiting, BATCH)):
            steps = [self._examiner.examine(row) for row in batch]
            asked = [step for step in steps if isinstance(step, Numeric)]
            found = self._math.results(step.row for step in asked)
            for step in steps:
                yield judged(step, next(found)) if isinstance(step, Numeric) else step

    def close(self) -> None:
        """End the workers."""
        self._math.close()
