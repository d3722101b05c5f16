"""Judges one answer by all constraints of its question; runs in a worker.

The row is ``{"answer": "…", "constraints": [{"id": "punctuation:no_comma", "kwargs": {}}]}``.

Strictly, the answer itself has to follow. Loosely, one of eight variants has to, as IFEval
defines them: with or without the first line, the last line, and all asterisks; so an
introduction ("Sure, here it is:") or bold type does no harm. Both are found out, and a setting
says which counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verifiers.base import BadInput, Outcome, Result, Row, text_field
from verifiers.constraints import (  # noqa: F401 - each registers its types
    bench_counts,
    bench_custom,
    bench_formats,
    bench_words,
    contents,
    keywords,
    languages,
    layouts,
    lengths,
)
from verifiers.constraints.passages import passage, punkt
from verifiers.constraints.registry import (
    Constraint,
    UnknownConstraint,
    UnusableConstraint,
    identity,
    read,
)
from verifiers.response import ANSWER_OPEN, CLOSE, final_answer, split

NAME = "instruction"
FOUND_CHARS = 300  # of what was found, as evidence
punkt()  # loaded before the first deadline begins


@dataclass(frozen=True, slots=True)
class Unread:
    """A constraint that can't be judged, with the reason."""

    reason: str
    error: str


@dataclass(frozen=True, slots=True)
class Judge:
    """The judge of one row; see the settings of `verifiers.instructions`."""

    loose: bool
    multilingual: bool

    def __call__(self, row: Row) -> Result:
        """Return what became of the constraints; raises BadInput."""
        given, response = _constraints(row), text_field(row, "answer")
        text = answer_text(response)
        if not given:
            return Result(Outcome.UNVERIFIED, "no_constraints", NAME)
        if text is None or not text.strip():
            unclosed, tail = text is None, {"tail": response[-FOUND_CHARS:]}
            return Result(
                Outcome.INCORRECT, "not_closed" if unclosed else "no_answer", NAME, 0.0, tail
            )
        return self._result([self._look(raw, text) for raw in given])

    def _look(self, raw: Any, text: str) -> dict[str, Any]:
        """Return the evidence about one constraint."""
        id, wanted = identity(raw)
        constraint = readable(raw)
        if isinstance(constraint, Unread):
            return {"id": id, "reason": constraint.reason, "error": constraint.error}
        strictly = constraint.test(passage(text, self.multilingual))
        loosely = strictly.followed or self._loosely(constraint, text)
        return {
            "id": id,
            "wanted": {name: _short(value) for name, value in wanted.items()},
            "found": _short(strictly.found),
            "strict": strictly.followed,
            "loose": loosely,
        }

    def _loosely(self, constraint: Constraint, text: str) -> bool:
        tried = (passage(one, self.multilingual) for one in variants(text)[1:])
        return any(one.text.strip() and constraint.test(one).followed for one in tried)

    def _result(self, found: Sequence[dict[str, Any]]) -> Result:
        """Return the result: one constraint that is not followed decides, whatever others are."""
        mode = "loose" if self.loose else "strict"
        evidence = {"mode": mode, "constraints": list(found)}
        read = [one for one in found if "error" not in one]
        share = sum(one[mode] for one in read) / len(found) if read else None
        if not all(one[mode] for one in read):
            return Result(Outcome.INCORRECT, "not_followed", NAME, share, evidence)
        if any(one.get("reason") == "constraint_unknown" for one in found):
            return Result(Outcome.UNVERIFIED, "constraint_unknown", NAME, None, evidence)
        if len(read) < len(found):
            return Result(Outcome.UNVERIFIED, "constraint_unusable", NAME, None, evidence)
        return Result(Outcome.CORRECT, "followed", NAME, share, evidence)


def _constraints(row: Row) -> list[Any]:
    given = row.get("constraints")
    if not isinstance(given, list | tuple):
        raise BadInput(f"constraints: expected a list, got {type(given).__name__}")
    return list(given)


def readable(raw: Any) -> Constraint | Unread:
    """Return a constraint read, or why it can't be judged; raises BadInput."""
    try:
        return read(raw)
    except UnknownConstraint as error:
        return Unread("constraint_unknown", str(error))
    except UnusableConstraint as error:
        return Unread("constraint_unusable", str(error))


def answer_text(response: str) -> str | None:
    """Return what is judged: the final answer, or a response without any tag as it is."""
    if CLOSE not in response and ANSWER_OPEN not in response:
        return split(response).answer
    answer = split(response).answer
    return None if answer is None else final_answer(answer)


def variants(text: str) -> list[str]:
    """Return IFEval's eight variants of a text, itself first."""
    lines = text.split("\n")
    cuts = [text, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return [*cuts, *(cut.replace("*", "") for cut in cuts)]


def _short(value: Any) -> Any:
    """Return a value for the evidence, long texts cut, at any depth."""
    if isinstance(value, str):
        return value if len(value) <= FOUND_CHARS else f"{value[:FOUND_CHARS]} …"
    if isinstance(value, Mapping):
        return {str(name): _short(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_short(one) for one in value[:20]]
    return value
