"""The worker pool among threads, event loops and processes, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.verifiers.pool_support import HERE, ROOT, MakePool, alive, eventually, make_pool, values
from verifiers.pool import Pool, PoolError

__all__ = ["make_pool"]

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
