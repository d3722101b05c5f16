"""SIGKILL at random moments under load: is a reply that had arrived lost, or asked for again?

    python benchmarks/fleet_kills.py [--kills 50] [--limit 20000]

A server writes down when it has written each reply. After each kill two things are counted:
replies that were written more than so many milliseconds before it and are not in the journal
(lost), and replies in the journal that a later run asks for again. Between a server's last byte
and the client's disk there are milliseconds in which any client is without the reply; the lines
for 0 and 10 ms show them. The baseline is none of either.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fleet_load import (
    SAMPLING,
    key_of,
    kill_client,
    lines_of,
    questions,
    server,
    start_client,
)

from pipeline.teacher.journal import Journal

MARGINS_MS = (0, 10, 100, 1_000)
SEED = 20_261_124


@dataclass(slots=True)
class Losses:
    """What the kills cost; `lost` by the milliseconds between writing and kill."""

    kills: int = 0
    kept: int = 0
    asked_again: int = 0
    lost: Counter[int] = field(default_factory=Counter)


def run(folder: Path, kills: int, count: int, delay: float = 0.2) -> Losses:
    """Kill a client so many times; it goes on where it was, or from the start where it ended."""
    dice, found, number = random.Random(SEED), Losses(), 0
    while found.kills < kills:
        _one_set(folder / str(number), kills, count, delay, dice, found)
        number += 1
    return found


def _one_set(
    folder: Path, kills: int, count: int, delay: float, dice: random.Random, found: Losses
) -> None:
    folder.mkdir()
    log, journal = folder / "log.jsonl", folder / "journal"
    keys = [ask.key for ask in questions(count)]
    kept: set[str] = set()
    seen = 0
    with server(log, delay=delay) as running:
        while found.kills < kills and len(kept) < count:
            process = start_client(journal, count, [running.url])
            time.sleep(dice.uniform(0.0, 2.0))
            killed_at = time.time()
            kill_client(process)
            time.sleep(0.1 + delay)  # until the server has written down who has gone
            every = lines_of(log)
            lines, seen = every[seen:], len(every)
            found.asked_again += sum(key_of(line) in kept for line in lines)
            with Journal(journal) as opened:
                kept = set(opened.get(keys, SAMPLING.max_tokens))
            written = {key_of(li): li["done"] for li in lines if li["answered"] == "reply"}
            for margin in MARGINS_MS:
                late = killed_at - margin / 1e3
                lost = [key for key, done in written.items() if done < late and key not in kept]
                found.lost[margin] += len(lost)
            found.kills += 1
        found.kept += len(kept)


def main() -> int:
    """Run and print; returns 1 where a reply was lost or asked for again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--limit", type=int, default=20_000, help="questions")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), given.kills, given.limit)
    print(f"kills                         {found.kills}")
    print(f"replies kept                  {found.kept:,}")
    print(f"kept and asked for again      {found.asked_again}   (baseline 0)")
    for margin in MARGINS_MS:
        print(f"written {margin:>5} ms before, lost   {found.lost[margin]}   (baseline 0)")
    return 1 if found.asked_again or found.lost[1_000] else 0


if __name__ == "__main__":
    sys.exit(main())
