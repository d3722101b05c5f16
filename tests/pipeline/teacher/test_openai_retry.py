"""How long is waited, and which servers are left alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.teacher.openai_retry import Endpoint, Pace, is_passing, retry_after, wait_for

PACE = Pace()
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def sick(url: str = "a", now: float = 0.0) -> Endpoint:
    endpoint = Endpoint(url)
    for _ in range(PACE.strikes):
        endpoint.failed(PACE, now)
    return endpoint


@pytest.mark.parametrize("tries", [1, 2, 3, 6, 7, 8, 5_000])
def test_back_off_doubles_to_the_cap_with_jitter_of_half(tries: int) -> None:
    full = min(60.0, 2.0 ** (min(tries, 10) - 1))
    waits = [PACE.back_off(tries) for _ in range(200)]
    assert full / 2 <= min(waits) < max(waits) <= full
    assert max(waits) - min(waits) > full / 4


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("20", 20.0),
        ("0.25", 0.25),
        ("-3", 0.0),
        ("Thu, 01 Jan 2026 12:00:20 GMT", 20.0),
        ("Thu, 01 Jan 2026 12:00:20 -0000", 20.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    value: str | None, seconds: float | None
) -> None:
    assert retry_after(value, NOW) == seconds


def test_passing_statuses_are_those_of_load_and_of_broken_servers() -> None:
    assert [s for s in range(300, 500) if is_passing(s)] == [408, 409, 425, 429]
    assert all(is_passing(status) for status in range(500, 600))


def test_a_server_that_keeps_failing_rests_while_another_is_well() -> None:
    ill, well = sick(), Endpoint("b")
    assert wait_for(ill, [ill, well], PACE, 0.0) == PACE.first_s
    assert wait_for(well, [ill, well], PACE, 0.0) == 0


def test_a_server_that_failed_once_is_not_set_aside() -> None:
    endpoint = Endpoint("a")
    endpoint.failed(PACE, 0.0)
    assert wait_for(endpoint, [endpoint, Endpoint("b")], PACE, 0.0) == 0


def test_the_only_server_never_rests() -> None:
    ill = sick()
    assert wait_for(ill, [ill], PACE, 0.0) == 0


def test_when_all_servers_fail_none_rests() -> None:
    both = [sick("a"), sick("b")]
    assert [wait_for(endpoint, both, PACE, 0.0) for endpoint in both] == [0, 0]


def test_each_rest_in_a_row_is_longer_up_to_the_cap() -> None:
    ill, now, rests = sick(), 0.0, []
    for _ in range(9):
        rests.append(ill.resting_until - now)
        now = ill.resting_until
        ill.failed(PACE, now)
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_burst_of_failures_counts_once() -> None:
    ill = sick()
    for _ in range(64):
        ill.failed(PACE, 0.5)
    assert ill.resting_until == PACE.first_s


def test_after_its_rest_a_server_gets_one_request_at_a_time() -> None:
    ill, well = sick(), Endpoint("b")
    assert wait_for(ill, [ill, well], PACE, 1.5) == 0
    ill.probing = True
    assert wait_for(ill, [ill, well], PACE, 1.5) > 0


def test_an_answer_heals_a_server() -> None:
    ill, well = sick(), Endpoint("b")
    ill.succeeded()
    assert wait_for(ill, [ill, well], PACE, 0.0) == 0


def test_retry_after_binds_even_the_only_server() -> None:
    endpoint = Endpoint("a")
    endpoint.asked_to_wait(20.0, now=5.0)
    assert wait_for(endpoint, [endpoint], PACE, 10.0) == 15


def test_a_shorter_retry_after_does_not_undo_a_longer_one() -> None:
    endpoint = Endpoint("a")
    endpoint.asked_to_wait(20.0, now=0.0)
    endpoint.asked_to_wait(1.0, now=0.0)
    assert wait_for(endpoint, [endpoint], PACE, 0.0) == 20
