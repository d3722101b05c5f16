"""The stand-alone commands stopped in the middle: nothing half-written, and run again they work."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

BEFORE = b"what was there before\n"
ITEM = "Twelve candles burn on a cake, and the wind puts out a third of them. How many still burn?"
COMMANDS = ("deduplicate", "decontaminate")
ROWS = 400
# Stops itself while the 200th line is being written: what a signal from outside would do there.
STOPPED = """
import os, sys
from pipeline import rowfile
from pipeline.__main__ import main

write, written = rowfile._line, 0

def line(row):
    global written
    written += 1
    if written == 200:
        os.kill(os.getpid(), int(sys.argv[1]))
    return write(row)

rowfile._line = line
sys.exit(main(sys.argv[2:]))
"""


def arguments(name: str, folder: Path) -> list[str]:
    """Return a command that writes a line for almost every row, and needs no encoder."""
    rows = [{"id": f"q{k:03}", "text": ITEM} for k in range(ROWS)]
    source, items = folder / "in.jsonl", folder / "bench.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    items.write_text(json.dumps({"id": "i", "question": ITEM}) + "\n", encoding="utf-8")
    rest = ["--exact"]
    if name == "decontaminate":
        rest = ["--benchmarks", str(items), "--no-semantic"]
    return [name, str(source), str(folder / "out.jsonl"), *rest]


def stopped(name: str, folder: Path, by: signal.Signals) -> subprocess.CompletedProcess[bytes]:
    (folder / "out.jsonl").write_bytes(BEFORE)
    command = [sys.executable, "-c", STOPPED, str(int(by)), *arguments(name, folder)]
    return subprocess.run(command, capture_output=True, check=False)


def whole(name: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pipeline", *arguments(name, folder)]
    return subprocess.run(command, capture_output=True, check=False)


def rows_of(folder: Path) -> int:
    text = (folder / "out.jsonl").read_text(encoding="utf-8")
    return len([json.loads(line) for line in text.splitlines()])


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_it_leaves_what_was_there_and_the_next_run_clears_up(
    name: str, tmp_path: Path
) -> None:
    assert stopped(name, tmp_path, signal.SIGKILL).returncode == -signal.SIGKILL
    assert (tmp_path / "out.jsonl").read_bytes() == BEFORE
    assert list(tmp_path.glob(".out.jsonl.*.tmp"))
    assert whole(name, tmp_path).returncode == 0
    assert rows_of(tmp_path) >= ROWS - 1
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize("name", COMMANDS)
def test_by_ctrl_c_it_ends_with_130_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    assert stopped(name, tmp_path, signal.SIGINT).returncode == 130
    assert (tmp_path / "out.jsonl").read_bytes() == BEFORE
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_named_and_leaves_what_was_there(name: str, tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_bytes(BEFORE)
    given = arguments(name, tmp_path)
    command = [sys.executable, "-m", "pipeline", *given]
    small = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (4_096, 4_096))
    done = subprocess.run(command, capture_output=True, check=False, preexec_fn=small)
    assert done.returncode not in (0, 130)
    assert b"cannot be written" in done.stderr
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "out.jsonl").read_bytes() == BEFORE
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize("name", COMMANDS)
def test_two_at_once_on_one_file_give_a_whole_one(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline", *arguments(name, tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert rows_of(tmp_path) >= ROWS - 1
    assert not list(tmp_path.glob(".out*"))


# Stops itself in the middle of an index, or where its place is empty: the old one is moved away.
STOPPED_INDEX = """
import os, signal, sys
from pathlib import Path
from pipeline import textindex
from pipeline.__main__ import main

def stop(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[1] == "writing":
    textindex.np.save = stop
else:
    rename = Path.rename
    Path.rename = lambda self, to: stop() if self.name.endswith(".tmp") else rename(self, to)
sys.exit(main(sys.argv[2:]))
"""


def saved(folder: Path, texts: dict[str, str]) -> list[str]:
    """Return a command that keeps rows of these texts as an index."""
    rows = [{"id": id, "text": text} for id, text in texts.items()]
    source = folder / "index.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    given = [str(source), str(folder / "out.jsonl"), "--exact", "--save-index"]
    return ["deduplicate", *given, str(folder / "seen")]


def repeated(folder: Path) -> list[str]:
    """Return which of two texts the index in a folder has."""
    rows = [{"id": "x", "text": "Name a river."}, {"id": "y", "text": "Name a lake."}]
    source = folder / "batch.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    given = [str(source), str(folder / "out.jsonl"), "--exact", "--against", str(folder / "seen")]
    subprocess.run([sys.executable, "-m", "pipeline", "deduplicate", *given], check=True)
    return [json.loads(line)["id"] for line in (folder / "out.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("moment", ["writing", "replacing"])
def test_an_index_whose_writer_was_killed_stays_what_it_was_and_the_next_one_clears_up(
    moment: str, tmp_path: Path
) -> None:
    program = [sys.executable, "-m", "pipeline"]
    subprocess.run([*program, *saved(tmp_path, {"a": "Name a river."})], check=True)
    more = saved(tmp_path, {"b": "Name a lake."})
    killed = subprocess.run([sys.executable, "-c", STOPPED_INDEX, moment, *more], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(tmp_path.glob(".seen.*.tmp"))
    assert repeated(tmp_path) == ["x"]
    subprocess.run([*program, *more], check=True)
    assert repeated(tmp_path) == ["y"]
    assert not list(tmp_path.glob(".seen*"))
