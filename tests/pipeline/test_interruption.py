"""A run may be killed at any moment: nothing is lost, doubled, or paid for twice."""

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.loopback_teacher import Server, loopback_teacher
from tests.whole_run import WholeRun

KILLS = int(os.environ.get("KILLS", "8"))  # each costs half a run; docs/log.md has more of them
SEED = 20_261_124
DELAY_S = 0.02  # a teacher that answers at once would leave no moment in which to be killed


@pytest.fixture(scope="module")
def teacher() -> Iterator[Server]:
    with loopback_teacher(delay=DELAY_S) as server:
        yield server


@pytest.fixture(scope="module")
def undisturbed(
    teacher: Server, tmp_path_factory: pytest.TempPathFactory
) -> tuple[WholeRun, float]:
    """An uninterrupted run, and how many seconds it took."""
    run = WholeRun(tmp_path_factory.mktemp("undisturbed"), teacher.url)
    start = time.monotonic()
    run.finish()
    return run, time.monotonic() - start


def journalled(run: WholeRun) -> set[str]:
    """Return the keys of all replies that are kept."""
    keys = set()
    for path in (run.folder / "data" / "journal").glob("*.sqlite"):
        with sqlite3.connect(path) as file:
            tables = file.execute("SELECT name FROM sqlite_master WHERE name = 'replies'")
            if tables.fetchone():
                keys |= {key for (key,) in file.execute("SELECT key FROM replies")}
        file.close()
    return keys


def test_killed_runs_publish_the_same_bytes_and_ask_for_nothing_twice(
    teacher: Server, undisturbed: tuple[WholeRun, float], tmp_path: Path
) -> None:
    whole, seconds = undisturbed
    expected = whole.digests()
    asked_undisturbed = Counter(whole.keys([line["body"] for line in teacher.requests()]))
    dice, kills, versions = random.Random(SEED), 0, 0
    while kills < KILLS:
        run = WholeRun(tmp_path / str(versions), teacher.url)
        versions += 1
        kept: set[str] = set()
        while kills < KILLS:
            before = teacher.arrived()
            process = run.start()
            time.sleep(dice.uniform(0, seconds))
            ended = process.poll() is not None
            os.killpg(process.pid, signal.SIGKILL) if not ended else None
            process.communicate()
            asked = set(run.keys([line["body"] for line in teacher.requests()[before:]]))
            assert not asked & kept, "a reply that had arrived was asked for again"
            kept = journalled(run)
            if ended:
                break
            kills += 1
        before = teacher.arrived()
        run.finish()
        asked = set(run.keys([line["body"] for line in teacher.requests()[before:]]))
        assert not asked & kept
        assert run.digests() == expected
        assert journalled(run) == set(asked_undisturbed)
    assert set(asked_undisturbed.values()) == {1}


def test_every_published_row_is_there_once(undisturbed: tuple[WholeRun, float]) -> None:
    run, _ = undisturbed
    files = sorted(run.published.glob("*/*.parquet"))
    ids = [id for path in files for id in pq.read_table(path, columns=["id"])["id"].to_pylist()]
    assert ids
    assert len(ids) == len(set(ids))


def test_running_again_changes_nothing_and_asks_nothing(
    teacher: Server, undisturbed: tuple[WholeRun, float]
) -> None:
    run, _ = undisturbed
    before, asked = run.digests(), teacher.arrived()
    run.finish()
    assert run.digests() == before
    assert teacher.arrived() == asked


def test_ctrl_c_ends_within_five_seconds_and_says_how_to_go_on(
    teacher: Server, tmp_path: Path
) -> None:
    run = WholeRun(tmp_path, teacher.url)
    process = run.start()
    while not list((tmp_path / "data").rglob("journal/*.sqlite")):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    start = time.monotonic()
    output, _ = process.communicate(timeout=60)
    assert time.monotonic() - start < 5
    assert process.returncode == 130
    assert "run the same command again" in output
    assert "Traceback" not in output
