import json

import pytest

from pipeline.acceptance import as_json, closed, combine, findings
from pipeline.recipe import Select
from pipeline.records import Verdict


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


def test_one_that_could_not_tell_outweighs_one_that_approves() -> None:
    found = combine([verdict("code", "unverified"), verdict("judge", "correct")])
    assert found.outcome == "unverified"


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
