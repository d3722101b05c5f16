"""What the scripts about the fleet share: servers as processes, questions, a client that keeps.

    with server(Path("log.jsonl"), faults=[{"fault": "500", "every": 9}]) as running:
        ask_all(running.url, ..., questions(5_000))

Run as a script it is the client alone, the one that gets killed::

    python benchmarks/fleet_load.py FOLDER QUESTIONS URL [URL …]
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config import Endpoints
from pipeline.recipe import Sampling, Teacher
from pipeline.teacher.base import Ask, ask_key
from pipeline.teacher.journal import Journal
from pipeline.teacher.keeping import JournalKeeper
from pipeline.teacher.openai import OpenAIClient
from pipeline.teacher.openai_retry import Pace

ROOT = Path(__file__).resolve().parent.parent
TEACHER = Teacher(name="loopback", model="loopback-1", revision="1", engine="openai")
SAMPLING = Sampling(max_tokens=4_096)


@dataclass(slots=True)
class Running:
    """A server process."""

    url: str
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.communicate()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def start_server(
    log: Path, faults: Sequence[dict[str, Any]] = (), delay: float = 0.0, port: int = 0
) -> Running:
    """Start the tests' loopback teacher as a process of its own."""
    plan = log.with_suffix(".faults.json")
    plan.write_text(json.dumps(list(faults)), encoding="utf-8")
    command = [sys.executable, "-m", "tests.loopback_teacher", "--log", str(log)]
    command += ["--faults", str(plan), "--delay", str(delay), "--port", str(port)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    return Running(process.stdout.readline().strip(), process)


@contextmanager
def server(log: Path, **options: Any) -> Iterator[Running]:
    """Serve for the length of a block."""
    running = start_server(log, **options)
    try:
        yield running
    finally:
        running.kill()


def questions(count: int) -> list[Ask]:
    """Return so many asks."""
    requests = [
        {"messages": [{"role": "user", "content": f"What is {n} + {n}?"}]} for n in range(count)
    ]
    return [
        Ask(str(n), 0, request, ask_key(TEACHER, SAMPLING, request, 0))
        for n, request in enumerate(requests)
    ]


def client_of(urls: Sequence[str], pace: Pace | None = None, **settings: Any) -> OpenAIClient:
    """Return the client under test."""
    return OpenAIClient(TEACHER, SAMPLING, Endpoints(urls=tuple(urls), **settings), pace=pace)


def lines_of(*logs: Path) -> list[dict[str, Any]]:
    """Return the lines of servers' logs, but those about checks; a torn last one is left out."""
    texts = [line for log in logs if log.exists() for line in log.read_text().split("\n")]
    lines = [json.loads(text) for text in texts if text.endswith("}")]
    return [line for line in lines if line["body"].get("seed") is not None]


def key_of(line: dict[str, Any]) -> str:
    """Return the key of the ask that a server's line is about."""
    return ask_key(TEACHER, SAMPLING, {"messages": line["body"]["messages"]}, 0)


def main() -> None:
    """Ask what the journal lacks, until it lacks nothing."""
    folder, count, *urls = sys.argv[1:]
    with Journal(Path(folder)) as journal, client_of(urls, start=64, concurrency=256) as client:
        asks = questions(int(count))
        known = journal.get([ask.key for ask in asks], SAMPLING.max_tokens)
        print("asking", flush=True)
        missing = (ask for ask in asks if ask.key not in known)
        for _ in client.replies(missing, JournalKeeper(journal, "loopback")):
            pass


def start_client(folder: Path, count: int, urls: Sequence[str]) -> subprocess.Popen[str]:
    """Start `main` as a process in a group of its own; returns when it begins to ask."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(folder), str(count), *urls],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "no_proxy": "127.0.0.1"},
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def kill_client(process: subprocess.Popen[str]) -> None:
    """Kill a client and whatever it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


if __name__ == "__main__":
    main()
