"""Many servers, unlike in speed and health, some of which come and go while it runs."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.errors import StoreUnwritable
from pipeline.recipe import Sampling
from pipeline.teacher.base import Ask, Keeper, Reply
from pipeline.teacher.journal import Journal
from pipeline.teacher.keeping import HEAD, TAIL, JournalKeeper
from pipeline.teacher.openai import OpenAIClient
from pipeline.teacher.openai_limit import Hunt
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.teacher.conftest import HURRY, MakeClient, chat, make_teacher, questions

QUICK = Hunt(window_s=0.05)
CONFIG = """
name = "set"
version = "1"
[recipe]
[recipe.distill]
rounds = 0
[[recipe.sources]]
source = "quickstart"
[runtime.endpoints]
urls = {urls}
concurrency = 2
reread_s = 0.05
"""


def test_requests_grow_as_long_as_they_bring_more(make_client: MakeClient) -> None:
    with loopback_teacher(delay=0.05) as server:
        client = make_client(server.url, hunt=QUICK, start=2, concurrency=64)
        list(client.replies(questions(1_500)))
        assert server.most_in_flight > 16


def test_requests_begin_with_few(make_client: MakeClient) -> None:
    with loopback_teacher(delay=0.2) as server:
        list(make_client(server.url, start=3).replies(questions(9)))
        assert server.most_in_flight == 3


def test_a_full_cache_takes_requests_away(make_client: MakeClient) -> None:
    with loopback_teacher(delay=0.02) as server:
        server.metrics = "vllm:num_requests_running 9\nvllm:kv_cache_usage_perc 0.99\n"
        client = make_client(server.url, hunt=QUICK, start=32)
        replies = client.replies(questions(200))
        for _ in range(150):
            next(replies)
        assert server.in_flight <= 16
        replies.close()  # type: ignore[attr-defined]


def test_a_queue_in_the_server_is_cut_to_what_runs_and_no_further(make_client: MakeClient) -> None:
    with loopback_teacher(delay=0.02) as server:
        server.metrics = "vllm:num_requests_running 24\nvllm:num_requests_waiting 8\n"
        client = make_client(server.url, hunt=QUICK, start=32)
        replies = client.replies(questions(1_000))
        for _ in range(900):
            next(replies)
        [session] = client._sessions
        assert [each.limit.room for each in session.servers()] == [24]
        replies.close()  # type: ignore[attr-defined]


def test_the_metrics_are_not_in_the_account(make_client: MakeClient) -> None:
    with loopback_teacher(delay=0.2) as server:
        server.metrics = "vllm:num_requests_running 1\n"
        client = make_client(server.url, hunt=QUICK)
        list(client.replies(questions(3)))
        assert server.looked_at > 0
        assert client.account()[0]["requests"] == 3


def test_a_fast_server_takes_more_than_a_slow_one(make_client: MakeClient) -> None:
    with loopback_teacher(delay=0.2) as slow, loopback_teacher(delay=0.01) as fast:
        client = make_client(slow.url, fast.url, concurrency=4)
        list(client.replies(questions(200)))
        assert fast.arrived() > 5 * slow.arrived()


def test_long_answers_hold_up_nothing_but_their_own_places(make_client: MakeClient) -> None:
    faults = [{"fault": "pause", "seconds": 1.5, "contains": f"question {n}0"} for n in range(1, 4)]
    start = time.monotonic()
    with loopback_teacher(faults=faults) as server:
        replies = make_client(server.url, concurrency=4).replies(questions(100))
        first = [next(replies) for _ in range(95)]
        assert time.monotonic() - start < 1.4
        assert len(first) + len(list(replies)) == 100


def test_what_failed_at_one_server_is_asked_at_another(make_client: MakeClient) -> None:
    faults = [{"fault": "500", "contains": "question"}]
    with loopback_teacher(faults=faults) as ill, loopback_teacher() as well:
        client = make_client(ill.url, well.url, concurrency=2, retries=1)
        replies = list(client.replies(questions(40)))
    assert [reply.finish_reason for _, reply in replies] == ["stop"] * 40


def from_file(path: Path, *urls: str) -> OpenAIClient:
    path.write_text(CONFIG.format(urls=json.dumps(urls)))
    settings = load_config(str(path)).runtime.endpoints
    return OpenAIClient(make_teacher(), Sampling(), settings, pace=HURRY)


def test_a_server_that_is_added_to_the_file_is_used_at_once(
    make_client: MakeClient, tmp_path: Path
) -> None:
    path = tmp_path / "set.toml"
    with loopback_teacher(delay=0.05) as one, loopback_teacher(delay=0.05) as two:
        with from_file(path, one.url) as client:
            replies = client.replies(questions(60))
            next(replies)
            assert two.arrived() == 0
            path.write_text(CONFIG.format(urls=json.dumps([one.url, two.url])))
            assert len(list(replies)) == 59
        assert two.arrived() > 10


def test_a_server_that_is_removed_from_the_file_ends_what_it_has_begun_and_gets_no_more(
    make_client: MakeClient, tmp_path: Path
) -> None:
    path = tmp_path / "set.toml"
    with loopback_teacher(delay=0.05) as one, loopback_teacher(delay=0.05) as two:
        with from_file(path, one.url, two.url) as client:
            replies = client.replies(questions(100))
            next(replies)
            path.write_text(CONFIG.format(urls=json.dumps([two.url])))
            for _ in range(20):
                next(replies)
            before = one.arrived()
            assert len(list(replies)) == 79
        assert one.arrived() == before
        assert one.answered() == {"reply": before}


def test_a_file_that_is_half_written_changes_nothing_and_is_named(
    make_client: MakeClient, tmp_path: Path
) -> None:
    path = tmp_path / "set.toml"
    with loopback_teacher(delay=0.05) as server, from_file(path, server.url) as client:
        replies = client.replies(questions(30))
        next(replies)
        path.write_text("[runtime.endpoints]\nurls = [")
        for _ in range(20):
            next(replies)
        assert "is not TOML" in client.note()
        assert len(list(replies)) == 9


def test_a_reply_is_kept_before_it_is_yielded(make_client: MakeClient, tmp_path: Path) -> None:
    with Journal(tmp_path) as journal, loopback_teacher() as server:
        keeper = JournalKeeper(journal, "r1")
        for ask, reply in make_client(server.url).replies(questions(50), keeper):
            assert journal.get([ask.key], 1) == {ask.key: reply}


def test_replies_are_kept_though_nobody_takes_them(make_client: MakeClient, tmp_path: Path) -> None:
    asks = questions(20)
    with Journal(tmp_path) as journal, loopback_teacher() as server:
        replies = make_client(server.url).replies(asks, JournalKeeper(journal, "r1"))
        next(replies)
        until = time.monotonic() + 5
        while len(journal.get([ask.key for ask in asks], 1)) < 20:
            assert time.monotonic() < until
            time.sleep(0.01)
        replies.close()  # type: ignore[attr-defined]


def test_a_keeper_that_cannot_keep_ends_the_client(make_client: MakeClient) -> None:
    class Full(Keeper):
        def replies(self, arrived: Sequence[tuple[Ask, Reply]]) -> None:
            raise StoreUnwritable("the disk is full")

    with loopback_teacher() as server, pytest.raises(StoreUnwritable, match="disk is full"):
        list(make_client(server.url).replies(questions(500), Full()))


@pytest.mark.parametrize("fault", ["half", "stall"])
def test_what_had_come_of_a_broken_reply_is_kept_for_people(
    make_client: MakeClient, tmp_path: Path, fault: str
) -> None:
    text = "<think>first second third fourth</think> fifth"
    rules, faults = [{"text": text}], [{"fault": fault, "tries": 1}]
    with Journal(tmp_path) as journal, loopback_teacher(replies=rules, faults=faults) as server:
        client = make_client(server.url, timeout_s=0.3)
        list(client.replies([chat("a")], JournalKeeper(journal, "r1")))
        assert client.account()[0]["lost_chars"] > 0
    (line,) = (tmp_path / "partials.jsonl").read_text().splitlines()
    found = json.loads(line)
    assert text.startswith(found["text"]) and found["text"] != text
    assert (found["id"], found["chars"]) == ("a", len(found["text"]))
    assert server.url in found["why"]


def test_of_a_long_broken_reply_beginning_and_end_are_kept(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        JournalKeeper(journal, "r1").partial(chat("a"), "a" * 50_000 + "z" * 50_000, "cut")
    found = json.loads((tmp_path / "partials.jsonl").read_text())
    assert len(found["text"]) < HEAD + TAIL + 10
    assert found["text"].startswith("aaa") and found["text"].endswith("zzz")


def test_every_request_is_accounted_for(make_client: MakeClient) -> None:
    faults = [
        {"fault": "500", "every": 7},
        {"fault": "half", "every": 9},
        {"fault": "429", "every": 11},
    ]
    with loopback_teacher(faults=faults) as server:
        client = make_client(server.url)
        list(client.replies(questions(200)))
        (account,) = client.account()
        seen = server.answered()
    assert account["requests"] == server.arrived() == 200 + sum(account["failed"].values())
    assert account["failed"] == {"429": seen["429"], "500": seen["500"], "cut": seen["half"]}
    assert (account["replies"], account["open"]) == (200, 0)
