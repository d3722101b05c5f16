"""Answers are the same where the verifier says so, not where their texts are."""

from __future__ import annotations

from pipeline.evaluation.agreement import Answer, grouped
from verifiers import available


def answers(*texts: str, correct: tuple[int, ...] = (), question: str = "q") -> list[Answer]:
    return [
        Answer(place, question, text, place in correct, {"answer": f"\\boxed{{{text}}}"})
        for place, text in enumerate(texts)
    ]


def groups(given: list[Answer]) -> list[list[int]]:
    with available()["math"].create(workers=1) as verifier:
        found = grouped(given, verifier)
    numbers = sorted(set(found.values()))
    return [sorted(place for place in found if found[place] == number) for number in numbers]


def test_two_forms_of_a_number_are_one_answer() -> None:
    assert groups(answers("1/2", "2", "0.5", "\\frac{1}{2}", "2.0")) == [[0, 2, 3], [1, 4]]


def test_correct_answers_are_one_group_whatever_they_look_like() -> None:
    assert groups(answers("7", "x", "8", correct=(0, 2))) == [[0, 2], [1]]


def test_answers_that_cannot_be_read_agree_with_their_own_text_alone() -> None:
    assert groups(answers("\\frac{1}{", "3", "\\frac{1}{", "4")) == [[0, 2], [1], [3]]


def test_answers_to_different_questions_never_meet() -> None:
    second = [
        Answer(place + 2, "r", one.text, False, one.row)
        for place, one in enumerate(answers("5", "6"))
    ]
    given = [*answers("5", "6"), *second]
    with available()["math"].create(workers=1) as verifier:
        assert grouped(given, verifier) == {0: 0, 1: 1, 2: 0, 3: 1}
