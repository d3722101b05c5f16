"""An evaluation may be killed at any moment: nothing is lost, doubled, or paid for twice."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.evaluation.config import load_evaluation
from pipeline.teacher.base import ask_key
from tests.loopback_teacher import Server, loopback_teacher
from tests.pipeline.evaluation.support import Plan, replies_of, write_config

DELAY_S = 0.05  # a teacher that answers at once would leave no moment in which to be killed
# The command by its name, also before it is registered under it.
COMMAND = (
    "import sys, pipeline.__main__ as program;"
    "program.COMMANDS = tuple(dict.fromkeys((*program.COMMANDS, 'evaluate')));"
    "sys.exit(program.main(sys.argv[1:]))"
)
PLANS = [
    Plan(f"How many are {number} and 1?", str(number + 1), [["0", str(number + 1)]] * 3)
    for number in range(10, 22)
]
ASKED = len(PLANS) * 2 * 3


@pytest.fixture(scope="module")
def teacher() -> Iterator[Server]:
    with loopback_teacher(replies=replies_of(PLANS), delay=DELAY_S) as server:
        yield server


def start(config: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "evaluate", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )


def finish(config: Path) -> str:
    process = start(config)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return output


def journalled(folder: Path) -> set[str]:
    """The keys of all replies that are kept."""
    found: set[str] = set()
    for path in (folder / "data" / "journal").glob("*.sqlite"):
        with closing(sqlite3.connect(path)) as file:
            tables = file.execute("SELECT name FROM sqlite_master WHERE name = 'replies'")
            if tables.fetchone():
                found |= {key for (key,) in file.execute("SELECT key FROM replies")}
    return found


def keys(config: Path, lines: list[dict[str, Any]]) -> list[str]:
    """The keys of what a server was asked; a request's seed is its attempt, for a seed of 0."""
    given = load_evaluation(str(config)).evaluation
    model = given.models[0].sampled(given.benchmarks[0])
    return [
        ask_key(model, model.sampling, {"messages": body["messages"]}, body["seed"])
        for body in (line["body"] for line in lines)
    ]


def rows(folder: Path) -> dict[str, list[dict[str, object]]]:
    """What is stored, by file, without measured time."""
    found = {}
    for path in sorted((folder / "data" / "evaluations").rglob("part-*.parquet")):
        table = pq.read_table(path)
        kept = [name for name in table.column_names if name != "seconds"]
        found[str(path.relative_to(folder))] = table.select(kept).to_pylist()
    return found


def report(folder: Path) -> dict[str, bytes]:
    place = folder / "data" / "evaluations" / "small" / "1" / "report"
    return {path.name: path.read_bytes() for path in sorted(place.iterdir())}


def wait_for(process: subprocess.Popen[str], moment: Callable[[], bool]) -> None:
    while not moment():
        assert process.poll() is None, "it ended before the moment at which it was to be killed"
        time.sleep(0.005)


def test_killed_evaluations_end_with_the_same_rows_and_pay_for_nothing_twice(
    teacher: Server, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(write_config(whole, teacher.url, PLANS))
    assert teacher.answered() == {"reply": ASKED}
    config = write_config(killed, teacher.url, PLANS)
    moments: list[Callable[[], bool]] = [
        lambda: teacher.arrived() >= ASKED + 9,  # in the first round
        lambda: teacher.arrived() >= ASKED + ASKED // 2,  # in the second
        lambda: any((killed / "data").rglob("verdicts/round=01/part-00000.parquet")),
    ]
    for moment in [*moments, None]:
        kept, asked = journalled(killed), teacher.arrived()
        process = start(config)
        if moment is not None:
            wait_for(process, moment)
            os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate(timeout=120)
        again = kept & set(keys(config, teacher.requests()[asked:]))
        assert not again, "a reply that had arrived was asked for again"
    assert process.returncode == 0, output
    assert journalled(killed) == journalled(whole)
    assert rows(killed) == rows(whole)
    assert report(killed) == report(whole)


def test_ctrl_c_ends_with_its_exit_code_and_says_how_to_go_on(
    teacher: Server, tmp_path: Path
) -> None:
    process = start(write_config(tmp_path, teacher.url, PLANS))
    while not list((tmp_path / "data").rglob("journal/*.sqlite")):
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command again" in output
    assert "Traceback" not in output
