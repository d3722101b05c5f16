"""A reward model's server for tests: vLLM's API for classification, over a socket.

As a process, which ends when its standard input does::

    python -m tests.loopback_rewards

Its first line of output is its URL. What it gives follows from the answer that it is shown:
``good`` gets five 4s, anything else five 1s, and marks in the text call for faults: ``[429]``,
``[500]``, ``[garbage]`` and ``[cut]`` for the first time only, ``[nan]``, ``[two]`` (outputs),
``[long]`` and ``[refused]`` (refusals), ``[words]`` (no numbers) and ``[silence]`` (no answer)
always.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.request import urlopen

LONG = "This model's maximum context length is 10 tokens. However, you requested 99 tokens."
ROOT = Path(__file__).parent.parent


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[set[str]] = set()
    asked: ClassVar[list[dict[str, Any]]] = []

    def do_GET(self) -> None:
        """Tell what was asked, for the test; vLLM's metrics are not here."""
        found = self.path == "/asked"
        self._send(200 if found else 404, json.dumps(self.asked if found else {}).encode())

    def do_POST(self) -> None:
        """Score a conversation."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/completions" and body.get("prompt_logprobs") == 0:
            self._answer(body["prompt"], body["prompt"] not in self.seen, likely)
            self.seen.add(body["prompt"])
            return
        if self.path != "/classify" or body.get("use_activation") is not False:
            self._send(404, b'{"detail": "Not Found"}')
            return
        text = body["messages"][-1]["content"]
        first = text not in self.seen
        self.seen.add(text)
        self.asked.append({"text": text, "turns": len(body["messages"])})
        self._answer(text, first, scored)

    def _answer(self, text: str, first: bool, made: Callable[[str], dict[str, Any]]) -> None:
        if "[429]" in text and first:
            self._send(429, b'{"error": {"message": "slow down"}}', [("Retry-After", "0.05")])
        elif "[500]" in text and first:
            self._send(500, b'{"error": {"message": "oops"}}')
        elif "[garbage]" in text and first:
            self._send(200, b'{"data": [')
        elif "[cut]" in text and first:
            self.close_connection = True
            self.connection.close()
        elif "[long]" in text:
            self._send(400, json.dumps({"error": {"message": LONG}}).encode())
        elif "[refused]" in text:
            self._send(400, b'{"error": {"message": "not this one"}}')
        elif "[words]" in text:
            self._send(200, b'{"choices": [{"text": "fine"}], "data": "fine"}')
        elif "[silence]" in text:
            self.close_connection = True
            self.rfile.read(1)  # until the client has left
        else:
            self._send(200, json.dumps(made(text)).encode())

    def _send(self, status: int, content: bytes, headers: list[tuple[str, str]] = []) -> None:  # noqa: B006
        self.send_response(status)
        for name, value in [*headers, ("Content-Type", "application/json")]:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def scored(text: str) -> dict[str, Any]:
    """Return the answer about a text."""
    outputs = [4.0 if "good" in text else 1.0] * (2 if "[two]" in text else 5)
    if "[nan]" in text:
        outputs[0] = float("nan")
    data = [{"index": 0, "label": None, "probs": outputs, "num_classes": len(outputs)}]
    usage = {"prompt_tokens": 7, "total_tokens": 7, "completion_tokens": 0}
    return {"id": "classify-1", "object": "list", "model": "small", "data": data, "usage": usage}


def likely(text: str) -> dict[str, Any]:
    """Return the likelihoods of a text's words: -1 of each that is `good`, -9 of any other."""
    words = text.split()
    places = [
        {
            str(place): {
                "logprob": -1.0 if "good" in word else -9.0,
                "rank": 1,
                "decoded_token": word,
            }
        }
        for place, word in enumerate(words)
    ]
    if "[nan]" in text:
        places[-1] = {"7": {"logprob": float("nan")}}
    choice = {"index": 0, "text": "x", "prompt_logprobs": [None, *places[1:]]}
    return {"id": "cmpl-1", "object": "text_completion", "choices": [choice]}


@dataclass(frozen=True, slots=True)
class RewardServer:
    """A running server, as a configuration names it."""

    url: str

    def asked(self) -> list[dict[str, Any]]:
        """Return what was asked so far."""
        with urlopen(self.url.removesuffix("/v1") + "/asked", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found


@contextmanager
def loopback_rewards() -> Iterator[RewardServer]:
    """Run the server in a process of its own."""
    command = [sys.executable, "-m", "tests.loopback_rewards"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield RewardServer(process.stdout.readline().strip())
        finally:
            process.kill()


def main() -> None:
    """Serve until standard input ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
