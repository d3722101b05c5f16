"""Judges mathematical answers against a reference answer, on top of math-verify 0.9.0.

A row is ``{"id": "q1", "answer": "<think>…</think> So it is $\\boxed{\\frac12}$.",
"reference_answer": "0.5"}``. The final answer is extracted, identical texts, plain
numbers and choice letters are decided here, and everything else in worker processes that
are killed at a deadline.

`incorrect` with `no_answer`, `not_closed` or `different`; `unverified` with
`reference_unusable` (the reference does not parse, which disqualifies the question),
`too_complex`, `undecided`, `timeout`, `memory` or `crashed`. Of the question (`prompt`, where
the row has it) three things are read: whether it asks for a decimal (then 0.167 is 1/6), whether
it asks for an order, and which options it gives. An answer of the right value in the wrong form
is correct.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar, Self

from verifiers.base import (
    BadInput,
    Outcome,
    Result,
    Row,
    Verifier,
    bad_input,
    prompt_text,
    text_field,
)
from verifiers.equality.choices import by_options, choice, text_beside, without_letter
from verifiers.equality.conclusion import bare
from verifiers.equality.extract import Extraction, counted, extract
from verifiers.equality.numerals import Tolerance, equal
from verifiers.equality.question import Asked, Form, asked
from verifiers.equality.text import balanced, key, normalise
from verifiers.parallel import crashed, from_reply
from verifiers.pool import Pool, Ticket, in_order
from verifiers.response import final_answer, split

NAME = "math"
EXCERPT_CHARS = 500
SOLUTION_SIGNS = ("\\boxed", "\\fbox", "####", "\nA: ")
OUTCOMES = {"equal": Outcome.CORRECT, "different": Outcome.INCORRECT}


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and tolerances of the comparison.

    `max_chars`: an extracted answer or a reference longer than that is not looked at (a
    guess; a number of 20,000 digits is still compared). `deadline_s` is for one attempt in
    a worker, of two; ordinary pairs take 1 to 50 ms there. `memory_mb` is a worker's address
    space. `tolerance`: see `Tolerance`. `memo` is how many findings are remembered.
    """

    max_chars: int = 30_000
    deadline_s: float = 0.8
    memory_mb: int = 2048
    recycle_after: int = 5000
    memo: int = 50_000
    tolerance: Tolerance = field(default_factory=Tolerance)


Pair = tuple[str, str, Tolerance, Form]


@dataclass(frozen=True, slots=True)
class Task:
    """A pair that a worker has to decide, with what its result will say besides."""

    pair: Pair
    evidence: Mapping[str, Any]
    seconds: float = 0.0


class Ready:
    """A result that nothing has to be waited for."""

    done = True

    def __init__(self, result: Result) -> None:
        self._result = result

    def cancel(self) -> None:
        """Do nothing: there is nothing to stop."""

    def result(self) -> Result:
        """Return the result."""
        return self._result


class Pending:
    """A result that a worker's reply completes."""

    def __init__(self, task: Task, ticket: Ticket, memo: Memo) -> None:
        self._task, self._ticket, self._memo = task, ticket, memo

    @property
    def done(self) -> bool:
        """Whether the worker has replied."""
        return self._ticket.done

    def cancel(self) -> None:
        """Give up on the reply."""
        self._ticket.cancel()

    def result(self) -> Result:
        """Wait for the worker's reply; raises PoolError."""
        reply = self._ticket.result()
        seconds = self._task.seconds + reply.seconds
        if reply.failure is None:
            self._memo.add(self._task.pair, reply.value)
            return replace(found(self._task, reply.value), seconds=seconds)
        failed = from_reply(reply, NAME)
        evidence = {**self._task.evidence, **failed.evidence}
        return replace(failed, evidence=evidence, seconds=seconds)


class Memo:
    """The findings about the pairs seen last, as many as it may hold."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._found: OrderedDict[Pair, tuple[str, str]] = OrderedDict()

    def get(self, pair: Pair) -> tuple[str, str] | None:
        """Return what was found about a pair."""
        return self._found.get(pair)

    def add(self, pair: Pair, finding: tuple[str, str]) -> None:
        """Remember a finding, forgetting the oldest beyond the size."""
        self._found[pair] = finding
        while len(self._found) > self._size:
            self._found.popitem(last=False)


def found(task: Task, finding: tuple[str, str]) -> Result:
    """Return the result for what a worker found."""
    reason, remark = finding
    evidence = {**task.evidence, "path": "symbolic"}
    if remark:
        evidence["remark"] = remark
    return Result(OUTCOMES.get(reason, Outcome.UNVERIFIED), reason, NAME, evidence=evidence)


@lru_cache(maxsize=10_000)
def reference_text(text: str) -> str:
    """Return the normalised final answer of a reference, which may be a whole solution."""
    if any(sign in text for sign in SOLUTION_SIGNS):
        extraction = extract(text)
        return normalise(extraction.text) if extraction else ""
    return normalise(counted(bare(text)))


def excerpt(text: str) -> str:
    """Return a text, its middle left out where it is long."""
    if len(text) <= EXCERPT_CHARS:
        return text
    half = EXCERPT_CHARS // 2 - 2
    return f"{text[:half]} … {text[-half:]}"


class Examiner:
    """Does for one row what needs no worker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def examine(self, row: Row) -> Result | Task:
        """Return the row's result, or what a worker has to decide; never raises."""
        start = time.perf_counter()
        try:
            step = self._examine(row)
        except BadInput as error:
            step = bad_input(NAME, str(error))
        except Exception as error:  # noqa: BLE001 - the verifier boundary
            step = crashed(NAME, f"{type(error).__name__}: {error}")
        return replace(step, seconds=time.perf_counter() - start)

    def _examine(self, row: Row) -> Result | Task:
        if not isinstance(row, Mapping):
            raise BadInput(f"row: expected an object, got {type(row).__name__}")
        given, answer = text_field(row, "reference_answer"), text_field(row, "answer")
        evidence = {"reference": excerpt(given)}
        reference = reference_text(given) if len(given) <= self._settings.max_chars else ""
        if not reference or not balanced(reference):
            return Result(Outcome.UNVERIFIED, "reference_unusable", NAME, evidence=evidence)
        said = split(answer).answer
        if said is None:
            return Result(Outcome.INCORRECT, "not_closed", NAME, evidence=evidence)
        extraction = extract(final_answer(said))
        if extraction is None:
            evidence["tail"] = said[-EXCERPT_CHARS // 2 :]
            return Result(Outcome.INCORRECT, "no_answer", NAME, evidence=evidence)
        evidence |= {"extracted": excerpt(extraction.text), "found_by": extraction.how}
        return self._compare(reference, extraction, evidence, asked(prompt_text(row.get("prompt"))))

    def _compare(
        self, reference: str, extraction: Extraction, evidence: dict[str, Any], question: Asked
    ) -> Result | Task:
        if len(extraction.text) > self._settings.max_chars:
            evidence["characters"] = len(extraction.text)
            return Result(Outcome.UNVERIFIED, "too_complex", NAME, evidence=evidence)
        sides = by_options(reference, normalise(extraction.text), question.options)
        reference, answer = sides.reference, sides.answer
        if sides.option:
            evidence["option"] = excerpt(sides.option)
        same = self.quickly(reference, answer)
        if same is None or (question.form.rounded and not same):
            answer = without_letter(reference, answer, question.options)
            reference = option_text(reference, answer)
            pair = (reference, answer, self._settings.tolerance, question.form)
            return Task(pair, evidence)
        outcome, reason = (Outcome.CORRECT, "equal") if same else (Outcome.INCORRECT, "different")
        return Result(outcome, reason, NAME, evidence={**evidence, "path": "fast"})

    def quickly(self, reference: str, answer: str) -> bool | None:
        """Decide identical texts, numerals and choices; None leaves it to a worker."""
        first, second = key(reference), key(answer)
        if first == second:
            return True
        same = equal(first, second, self._settings.tolerance)
        return chosen(reference, answer) if same is None else same


def chosen(reference: str, answer: str) -> bool | None:
    """Decide choices by their letters, and by their texts where both have one; else None."""
    expected = choice(reference)
    given = choice(answer) if expected else None
    if expected is None or given is None:
        return None
    if expected.letters != given.letters:
        return False
    if not (expected.text and given.text):
        return True
    return True if key(expected.text) == key(given.text) else None


def option_text(reference: str, answer: str) -> str:
    """Return the option's text of a reference such as "(B) 12" for an answer without a letter."""
    expected = choice(reference)
    found = text_beside(reference) if expected and expected.text else None
    return normalise(found[1]) if found and choice(answer) is None else reference


class MathVerifier(Verifier):
    """Judges mathematical answers; its workers start when the first pair needs one."""

    name: ClassVar[str] = NAME

    def __init__(self, settings: Settings, workers: int = 1) -> None:
        self._settings = settings
        self._examiner = Examiner(settings)
        self._memo = Memo(settings.memo)
        self._pool = Pool(
            "verifiers.equality.judge:judge",
            workers,
            deadline_s=settings.deadline_s,
            memory_mb=settings.memory_mb,
            recycle_after=settings.recycle_after,
        )

    @classmethod
    def create(cls, workers: int = 1, **settings: Any) -> Self:
        """Make the verifier; settings are those of `Settings`, `tolerance` as a mapping."""
        tolerance = Tolerance(**settings.pop("tolerance", {}))
        return cls(Settings(tolerance=tolerance, **settings), workers)

    def results(self, rows: Iterable[Row]) -> Iterator[Result]:
        """Yield one result for each row, in order; raises PoolError where no worker starts."""
        return in_order(map(self._begin, rows), self._pool.window)

    def close(self) -> None:
        """End the workers."""
        self._pool.close()

    def _begin(self, row: Row) -> Ready | Pending:
        step = self._examiner.examine(row)
        if isinstance(step, Result):
            return Ready(step)
        finding = self._memo.get(step.pair)
        if finding is not None:
            return Ready(replace(found(step, finding), seconds=step.seconds))
        return Pending(step, self._pool.submit(step.pair), self._memo)
