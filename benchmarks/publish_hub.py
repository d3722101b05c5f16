"""Publishes 3 GB in 12 files to a Hub on loopback that fails, and reads them back as a user would.

    python benchmarks/publish_hub.py --mb 3000

The Hub is tests/loopback_hub.py; its client and `datasets` are the real ones. Every fifth call gets
a 500, every seventh upload a 429 with Retry-After, every eleventh loses its connection, and the
publishing process is killed (SIGKILL) as soon as a third of the files is there. It is started
again until it ends well. Then: a second publication, one with a changed row, and all rows read by
`load_dataset`, streaming and not, against the rows of the store (a hash of each conversation).

Texts are random letters, which hardly compress, so that 3 GB of files are 4 GB of rows. The
baseline is `HfApi().upload_folder` by itself to a Hub that never fails, in the same run. Takes
12 GB of disk, of which nothing is left.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from publish_speed import configuration
from traced_version import fill

from pipeline.publish import publish_folder
from pipeline.published import published_rows
from pipeline.records import Example
from pipeline.store import Origin, Store

sys.path.append(str(Path(__file__).resolve().parent.parent))
from tests.loopback_hub import Fault, LoopbackHub, wait_until

REPO = "org/made_up"
SHARDS = 24
TEXT = 24_000  # characters of a response: with its copy 48 KB a row
LETTERS = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '<>\\"')
PUBLISH = """
import sys
from pathlib import Path
from pipeline.config import load_config
from pipeline.hub import Patience, publish_hub
publish_hub(load_config("quickstart"), Path(sys.argv[1]), sys.argv[2], patience=Patience(40, 0.1))
"""
PLAIN = """
import sys
from huggingface_hub import HfApi
HfApi().create_repo(sys.argv[2], repo_type="dataset")
HfApi().upload_folder(repo_id=sys.argv[2], repo_type="dataset", folder_path=sys.argv[1])
"""
READ = """
import hashlib, json, sys
from datasets import load_dataset
rows = load_dataset(sys.argv[2], "open_source", split="train", streaming=sys.argv[1] == "stream")
for row in rows:
    text = json.dumps(row["messages"], sort_keys=True)
    print(row["id"], hashlib.sha256(text.encode()).hexdigest())
"""


def hostile() -> list[Fault]:
    """Return what goes wrong at the Hub."""
    return [
        Fault("/", 500, every=5),
        Fault("/lfs/", 429, every=7, method="PUT", retry_after="1"),
        Fault("/lfs/", 0, every=11, method="PUT"),
    ]


def environment(hub: LoopbackHub, home: Path) -> Mapping[str, str]:
    """Return the environment in which the Hub's client asks this Hub."""
    told = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_TOKEN": "hf_made_up"}
    quiet = {"HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    return {**os.environ, **told, **quiet, "HF_HUB_DISABLE_XET": "1", "no_proxy": "127.0.0.1"}


def start(program: str, env: Mapping[str, str], *arguments: object) -> subprocess.Popen[str]:
    """Start a program of its own."""
    command = [sys.executable, "-W", "ignore", "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, env=env, text=True, stderr=subprocess.PIPE)


def plain_upload(folder: Path, root: Path) -> float:
    """Return the seconds of a plain upload to a Hub that never fails; its files are deleted."""
    with LoopbackHub(root / "quiet", part_bytes=32 << 20) as hub:
        began = time.monotonic()
        process = start(PLAIN, environment(hub, root / "home"), folder, REPO)
        _, told = process.communicate()
        seconds = time.monotonic() - began
    shutil.rmtree(root / "quiet")
    if process.returncode:
        raise SystemExit(told)
    return seconds


def publish_through(hub: LoopbackHub, folder: Path, root: Path) -> tuple[float, int, int]:
    """Publish with one kill; returns seconds, how often it was started, and files at the kill."""
    env, began, starts, at_kill = environment(hub, root / "home"), time.monotonic(), 1, 0
    process = start(PUBLISH, env, folder, REPO)
    third = max(1, len(list(folder.glob("*/*.parquet"))) // 3)
    wait_until(lambda: len(large(hub, hub.uploaded)) >= third, seconds=600)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    at_kill = len(large(hub, hub.uploaded))
    while True:
        starts += 1
        process = start(PUBLISH, env, folder, REPO)
        _, told = process.communicate()
        if process.returncode == 0:
            return time.monotonic() - began, starts, at_kill
        print(told.splitlines()[-1], file=sys.stderr, flush=True)


def large(hub: LoopbackHub, uploaded: list[str]) -> list[float]:
    """Return the sizes in MB of what went up and is no picture."""
    sizes = (hub.blob(oid).stat().st_size / 1e6 for oid in list(uploaded))
    return [size for size in sizes if size > 1]


def digests(store: Store) -> Iterator[tuple[str, str]]:
    """Yield each row's id with the hash of its conversation."""
    for shard in range(store.shards):
        for row in published_rows(store, shard, ["id", "messages"]):
            text = json.dumps(row["messages"], sort_keys=True)
            yield row["id"], hashlib.sha256(text.encode()).hexdigest()


def read_back(hub: LoopbackHub, how: str, root: Path) -> list[tuple[str, str]]:
    """Return what `load_dataset` sees."""
    command = [sys.executable, "-W", "ignore", "-c", READ, how, REPO]
    env = environment(hub, root / "home")
    done = subprocess.run(command, env=env, text=True, stdout=subprocess.PIPE, check=True)
    shutil.rmtree(root / "home", ignore_errors=True)
    lines = (line.split() for line in done.stdout.splitlines())
    return sorted((id, digest) for id, digest in lines)


def change_a_row(store: Store) -> None:
    """Let one published row of the middle shard have another pass rate."""
    shard = store.shards // 2
    rows = store.read("examples", shard).to_pylist()
    rows[0]["pass_rate"] = 0.25
    changed = [Example(**row) for row in rows]
    store.write("examples", shard, Example.to_table(changed), Origin({}, {}), {}, 0.0)


def made_folder(store: Store, folder: Path) -> None:
    """Publish to a folder in a process of its own, whose memory ends with it."""
    process = multiprocessing.get_context("spawn").Process(target=_publish, args=(store, folder))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit("publishing to the folder failed")


def _publish(store: Store, folder: Path) -> None:
    found = configuration(store.root)
    publish_folder(found, store, folder)


def random_texts(count: int) -> list[str]:
    """Return responses of random letters."""
    dice = random.Random(0)
    return [f"{''.join(dice.choices(LETTERS, k=TEXT))}</think>four" for _ in range(count)]


def gigabytes(folder: Path) -> float:
    """Return the size of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e9


def run(root: Path, megabytes: int) -> None:
    """Take all steps and print a line for each."""
    store, folder = Store(root / "data", "made_up", "1", SHARDS), root / "published"
    fill(store, megabytes * 1_000_000 // (2 * TEXT * 4 // 5), random_texts(2_000))
    made_folder(store, folder)
    files = sorted(folder.glob("*/*.parquet"))
    print(f"{gigabytes(folder):.2f} GB in {len(files)} Parquet files", flush=True)
    base = plain_upload(folder, root)
    print(f"baseline: upload_folder, no faults  {base:,.1f} s", flush=True)
    with LoopbackHub(root / "hub", part_bytes=32 << 20) as hub:
        hub.faults = hostile()
        seconds, starts, at_kill = publish_through(hub, folder, root)
        hits = "/".join(str(fault.hits) for fault in hub.faults)
        print(
            f"faults and a kill  {seconds:,.1f} s, {base / seconds:.2f} of the baseline's rate,"
            f" {starts} starts, killed when {at_kill} files were there,"
            f" {len(large(hub, hub.uploaded))} went up,"
            f" faults {hits}",
            flush=True,
        )
        if len(hub.uploaded) != len(set(hub.uploaded)):
            raise SystemExit("a file went up twice")
        again(hub, store, folder, root)
        hub.faults = []  # what reads is not ours, and gives up early
        expected = sorted(digests(store))
        shutil.rmtree(store.root)
        shutil.rmtree(folder)
        for how in ("stream", "download"):
            began = time.monotonic()
            same = read_back(hub, how, root) == expected
            took = time.monotonic() - began
            print(f"{how:<9} {len(expected):,} rows, equal: {same}  {took:,.1f} s", flush=True)
            if not same:
                raise SystemExit("load_dataset sees other rows than the store has")


def again(hub: LoopbackHub, store: Store, folder: Path, root: Path) -> None:
    """Publish the same again, then with one changed row."""
    env = environment(hub, root / "home")
    for files, what in enumerate(("nothing changed", "one row changed")):
        if files:
            change_a_row(store)
            made_folder(store, folder)
        before, commits, began = len(hub.uploaded), len(hub.repos[REPO].commits), time.monotonic()
        process = start(PUBLISH, env, folder, REPO)
        _, told = process.communicate()
        if process.returncode:
            raise SystemExit(told)
        sizes = large(hub, hub.uploaded[before:])
        print(
            f"{what}: {len(sizes)} Parquet file(s) went up ({sum(sizes):,.1f} MB),"
            f" {len(hub.repos[REPO].commits) - commits} commit(s)"
            f"  {time.monotonic() - began:,.1f} s",
            flush=True,
        )
        if len(sizes) != files:
            raise SystemExit(f"{files} were to go up")


def main() -> None:
    """Run in a folder that is deleted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=3_000, help="of files, about")
    parser.add_argument("--tmp", type=Path, help="where there is room for four times that")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.tmp) as place:
        run(Path(place), options.mb)


if __name__ == "__main__":
    main()
