"""The clients that benchmarks/fleet_overhead.py compares, each in a process of its own.

    python benchmarks/fleet_clients.py ours|httpx|distilabel|curator|datatrove URL STREAMS QUESTIONS
        FOLDER

Once a second it prints what it has received, and how much processor time and memory it took::

    {"time": 1764000000.1, "chars": 8123456, "cpu_s": 4.2, "peak_mb": 180.3, "replies": 12,
     "kept_ms": 9.1}

`ours` is the pipeline's own client as a run uses it, each reply in the journal before it counts;
`kept_ms` is the longest that one has waited for that so far, from its last byte to its commit.
`httpx` is what one writes first: one client, a semaphore, a coroutine a question, nothing kept.
The others are clients of packages, run by a Python that has one; they ask for no streams:

- `distilabel`, whose pipelines hand a model batches, here as large as there are to be streams;
- `curator` (bespokelabs-curator), which counts tokens with a file from the network before it
  asks anything. Its dependency litellm brings that file along, and it is told so;
- `datatrove`, whose inference runner opens a connection for each request.
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
from importlib import metadata
from pathlib import Path
from typing import Any

EVERY_S = 1.0


class Counter:
    """What a client has received; peers that cannot be looked into only count replies."""

    def __init__(self) -> None:
        self.chars: Callable[[], int] = lambda: 0
        self.replies = 0
        self.kept_ms: Callable[[], float] = lambda: 0.0

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
                "kept_ms": self.kept_ms(),
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

    counter.chars, counter.kept_ms = client.received, lambda: 1e3 * client.kept_within_s()
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


def curator(counter: Counter, url: str, streams: int, count: int, folder: str) -> None:
    """Ask with bespokelabs-curator's client for OpenAI's API."""
    tokenizers = Path(str(metadata.distribution("litellm").locate_file("litellm")))
    os.environ["TIKTOKEN_CACHE_DIR"] = str(tokenizers / "litellm_core_utils" / "tokenizers")
    quiet = ("TELEMETRY_ENABLED", "CURATOR_DISABLE_RICH_DISPLAY", "LITELLM_LOCAL_MODEL_COST_MAP")
    os.environ |= dict(zip(quiet, ("false", "true", "True"), strict=True))
    os.environ["CURATOR_CACHE_DIR"] = folder
    os.environ["OPENAI_API_KEY"] = "none"
    from bespokelabs import curator as peer  # type: ignore[import-not-found,unused-ignore]

    class Question(peer.LLM):  # type: ignore[misc,unused-ignore]
        def prompt(self, row: dict[str, str]) -> str:
            return row["text"]

        def parse(self, row: dict[str, str], response: str) -> dict[str, str]:
            counter.replies += 1
            return {"text": response}

    unlimited = {"max_requests_per_minute": 10**6, "max_tokens_per_minute": 10**10}
    settings = {"base_url": url, "request_timeout": 3_600, "max_retries": 0, **unlimited}
    asking = Question(
        model_name="bench",
        backend="openai",
        backend_params={**settings, "max_concurrent_requests": streams},
        generation_params={"max_tokens": 8_192},
    )
    asking([{"text": text} for text in texts(count)])


def datatrove(counter: Counter, url: str, streams: int, count: int, folder: str) -> None:
    """Ask with datatrove's inference runner, its replies written as JSON lines."""
    from datatrove.data import Document  # type: ignore[import-not-found,unused-ignore]
    from datatrove.pipeline.inference.run_inference import (  # type: ignore[import-not-found,unused-ignore]
        InferenceConfig,
        InferenceRunner,
    )
    from datatrove.pipeline.writers import (  # type: ignore[import-not-found,unused-ignore]
        JsonlWriter,
    )

    async def ask(document: Any, generate: Any) -> Any:
        messages = [{"role": "user", "content": document.text}]
        result = await generate({"messages": messages, "max_tokens": 8_192})
        counter.replies += 1
        return result

    config = InferenceConfig(
        server_type="endpoint",
        endpoint_url=url.removesuffix("/v1"),
        model_name_or_path="bench",
        max_concurrent_generations=streams,
        max_concurrent_documents=streams,
    )
    runner = InferenceRunner(ask, config, output_writer=JsonlWriter(folder, compression=None))
    runner.run((Document(text=text, id=str(n)) for n, text in enumerate(texts(count))), 0, 1)


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
    "curator": curator,
    "datatrove": datatrove,
}


if __name__ == "__main__":
    os.environ["NO_PROXY"] = "127.0.0.1"
    main()
