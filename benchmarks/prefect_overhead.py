"""What the Prefect shell costs: the flow against `build-dataset run` on the same questions.

    python benchmarks/prefect_overhead.py --questions 20000 --shards 16 --repeats 3
    REAL_DATA=… python benchmarks/prefect_overhead.py --rehearsal 200000 --repeats 1 --folder DISK

The first makes arithmetic questions, of which no teacher is asked; the second takes those of the
rehearsal with their responses (benchmarks/rehearsal_data.py), which stay in DISK. Both start a
Prefect server of their own on loopback (SQLite), and build the same dataset by turns with the
command and with the flow, each time in a new process and a new folder. One line a figure, with
the ratio of the medians; then the same where everything is up to date. CPU time is of the run's
own processes, the server's is not in it; on a machine with other work it says more than wall
time.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import rehearsal
import rehearsal_data

CONFIG = """
name = "set"
version = "1"
[recipe]
shards = {shards}
[[recipe.sources]]
source = "reasoning_gym"
name = "sums"
count = {questions}
seed = 1
tasks = [{{ task = "chain_sum", weight = 1, options = {{ min_terms = 2, max_terms = 6 }} }}]
[recipe.distill]
rounds = 0
[recipe.decontaminate]
benchmarks = ["package:pipeline/sources/quickstart_data/benchmark.jsonl"]
[runtime]
data = "{folder}/data"
published = "{folder}/published"
workers = {workers}
"""
FLOW = """
import sys
from flows.build import build_dataset
from flows.request import Build
if __name__ == "__main__":
    build_dataset(Build(config=sys.argv[1]))
"""
Cost = tuple[float, float]  # seconds of wall time, and of CPU time
START_S = 120.0  # a server that has not answered by then will not


def main() -> int:
    """Measure and print."""
    given = arguments()
    if given.rehearsal:
        rehearsal_data.write(sources_of(given), given.rehearsal)
    with tempfile.TemporaryDirectory(prefix="prefect-overhead-", dir=given.folder) as name:
        root = Path(name)
        (root / "flow.py").write_text(FLOW)
        ways = {
            "build-dataset run": [sys.executable, "-m", "pipeline", "run"],
            "flow": [sys.executable, str(root / "flow.py")],
        }
        with server(root / "home") as env:
            fresh: dict[str, list[Cost]] = {way: [] for way in ways}
            again: dict[str, list[Cost]] = {way: [] for way in ways}
            for repeat in range(given.repeats):
                for place, (way, command) in enumerate(ways.items()):
                    folder = root / f"{repeat}-{place}"
                    config = write(folder, given)
                    fresh[way].append(measured([*command, config], env))
                    again[way].append(measured([*command, config], env))
                    shutil.rmtree(folder)  # gigabytes, of which one at a time is enough
    print(f"{given.rehearsal or given.questions:,} questions, {given.workers} workers")
    report("fresh", fresh)
    report("up to date", again)
    return 0


def arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=20_000)
    parser.add_argument("--shards", type=int, default=16)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rehearsal", type=int, default=0, metavar="ROWS")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    return parser.parse_args()


def sources_of(given: argparse.Namespace) -> Path:
    """Return where the rehearsal's sources lie, as benchmarks/rehearsal.py has them."""
    return Path(given.folder.resolve() / str(given.rehearsal) / "sources")


def write(folder: Path, given: argparse.Namespace) -> str:
    """Write the configuration of one build to a folder of its own."""
    folder.mkdir()
    path = folder / "set.toml"
    if given.rehearsal:
        benchmarks = rehearsal.all_benchmarks()
        rows, sources = given.rehearsal, sources_of(given)
        path.write_text(rehearsal.config_text(sources, folder, rows, given.workers, benchmarks))
        return str(path)
    values = {"questions": given.questions, "shards": given.shards, "workers": given.workers}
    path.write_text(CONFIG.format(folder=folder, **values))
    return str(path)


@contextmanager
def server(home: Path) -> Iterator[dict[str, str]]:
    """Start a server; yields the environment of its clients."""
    home.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    url = f"http://127.0.0.1:{port}/api"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    env = kept | {"PREFECT_HOME": str(home), "PREFECT_API_URL": url, "DO_NOT_TRACK": "1"}
    env |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-m", "prefect", "server", "start", "--no-ui"]
    options = ["--host", "127.0.0.1", "--port", port]
    with Path(os.devnull).open("wb") as nowhere:
        process = subprocess.Popen([*command, *options], env=env, stdout=nowhere, stderr=nowhere)
    try:
        wait_for(url)
        yield env
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str) -> None:
    """Wait until a server answers."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            if httpx.get(url + "/health").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise TimeoutError(f"{url}: the server does not start")


def measured(command: list[str], env: dict[str, str]) -> Cost:
    """Run a program to its end; returns seconds of wall time and of its processes' CPU time."""
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stderr[-3_000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - start, cpu


def report(what: str, found: dict[str, list[Cost]]) -> None:
    """Print the medians, each with its ratio to the first's."""
    for place, unit in enumerate(("wall", "CPU")):
        first = statistics.median(cost[place] for cost in next(iter(found.values())))
        for way, costs in found.items():
            times = [cost[place] for cost in costs]
            median = statistics.median(times)
            spread = f"({min(times):.1f} to {max(times):.1f})"
            ratio = f"x{median / first:.3f}  {median - first:+.1f} s"
            print(f"{what:<11} {unit:<5} {way:<18} {median:8.1f} s {spread:<18} {ratio}")


if __name__ == "__main__":
    sys.exit(main())
