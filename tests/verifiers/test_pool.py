"""The worker pool: order, windows, deadlines, deaths and settings."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.verifiers.pool_support import HERE, MakePool, make_pool, values
from verifiers.pool import Pool, PoolError

__all__ = ["make_pool"]

# Order and windows


def test_replies_come_in_the_order_of_the_items(make_pool: MakePool) -> None:
    naps = [0.1, 0.0, 0.05, 0.0, 0.02] * 3
    assert values(make_pool("nap", workers=3).map(naps)) == naps


def test_no_item_is_lost_or_repeated_among_thousands(make_pool: MakePool) -> None:
    pool = make_pool("echo", recycle_after=700)
    assert values(pool.map(range(5000))) == list(range(5000))


def test_items_are_pulled_only_as_far_as_the_window(make_pool: MakePool) -> None:
    pulled = 0

    def source() -> Iterator[int]:
        nonlocal pulled
        for item in itertools.count():
            pulled += 1
            yield item

    replies = make_pool("echo", window=7).map(source())
    for _ in range(20):
        next(replies)
    assert pulled <= 20 + 7


def test_an_empty_stream_starts_no_worker(make_pool: MakePool) -> None:
    pool = make_pool("echo")
    assert list(pool.map([])) == []
    assert pool.pids() == ()


def test_large_items_and_values_pass(make_pool: MakePool) -> None:
    text = "x" * (5 << 20)
    assert values(make_pool("echo").map([text, text])) == [text, text]


def test_a_stream_given_up_half_way_leaves_the_pool_usable(make_pool: MakePool) -> None:
    pool = make_pool("nap", workers=1)
    replies = pool.map([0.0, 0.3, 0.3, 0.3, 0.3])
    next(replies)
    del replies
    gc.collect()
    start = time.monotonic()
    assert values(pool.map([0.0])) == [0.0]
    assert time.monotonic() - start < 1.0  # the queued naps were dropped


def test_two_streams_of_one_pool_may_be_read_in_turns(make_pool: MakePool) -> None:
    pool = make_pool("echo", window=4)
    pairs = zip(pool.map(range(50)), pool.map(range(50, 100)), strict=True)
    assert all(a.value + 50 == b.value for a, b in pairs)


# Deadlines


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("item", ["loop", "bigint"])
def test_an_item_past_its_deadline_is_a_timeout_after_two_attempts(
    make_pool: MakePool, item: str, workers: int
) -> None:
    pool = make_pool("misbehave", workers=workers, deadline_s=0.3)
    start = time.monotonic()
    before, late, after = pool.map(["before", item, "after"])
    assert (late.failure, late.attempts) == ("timeout", 2)
    assert late.seconds == pytest.approx(0.6, abs=0.4)
    assert time.monotonic() - start < 5
    assert [before.value, after.value] == ["before", "after"]


def test_a_deadline_holds_while_nobody_asks_for_replies(make_pool: MakePool) -> None:
    pool = make_pool("misbehave", workers=1, deadline_s=0.2)
    replies = pool.map(["ready", "loop", "after"])
    next(replies)
    time.sleep(1.5)
    start = time.monotonic()
    assert [reply.failure for reply in replies] == ["timeout", None]
    assert time.monotonic() - start < 0.3


def test_an_item_that_outlasts_its_deadline_unseen_is_a_timeout_too(make_pool: MakePool) -> None:
    pool = make_pool("nap", deadline_s=0.2)
    assert [r.failure for r in pool.map([0.0, 0.25, 0.0])] == [None, "timeout", None]


def test_a_deadline_never_runs_during_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)
    with Pool("pool_slow_target:echo", workers=1, deadline_s=0.3) as pool:
        (reply,) = pool.map([1])
    assert (reply.value, reply.failure) == (1, None)
    assert reply.seconds < 0.3


def test_each_item_of_a_batch_has_its_own_deadline(make_pool: MakePool) -> None:
    pool = make_pool("nap", workers=1, deadline_s=0.5)
    list(pool.map([0.0] * 200))  # short items make batches long
    assert all(reply.failure is None for reply in pool.map([0.1] * 12))


def test_seconds_are_the_items_own_wall_time(make_pool: MakePool) -> None:
    short, long = make_pool("nap", workers=1).map([0.0, 0.2])
    assert short.seconds < 0.1
    assert 0.2 <= long.seconds < 0.4


# Deaths


@pytest.mark.parametrize(
    ("item", "failure", "detail"),
    [
        ("die", "crashed", "killed by signal 9"),
        ("exit", "crashed", "left with exit status 3"),
        ("memory", "memory", "MemoryError"),
        ("hoard", "memory", "MemoryError"),
    ],
)
def test_a_worker_that_dies_twice_on_an_item_is_a_typed_failure(
    make_pool: MakePool, item: str, failure: str, detail: str
) -> None:
    pool = make_pool("misbehave", memory_mb=512, deadline_s=10)
    before, bad, after = pool.map(["before", item, "after"])
    assert (bad.failure, bad.detail, bad.attempts) == (failure, detail, 2)
    assert [before.value, after.value] == ["before", "after"]


def test_an_exception_is_an_error_with_its_type_and_no_retry(make_pool: MakePool) -> None:
    (reply,) = make_pool("misbehave").map(["raise"])
    assert (reply.failure, reply.attempts) == ("error", 1)
    assert reply.detail == "LookupError: nothing here"


def test_a_value_that_cannot_be_pickled_is_an_error(make_pool: MakePool) -> None:
    bad, good = make_pool("misbehave").map(["lambda", "fine"])
    assert bad.failure == "error"
    assert good.value == "fine"


def test_an_item_that_fails_once_is_answered_by_the_second_attempt(
    make_pool: MakePool, tmp_path: Path
) -> None:
    items = [str(tmp_path / f"{k}") for k in range(3)]
    replies = list(make_pool("die_once").map(items))
    assert [(r.value, r.attempts) for r in replies] == [("second", 2)] * 3


@pytest.mark.parametrize("workers", [1, 2])
def test_many_bad_items_in_a_row_spoil_no_good_one(make_pool: MakePool, workers: int) -> None:
    items = ["die", "a", "die", "die", "b", "exit", "c"] * 3
    replies = make_pool("misbehave", workers=workers).map(items)
    expected = [None if item in {"die", "exit"} else item for item in items]
    assert values(replies) == expected


def test_a_worker_killed_from_outside_costs_no_item(make_pool: MakePool) -> None:
    pool = make_pool("nap", workers=2, deadline_s=5)
    replies = pool.map([0.05] * 20)
    next(replies)
    os.kill(pool.pids()[0], signal.SIGKILL)
    assert values(replies) == [0.05] * 19


def test_a_stopped_worker_is_a_timeout_and_not_the_end(make_pool: MakePool) -> None:
    pool = make_pool("nap", workers=1, deadline_s=0.5)
    replies = pool.map([0.0, 0.3, 0.0])
    next(replies)
    time.sleep(0.1)
    os.kill(pool.pids()[0], signal.SIGSTOP)
    assert values(replies) == [0.3, 0.0]  # the second attempt is right


def test_workers_are_replaced_after_so_many_items(make_pool: MakePool) -> None:
    pids = values(make_pool("pid", workers=1, recycle_after=10).map(range(35)))
    assert [len(list(run)) for _, run in itertools.groupby(pids)] == [10, 10, 10, 5]


def test_ctrl_c_in_the_terminal_does_not_reach_the_work(make_pool: MakePool) -> None:
    pool = make_pool("nap", workers=1)
    replies = pool.map([0.0, 0.3])
    next(replies)
    os.kill(pool.pids()[0], signal.SIGINT)
    assert [reply.failure for reply in replies] == [None]


def test_what_a_target_prints_or_reads_cannot_break_the_protocol(make_pool: MakePool) -> None:
    assert values(make_pool("chatter").map(["a", "b"])) == ["a", "b"]


# Targets


def test_a_callable_may_be_given_instead_of_its_name() -> None:
    with Pool(os.path.basename, workers=1) as pool:
        assert values(pool.map(["a/b", "c/d"])) == ["b", "d"]


@pytest.mark.parametrize("target", [lambda item: item, "no_colon"])
def test_a_target_no_worker_could_load_is_refused_at_once(target: Any) -> None:
    with pytest.raises(TypeError, match="target"):
        Pool(target)


@pytest.mark.parametrize("target", ["no_such_module:f", "os.path:no_such_function"])
def test_a_target_that_fails_to_load_raises_and_names_the_error(target: str) -> None:
    with Pool(target) as pool, pytest.raises(PoolError, match="no_such"):
        list(pool.map([1, 2, 3]))


@pytest.mark.parametrize(
    ("target", "words"),
    [("pool_stillborn_target:f", "exit status 5"), ("pool_slow_target:echo", "too long")],
)
def test_workers_that_cannot_start_raise_instead_of_hanging(
    monkeypatch: pytest.MonkeyPatch, target: str, words: str
) -> None:
    monkeypatch.syspath_prepend(HERE)
    with Pool(target, startup_s=0.5) as pool, pytest.raises(PoolError, match=words):
        list(pool.map([1]))


@pytest.mark.parametrize("option", ["workers", "window", "deadline_s", "memory_mb"])
def test_an_option_below_its_least_value_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match=option):
        Pool("os.path:basename", **{option: 0})


def test_a_closed_pool_says_so(make_pool: MakePool) -> None:
    pool = make_pool("echo")
    pool.close()
    pool.close()
    with pytest.raises(PoolError, match="closed"):
        next(pool.map([1]))
