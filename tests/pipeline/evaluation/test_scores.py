"""The figures of a round: what counts, what is kept apart, and how a vote is decided."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.evaluation.estimates import Estimate
from pipeline.evaluation.samples import Sample
from pipeline.evaluation.scores import Vote, round_score

NONE = {"but": 0, "wait": 0, "maybe": 0, "therefore": 0}
OUTCOMES = {"C": "correct", "I": "incorrect", "U": "unverified"}


def samples(
    question: str, outcomes: str, groups: tuple[int | None, ...] = (), **rest: Any
) -> list[Sample]:
    """A question's samples, a letter each; without groups, outcomes are the groups."""
    named = groups or tuple("CIU".index(letter) for letter in outcomes)
    fields = {"tokens": 10, "words": NONE, "shows_answer": True, **rest}
    return [
        Sample(question, number, OUTCOMES[letter], f"because_{letter}", group=group, **fields)
        for number, (letter, group) in enumerate(zip(outcomes, named, strict=True))
    ]


def test_an_unverified_response_counts_neither_as_right_nor_as_wrong() -> None:
    score = round_score([*samples("a", "CIUU"), *samples("b", "CCCU")], None, None)
    assert score.pass1.value == pytest.approx((1 / 2 + 1) / 2)
    assert score.outcomes == {"correct": 4, "incorrect": 1, "unverified": 3}
    assert score.unverified == {"because_U": 3}


def test_a_question_of_which_nothing_was_decided_is_left_out_and_counted() -> None:
    score = round_score([*samples("a", "CI"), *samples("b", "UU")], None, None)
    assert score.pass1 == Estimate(0.5, None, 1)
    assert (score.questions, score.undecided_questions) == (2, 1)


def test_pass_at_k_leaves_out_questions_with_fewer_decided_responses() -> None:
    score = round_score([*samples("a", "CII"), *samples("b", "CUU")], None, None, ks=(2, 4))
    assert list(score.pass_at) == [2]
    assert score.pass_at[2].value == pytest.approx(2 / 3)
    assert score.pass_at[2].of == 1


def test_the_gain_is_over_the_questions_that_both_rounds_decided() -> None:
    first = [*samples("a", "IC"), *samples("b", "UU"), *samples("c", "II")]
    now = [*samples("a", "CC"), *samples("b", "CC"), *samples("c", "IC")]
    gain = round_score(now, first, first).gain
    assert gain == Estimate(0.5, 0.0, 2)


def test_a_paired_error_is_zero_where_every_question_gains_the_same() -> None:
    first = [*samples("a", "IIII"), *samples("b", "CCII")]
    now = [*samples("a", "CIII"), *samples("b", "CCCI")]
    score = round_score(now, first, first)
    assert score.gain == Estimate(0.25, 0.0, 2)
    assert score.pass1.error == pytest.approx(0.25)


def vote(*questions: list[Sample]) -> Vote | None:
    return round_score([one for group in questions for one in group], None, None).vote


def test_the_most_frequent_answer_wins_though_others_are_wrong_together() -> None:
    assert vote(samples("a", "CCIII", (0, 0, 1, 2, 3))) == Vote(Estimate(1.0, None, 1), 0, 0)


def test_a_tie_is_worth_the_share_of_its_right_answers() -> None:
    found = vote(samples("a", "CCIIII", (0, 0, 1, 1, 2, 2)))
    assert found is not None
    assert found.right.value == pytest.approx(1 / 3)


def test_votes_without_an_answer_or_with_an_undecided_winner_are_kept_apart() -> None:
    silent = samples("a", "II", (None, None))
    undecided = samples("b", "UUC", (1, 1, 0))
    assert vote(silent, undecided, samples("c", "CI")) == Vote(Estimate(0.5, None, 1), 1, 1)


def test_a_single_sample_has_no_majority() -> None:
    assert vote(samples("a", "C")) is None


def test_each_path_counts_its_pairs_and_undecided_ones_are_on_none() -> None:
    first, now = samples("a", "CCIIUC", tokens=10), samples("a", "CICICU", tokens=4)
    score = round_score(now, first, first)
    counts = {name: path.after.responses for name, path in score.trajectories.items()}
    assert counts == {"C-C": 1, "C-I": 1, "I-C": 1, "I-I": 1}
    assert score.undecided_pairs == 2
    assert score.trajectories["I-C"].before.tokens == 10
    assert score.trajectories["I-C"].after.tokens == 4


def test_responses_whose_tokens_nobody_counted_are_left_out_of_the_mean() -> None:
    given = [*samples("a", "C", tokens=None), *samples("b", "C", tokens=8)]
    lengths = round_score(given, None, None).lengths
    assert (lengths.tokens, lengths.counted, lengths.responses) == (8, 1, 2)
