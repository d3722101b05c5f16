"""How long is a reply nowhere but in memory: from its last byte until it is durable?

    python benchmarks/fleet_window.py [--limit 4000] [--delay 0.2] [--concurrency 256]

Asks a server, which is a process of its own, `--limit` questions, each answered after `--delay`
seconds, and keeps the replies in a journal as a run does. Prints that time's median, 90th and 99th
percentile and maximum; the baseline is a flush of 4 kB to one file on the same disk, in the same
run, and the ratio that of the medians. A kill within that time costs the reply. How long its last
bytes lie in the machine's socket before this process is scheduled is not in it: fleet_kills.py
counts what is lost with that.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from fleet_load import client_of, questions, server

from pipeline.teacher import openai
from pipeline.teacher.journal import Journal
from pipeline.teacher.keeping import JournalKeeper
from pipeline.teacher.openai_session import Session, Whole

FLUSHES = 60
waits: list[float] = []


class Timed(Session):
    """Notes how long each reply has waited."""

    def _keep(self, whole: Sequence[Whole]) -> None:
        super()._keep(whole)
        now = time.monotonic()
        waits.extend(now - came.at for came in whole)


def ask(folder: Path, limit: int, delay: float, concurrency: int) -> float:
    """Ask everything; returns the seconds that it took."""
    start = time.monotonic()
    with (
        server(folder / "log.jsonl", delay=delay) as running,
        Journal(folder / "journal") as journal,
        client_of([running.url], start=64, concurrency=concurrency) as client,
    ):
        for _ in client.replies(questions(limit), JournalKeeper(journal, "loopback")):
            pass
    return time.monotonic() - start


def flush_s(folder: Path) -> list[float]:
    """Return how long flushes of one small file take, shortest first."""
    found = []
    with (folder / "flushed").open("wb") as file:
        for _ in range(FLUSHES):
            file.write(bytes(4_096))
            file.flush()
            start = time.monotonic()
            os.fsync(file.fileno())
            found.append(time.monotonic() - start)
    return sorted(found)


def line(name: str, seconds: Sequence[float]) -> str:
    """Return percentiles in milliseconds."""
    ranks = {"median": 0.5, "90 %": 0.9, "99 %": 0.99, "longest": 1.0}
    last = len(seconds) - 1
    said = (f"{what} {1e3 * seconds[round(rank * last)]:.1f}" for what, rank in ranks.items())
    return f"{name:<24} ms: {', '.join(said)}"


def main() -> int:
    """Run and print; returns 1 where a reply is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=4_000, help="questions")
    parser.add_argument("--delay", type=float, default=0.2, help="seconds before each answer")
    parser.add_argument("--concurrency", type=int, default=256)
    given = parser.parse_args()
    os.environ["no_proxy"] = "127.0.0.1"
    vars(openai)["Session"] = Timed
    with tempfile.TemporaryDirectory() as name:
        flushes = flush_s(Path(name))
        seconds = ask(Path(name), given.limit, given.delay, given.concurrency)
    waits.sort()
    ratio = waits[len(waits) // 2] / flushes[len(flushes) // 2]
    print(f"{len(waits):,} replies in {seconds:.1f} s, load {os.getloadavg()[0]:.1f} at the end")
    print(line("flush of one file", flushes))
    print(f"{line('last byte to durable', waits)}   ratio of medians {ratio:.1f}")
    return 0 if len(waits) == given.limit else 1


if __name__ == "__main__":
    sys.exit(main())
