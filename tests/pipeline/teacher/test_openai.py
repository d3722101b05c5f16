"""The client against a real server: what arrives, what is asked, and what is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from pipeline.errors import ConfigError
from pipeline.recipe import Sampling
from pipeline.teacher.base import Ask
from pipeline.teacher.delivery import LOOK_AHEAD
from tests.loopback_replies import body_hash
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.teacher.conftest import KEY_ENV, MakeClient, chat, completion, questions


def test_every_ask_is_answered_once_and_asked_once(make_client: MakeClient) -> None:
    asks = questions(200)
    with loopback_teacher() as server:
        replies = list(make_client(server.url, concurrency=8).replies(asks))
        assert sorted(ask.key for ask, _ in replies) == sorted(ask.key for ask in asks)
        assert all(count == 1 for count in _times_asked(server.requests()).values())
        assert server.answered() == {"reply": 200}


def _times_asked(requests: list[dict[str, str]]) -> dict[str, int]:
    hashes = [line["hash"] for line in requests]
    return {name: hashes.count(name) for name in hashes}


def test_a_reply_belongs_to_its_ask(make_client: MakeClient) -> None:
    rules = [{"contains": f"question {n} ", "text": f"<think>t</think> {n}"} for n in range(40)]
    asks = [chat(f"question {n} ") for n in range(40)]
    with loopback_teacher(replies=rules) as server:
        for ask, reply in make_client(server.url).replies(asks):
            assert reply.text == f"<think>t</think> {ask.id.split()[1]}"


def test_messages_and_prompts_go_to_their_own_address(make_client: MakeClient) -> None:
    with loopback_teacher() as server:
        list(make_client(server.url).replies([chat("a"), completion("b")]))
        paths = {line["path"] for line in server.requests()}
    assert paths == {"/v1/chat/completions", "/v1/completions"}


def test_a_slash_at_the_end_of_a_url_makes_no_difference(make_client: MakeClient) -> None:
    with loopback_teacher() as server:
        list(make_client(f"{server.url}/").replies([chat("a")]))
        assert server.answered() == {"reply": 1}


def test_attempts_at_one_question_are_sampled_with_their_own_seeds(
    make_client: MakeClient,
) -> None:
    asks = [chat("a", attempt) for attempt in range(3)]
    with loopback_teacher() as server:
        client = make_client(server.url, sampling=Sampling(seed=7))
        texts = {reply.text for _, reply in client.replies(asks)}
        seeds = sorted(line["body"]["seed"] for line in server.requests())
    assert (seeds, len(texts)) == ([7, 8, 9], 3)


def test_a_reply_that_was_cut_off_says_so_and_at_which_length(make_client: MakeClient) -> None:
    with loopback_teacher() as server:
        client = make_client(server.url, sampling=Sampling(max_tokens=5))
        [(_, reply)] = client.replies([chat("a")])
    assert (reply.finish_reason, reply.max_tokens, reply.response_tokens) == ("length", 5, 5)


def test_no_more_than_the_bound_is_in_flight_at_a_url(make_client: MakeClient) -> None:
    with loopback_teacher(delay=0.02) as server:
        list(make_client(server.url, concurrency=4).replies(questions(40)))
        assert server.most_in_flight == 4


def test_connections_are_used_again(make_client: MakeClient) -> None:
    with loopback_teacher() as server:
        list(make_client(server.url, concurrency=4).replies(questions(100)))
        assert server.connections == 4


def test_asks_go_to_all_urls(make_client: MakeClient) -> None:
    with loopback_teacher(delay=0.02) as one, loopback_teacher(delay=0.02) as two:
        list(make_client(one.url, two.url, concurrency=2).replies(questions(40)))
        assert min(one.arrived(), two.arrived()) >= 10
        assert one.arrived() + two.arrived() == 40


def test_a_slow_url_holds_up_no_ask_but_its_own(make_client: MakeClient) -> None:
    with loopback_teacher(delay=0.5) as slow, loopback_teacher() as fast:
        list(make_client(slow.url, fast.url, concurrency=2).replies(questions(60)))
        assert slow.arrived() == 2


def test_asks_are_taken_only_as_there_is_room(make_client: MakeClient) -> None:
    taken: list[Ask] = []

    def endless() -> Iterator[Ask]:
        while True:
            taken.append(chat(f"question {len(taken)}"))
            yield taken[-1]

    with loopback_teacher() as server:
        replies = make_client(server.url, concurrency=3).replies(endless())
        for yielded in range(1, 51):
            next(replies)
            assert len(taken) - yielded <= LOOK_AHEAD * 3
        replies.close()  # type: ignore[attr-defined]


def test_asks_are_taken_in_the_consumers_thread(make_client: MakeClient) -> None:
    threads = set()

    def asks() -> Iterator[Ask]:
        for ask in questions(30):
            threads.add(threading.current_thread())
            yield ask

    with loopback_teacher() as server:
        list(make_client(server.url, concurrency=2).replies(asks()))
    assert threads == {threading.current_thread()}


def test_a_reply_does_not_wait_for_slow_asks(make_client: MakeClient) -> None:
    asked = []

    def slow() -> Iterator[Ask]:
        for ask in questions(5):
            asked.append(ask)
            yield ask
            time.sleep(0.1)

    with loopback_teacher() as server:
        replies = make_client(server.url).replies(slow())
        next(replies)
        assert len(asked) <= 2
        assert len(list(replies)) == 4


def test_no_asks_give_no_replies(make_client: MakeClient) -> None:
    assert list(make_client("http://127.0.0.1:9/v1").replies([])) == []


def test_a_client_can_be_asked_again(make_client: MakeClient) -> None:
    with loopback_teacher() as server:
        client = make_client(server.url)
        first, second = list(client.replies([chat("a")])), list(client.replies([chat("a")]))
    assert first == second


def test_text_outside_ascii_arrives_as_it_was_sent(make_client: MakeClient) -> None:
    text = "求和 ∑ 🧮 \\u1234 \x00"
    with loopback_teacher(replies=[{"contains": text, "text": text[::-1]}]) as server:
        [(_, reply)] = make_client(server.url).replies([chat(text)])
    assert reply.text == text[::-1]


def test_the_key_is_sent_when_its_variable_is_set(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with loopback_teacher() as server:
        list(make_client(server.url).replies([chat("a")]))
        monkeypatch.setenv(KEY_ENV, "sk-secret")
        list(make_client(server.url).replies([chat("b")]))
        assert [line["keyed"] for line in server.requests()] == [False, True]


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000/v1", "ftp://host/v1", "http:///v1", "http://host:port/v1", "/v1"],
)
def test_what_is_no_address_is_refused_before_anything_is_asked(
    make_client: MakeClient, url: str
) -> None:
    with pytest.raises(ConfigError, match=r"runtime\.endpoints\.urls\[0\]"):
        make_client(url)


def test_no_url_at_all_is_refused(make_client: MakeClient) -> None:
    with pytest.raises(ConfigError, match=r"runtime\.endpoints\.urls: is empty"):
        make_client()


def test_the_loopback_teacher_hashes_all_but_the_length() -> None:
    body = {"prompt": "a", "seed": 1, "max_tokens": 5}
    assert body_hash(body) == body_hash({**body, "max_tokens": 6})
    assert body_hash(body) != body_hash({**body, "seed": 2})
