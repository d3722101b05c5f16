"""Suspect references: attempts that agree with each other, and not with the reference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.card import limitations
from pipeline.config import Config
from pipeline.facts import gather
from pipeline.recipe import Suspicion
from pipeline.records import Message, Question, Suspect, Verdict
from pipeline.report import build_report
from pipeline.suspects import suspect
from tests.pipeline.conftest import MakeStore, SmallData

POLICY = Suspicion()
QUESTION = Question.new(
    "s",
    [Message("user", "How many?")],
    source_revision="1",
    licence="MIT",
    kind="math",
    reference_answer="41",
)


def verdict(answer: str | None, outcome: str = "incorrect", attempt: int = 0) -> Verdict:
    told = {} if answer is None else {"extracted": answer}
    return Verdict(
        QUESTION.id, "t", 1, attempt, "math", outcome, None, "different", json.dumps(told), 0.1
    )


def attempts(*answers: str) -> list[list[Verdict]]:
    return [
        [verdict(answer, "correct" if answer == "41" else "incorrect", place)]
        for place, answer in enumerate(answers)
    ]


def test_agreement_against_the_reference_is_suspect() -> None:
    found = suspect(QUESTION, attempts("42", "42", "42", "7"), POLICY)
    assert found is not None
    assert (found.answer, found.agreeing, found.decided, found.correct) == ("42", 3, 4, 0)
    assert found.reference == "41"


@pytest.mark.parametrize(
    "answers",
    [
        ("41", "41", "41"),
        ("42", "42"),
        ("42", "42", "42", "41", "41", "41"),
        ("1", "2", "3", "4"),
        ("42", "42", "42", "1", "2", "3"),
    ],
)
def test_too_few_or_too_divided_attempts_are_not(answers: tuple[str, ...]) -> None:
    assert suspect(QUESTION, attempts(*answers), POLICY) is None


def test_answers_that_are_spelled_otherwise_or_are_the_same_number_agree() -> None:
    found = suspect(QUESTION, attempts("$0.5$", "\\frac{1}{2}", "1/2", "0.50"), POLICY)
    assert found is not None
    assert found.agreeing == 4


def test_some_right_attempts_do_not_clear_a_reference() -> None:
    found = suspect(QUESTION, attempts("42", "42", "42", "42", "41"), POLICY)
    assert found is not None
    assert found.correct == 1


def test_what_is_undecided_or_shows_no_answer_counts_for_nothing() -> None:
    undecided = [[verdict("42", "unverified", n)] for n in range(5)]
    silent = [[verdict(None, attempt=n)] for n in range(5)]
    assert suspect(QUESTION, undecided, POLICY) is None
    assert suspect(QUESTION, silent, POLICY) is None


def test_a_long_answer_that_was_cut_agrees_with_none() -> None:
    assert suspect(QUESTION, attempts(*(["9" * 500] * 4)), POLICY) is None


def test_report_and_card_tell_of_suspects_and_escape_them(
    small_config: Config, make_small_store: MakeStore, tmp_path: Path
) -> None:
    def doubt(data: SmallData) -> None:
        for of in data.questions.values():
            data.add("suspects", Suspect(of.id, of.source, "<b>41</b>", "42", 3, 4, 1))

    store = make_small_store(tmp_path / "data", change=doubt)
    facts = gather(small_config, store)
    assert facts.suspected == len(facts.suspects) > 3
    page = build_report(small_config, store)
    assert "References that may be wrong" in page
    assert "&lt;b&gt;41" in page and "<b>41</b>" not in page
    assert any("may be wrong" in said for said in limitations(small_config, facts))
