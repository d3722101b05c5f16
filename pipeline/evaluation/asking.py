"""What a round asks: the question alone at first, then the question beside the last answer.

Round 1 of a question sends its prompt, round n ≥ 2 (arXiv 2503.19855, section 3.1)::

    {original question}
    The assistant's previous answer is: <answer> {last answer} </answer>, and please re-answer.

The last answer is that of the same sample in the round before, without its thinking. Where
that has none (cut off, or refused by the server), the newest earlier one is shown; where
there is none at all, the question is asked alone once more, as a new sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.evaluation.base import MAX_SAMPLES
from pipeline.recipe import Teacher
from pipeline.records import Question, Response
from pipeline.teacher.base import Ask, ask_key
from pipeline.teacher.prompts import build_request
from verifiers.response import final_answer

Place = tuple[str, int]  # of a sample: question id, number


@dataclass(frozen=True, slots=True)
class Wanted:
    """One ask of a round, and whether it shows an earlier answer."""

    ask: Ask
    sample: int
    shows_answer: bool


def attempt_of(round: int, sample: int) -> int:
    """Return the attempt by which a reply is known and its seed chosen.

    It must differ between rounds: a model that gives the same short answer twice is sent the
    same words again, and would be handed its own last reply.
    """
    return sample + MAX_SAMPLES * (round - 1)


def wanted(
    teacher: Teacher,
    questions: Iterable[Question],
    answers: Mapping[Place, str],
    round: int,
    samples: int,
    prompt: str,
) -> Iterator[Wanted]:
    """Yield what a round asks, in the order of the questions."""
    for question in questions:
        for sample in range(samples):
            answer = answers.get((question.id, sample))
            again = None if answer is None else (prompt, answer)
            request = build_request(teacher, question.prompt, again)
            attempt = attempt_of(round, sample)
            key = ask_key(teacher, teacher.sampling, request, attempt)
            yield Wanted(Ask(question.id, attempt, request, key), sample, answer is not None)


def last_answers(rounds: Iterable[Iterable[Response]]) -> dict[Place, str]:
    """Return each sample's newest answer; the rounds come in order."""
    answers: dict[Place, str] = {}
    for responses in rounds:
        for response in responses:
            if answer := answer_of(response):
                answers[(response.id, response.attempt)] = answer
    return answers


def answer_of(response: Response) -> str:
    """Return what a response answers, thinking and tags left out; "" where it does not."""
    return final_answer(response.answer) if response.answer else ""
