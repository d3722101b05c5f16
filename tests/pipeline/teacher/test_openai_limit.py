"""The hunt for the number of requests that a server can take, against servers of known room."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from pipeline.teacher.openai_limit import Hunt, Limit

WINDOWS = 150


def server(room: int, noise: float = 0.0, seed: int = 1) -> Callable[[int], float]:
    """A server whose throughput grows with its requests up to its room, and then not at all."""
    dice = random.Random(seed)
    return lambda requests: min(requests, room) * 30.0 * dice.uniform(1 - noise, 1 + noise)


def run(limit: Limit, rate: Callable[[int], float], windows: int = WINDOWS) -> list[int]:
    rooms = []
    for number in range(windows):
        limit.window(rate(limit.room), needed=True, full=False, now=float(number))
        rooms.append(limit.room)
    return rooms


@pytest.mark.parametrize("room", [40, 200, 700])
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_it_settles_near_what_the_server_can_take(room: int, noise: float) -> None:
    rooms = run(Limit(32, 4_096, Hunt()), server(room, noise))
    late = sorted(rooms[-50:])[25]
    assert 0.8 * room <= late <= 2.0 * room, rooms


def test_it_is_there_within_a_minute() -> None:
    rooms = run(Limit(32, 4_096, Hunt()), server(512), windows=12)
    assert rooms[-1] >= 400


def test_it_never_passes_its_bound() -> None:
    assert max(run(Limit(32, 100, Hunt()), server(10_000))) == 100


def test_it_does_not_grow_where_nothing_waits() -> None:
    limit = Limit(32, 4_096, Hunt())
    for number in range(50):
        limit.window(960.0, needed=False, full=False, now=float(number))
    assert limit.room == 32


def test_a_failure_takes_a_part_away_and_a_burst_takes_no_more() -> None:
    limit = Limit(100, 4_096, Hunt())
    for _ in range(40):
        limit.too_much(now=10.0, sent_at=5.0)
    assert limit.room == 70
    limit.too_much(now=20.0, sent_at=15.0)
    assert limit.room == 49


def test_one_request_is_always_let_through() -> None:
    limit = Limit(4, 8, Hunt())
    for now in range(100):
        limit.too_much(now=float(now), sent_at=now - 0.5)
    assert limit.room == 1


def test_a_full_server_gets_fewer() -> None:
    limit = Limit(100, 4_096, Hunt())
    limit.window(1.0, needed=True, full=True, now=1.0)
    assert limit.room == 70


def test_after_a_cut_it_comes_back_soon_and_then_grows_by_small_steps() -> None:
    limit = Limit(100, 4_096, Hunt())
    limit.too_much(now=0.0, sent_at=-1.0)
    rooms = run(limit, server(300))
    assert rooms[3] >= 80
    assert max(b / a for a, b in pairwise(rooms)) <= 1.26
    assert max(b / a for a, b in pairwise(rooms[5:])) < 1.2
    assert rooms[-1] > 200


def test_failures_by_chance_among_successes_cost_nothing() -> None:
    limit, dice = Limit(100, 4_096, Hunt()), random.Random(3)
    for number in range(2_000):
        if dice.random() < 0.06:
            limit.failed(now=number / 100, sent_at=number / 100 - 0.01)
        else:
            limit.succeeded()
        if number % 500 == 499:
            limit.window(960.0, needed=False, full=False, now=number / 100)
    assert limit.room >= 70


def test_many_failures_in_a_row_cut_at_once() -> None:
    limit = Limit(100, 4_096, Hunt())
    for number in range(10):
        limit.failed(now=10.0 + number / 100, sent_at=5.0)
    assert limit.room == 70


def test_a_server_that_becomes_slower_is_followed_down() -> None:
    limit = Limit(32, 4_096, Hunt())
    run(limit, server(500))
    for number in range(60):
        limit.too_much(now=1_000.0 + number, sent_at=999.5 + number) if limit.room > 50 else None
    assert limit.room <= 50


def test_a_smaller_bound_counts_at_once() -> None:
    limit = Limit(100, 4_096, Hunt())
    limit.set_most(10)
    assert limit.room == 10


def test_a_full_server_keeps_as_many_as_it_runs() -> None:
    limit = Limit(64, 4_096, Hunt())
    for now in range(20):
        limit.window(1.0, needed=True, full=True, now=float(now), floor=60.0)
    assert limit.room == 60


def test_a_floor_above_the_limit_does_not_raise_it() -> None:
    limit = Limit(10, 4_096, Hunt())
    limit.too_much(now=1.0, sent_at=0.0, floor=500.0)
    assert limit.room == 10
