"""Two servers that misbehave in every way: does each question get one reply, paid for once?

    python benchmarks/fleet_faults.py [--limit 5000] [--pause 30]

Both inject 429 with Retry-After, 500, resets, half replies, garbage, silence and pauses; one is
killed and started again in the middle. Prints what the client says it sent beside what the
servers' logs say came in. A reply that a server wrote while it was killed may be counted by one
side only, and is reported as such. The baseline of the ratios is one request a question.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet_load import (
    Running,
    client_of,
    free_port,
    key_of,
    lines_of,
    questions,
    start_server,
)

from pipeline.teacher.journal import Journal
from pipeline.teacher.keeping import JournalKeeper
from pipeline.teacher.openai_retry import Pace


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    questions: int
    yielded: list[str]
    journalled: int
    account: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    seconds: float
    partials: int

    def paid_twice(self) -> list[str]:
        """Return the questions to which servers wrote two whole replies."""
        paid = Counter(key_of(line) for line in self.lines if line["answered"] == "reply")
        return [key for key, count in paid.items() if count > 1]

    def total(self, column: str) -> int:
        """Return a column of the account, over both servers."""
        return sum(server[column] for server in self.account)

    def failed(self) -> Counter[str]:
        """Return the failures by kind, over both servers."""
        return sum((Counter(server["failed"]) for server in self.account), Counter())


def plan(pause: float) -> list[dict[str, Any]]:
    """Return the faults of a server: by number of the request, each a few times at most."""
    return [
        {"fault": "429", "retry_after": "0.5", "every": 53},
        {"fault": "500", "every": 41},
        {"fault": "503", "every": 97},
        {"fault": "reset", "every": 61},
        {"fault": "half", "every": 37},
        {"fault": "stall", "every": 331},
        {"fault": "garbage", "every": 71},
        {"fault": "silence", "every": 401},
        {"fault": "pause", "seconds": pause, "every": 211},
    ]


def run(folder: Path, count: int, pause: float, pace: Pace | None = None) -> Outcome:
    """Ask `count` questions; silence counts as such after the longest pause and a half."""
    logs = [folder / "a.jsonl", folder / "b.jsonl"]
    ports = [free_port(), free_port()]
    servers = [
        start_server(log, plan(pause), 0.01, port) for log, port in zip(logs, ports, strict=True)
    ]
    asks, yielded = questions(count), []
    half = threading.Event()
    again = threading.Thread(target=_restart, args=[half, servers, logs[0], plan(pause), ports[0]])
    again.start()
    began = time.monotonic()
    settings: dict[str, Any] = {"timeout_s": pause * 1.5, "concurrency": 256}
    try:
        with Journal(folder / "journal") as journal:
            with client_of([server.url for server in servers], pace, **settings) as client:
                for ask, reply in client.replies(asks, JournalKeeper(journal, "loopback")):
                    assert reply.finish_reason == "stop", reply
                    yielded.append(ask.key)
                    if len(yielded) == count // 3:
                        half.set()
                account = client.account()
            kept = len(journal.get([ask.key for ask in asks], 1))
    finally:
        seconds = time.monotonic() - began
        half.set()
        again.join()
        for running in servers:
            running.kill()
    broken = folder / "journal" / "partials.jsonl"
    partials = len(broken.read_text().splitlines()) if broken.exists() else 0
    return Outcome(count, yielded, kept, account, lines_of(*logs), seconds, partials)


def _restart(
    half: threading.Event, servers: list[Running], log: Path, faults: list[Any], port: int
) -> None:
    half.wait()
    servers[0].kill()
    time.sleep(2.0)
    servers[0] = start_server(log, faults, 0.01, port)


def report(found: Outcome) -> None:
    """Print one figure a line."""
    requests, once = found.total("requests"), found.questions
    print(f"questions                {once:,} in {found.seconds:.1f} s")
    print(f"yielded                  {len(found.yielded):,}, distinct {len(set(found.yielded)):,}")
    print(f"in the journal           {found.journalled:,}")
    print(f"requests sent            {requests:,}   ratio to one a question {requests / once:.4f}")
    print(f"  replies                {found.total('replies'):,}")
    for kind, times in sorted(found.failed().items()):
        print(f"  failed: {kind:<14} {times:,}")
    print(f"  still open             {found.total('open'):,}")
    print(f"checks of health         {found.total('checks'):,}")
    print(f"partial texts kept       {found.partials:,}")
    seen = Counter(line["answered"] for line in found.lines)
    print("servers' logs            " + ", ".join(f"{k} {n:,}" for k, n in sorted(seen.items())))
    print(f"written whole twice      {len(found.paid_twice()):,}")


def main() -> int:
    """Run and print; returns 1 where a question was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=5_000, help="questions")
    parser.add_argument("--pause", type=float, default=30.0, help="seconds of the pauses")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), given.limit, given.pause)
    report(found)
    whole = len(set(found.yielded)) == len(found.yielded) == found.journalled == given.limit
    return 0 if whole and found.total("requests") == given.limit + found.failed().total() else 1


if __name__ == "__main__":
    sys.exit(main())
