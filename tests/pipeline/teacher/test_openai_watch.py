"""Nobody waits for servers that do not answer without knowing it, and nobody waits for ever."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pipeline import logs
from pipeline.errors import TeacherUnavailable
from pipeline.teacher.account import Account
from pipeline.teacher.openai_limit import Hunt, Limit
from pipeline.teacher.openai_retry import Endpoint, Pace
from pipeline.teacher.openai_server import Server
from pipeline.teacher.openai_watch import Telling, Watch, is_over
from tests.loopback_teacher import loopback_teacher
from tests.pipeline.teacher.conftest import MakeClient, questions

PACE = Pace()
TELLING = Telling(failing_s=5.0, quiet_s=60.0, again_s=60.0)
AT_ONCE = Telling(failing_s=0.0, quiet_s=0.0)
Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def told() -> Iterator[Told]:
    """Events as they are logged."""
    found: Told = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append((record.getMessage(), record.fields))  # type: ignore[attr-defined]

    handler = Keeping(logging.INFO)
    level = logs.LOGGER.level
    logs.LOGGER.addHandler(handler)
    logs.LOGGER.setLevel(logging.INFO)
    yield found
    logs.LOGGER.removeHandler(handler)
    logs.LOGGER.setLevel(level)


def server(name: str = "a", *, failing: bool = False, busy: bool = True) -> Server:
    made = Server(f"http://{name}/v1", Endpoint(name), Limit(8, 8, Hunt()))
    if busy:
        made.sent(0.0)
    if failing:
        made.trouble, made.health.strikes = "status 500: no", PACE.strikes
    return made


def looked(servers: Sequence[Server], *seconds: float) -> Watch:
    watch = Watch(PACE, TELLING)
    for now in seconds:
        watch.look(servers, 3_600.0, now)
    return watch


def test_failing_servers_are_told_of_after_seconds_with_address_error_and_end(told: Told) -> None:
    looked([server(failing=True)], 4.0)
    assert told == []
    looked([server(failing=True)], 5.0)
    servers = {"http://a/v1": "status 500: no"}
    fields = {"silent_s": 5, "ends_in_s": 3_595, "servers": servers}
    assert told == [("no_server_answers", fields)]


def test_servers_that_only_say_nothing_are_told_of_after_a_minute(told: Told) -> None:
    looked([server()], 59.0)
    assert told == []
    looked([server()], 60.0)
    assert [fields["servers"] for _, fields in told] == [{"http://a/v1": "nothing came yet"}]


def test_a_server_with_nothing_to_do_is_not_silent(told: Told) -> None:
    looked([server(busy=False)], 600.0)
    assert told == []


def test_what_is_told_again_waits_twice_as_long_each_time(told: Told) -> None:
    looked([server(failing=True)], *map(float, range(5, 3_600)))
    assert [fields["silent_s"] for _, fields in told] == [5, 60, 120, 240, 480, 960, 1_920]


def test_one_silent_server_among_others_is_told_of_by_its_name(told: Told) -> None:
    watch = looked([server("a", failing=True), server("b", busy=False)], 5.0, 6.0)
    assert [name for name, _ in told] == ["server_silent"]
    assert told[0][1] == {"server": "http://a/v1", "silent_s": 5, "error": "status 500: no"}
    assert watch.silence == ""


def test_text_that_keeps_coming_is_no_silence(told: Told) -> None:
    one, watch = server(), Watch(PACE, TELLING)
    for now in range(600):
        one.account.chars += 4
        watch.look([one], 3_600.0, float(now))
    assert told == []


def test_replies_that_always_break_off_are_silence(told: Told) -> None:
    one, watch = server(failing=True), Watch(PACE, TELLING)
    for now in range(30):
        one.account.chars += 100
        one.account.broke("cut", 100)
        watch.look([one], 3_600.0, float(now))
    assert [name for name, _ in told] == ["no_server_answers"]


def test_the_end_of_a_silence_is_told_once(told: Told) -> None:
    one, watch = server(failing=True), Watch(PACE, TELLING)
    watch.look([one], 3_600.0, 30.0)
    assert watch.silence == "no server answers for 0:00:30, ends after 1:00:00"
    one.answered_at = 31.0
    for now in (31.5, 32.0):
        watch.look([one], 3_600.0, now)
    assert told[1:] == [("servers_answer", {"silent_s": 30})]
    assert watch.silence == ""


def test_a_url_that_is_added_is_no_end_of_the_silence(told: Told) -> None:
    ill, watch = server("a", failing=True), Watch(PACE, TELLING)
    watch.look([ill], 3_600.0, 30.0)
    watch.look([ill, server("b", busy=False)], 3_600.0, 31.0)
    assert "servers_answer" not in [name for name, _ in told]


def test_patience_is_over_only_when_every_server_has_failed_for_so_long() -> None:
    ill, quiet = server("a", failing=True), server("b")
    assert is_over([ill], 60.0, 60.0)
    assert not is_over([ill], 60.0, 59.0)
    assert not is_over([ill, quiet], 60.0, 600.0)
    assert not is_over([], 60.0, 600.0)


def test_a_later_session_does_not_take_old_text_for_new() -> None:
    account = Account(chars=5_000)
    one = Server("http://a/v1", Endpoint("a"), Limit(8, 8, Hunt()), account)
    one.sent(10.0)
    one.hear(20.0)
    assert one.silent_s(20.0) == 10.0


@pytest.mark.parametrize("fault", ["500", "silence", "429"])
def test_after_patience_it_ends_with_every_server_and_a_remedy(
    make_client: MakeClient, told: Told, fault: str
) -> None:
    start = time.monotonic()
    faults = [{"fault": fault}]
    with loopback_teacher(faults=faults) as one, loopback_teacher(faults=faults) as two:
        client = make_client(
            one.url, two.url, patience_s=0.5, timeout_s=0.3, telling=AT_ONCE, retries=10_000
        )
        with pytest.raises(
            TeacherUnavailable, match=r"patience_s.*that arrived are kept"
        ) as caught:
            list(client.replies(questions(8)))
    assert time.monotonic() - start < 10
    assert one.url in str(caught.value) and two.url in str(caught.value)
    assert told[0][0] == "no_server_answers"


def test_a_server_that_comes_back_within_patience_loses_nothing(
    make_client: MakeClient, told: Told
) -> None:
    with loopback_teacher(faults=[{"fault": "500", "until": 60}]) as one:
        client = make_client(one.url, patience_s=60.0, telling=AT_ONCE)
        got = [ask.id for ask, reply in client.replies(questions(20)) if reply.text]
    assert sorted(got) == sorted(ask.id for ask in questions(20))
