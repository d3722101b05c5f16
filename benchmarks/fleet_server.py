"""A server that streams thousands of replies at once and costs little itself.

    python benchmarks/fleet_server.py [--rate 30] [--event 16] [--tokens 4096]

Its first line of output is its base URL; it ends when its standard input does. Every reply is a
stream of events of `--event` tokens (each four characters) at `--rate` tokens a second, between
half and one and a half times `--tokens` long, by the hash of the question. A request that does
not ask for a stream gets the same in one piece, after the same time. `GET /stats` says::

    {"streams": 2000, "sent": 8123456, "late_ms": 3.1, "cpu_s": 4.2, "replies": 310}

`late_ms` is the worst delay of an event in the last second: where it grows, the server itself
is short of processor time, and what is measured against it says nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import zlib
from collections import deque

TICKS = 100  # an event's period is cut into so many
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: str) -> bytes:
    """Return an event as a chunk of HTTP."""
    event = f"data: {data}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(event), event)


class Bench:
    """All streams, in as many buckets as there are ticks in a period."""

    def __init__(self, rate: float, event: int, tokens: int) -> None:
        self.event, self.tokens = event, tokens
        self.tick_s = event / rate / TICKS
        self.buckets: list[dict[Connection, int]] = [{} for _ in range(TICKS)]
        self.place = 0
        self.sent = self.replies = self.streams = 0
        self.late: deque[float] = deque([0.0], maxlen=int(1 / self.tick_s) + 1)
        delta = {"choices": [{"index": 0, "delta": {"content": "tok " * event}}]}
        self.piece = chunk(json.dumps(delta))

    def length(self, body: bytes) -> int:
        """Return how many events the reply to a question has."""
        share = 0.5 + (zlib.crc32(body) % 1_000) / 1_000
        return max(1, round(self.tokens * share / self.event))

    def last(self, events: int) -> bytes:
        """Return what ends a reply."""
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        usage = {"prompt_tokens": 9, "completion_tokens": events * self.event}
        parts = [chunk(json.dumps(end)), chunk(json.dumps({"choices": [], "usage": usage}))]
        return b"".join([*parts, chunk("[DONE]"), b"0\r\n\r\n"])

    def whole(self, events: int) -> bytes:
        """Return a reply in one piece."""
        tokens = events * self.event
        message = {"role": "assistant", "content": "tok " * tokens}
        answer = {
            "id": "bench",
            "object": "chat.completion",
            "created": 0,
            "model": "bench",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": tokens, "total_tokens": 9 + tokens},
        }
        content = json.dumps(answer).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        return head + b"Content-Length: %d\r\n\r\n%b" % (len(content), content)

    def begin(self, connection: Connection, events: int) -> None:
        """Start a stream; its first event comes a period later."""
        self.streams += 1
        self.buckets[self.place][connection] = events
        connection.bucket = self.place

    def drop(self, connection: Connection) -> None:
        """Forget a stream whose client has left."""
        if self.buckets[connection.bucket].pop(connection, None) is not None:
            self.streams -= 1

    async def run(self) -> None:
        """Send what is due, tick after tick."""
        due = time.monotonic()
        while True:
            due += self.tick_s
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            self.late.append(time.monotonic() - due)
            self.place = (self.place + 1) % TICKS
            self._send(self.buckets[self.place])
            if self.late[-1] > 0:
                await asyncio.sleep(0)

    def _send(self, bucket: dict[Connection, int]) -> None:
        for connection, left in list(bucket.items()):
            self.sent += self.event
            if left > 1:
                bucket[connection] = left - 1
                if connection.streams:
                    connection.transport.write(self.piece)
                continue
            del bucket[connection]
            self.streams -= 1
            self.replies += 1
            if connection.streams:
                connection.transport.write(self.piece + self.last(connection.events))
            else:
                connection.transport.write(self.whole(connection.events))
            if connection.closes:
                connection.transport.close()

    def stats(self) -> bytes:
        """Return the figures as JSON."""
        figures = {
            "streams": self.streams,
            "sent": self.sent,
            "late_ms": round(1e3 * max(self.late), 1),
            "cpu_s": round(time.process_time(), 2),
            "replies": self.replies,
        }
        return json.dumps(figures).encode()


class Connection(asyncio.Protocol):
    """One connection; one request at a time, which is all that a client of HTTP/1.1 sends."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.transport: asyncio.Transport
        self.bucket = self.events = 0
        self.streams = True
        self.closes = False
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.bench.drop(self)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(rest) < length:
            return
        self.buffer = rest[length:]
        self.closes = b"connection: close" in head.lower()
        self._answer(head.split(b" ", 2)[1], rest[:length])

    def _answer(self, path: bytes, body: bytes) -> None:
        if path.endswith(b"/completions"):
            self.events = self.bench.length(body)
            self.streams = bool(json.loads(body).get("stream"))
            if self.streams:
                self.transport.write(HEAD)
            self.bench.begin(self, self.events)
            return
        known = {b"/stats": self.bench.stats(), b"/v1/models": b'{"data": [{"id": "bench"}]}'}
        content = known.get(path, b"{}")
        status = b"200 OK" if path in known else b"404 Not Found"
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\n" % status
        self.transport.write(head + b"Content-Length: %d\r\n\r\n%b" % (len(content), content))


async def serve(given: argparse.Namespace) -> None:
    """Serve until standard input ends."""
    bench = Bench(given.rate, given.event, given.tokens)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(bench), "127.0.0.1", 0, backlog=4_096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    running = asyncio.create_task(bench.run())
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    running.cancel()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=30.0, help="tokens a second, of each reply")
    parser.add_argument("--event", type=int, default=16, help="tokens in an event")
    parser.add_argument("--tokens", type=int, default=4_096, help="of a reply, on average")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
