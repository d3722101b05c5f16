"""How much of what a server offers does a client take, and at what cost?

    python benchmarks/fleet_overhead.py [--streams 2000] [--tokens 4096] [--seconds 200]
        [--limit 10000] [--clients ours,httpx] [--peer curator=/tmp/curator/bin/python …]

One client after the other asks `--limit` questions of a server that streams `--streams` replies
of about `--tokens` tokens at once, 30 tokens a second each, in events of 16. Prints for each the
tokens a second that the client had received, as a share of the streams × 30 that were offered,
from the moment at which all streams were open, or 30 s; its cores (processor seconds a second)
and its memory at the most; and the ratios to the bare asyncio + httpx loop. `late` is the worst
delay of the server itself: above a period (533 ms) the machine is too busy to say anything.
Of ours, `on disk` is the longest that a reply waited between its last byte and being durable.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent
RATE, EVENT, CHARS = 30.0, 16, 4
WARM_UP_S = 30.0  # for opening all streams; the window begins then in any case


@dataclass(frozen=True, slots=True)
class Figures:
    """What one client did in the window; `full_after_s` is how long it took to open them all."""

    share: float
    cores: float
    peak_mb: float
    full_after_s: float
    most_streams: int
    late_ms: float
    seconds: float
    replies: int
    kept_ms: float


def measure(name: str, given: argparse.Namespace) -> Figures | None:
    """Run a server and a client; None where the client had nothing to show."""
    options = ["--rate", str(RATE), "--event", str(EVENT), "--tokens", str(given.tokens)]
    server = _start([sys.executable, str(HERE / "fleet_server.py"), *options])
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    python = dict(peer.split("=", 1) for peer in given.peer).get(name, sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        asked = [str(given.streams), str(given.limit), folder]
        with (Path(folder) / "stderr").open("w+") as said:  # peers write megabytes of progress
            command = [python, str(HERE / "fleet_clients.py"), name, url, *asked]
            client = _start(command, said)
            try:
                found = _watch(client, url, given)
            finally:
                for process in (client, server):
                    process.kill()
                    process.communicate()
            said.seek(0)
            if found is None:
                print(said.read()[-2_000:], file=sys.stderr)
            return found


def _start(command: list[str], stderr: IO[str] | None = None) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=stderr, text=True)


def _watch(client: subprocess.Popen[str], url: str, given: argparse.Namespace) -> Figures | None:
    """Follow both until the window is over, or too few questions are left."""
    began, late, most, kept = time.monotonic(), 0.0, 0, 0.0
    first: tuple[dict[str, Any], dict[str, Any]] | None = None
    last, full_after = first, 0.0
    assert client.stdout is not None
    for line in client.stdout:
        if not line.startswith('{"time"'):  # peers print what they like
            continue
        now, there = json.loads(line), _stats(url)
        full_after = time.monotonic() - began if first is None else full_after
        most = max(most, there["streams"])
        if first is None:
            if there["streams"] >= 0.99 * given.streams or full_after > WARM_UP_S:
                first = (now, there)
            continue
        if given.limit - there["replies"] < given.streams:
            break
        late, last = max(late, there["late_ms"]), (now, there)
        kept = max(kept, now["kept_ms"])
        if now["time"] - first[0]["time"] >= given.seconds:
            break
    if first is None or last is None:
        return None
    return _figures(first, last, given.streams, full_after, late, most, kept)


def _figures(
    first: tuple[dict[str, Any], dict[str, Any]],
    last: tuple[dict[str, Any], dict[str, Any]],
    streams: int,
    full_after: float,
    late: float,
    most: int,
    kept: float,
) -> Figures:
    """Compare two moments; a client that takes no stream is taken to have what was sent."""
    (now, there), (then, before) = last, first
    seconds = now["time"] - then["time"]
    received = (now["chars"] - then["chars"]) / CHARS
    tokens = received if now["chars"] else there["sent"] - before["sent"]
    return Figures(
        share=tokens / seconds / (streams * RATE),
        cores=(now["cpu_s"] - then["cpu_s"]) / seconds,
        peak_mb=now["peak_mb"],
        full_after_s=full_after,
        most_streams=most,
        late_ms=late,
        seconds=seconds,
        replies=there["replies"] - before["replies"],
        kept_ms=kept,
    )


def _stats(url: str) -> dict[str, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url.removesuffix("/v1") + "/stats", timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def main() -> int:
    """Measure each client and print its line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=2_000)
    parser.add_argument("--tokens", type=int, default=4_096)
    parser.add_argument("--seconds", type=float, default=200.0, help="of the window, at most")
    parser.add_argument("--limit", type=int, default=10_000, help="questions")
    parser.add_argument("--clients", default="ours,httpx")
    parser.add_argument(
        "--peer", nargs="*", default=[], help="NAME=PYTHON: the Python that has a peer installed"
    )
    given = parser.parse_args()
    found: dict[str, Figures] = {}
    for name in given.clients.split(","):
        figures = measure(name, given)
        if figures is None:
            print(f"{name:<12} ended before it could be measured")
            continue
        found[name] = figures
        print(_line(name, figures, found.get("httpx")), flush=True)
    if "ours" in found and "httpx" in found:
        print(_line("ours", found["ours"], found["httpx"]))
    return 0 if "ours" in found else 1


def _line(name: str, of: Figures, base: Figures | None) -> str:
    ratio = ""
    if base is not None and base is not of:
        ratio = f"   to httpx: share {of.share / base.share:.2f}, cores {of.cores / base.cores:.2f}"
    return (
        f"{name:<12} share {of.share:.3f}   {of.cores:.2f} cores   {of.peak_mb:.0f} MB at most"
        f"   {of.replies:,} replies in {of.seconds:.0f} s, {of.most_streams:,} streams open"
        f" after {of.full_after_s:.1f} s   late {of.late_ms:.0f} ms"
        f"{f'   on disk within {of.kept_ms:.0f} ms of its arrival' if of.kept_ms else ''}{ratio}"
    )


if __name__ == "__main__":
    sys.exit(main())
