"""The judge over HTTP: every fault of a server, and a journal that never pays twice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Config, JudgeEndpoints, Runtime
from pipeline.errors import ConfigError, TeacherUnavailable, Unavailable
from pipeline.judging import check_judges, doubtful, open_judge
from pipeline.recipe import Judge, Verify
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.judge_support import (
    about,
    bench,
    make_judge,
    reasons,
    results,
    row,
    rule,
)
from verifiers import Outcome, Result

RULES = [rule(n, "Equal.\nCORRECT" if n == 7 else "Not equal.\nINCORRECT") for n in range(100)]
EXPECTED = ["judge_correct" if n == 7 else "judge_incorrect" for n in range(20)]
ROWS = [row(n) for n in range(20)]


@pytest.fixture(autouse=True)
def _no_proxy_and_no_thread_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield
    assert not [t.name for t in threading.enumerate() if t.name == "teacher-requests"]


def nobody() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}/v1"


def test_rows_are_judged_in_order_by_many_requests_at_once(tmp_path: Path) -> None:
    slow = {"fault": "pause", "seconds": 0.3, "contains": about(0)}
    with (
        loopback_teacher(replies=RULES, faults=[slow], delay=0.01) as server,
        bench(tmp_path, server.url) as made,
    ):
        assert reasons(made, ROWS) == EXPECTED
        assert server.most_in_flight > 1


def test_what_is_sent_names_model_and_sampling(tmp_path: Path) -> None:
    judge = make_judge(sampling={"max_tokens": 77, "seed": 5})
    with loopback_teacher() as server, bench(tmp_path, server.url, judge=judge) as made:
        reasons(made, ROWS[:1])
        (line,) = server.requests()
    assert line["path"] == "/v1/chat/completions"
    assert [turn["role"] for turn in line["body"]["messages"]] == ["user"]
    sampling = {"temperature": 0.0, "top_p": 1.0, "max_tokens": 77, "seed": 5}
    sent = {name: line["body"][name] for name in ("model", *sampling)}
    assert sent == {"model": "small-judge", **sampling}


def test_equal_requests_are_one(tmp_path: Path) -> None:
    with (
        loopback_teacher(replies=RULES, delay=0.01) as server,
        bench(tmp_path, server.url) as made,
    ):
        assert reasons(made, [row(7), row(3)] * 10) == ["judge_correct", "judge_incorrect"] * 10
        assert server.arrived() == 2


def test_equal_requests_are_one_even_where_the_first_was_answered_before_the_second_was_taken(
    tmp_path: Path,
) -> None:
    rows = [row(7), *ROWS[:4], row(7)]
    with (
        loopback_teacher(replies=RULES) as server,
        bench(tmp_path, server.url, room=1) as made,
    ):
        found = reasons(made, rows)
        assert server.arrived() == 5
    assert [found[0], found[-1]] == ["judge_correct"] * 2


@pytest.mark.parametrize("window", [3, 8_192])
def test_a_second_run_asks_nothing_and_finds_the_same(tmp_path: Path, window: int) -> None:
    with loopback_teacher(replies=RULES) as server, bench(tmp_path, server.url) as made:
        before = results(made, ROWS, window)
        assert server.arrived() == 20
    with bench(tmp_path, nobody()) as made:
        after = results(made, ROWS, window)
    assert [(r.outcome, r.reason, r.evidence) for r in before] == [
        (r.outcome, r.reason, r.evidence) for r in after
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"model": "other"},
        {"revision": "2"},
        {"prompt": "{reference} {answer}"},
        {"sampling": {"temperature": 0.5}},
    ],
)
def test_another_judge_is_asked_afresh(tmp_path: Path, change: dict[str, Any]) -> None:
    with loopback_teacher(replies=RULES) as server:
        for judge in (make_judge(), make_judge(**change)):
            with bench(tmp_path, server.url, judge=judge) as made:
                reasons(made, ROWS[:5])
        assert server.arrived() == 10


def test_more_tokens_ask_again_only_for_what_was_cut_off(tmp_path: Path) -> None:
    long = rule(1, "<think>" + "so " * 50 + "</think>\nCORRECT")
    with loopback_teacher(replies=[long, *RULES]) as server:
        for limit, expected in ((20, "judge_unreadable"), (200, "judge_correct")):
            judge = make_judge(sampling={"max_tokens": limit})
            with bench(tmp_path, server.url, judge=judge) as made:
                assert reasons(made, ROWS[:3]) == ["judge_incorrect", expected, "judge_incorrect"]
        assert server.arrived() == 4


PASSING = ["429", "500", "503", "reset", "half", "garbage", "empty"]


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_changes_nothing(tmp_path: Path, fault: str) -> None:
    faults = [{"fault": fault, "tries": 1, "every": 3}]
    with (
        loopback_teacher(replies=RULES, faults=faults) as server,
        bench(tmp_path, server.url, retries=5) as made,
    ):
        assert reasons(made, ROWS) == EXPECTED
        assert server.answered()["reply"] == 20


@pytest.mark.parametrize("fault", ["500", "garbage", "half"])
@pytest.mark.parametrize("number", [0, 11, 19])
def test_one_request_that_always_fails_is_unavailable_and_the_others_are_judged(
    tmp_path: Path, fault: str, number: int
) -> None:
    faults = [{"fault": fault, "contains": about(number)}]
    expected = [*EXPECTED]
    expected[number] = "judge_unavailable"
    with (
        loopback_teacher(replies=RULES, faults=faults) as server,
        bench(tmp_path, server.url) as made,
    ):
        found = results(made, ROWS)
        assert [result.reason for result in found] == expected
        tried = server.arrived()
        assert reasons(made, ROWS) == expected
        assert server.arrived() == tried  # what failed is not asked again in one run
    assert "no reply" in found[number].evidence["error"]


def test_a_request_that_is_never_answered_is_unavailable_and_the_others_are_judged(
    tmp_path: Path,
) -> None:
    faults = [{"fault": "silence", "contains": about(3)}]
    with (
        loopback_teacher(replies=RULES, faults=faults) as server,
        bench(tmp_path, server.url, timeout_s=0.5, retries=1) as made,
    ):
        found = reasons(made, ROWS[:8])
    assert found == [*EXPECTED[:3], "judge_unavailable", *EXPECTED[4:8]]


def test_several_requests_that_always_fail_are_unavailable(tmp_path: Path) -> None:
    bad = (4, 5, 14)
    faults = [{"fault": "500", "contains": about(number)} for number in bad]
    with (
        loopback_teacher(replies=RULES, faults=faults) as server,
        bench(tmp_path, server.url) as made,
    ):
        found = reasons(made, ROWS)
    assert [n for n in range(20) if found[n] == "judge_unavailable"] == list(bad)
    assert [r for n, r in enumerate(found) if n not in bad] == [
        r for n, r in enumerate(EXPECTED) if n not in bad
    ]


def test_one_row_alone_that_always_fails_is_unavailable_if_the_server_is_well(
    tmp_path: Path,
) -> None:
    faults = [{"fault": "500", "contains": about(3)}]
    with (
        loopback_teacher(replies=RULES, faults=faults) as server,
        bench(tmp_path, server.url) as made,
    ):
        assert reasons(made, [row(3)]) == ["judge_unavailable"]


@pytest.mark.parametrize("status", ["400", "413", "422"])
def test_a_refused_request_is_unavailable_at_once(tmp_path: Path, status: str) -> None:
    fault = {"fault": status, "contains": about(7), "message": "the prompt is too long"}
    with (
        loopback_teacher(replies=RULES, faults=[fault]) as server,
        bench(tmp_path, server.url) as made,
    ):
        found = results(made, ROWS)
        assert server.answered() == {"reply": 19, status: 1}
    assert found[7].reason == "judge_unavailable"
    assert "the prompt is too long" in found[7].evidence["error"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", "judge_unreadable"),
        ("{]\u0000 77 %PDF", "judge_unreadable"),
        ("<think>\nINCORRECT?\n</think>\nCORRECT", "judge_correct"),
        ("UNSURE", "judge_unsure"),
    ],
)
def test_what_a_server_says_is_read(tmp_path: Path, said: str, expected: str) -> None:
    with (
        loopback_teacher(replies=[rule(3, said), *RULES]) as server,
        bench(tmp_path, server.url) as made,
    ):
        assert reasons(made, [row(7), row(3)]) == ["judge_correct", expected]


def test_thinking_that_is_sent_apart_is_no_verdict(tmp_path: Path) -> None:
    apart = rule(3, "INCORRECT", reasoning_content="First I took it for\nCORRECT")
    with loopback_teacher(replies=[apart]) as server, bench(tmp_path, server.url) as made:
        assert reasons(made, [row(3)]) == ["judge_incorrect"]


def test_servers_that_never_answer_end_the_run_and_keep_what_arrived(tmp_path: Path) -> None:
    faults = [{"fault": "500", "numbers": list(range(5, 10_000))}]
    with loopback_teacher(replies=RULES, faults=faults) as server:
        with (
            bench(tmp_path, server.url, concurrency=1) as made,
            pytest.raises(TeacherUnavailable, match=r"small-judge .*\[runtime.judge\].*500"),
        ):
            reasons(made, ROWS)
        assert server.answered()["reply"] == 5
    with (
        loopback_teacher(replies=RULES) as server,
        bench(tmp_path, server.url) as made,
    ):
        assert reasons(made, ROWS) == EXPECTED
        assert server.arrived() == 15


def test_where_nothing_may_end_the_run_all_that_dead_servers_owe_is_unavailable(
    tmp_path: Path,
) -> None:
    with bench(tmp_path, nobody(), outlive=True) as made:
        assert reasons(made, ROWS, window=5) == ["judge_unavailable"] * 20


@pytest.mark.parametrize("status", ["401", "404"])
@pytest.mark.parametrize("outlive", [True, False])
def test_what_asking_again_cannot_change_is_the_users_to_put_right(
    tmp_path: Path, status: str, outlive: bool
) -> None:
    with (
        loopback_teacher(faults=[{"fault": status}]) as server,
        bench(tmp_path, server.url, outlive=outlive) as made,
        pytest.raises(Unavailable, match=rf"small-judge .*{status}"),
    ):
        reasons(made, ROWS)


def found(outcome: Outcome, reason: str, remark: str = "", verifier: str = "math") -> Result:
    return Result(outcome, reason, verifier, evidence={"remark": remark})


@pytest.mark.parametrize(
    ("result", "asked"),
    [
        (found(Outcome.UNVERIFIED, "undecided"), True),
        (found(Outcome.UNVERIFIED, "too_complex"), True),
        (found(Outcome.UNVERIFIED, "timeout"), True),
        (found(Outcome.UNVERIFIED, "memory"), True),
        (found(Outcome.UNVERIFIED, "crashed"), True),
        (found(Outcome.INCORRECT, "different", "answer_unparsable"), True),
        (found(Outcome.INCORRECT, "different", "answer_is_text"), True),
        (found(Outcome.INCORRECT, "different", "sympy"), False),
        (found(Outcome.INCORRECT, "different"), False),
        (found(Outcome.INCORRECT, "no_answer"), False),
        (found(Outcome.INCORRECT, "not_closed"), False),
        (found(Outcome.CORRECT, "equal"), False),
        (found(Outcome.UNVERIFIED, "reference_unusable"), False),
        (found(Outcome.UNVERIFIED, "bad_input"), False),
        (found(Outcome.UNVERIFIED, "timeout", verifier="code"), False),
        (found(Outcome.UNVERIFIED, "crashed", verifier="rules"), False),
    ],
)
def test_the_judge_is_asked_only_where_math_could_not_tell_or_read(
    result: Result, asked: bool
) -> None:
    assert doubtful(result, make_judge()) is asked


def test_the_recipe_says_for_what_the_judge_is_asked() -> None:
    judge = make_judge(reasons=["no_answer"], remarks=[])
    assert doubtful(found(Outcome.INCORRECT, "no_answer"), judge)
    assert not doubtful(found(Outcome.UNVERIFIED, "undecided"), judge)
    assert not doubtful(found(Outcome.INCORRECT, "different", "answer_is_text"), judge)


def configured(small: Config, judge: Judge | None, *urls: str, **settings: Any) -> Config:
    verify = Verify(judge=judge)
    recipe = small.recipe.model_copy(update={"verify": verify})
    runtime = Runtime(judge=JudgeEndpoints(urls=urls, **settings))
    return small.model_copy(update={"recipe": recipe, "runtime": runtime})


def test_without_a_judge_nothing_is_wrong_and_nothing_changes(small_config: Config) -> None:
    check_judges(configured(small_config, None))
    assert Verify().identity().keys() == {"by_kind", "settings"}
    assert Verify(judge=make_judge()).identity()["judge"]["model"] == "small-judge"


@pytest.mark.parametrize(
    ("judge", "urls", "said"),
    [
        (make_judge(), (), "runtime.judge.urls: is empty, and small-judge"),
        (None, ("http://127.0.0.1:9/v1",), "no \\[recipe.verify.judge\\]"),
        (make_judge(), ("ftp://x",), "\\[runtime.judge\\].*http://"),
        (make_judge(), ("http://me:secret@x/v1",), "\\[runtime.judge\\].*password"),
    ],
)
def test_half_a_judge_is_refused_before_any_work(
    small_config: Config, judge: Judge | None, urls: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        check_judges(configured(small_config, judge, *urls))
    assert "secret" not in str(caught.value)


def test_the_key_comes_from_the_variable_of_the_judges_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("JUDGE_KEY", "sk-very-secret")
    with loopback_teacher(replies=RULES) as server:
        runtime = Runtime(judge=JudgeEndpoints(urls=(server.url,), api_key_env="JUDGE_KEY"))
        with open_judge(make_judge(), runtime, tmp_path / "journal") as judge:
            (found,) = judge.results([row(7)])
        assert [line["keyed"] for line in server.requests()] == [True]
    assert "secret" not in str(found)


def test_scores_come_over_the_wire_and_one_that_fails_or_says_none_is_unverified(
    tmp_path: Path,
) -> None:
    replies = [rule(7, "SCORE: 5"), rule(3, "A part is missing.\nSCORE: 3"), rule(4, "I refuse.")]
    fault = {"fault": "400", "contains": about(5), "message": "no"}
    with (
        loopback_teacher(replies=replies, faults=[fault]) as server,
        bench(tmp_path, server.url, judge=make_judge(reply="score")) as made,
    ):
        found = results(made, [row(answer) for answer in (7, 3, 4, 5)])
        sent = [line["body"]["messages"][0]["content"] for line in server.requests()]
    assert [(one.reason, one.score) for one in found] == [
        ("judge_correct", 1.0),
        ("judge_incorrect", 0.6),
        ("judge_unreadable", None),
        ("judge_unavailable", None),
    ]
    assert all("SCORE: number" in text for text in sent)


def test_a_least_score_above_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="least: must be at most `most`"):
        make_judge(most=4)
