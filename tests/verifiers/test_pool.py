"""The worker pool: order, windows, deadlines, deaths, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from verifiers.pool import Pool, PoolError, Reply

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MakePool = Callable[..., Pool]


@pytest.fixture
def make_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakePool]:
    monkeypatch.syspath_prepend(HERE)
    pools: list[Pool] = []

    def make(function: str, **options: Any) -> Pool:
        pools.append(Pool(f"pool_targets:{function}", **options))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def values(replies: Iterator[Reply]) -> list[Any]:
    return [reply.value for reply in replies]


def alive(pid: int) -> bool:
    """A process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


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


# Threads, event loops, other processes


def test_several_threads_share_one_pool(make_pool: MakePool) -> None:
    pool = make_pool("echo")
    results: dict[int, list[int]] = {}

    def work(start: int) -> None:
        results[start] = values(pool.map(range(start, start + 300)))

    threads = [threading.Thread(target=work, args=(k * 1000,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {k * 1000: list(range(k * 1000, k * 1000 + 300)) for k in range(4)}


def test_workers_outlive_the_thread_that_first_used_them(make_pool: MakePool) -> None:
    pool = make_pool("pid", workers=1)
    pids: list[int] = []
    thread = threading.Thread(target=lambda: pids.extend(values(pool.map([1]))))
    thread.start()
    thread.join()
    time.sleep(0.1)
    assert values(pool.map([1])) == pids


def test_the_pool_works_from_an_event_loop(make_pool: MakePool) -> None:
    pool = make_pool("misbehave", deadline_s=0.3)

    async def both() -> tuple[list[str | None], ...]:
        def work(items: list[str]) -> list[str | None]:
            return [reply.failure for reply in pool.map(items)]

        first = asyncio.to_thread(work, ["a", "loop"])
        return tuple(await asyncio.gather(first, asyncio.to_thread(work, ["b", "c"])))

    assert asyncio.run(both()) == ([None, "timeout"], [None, None])


SPAWNED = """
import multiprocessing, sys
sys.path[:0] = [{root!r}, {here!r}]
import pool_nested
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    child = context.Process(target=pool_nested.run, args=(results,), daemon=True)
    child.start()
    print(results.get(timeout=60))
    child.join()
"""


def test_the_pool_works_inside_a_spawned_daemon_process(tmp_path: Path) -> None:
    (tmp_path / "pool_nested.py").write_text(
        "from verifiers.pool import Pool\n"
        "def run(results):\n"
        "    with Pool('os.path:basename', workers=1, deadline_s=1.0) as pool:\n"
        "        results.put([reply.value for reply in pool.map(['a/b'])])\n"
    )
    script = tmp_path / "script.py"
    script.write_text(SPAWNED.format(root=str(ROOT), here=str(tmp_path)))
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "['b']\n", done.stderr


def test_a_script_without_a_main_guard_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path[:0] = [{str(ROOT)!r}]\n"
        "print('run')\n"
        "from verifiers.pool import Pool\n"
        "with Pool('os.path:basename', workers=1) as pool:\n"
        "    print([reply.value for reply in pool.map(['a/b'])])\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "run\n['b']\n", done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_pool_inherited_by_a_fork_refuses_to_work(make_pool: MakePool) -> None:
    pool = make_pool("echo", workers=1)
    assert values(pool.map([1])) == [1]
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            list(pool.map([1]))
        except PoolError:
            os.write(write, b"refused")
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        assert stream.read() == b"refused"


# Nothing left behind


def test_close_leaves_no_process_behind(make_pool: MakePool) -> None:
    pool = make_pool("misbehave", workers=3, deadline_s=60)
    replies = pool.map(["a", "b", "c", "loop"])
    for _ in range(3):
        next(replies)
    pids = pool.pids()
    assert len(pids) == 3
    pool.close()
    assert not any(map(alive, pids))


def test_close_ends_a_stream_that_another_thread_reads(make_pool: MakePool) -> None:
    pool = make_pool("misbehave", workers=1, deadline_s=60)
    caught: list[BaseException] = []

    def read() -> None:
        try:
            list(pool.map(["loop"]))
        except PoolError as error:
            caught.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert eventually(lambda: bool(pool.pids()))
    pool.close()
    thread.join(timeout=10)
    assert "closed" in str(caught[0])


def test_a_pool_that_is_forgotten_leaves_no_process_behind() -> None:
    pool = Pool("os.path:basename", workers=2)
    list(pool.map(["a/b"]))
    pids = pool.pids()
    del pool
    gc.collect()
    assert not any(map(alive, pids))


ORPHAN = """
import sys
sys.path[:0] = [{root!r}, {here!r}]
from verifiers.pool import Pool
pool = Pool("pool_targets:misbehave", workers=2, deadline_s=60)
replies = pool.map(["a", "b", {item!r}, {item!r}])
next(replies), next(replies)
print(*pool.pids(), flush=True)
{end}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and needs prctl")
@pytest.mark.parametrize("item", ["c", "loop", "bigint"])
def test_workers_die_when_their_parent_is_killed(item: str) -> None:
    code = ORPHAN.format(root=str(ROOT), here=str(HERE), item=item, end="next(iter(input, None))")
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2
    assert all(map(alive, pids))
    parent.kill()
    parent.communicate()
    assert eventually(lambda: not any(map(alive, pids)))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_script_that_ends_without_close_leaves_no_process_behind() -> None:
    code = ORPHAN.format(root=str(ROOT), here=str(HERE), item="loop", end="")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    pids = [int(word) for word in done.stdout.split()]
    assert len(pids) == 2
    assert not any(map(alive, pids))
    assert done.stderr == ""


def test_the_parent_is_spared_per_item_overhead(make_pool: MakePool) -> None:
    pool = make_pool("echo")
    list(pool.map(range(100)))
    start = time.process_time()
    list(pool.map(range(5000)))
    assert (time.process_time() - start) / 5000 < 300e-6  # 6 µs here; the limit is for CI
