"""The clients that benchmarks/fleet_overhead.py compares, each in a process of its own.

    python benchmarks/fleet_clients.py ours|httpx|distilabel URL STREAMS QUESTIONS [FOLDER]

Once a second it prints what it has received, and how much processor time and memory it took::

    {"time": 1764000000.1, "chars": 8123456, "cpu_s": 4.2, "peak_mb": 180.3, "replies": 12}

`ours` is the pipeline's own client as a run uses it, each reply in the journal before it counts.
`httpx` is what one writes first: one client, a semaphore, a coroutine a question, nothing kept.
`distilabel` is that package's client, run by a Python that has it. It asks for no stream, and its
batches, its pipeline's unit of work, have as many questions as there are to be streams.
(bespokelabs-curator 0.1.31 installs but wants a file from the network before it asks anything.)
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVERY_S = 1.0


class Counter:
    """What a client has received; peers that cannot be looked into only count replies."""

    def __init__(self) -> None:
        self.chars: Callable[[], int] = lambda: 0
        self.replies = 0

    def start(self) -> None:
        """Print the figures once a second from a thread of its own."""
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            usage = resource.getrusage(resource.RUSAGE_SELF)
            line = {
                "time": time.time(),
                "chars": self.chars(),
                "cpu_s": usage.ru_utime + usage.ru_stime,
                "peak_mb": usage.ru_maxrss / 1_024,
                "replies": self.replies,
            }
            print(json.dumps(line), flush=True)
            time.sleep(EVERY_S)


def texts(count: int) -> list[str]:
    """Return the questions."""
    return [f"What is {number} + {number}?" for number in range(count)]


def ours(counter: Counter, url: str, streams: int, count: int, folder: str) -> None:
    """Ask with the pipeline's client and journal."""
    from pipeline.config import Endpoints
    from pipeline.recipe import Sampling, Teacher
    from pipeline.teacher.base import Ask, ask_key
    from pipeline.teacher.journal import Journal
    from pipeline.teacher.keeping import JournalKeeper
    from pipeline.teacher.openai import OpenAIClient

    teacher = Teacher(name="bench", model="bench", revision="1", engine="openai")
    sampling = Sampling(max_tokens=8_192)
    settings = Endpoints(urls=(url,), concurrency=streams, start=streams)
    client = OpenAIClient(teacher, sampling, settings, room=count)

    def asks() -> Any:
        for text in texts(count):
            request = {"messages": [{"role": "user", "content": text}]}
            yield Ask(text, 0, request, ask_key(teacher, sampling, request, 0))

    counter.chars = client.received
    with Journal(Path(folder)) as journal, client:
        for _ in client.replies(asks(), JournalKeeper(journal, "bench")):
            counter.replies += 1


def bare_httpx(counter: Counter, url: str, streams: int, count: int, folder: str) -> None:
    """Ask with one httpx client and a semaphore."""
    import httpx

    received = 0
    counter.chars = lambda: received

    async def one(http: httpx.AsyncClient, gate: asyncio.Semaphore, text: str) -> None:
        nonlocal received
        body = {
            "model": "bench",
            "messages": [{"role": "user", "content": text}],
            "max_tokens": 8_192,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        parts = []
        async with gate, http.stream("POST", f"{url}/chat/completions", json=body) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    choices = json.loads(line[6:])["choices"]
                    if choices and (piece := choices[0]["delta"].get("content")):
                        parts.append(piece)
                        received += len(piece)
        counter.replies += 1

    async def run() -> None:
        gate = asyncio.Semaphore(streams)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        async with httpx.AsyncClient(limits=limits, timeout=None, trust_env=False) as http:
            await asyncio.gather(*(one(http, gate, text) for text in texts(count)))

    asyncio.run(run())


def distilabel(counter: Counter, url: str, streams: int, count: int, folder: str) -> None:
    """Ask batch by batch with distilabel's client for OpenAI's API."""
    from distilabel.models import OpenAILLM  # type: ignore[import-not-found,unused-ignore]

    llm = OpenAILLM(model="bench", base_url=url, api_key="none", timeout=3_600, max_retries=0)
    llm.load()
    asked = [[{"role": "user", "content": text}] for text in texts(count)]
    for start in range(0, count, streams):
        batch = asked[start : start + streams]
        counter.replies += len(llm.generate(inputs=batch, max_new_tokens=8_192))


def main() -> None:
    """Run the client that is asked for until it has all replies, or is killed."""
    which, url, streams, count, *rest = sys.argv[1:]
    counter = Counter()
    counter.start()
    CLIENTS[which](counter, url, int(streams), int(count), rest[0] if rest else "")


CLIENTS: dict[str, Callable[[Counter, str, int, int, str], None]] = {
    "ours": ours,
    "httpx": bare_httpx,
    "distilabel": distilabel,
}


if __name__ == "__main__":
    os.environ["NO_PROXY"] = "127.0.0.1"
    main()
