"""The reward verifier, with a scorer whose outputs are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from verifiers import Outcome, Result
from verifiers.reward_model import FIVE, RewardModel, Scores, Turns

ANSWER = "<think>the Ebro?</think>The Ebro."


class Known:
    """Gives each conversation what a rule says, and remembers what it was shown."""

    model = "known"

    def __init__(self, *given: Scores, stand_in: bool = False) -> None:
        self.given, self.stand_in = list(given), stand_in
        self.shown: list[Turns] = []

    def __call__(self, conversations: list[Turns]) -> list[Scores]:
        self.shown += conversations
        return [self.given[k % len(self.given)] for k in range(len(conversations))]


def judge(scorer: Known, *rows: Mapping[str, Any], **settings: Any) -> list[Result]:
    with RewardModel.create(scorer=scorer, **settings) as verifier:
        return list(verifier.results(rows))


def row(answer: str = ANSWER, **rest: Any) -> dict[str, Any]:
    return {"answer": answer, "prompt": "Name a river of Spain.", **rest}


def five(**values: float) -> Scores:
    return Scores(tuple(values.get(name, 0.0) for name in FIVE))


def test_the_score_is_the_papers_composite() -> None:
    given = five(helpfulness=3, correctness=4, coherence=2, complexity=4, verbosity=4)
    (found,) = judge(Known(given), row())
    assert found.score == pytest.approx(9 / 12)
    assert (found.outcome, found.reason) == (Outcome.CORRECT, "above_threshold")
    assert found.evidence["attributes"]["verbosity"] == 4


def test_below_the_threshold_is_incorrect() -> None:
    (found,) = judge(Known(five(helpfulness=4, correctness=4, coherence=0)), row())
    assert (found.outcome, found.reason) == (Outcome.INCORRECT, "below_threshold")


def test_a_category_may_have_a_threshold_of_its_own() -> None:
    given = Known(five(helpfulness=2, correctness=2, coherence=2))
    rows = [row(category="role_play"), row(category="planning")]
    found = judge(given, *rows, thresholds={"role_play": 0.4})
    assert [one.outcome for one in found] == [Outcome.CORRECT, Outcome.INCORRECT]
    assert found[0].evidence["threshold"] == 0.4


def test_a_model_with_one_output_is_weighed_as_told() -> None:
    settings = {"attributes": ("reward",), "weights": {"reward": 1.0}, "divisor": 1.0}
    (found,) = judge(Known(Scores((-3.5,))), row(), threshold=-4.0, **settings)
    assert (found.score, found.outcome) == (-3.5, Outcome.CORRECT)


def test_the_thinking_is_never_shown() -> None:
    scorer = Known(five())
    prompt = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "<think>hm</think>Hello"},
        {"role": "user", "content": "Name a river."},
    ]
    judge(scorer, row(prompt=prompt))
    said = [turn["content"] for turn in scorer.shown[0]]
    assert said == ["Hi", "Hello", "Name a river.", "The Ebro."]


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (Scores(failure="status 500"), "reward_unavailable"),
        (Scores(failure="99 tokens", too_long=True), "too_long"),
        (Scores((1.0, 2.0)), "reward_unreadable"),
        (Scores(), "reward_unreadable"),
    ],
)
def test_what_gives_no_score_is_unverified(scores: Scores, reason: str) -> None:
    (found,) = judge(Known(scores), row())
    assert (found.outcome, found.reason, found.score) == (Outcome.UNVERIFIED, reason, None)


@pytest.mark.parametrize(
    ("given", "outcome", "reason"),
    [
        (row("<think>cut off"), Outcome.INCORRECT, "not_closed"),
        (row("<think>x</think> "), Outcome.INCORRECT, "no_answer"),
        (row("<think>x</think>" + "a" * 99), Outcome.UNVERIFIED, "too_long"),
        ({"answer": ANSWER}, Outcome.UNVERIFIED, "bad_input"),
        ({"prompt": "?"}, Outcome.UNVERIFIED, "bad_input"),
        (row(prompt=[]), Outcome.UNVERIFIED, "bad_input"),
        (row(prompt=[{"role": "user"}]), Outcome.UNVERIFIED, "bad_input"),
    ],
)
def test_what_can_not_be_scored_costs_nothing(
    given: dict[str, Any], outcome: Outcome, reason: str
) -> None:
    scorer = Known(five())
    (found,) = judge(scorer, given, max_chars=80)
    assert (found.outcome, found.reason, scorer.shown) == (outcome, reason, [])


def test_results_come_in_the_order_of_the_rows_over_several_windows() -> None:
    rows = [row(f"<think>x</think>{k}") if k % 3 else row("<think>") for k in range(10)]
    good, bad = five(helpfulness=4, correctness=4, coherence=4), five()
    scorer = Known(good, bad)
    verifier = RewardModel(scorer, settings=RewardModel.create(scorer=scorer)._settings, window=4)
    reasons = [found.reason for found in verifier.results(rows)]
    assert [r == "not_closed" for r in reasons] == [k % 3 == 0 for k in range(10)]
    assert [turns[-1]["content"] for turns in scorer.shown] == ["1", "2", "4", "5", "7", "8"]


def test_a_stand_in_names_itself() -> None:
    (found,) = judge(Known(five(), stand_in=True), row())
    assert found.evidence["stand_in"] is True


@pytest.mark.parametrize(
    "settings",
    [
        {"weights": {"wit": 1.0}},
        {"weights": {"verbosity": 0.0}},
        {"divisor": 0.0},
        {"max_chars": 0},
    ],
)
def test_settings_that_can_not_be_meant_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        RewardModel.create(scorer=Known(), **settings)


def test_without_a_scorer_there_is_no_verifier() -> None:
    with pytest.raises(TypeError, match="scorer"):
        RewardModel.create()
