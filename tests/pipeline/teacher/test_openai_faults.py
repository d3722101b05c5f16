"""The client against a server that misbehaves: every fault, one after the other and mixed."""

from __future__ import annotations

import logging
import socket
import time
import traceback
from typing import Any

import pytest

from pipeline.errors import BuildError, ConfigError, TeacherUnavailable, Unavailable
from pipeline.teacher.base import Ask, Reply
from pipeline.teacher.delivery import REFUSALS
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.teacher.conftest import KEY_ENV, MakeClient, chat, questions

PASSING = ["408", "409", "425", "429", "500", "502", "503", "reset", "half", "garbage", "empty"]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def nobody() -> str:
    return f"http://127.0.0.1:{free_port()}/v1"


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_asked_again_until_it_has(
    make_client: MakeClient, fault: str
) -> None:
    with loopback_teacher(faults=[{"fault": fault, "tries": 2}]) as server:
        replies = list(make_client(server.url).replies(questions(4)))
        assert [reply.finish_reason for _, reply in replies] == ["stop"] * 4
        assert server.answered() == {fault: 8, "reply": 4}


def test_silence_is_asked_again_after_the_timeout(make_client: MakeClient) -> None:
    with loopback_teacher(faults=[{"fault": "silence", "tries": 1}]) as server:
        assert len(list(make_client(server.url, timeout_s=0.2).replies(questions(2)))) == 2
        assert server.answered() == {"silence": 2, "reply": 2}


def test_a_pause_below_the_timeout_is_waited_out(make_client: MakeClient) -> None:
    with loopback_teacher(faults=[{"fault": "pause", "seconds": 0.3}]) as server:
        assert len(list(make_client(server.url).replies(questions(2)))) == 2
        assert server.answered() == {"reply": 2}


def test_under_all_faults_at_once_each_reply_is_paid_for_once(make_client: MakeClient) -> None:
    faults: list[dict[str, Any]] = [
        {"fault": fault, "every": 17 + 4 * number, "tries": 3}
        for number, fault in enumerate([*PASSING, "silence"])
    ]
    faults += [{"fault": "429", "retry_after": "0.05", "every": 7, "tries": 2}]
    asks = questions(400)
    with loopback_teacher(faults=faults) as one, loopback_teacher(faults=faults) as two:
        client = make_client(one.url, two.url, concurrency=8, timeout_s=0.5)
        got = [ask.key for ask, reply in client.replies(asks) if reply.finish_reason == "stop"]
        lines = one.requests() + two.requests()
    assert sorted(got) == sorted(ask.key for ask in asks)
    paid = [line["hash"] for line in lines if line["answered"] == "reply"]
    assert len(paid) == len(set(paid)) == 400
    assert {line["answered"] for line in lines} == {*PASSING, "silence", "reply"}


def test_a_restart_of_the_server_is_outlived(make_client: MakeClient) -> None:
    port = free_port()
    got: list[tuple[Ask, Reply]] = []
    url = f"http://127.0.0.1:{port}/v1"
    replies = make_client(url, concurrency=2, retries=20).replies(questions(20))
    with loopback_teacher(port=port):
        got += [next(replies) for _ in range(5)]
    time.sleep(0.1)
    with loopback_teacher(port=port):
        got += list(replies)
    assert len({ask.key for ask, _ in got}) == len(got) == 20


@pytest.mark.parametrize("concurrency", [1, 2])
def test_retry_after_keeps_everything_from_the_server_that_long(
    make_client: MakeClient, concurrency: int
) -> None:
    fault = {"fault": "429", "retry_after": "0.4", "numbers": [0]}
    with loopback_teacher(faults=[fault]) as server:
        client = make_client(server.url, concurrency=concurrency)
        assert len(list(client.replies([chat("a")]))) == 1
        first, second = server.requests()
    assert second["time"] - first["done"] >= 0.39


def test_retry_after_does_not_keep_anything_from_another_server(make_client: MakeClient) -> None:
    faults = [{"fault": "429", "retry_after": "30"}]
    with loopback_teacher(faults=faults) as busy, loopback_teacher() as idle:
        start = time.monotonic()
        assert (
            len(list(make_client(busy.url, idle.url, concurrency=2).replies(questions(20)))) == 20
        )
        assert busy.arrived() <= 2
    assert time.monotonic() - start < 5


def test_a_url_that_is_down_is_set_aside_and_the_other_does_the_work(
    make_client: MakeClient,
) -> None:
    with loopback_teacher() as server:
        client = make_client(nobody(), server.url, concurrency=4, retries=4)
        assert len(list(client.replies(questions(100)))) == 100
        assert server.answered() == {"reply": 100}


def test_a_url_that_keeps_failing_is_asked_rarely(make_client: MakeClient) -> None:
    with loopback_teacher(faults=[{"fault": "500"}]) as ill, loopback_teacher(delay=0.01) as well:
        client = make_client(ill.url, well.url, concurrency=2)
        assert len(list(client.replies(questions(100)))) == 100
        assert ill.arrived() < 25


def test_a_url_that_recovers_is_used_again(make_client: MakeClient) -> None:
    faults = [{"fault": "500", "until": 4}]
    with loopback_teacher(faults=faults) as one, loopback_teacher(delay=0.02) as two:
        assert len(list(make_client(one.url, two.url, concurrency=2).replies(questions(80)))) == 80
        assert one.answered()["reply"] > 10


def test_when_nobody_answers_the_error_names_the_url_and_what_happened(
    make_client: MakeClient,
) -> None:
    url = nobody()
    with pytest.raises(TeacherUnavailable, match=rf"after 3 tries.*{url}.*ConnectorError"):
        list(make_client(url, retries=2).replies(questions(3)))


def test_replies_that_arrived_are_yielded_before_an_error_ends_it(
    make_client: MakeClient,
) -> None:
    faults: list[dict[str, Any]] = [{"fault": "401", "contains": "question 1"}]
    faults += [{"fault": "pause", "seconds": 0.1, "contains": f"question {n}"} for n in (2, 3, 4)]
    got: list[str] = []
    with loopback_teacher(faults=faults) as server:
        with pytest.raises(Unavailable):
            for ask, _ in make_client(server.url).replies(questions(5)):
                got.append(ask.id)
                time.sleep(0.3)  # the error comes, and after it three more replies
        assert server.answered()["reply"] == 4
    assert sorted(got) == ["question 0", "question 2", "question 3", "question 4"]


@pytest.mark.parametrize("fault", ["500", "half", "garbage", "reset"])
def test_an_ask_that_always_fails_while_others_succeed_is_given_up_alone(
    make_client: MakeClient, fault: str
) -> None:
    faults = [{"fault": fault, "contains": "question 7"}]
    with loopback_teacher(faults=faults) as server:
        client = make_client(server.url, retries=3)
        replies = {ask.id: reply for ask, reply in client.replies(questions(20))}
        assert server.answered()["reply"] == 19 + client.account()[0]["checks"]
    assert len(replies) == 20
    refused = {name: reply for name, reply in replies.items() if reply.finish_reason == "error"}
    assert list(refused) == ["question 7"]
    assert server.url in refused["question 7"].error


def test_an_ask_is_not_to_blame_for_an_outage_longer_than_its_retries(
    make_client: MakeClient,
) -> None:
    with loopback_teacher(faults=[{"fault": "500", "until": 60}]) as server:
        client = make_client(server.url, retries=1, patience_s=30.0, concurrency=4)
        assert [r.finish_reason for _, r in client.replies(questions(10))] == ["stop"] * 10


def test_being_told_to_slow_down_is_never_the_asks_fault(make_client: MakeClient) -> None:
    faults = [{"fault": "429", "contains": "question 3", "tries": 30}]
    with loopback_teacher(faults=faults) as server:
        client = make_client(server.url, retries=2, patience_s=30.0)
        assert [r.finish_reason for _, r in client.replies(questions(8))] == ["stop"] * 8


def test_servers_that_fall_silent_in_the_middle_are_asked_again(make_client: MakeClient) -> None:
    with loopback_teacher(faults=[{"fault": "stall", "tries": 1}]) as server:
        assert len(list(make_client(server.url, timeout_s=0.2).replies(questions(2)))) == 2
        assert server.answered() == {"stall": 2, "reply": 2}


@pytest.mark.parametrize(
    ("status", "cure"),
    [("401", KEY_ENV), ("403", KEY_ENV), ("404", "/v1"), ("302", "check the URL")],
)
def test_what_asking_again_cannot_change_ends_at_once_with_a_remedy(
    make_client: MakeClient, status: str, cure: str
) -> None:
    with loopback_teacher(faults=[{"fault": status}]) as server:
        with pytest.raises(Unavailable) as caught:
            list(make_client(server.url, concurrency=1).replies(questions(3)))
        assert server.url in str(caught.value)
        assert status in str(caught.value)
        assert cure in str(caught.value)
        assert server.arrived() <= 3


@pytest.mark.parametrize("status", ["400", "413", "422"])
def test_a_refused_request_is_an_error_of_that_ask_alone(
    make_client: MakeClient, status: str
) -> None:
    fault = {"fault": status, "contains": "question 7", "message": "the prompt is too long"}
    with loopback_teacher(faults=[fault]) as server:
        replies = {ask.id: reply for ask, reply in make_client(server.url).replies(questions(20))}
        assert server.answered() == {"reply": 19, status: 1}
    refused = {name: reply for name, reply in replies.items() if reply.finish_reason == "error"}
    assert list(refused) == ["question 7"]
    assert "the prompt is too long" in refused["question 7"].error
    assert len(replies) == 20


@pytest.mark.parametrize("concurrency", [1, 64])
def test_when_all_first_requests_are_refused_the_configuration_is_at_fault(
    make_client: MakeClient, concurrency: int
) -> None:
    faults = [{"fault": "400", "message": "top_p must be below 1"}]
    got: list[Any] = []
    with loopback_teacher(faults=faults) as server:
        with pytest.raises(ConfigError, match="top_p must be below 1"):
            got.extend(make_client(server.url, concurrency=concurrency).replies(questions(100)))
        assert server.arrived() < 100
    assert got == []


def test_few_refusals_and_nothing_else_are_errors_of_their_asks(make_client: MakeClient) -> None:
    with loopback_teacher(faults=[{"fault": "400"}]) as server:
        replies = list(make_client(server.url).replies(questions(REFUSALS - 1)))
    assert [reply.finish_reason for _, reply in replies] == ["error"] * (REFUSALS - 1)


@pytest.mark.parametrize("fault", ["401", "429", "400", "reset"])
def test_the_key_is_in_no_error_and_in_no_log(
    make_client: MakeClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    monkeypatch.setenv(KEY_ENV, "sk-very-secret")
    caplog.set_level(logging.DEBUG)
    faults = [{"fault": fault, "message": "wrong key: sk-very-secret"}]
    with (
        loopback_teacher(faults=faults) as server,
        pytest.raises(BuildError) as caught,
    ):
        list(make_client(server.url, retries=1).replies(questions(30)))
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert shown
    assert "secret" not in shown


def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_ENV, "sk-very\nsecret")
    with pytest.raises(ConfigError, match=KEY_ENV) as caught:
        make_client("http://127.0.0.1:9/v1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://me:secret@host/v1", "http://host/v1?key=secret"])
def test_a_secret_in_a_url_is_refused_without_showing_it(make_client: MakeClient, url: str) -> None:
    with pytest.raises(ConfigError, match="api_key_env") as caught:
        make_client(url)
    assert "secret" not in str(caught.value)


def test_an_ask_that_is_refused_once_is_not_asked_again(make_client: MakeClient) -> None:
    with loopback_teacher(faults=[{"fault": "400", "tries": 1}]) as server:
        [(_, reply)] = make_client(server.url).replies([chat("a")])
        assert server.arrived() == 1
    assert reply.finish_reason == "error"
