"""A teacher for tests: a small HTTP server that speaks OpenAI's completions and chat.

As a process, which ends when its standard input does (so give it a pipe, not /dev/null)::

    python -m tests.loopback_teacher --port 0 --log requests.jsonl --replies rules.jsonl

Its first line of output is its URL. In a test::

    with loopback_teacher(faults=[{"fault": "429", "tries": 1}]) as server:
        ... server.url ...
        assert server.answered() == {...}

A line of the log, written when the request is over::

    {"number": 3, "hash": "9f…", "time": 17…, "done": 17…, "path": "/v1/completions",
     "keyed": false, "answered": "reply", "body": {...}}

`answered` is "reply", a status, the name of a fault, or "gone" where the client left before
its reply. Two lines "reply" with one hash are a reply paid for twice. A client that leaves
at the very moment at which its reply is written is not told from one that got it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.loopback_replies import Rule, answer_to, body_hash, events_of, find_fault

PATHS = ("/v1/chat/completions", "/v1/completions")
GARBAGE = b'{"choices": [{"text": "half a'
EMPTY = b'{"object": "text_completion"}'
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Server:
    """The server; `url` is there once it listens."""

    def __init__(
        self,
        replies: Sequence[Rule] = (),
        faults: Sequence[Rule] = (),
        delay: float = 0.0,
        log: Path | None = None,
    ) -> None:
        self.url = ""
        self.metrics = ""  # what /metrics says; set it at any time
        self.looked_at = 0  # how often /metrics was asked for
        self.in_flight = self.most_in_flight = self.connections = 0
        self._replies, self._faults, self._delay = replies, faults, delay
        self._log = log.open("a", encoding="utf-8") if log else None
        self._lines: list[dict[str, Any]] = []
        self._tries: Counter[str] = Counter()
        self._arrived = 0
        self._open: set[asyncio.Task[None]] = set()

    def requests(self) -> list[dict[str, Any]]:
        """The lines of the log so far."""
        return list(self._lines)

    def answered(self) -> Counter[str]:
        """How often each kind of answer was given."""
        return Counter(line["answered"] for line in self.requests())

    def arrived(self) -> int:
        """How many requests have come in, those in flight included."""
        return self._arrived

    async def run(self, port: int, ready: threading.Event, halt: asyncio.Event) -> None:
        """Serve until told to halt."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await halt.wait()
        server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        if self._log:
            self._log.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        try:
            while await self._exchange((reader, writer)):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has left, or the server halts
        finally:
            writer.transport.abort()
            self._open.discard(task)

    async def _exchange(self, streams: Streams) -> bool:
        """Answer one request; False ends the connection."""
        head = (await streams[0].readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        path = head.split(" ", 2)[1]
        length = int(head.partition("content-length:")[2].partition("\r\n")[0] or 0)
        body = json.loads(await streams[0].readexactly(length) or b"{}")
        if path == "/metrics":  # no request: neither counted nor logged
            self.looked_at += 1
            await _send(streams, "200 OK" if self.metrics else "404 None", self.metrics.encode())
            return True
        number, self._arrived = self._arrived, self._arrived + 1
        line = {"number": number, "hash": body_hash(body), "time": time.time(), "path": path}
        line |= {"keyed": "\r\nauthorization:" in head, "body": body, "answered": "gone"}
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            line["answered"] = await self._answer(streams, line)
        finally:
            self.in_flight -= 1
            self._write_line(line)
        return line["answered"] not in ("reset", "half", "gone", "silence", "stall")

    async def _answer(self, streams: Streams, line: Mapping[str, Any]) -> str:
        if line["path"] not in PATHS:
            return await _status(streams, "404", {})
        tries = self._tries[line["hash"]]
        self._tries[line["hash"]] += 1
        rule = find_fault(self._faults, line["body"], line["number"], tries)
        fault = rule.get("fault", "")
        if fault in ("silence", "pause"):  # a "pause" ends with a reply
            wait = rule.get("seconds", 1.0) if fault == "pause" else None
        else:
            wait = self._delay
        if not await _still_there(streams[0], wait):
            return "silence" if fault == "silence" else "gone"
        if fault.isdigit():
            return await _status(streams, fault, rule)
        answer = answer_to(self._replies, line["body"])
        if line["body"].get("stream"):
            return await _stream(streams, rule, events_of(answer))
        return await _misbehave(streams, fault, json.dumps(answer).encode())

    def _write_line(self, line: dict[str, Any]) -> None:
        line["done"] = time.time()
        self._lines.append(line)
        if self._log:
            self._log.write(json.dumps(line) + "\n")
            self._log.flush()


async def _still_there(reader: asyncio.StreamReader, seconds: float | None) -> bool:
    """Wait, for ever with None; tell whether the client has stayed."""
    if seconds == 0:
        return not reader.at_eof()
    try:
        async with asyncio.timeout(seconds):
            await reader.read(1)  # a client sends nothing before it has its answer
    except TimeoutError:
        return True
    return False


async def _misbehave(streams: Streams, fault: str, whole: bytes) -> str:
    """Send the reply, or what the fault makes of it."""
    if fault == "reset":
        streams[1].transport.abort()
    elif fault == "half":
        await _send(streams, "200 OK", whole[: len(whole) // 2], length=len(whole))
    elif fault in ("garbage", "empty"):
        await _send(streams, "200 OK", GARBAGE if fault == "garbage" else EMPTY)
    else:
        await _send(streams, "200 OK", whole)
        return "reply"
    return fault


async def _stream(streams: Streams, rule: Rule, events: Sequence[bytes]) -> str:
    """Send the reply event by event, or what the fault makes of it."""
    reader, writer = streams
    fault: str = rule.get("fault", "")
    if fault == "reset":
        writer.transport.abort()
        return fault
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    writer.write(head.encode())
    if fault in ("garbage", "empty"):
        events = [b"data: " + (GARBAGE if fault == "garbage" else EMPTY) + b"\n\n"]
    broken = fault in ("half", "stall")
    for event in events[: len(events) // 2] if broken else events:
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
    await writer.drain()
    if broken:
        if fault == "stall":
            await _still_there(reader, None)
        return fault
    if fault == "linger":
        await _still_there(reader, rule["seconds"])
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return fault if fault in ("garbage", "empty") else "reply"


async def _status(streams: Streams, status: str, rule: Rule) -> str:
    message = rule.get("message", f"the loopback teacher was told to answer {status}")
    body = json.dumps({"error": {"message": message, "code": int(status)}}).encode()
    wait = rule.get("retry_after")
    extra = f"Retry-After: {wait}\r\n" if wait is not None else ""
    await _send(streams, f"{status} As Planned", body, extra)
    return status


async def _send(
    streams: Streams, status: str, body: bytes, extra: str = "", length: int | None = None
) -> None:
    length = len(body) if length is None else length
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{extra}"
        f"Content-Length: {length}\r\n\r\n"
    )
    streams[1].write(head.encode("latin-1") + body)
    await streams[1].drain()


@contextmanager
def loopback_teacher(
    *,
    replies: Sequence[Rule] = (),
    faults: Sequence[Rule] = (),
    delay: float = 0.0,
    log: Path | None = None,
    port: int = 0,
) -> Iterator[Server]:
    """Serve from a thread of this process for the length of a `with` block."""
    server = Server(replies, faults, delay, log)
    ready, halt = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(
        target=loop.run_until_complete, args=[server.run(port, ready, halt)], name="loopback"
    )
    thread.start()
    try:
        assert ready.wait(10), "the loopback teacher does not start"
        yield server
    finally:
        loop.call_soon_threadsafe(halt.set)
        thread.join()
        loop.close()


def main() -> None:
    """Serve as a process of its own until standard input ends."""
    # A client that was killed leaves sockets; writing to them is no news.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description="a teacher for tests")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--log", type=Path, help="JSONL, one line for each request")
    parser.add_argument("--replies", type=Path, help="JSONL of rules (tests/loopback_replies.py)")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--faults", type=Path, help="JSON list of rules")
    given = parser.parse_args()
    lines = given.replies.read_text(encoding="utf-8").splitlines() if given.replies else []
    replies = [json.loads(line) for line in lines if line.strip()]
    faults = json.loads(given.faults.read_text(encoding="utf-8")) if given.faults else []
    options = {"replies": replies, "faults": faults, "delay": given.delay, "log": given.log}
    with suppress(KeyboardInterrupt), loopback_teacher(**options, port=given.port) as server:
        print(server.url, flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
