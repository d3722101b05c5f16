"""Lets a model say whether an answer is the reference answer, where no rule can tell.

A row is ``{"id": "q1", "answer": "<think>…</think>Both roots are \\boxed{\\text{negative}}.",
"reference_answer": "x_1, x_2 < 0", "prompt": "What holds for the roots of …?"}``; `prompt` (text,
or a list of messages) may be missing. The model is shown the question, the reference and the
final answer, never the thinking, and says CORRECT, INCORRECT or UNSURE, or with `reply = "score"`
how much of the reference the answer says: ``SCORE: 4``, of 5.

How it is asked is the caller's business: an `Asker` is handed in. `unverified` with
`judge_unreadable`, `judge_unsure`, `judge_unavailable`, `too_long` or `reference_unusable`.
A judge is a model: its `correct` is an opinion, and another model may have another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from verifiers.asked_model import AskedModel, Case, Turns
from verifiers.base import BadInput, Outcome, Result, Row, text_field
from verifiers.equality.extract import extract
from verifiers.judge_words import (
    CORRECT,
    INCORRECT,
    PROMPT,
    SCORE_PROMPT,
    UNSURE,
    check_prompt,
    excerpt,
    fill,
    question_text,
    score_in,
    verdict_in,
)
from verifiers.response import final_answer, split

NAME = "judge"
GUESSED = ("whole", "conclusion")  # found where nothing marks the answer
WORDS = re.compile(r"[^\W\d_]+(?:[ ,'’-]+[^\W\d_]+)+\W*")  # several of them, no digits or formulas
Reply = Literal["verdict", "score"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the judge is shown and says, and how much of it; all lengths are guesses.

    `reply` is a verdict in a word, asked for by `prompt`, or a score from 0 to `most`, asked for by
    `score_prompt`: `correct` from `least` on. Both prompts have the slots {question}, {reference}
    and {answer}, of which the last two are needed; each becomes a block between tags. All of the
    scale is the papers' 0.9: four of five is less. A longer answer or reference is not judged, of
    a longer question the middle is left out, and `tail_chars` of the response's end are shown
    where no final answer is found in it.
    """

    reply: Reply = "verdict"
    prompt: str = PROMPT
    score_prompt: str = SCORE_PROMPT
    most: int = 5
    least: int = 5
    max_answer_chars: int = 4_000
    max_reference_chars: int = 8_000
    max_question_chars: int = 8_000
    tail_chars: int = 1_000

    def __post_init__(self) -> None:
        check_prompt(self.prompt)
        if "{answer}" not in self.score_prompt or "{reference}" not in self.score_prompt:
            raise ValueError("score_prompt: must contain {reference} and {answer}")
        if self.reply not in get_args(Reply):
            raise ValueError(f"reply: must be one of {get_args(Reply)}, got {self.reply!r}")
        if not 0 < self.least <= self.most:
            raise ValueError("least: must be above 0 and at most `most`")
        lengths = (self.max_answer_chars, self.max_reference_chars, self.max_question_chars)
        if min(*lengths, self.tail_chars) < 1:
            raise ValueError("max_…_chars, tail_chars: must be above 0")


class ReferenceJudge(AskedModel[Settings]):
    """Judges answers by asking a model that is handed in as `ask`."""

    name: ClassVar[str] = NAME

    settings_type = Settings

    def after(
        self, found: Iterable[tuple[Row, Result]], doubtful: Callable[[Result], bool]
    ) -> Iterator[Result]:
        """Yield another verifier's results, in order, with the judge's on doubtful ones."""
        return self._in_order(self._second(row, first, doubtful) for row, first in found)

    def _second(self, row: Row, first: Result, doubtful: Callable[[Result], bool]) -> Case:
        if not doubtful(first):
            return Case({}, result=first)
        case = self._begin(row)
        case.first = first
        if case.result is not None:
            case.close(case.result)
        return case

    def _prepare(self, case: Case, row: Row) -> Result | None:
        """Write a case's request, or return its result where there is nothing to ask."""
        if not isinstance(row, Mapping):
            raise BadInput(f"row: expected an object, got {type(row).__name__}")
        reference, answer = text_field(row, "reference_answer"), text_field(row, "answer")
        question = question_text(row.get("prompt"))
        case.evidence["reference"] = excerpt(reference)
        if not reference.strip():
            return Result(Outcome.UNVERIFIED, "reference_unusable", NAME, evidence=case.evidence)
        said = split(answer).answer
        if said is None:
            return Result(Outcome.INCORRECT, "not_closed", NAME, evidence=case.evidence)
        shown, how = self._shown(final_answer(said))
        case.evidence |= {"extracted": excerpt(shown), "found_by": how}
        if not shown:
            return Result(Outcome.INCORRECT, "no_answer", NAME, evidence=case.evidence)
        limits = self._settings
        if len(shown) > limits.max_answer_chars or len(reference) > limits.max_reference_chars:
            return Result(Outcome.UNVERIFIED, "too_long", NAME, evidence=case.evidence)
        question = excerpt(question, limits.max_question_chars)
        prompt = limits.prompt if limits.reply == "verdict" else limits.score_prompt
        case.messages = as_messages(prompt, question, reference, shown)
        return None

    def _shown(self, answer: str) -> tuple[str, str]:
        """Return the final answer of an answer part, or else its end, and which it is.

        What looks for formulas takes "less likely to break" out of "The plastic cup is less likely
        to break.": of several words that nothing marks as the answer, the end is shown instead.
        """
        found = extract(answer)
        text = "" if found is None else found.text.strip()
        if found is not None and text and not (found.how in GUESSED and WORDS.fullmatch(text)):
            return text, found.how
        return answer[-self._settings.tail_chars :].strip(), "tail"

    def _read(self, said: str, whole: bool, evidence: dict[str, Any]) -> Result | None:
        if self._settings.reply == "score":
            return self._scored(said, whole, evidence)
        word = verdict_in(said) if whole else None
        if word == CORRECT:
            return Result(Outcome.CORRECT, "judge_correct", NAME, evidence=evidence)
        if word == INCORRECT:
            return Result(Outcome.INCORRECT, "judge_incorrect", NAME, evidence=evidence)
        if word == UNSURE:
            return Result(Outcome.UNVERIFIED, "judge_unsure", NAME, evidence=evidence)
        return None

    def _scored(self, said: str, whole: bool, evidence: dict[str, Any]) -> Result | None:
        limits = self._settings
        score = score_in(said, limits.most) if whole else None
        if score is None:
            return None
        share = score / limits.most
        evidence |= {"judge_score": score, "most": limits.most, "least": limits.least}
        if score >= limits.least:
            return Result(Outcome.CORRECT, "judge_correct", NAME, share, evidence)
        return Result(Outcome.INCORRECT, "judge_incorrect", NAME, share, evidence)


def as_messages(prompt: str, question: str, reference: str, answer: str) -> Turns:
    """Return what the judge is sent: one user turn, which every chat model understands."""
    values = {"question": question, "reference": reference, "answer": answer}
    return ({"role": "user", "content": fill(prompt, values)},)
