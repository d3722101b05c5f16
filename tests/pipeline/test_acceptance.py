import json

import pytest

from pipeline.acceptance import as_json, closed, combine, findings, instrument
from pipeline.recipe import Select, Verify
from pipeline.records import Message, Question, Verdict


def verdict(
    verifier: str, outcome: str, reason: str = "r", id: str = "q", **rest: object
) -> Verdict:
    fields = {"score": None, "evidence": "{}", "seconds": 0.1, "attempt": 0, **rest}
    return Verdict(
        id=id, teacher="t", round=1, verifier=verifier, outcome=outcome, reason=reason, **fields
    )  # type: ignore[arg-type]


RULES_OK = verdict("rules", "correct", "none_broken")


def test_rules_refuse() -> None:
    found = combine([verdict("rules", "incorrect", "repetition"), verdict("math", "correct")])
    assert (found.outcome, found.verifier, found.reason) == ("incorrect", "rules", "repetition")


def test_rules_never_vouch() -> None:
    found = combine([RULES_OK, verdict("none", "unverified", "nothing_to_check")])
    assert (found.outcome, found.reason) == ("unverified", "nothing_to_check")


def test_the_verifier_of_the_kind_decides() -> None:
    assert combine([RULES_OK, verdict("math", "correct", "equal")]).verifier == "math"
    assert combine([RULES_OK, verdict("math", "incorrect", "different")]).outcome == "incorrect"


@pytest.mark.parametrize(
    ("kind", "field", "verifier"),
    [
        ("math", {"reference_answer": "4"}, "math"),
        ("science", {"reference_answer": "B"}, "short_answer"),
        ("code", {"test_cases": '[{"assert": "assert f(1) == 2"}]'}, "code"),
        ("instruction", {"constraints": '[{"id": "detectable_format:title"}]'}, "instruction"),
        ("chat", {"reference_answer": "4"}, "none"),
    ],
)
def test_a_question_goes_to_the_verifier_of_its_kind_if_it_has_what_that_needs(
    kind: str, field: dict[str, str], verifier: str
) -> None:
    given = {"source_revision": "1", "licence": "MIT", "kind": kind}
    prompt = [Message("user", "2+2?")]
    assert instrument(Question.new("s", prompt, **given, **field), Verify()) == verifier  # type: ignore[arg-type]
    assert instrument(Question.new("s", prompt, **given), Verify()) == "none"  # type: ignore[arg-type]


@pytest.mark.parametrize("verifier", ["math", "short_answer"])
def test_a_judge_stands_over_any_verifier_that_asks_it(verifier: str) -> None:
    group = [verdict(verifier, "unverified", "undecided"), verdict("judge", "correct", "judged")]
    assert combine(group).verifier == "judge"


def test_one_that_could_not_tell_outweighs_one_that_approves() -> None:
    found = combine([verdict("code", "unverified"), verdict("judge", "correct")])
    assert found.outcome == "unverified"


@pytest.mark.parametrize("outcome", ["correct", "incorrect"])
@pytest.mark.parametrize(
    ("before", "reason"), [("unverified", "undecided"), ("incorrect", "different")]
)
def test_what_a_judge_decides_stands_over_what_math_could_not_tell(
    before: str, reason: str, outcome: str
) -> None:
    group = [RULES_OK, verdict("math", before, reason), verdict("judge", outcome, "judged")]
    for given in (group, group[::-1]):
        found = combine(given)
        assert (found.outcome, found.verifier, found.reason) == (outcome, "judge", "judged")


@pytest.mark.parametrize(
    ("before", "reason"), [("unverified", "undecided"), ("incorrect", "different")]
)
def test_a_judge_that_could_not_tell_leaves_everything_as_it_was(before: str, reason: str) -> None:
    group = [RULES_OK, verdict("math", before, reason), verdict("judge", "unverified", "unsure")]
    for given in (group, group[::-1]):
        found = combine(given)
        assert (found.outcome, found.verifier, found.reason) == (before, "math", reason)


def test_a_judge_alone_is_what_it_found() -> None:
    assert combine([RULES_OK, verdict("judge", "unverified", "judge_unsure")]).verifier == "judge"
    assert combine([RULES_OK, verdict("judge", "correct")]).outcome == "correct"


def test_a_judge_never_stands_over_the_rules_or_an_unusable_reference() -> None:
    right = verdict("judge", "correct")
    assert combine([verdict("rules", "incorrect", "repetition"), right]).verifier == "rules"
    found = combine([RULES_OK, verdict("math", "unverified", "reference_unusable"), right])
    assert (found.outcome, found.reason) == ("unverified", "reference_unusable")


def test_a_judge_that_refuses_is_final_beside_a_math_that_approves() -> None:
    found = combine([verdict("math", "correct"), verdict("judge", "incorrect")])
    assert found.outcome == "incorrect"


def test_a_request_that_the_server_refused_is_never_accepted() -> None:
    found = combine([verdict("none", "unverified", "no_reply")])
    assert not found.accepted("chat", 1, Select.model_validate({"unverified": {"chat": "keep"}}))


@pytest.mark.parametrize(
    ("policy", "round", "accepted"),
    [
        ("keep", 0, True),
        ("keep", 1, True),
        ("from_source", 0, True),
        ("from_source", 1, False),
        ("drop", 0, False),
        ("drop", 1, False),
    ],
)
def test_unverified_is_accepted_by_policy_alone(policy: str, round: int, accepted: bool) -> None:
    found = combine([RULES_OK, verdict("none", "unverified")])
    select = Select.model_validate({"unverified": {"chat": policy}})
    assert found.accepted("chat", round, select) is accepted
    assert not found.accepted("math", round, select)


def test_a_question_is_closed_by_an_accepted_response_or_an_unusable_reference() -> None:
    found = findings(
        [
            verdict("math", "incorrect", id="wrong"),
            verdict("math", "correct", id="right"),
            verdict("math", "unverified", "reference_unusable", id="unusable"),
            verdict("math", "unverified", "timeout", id="unknown"),
        ]
    )
    kinds = dict.fromkeys(("wrong", "right", "unusable", "unknown"), "math")
    assert closed(found, kinds, Select()) == {"right", "unusable"}


def test_published_verdicts_hold_no_durations() -> None:
    evidence = json.dumps({"tests": [{"outcome": "passed", "wall_ms": 3}], "seconds": 1})
    text = as_json([verdict("code", "correct", evidence=evidence)])
    assert json.loads(text)[0]["evidence"] == {"tests": [{"outcome": "passed"}]}
