"""A rehearsal of the whole pipeline but the teacher, at sizes up to 1.4 million questions.

    REAL_DATA=… python benchmarks/rehearsal.py --rows 200000 400000 --folder /big/disk/rehearsal

Makes questions from real ones (benchmarks/rehearsal_data.py), each with a response of real
length, and runs `build-dataset run --only STAGE` for one stage after the other. Prints for
each stage its rows a second, the most memory that the whole process tree had at once (PSS,
looked at twice a second), what its tables and its spills take on disk, and between the smallest
and the largest size the exponents with which time and memory grow. The same command goes on
where an earlier one was stopped, as the pipeline does; the figures of a stage that was stopped
are added up. All sizes share one data folder, so that only the first embeds the benchmarks.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import real_data
import rehearsal_data

STAGES = (
    "collect", "embed", "label", "deduplicate", "decontaminate", "choose", "verify", "select",
    "publish",
)  # fmt: skip
SHARD_ROWS = 10_000  # what docs/scaling.md advises
LOOK_S, DISK_S = 0.5, 5.0
SOURCE = """
[[recipe.sources]]
source = "local_files"
name = "{name}"
licence = "MIT"
revision = "rehearsal"
path = "{path}"
kind = "{kind}"
teacher = "DeepSeek-R1"
[recipe.sources.columns]
prompt = "prompt"
reference_answer = "reference_answer"
test_cases = "test_cases"
response = "response"
"""
CONFIG = """
name = "rehearsal"
version = "{rows}"
[runtime]
data = "{root}/data"
published = "{root}/published"
workers = {workers}
[recipe]
shards = {shards}
[recipe.distill]
rounds = 0
[recipe.decontaminate]
benchmarks = {benchmarks}
"""


@dataclass(slots=True)
class Measured:
    """What a stage took, over all its starts: seconds, processors' seconds, bytes."""

    seconds: float = 0.0
    processors: float = 0.0
    memory: int = 0
    disk: int = 0
    starts: int = 0
    done: bool = False


@dataclass(slots=True)
class Figures:
    """The figures of one size, kept in a file so that they outlive a kill."""

    path: Path
    stages: dict[str, Measured] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Figures:
        found = json.loads(path.read_text()) if path.exists() else {}
        return cls(path, {name: Measured(**one) for name, one in found.items()})

    def save(self) -> None:
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps({name: asdict(one) for name, one in self.stages.items()}))
        temporary.replace(self.path)


def main() -> int:
    given = arguments()
    # Its stages are in sessions of their own: whoever ends this must end them too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended; the same command goes on from here"))
    benchmarks = all_benchmarks()
    found: dict[int, dict[str, Measured]] = {}
    for rows in given.rows:
        folder = given.folder.resolve() / str(rows)
        folder.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        rehearsal_data.write(folder / "sources", rows)
        print(f"{rows:,} rows are there after {time.monotonic() - start:.0f} s", flush=True)
        config = write_config(folder, rows, given.workers, benchmarks)
        figures = Figures.read(folder / "figures.json")
        for stage in STAGES:
            if not (stage in figures.stages and figures.stages[stage].done):
                run_stage(config, stage, folder, figures)
            print(line(stage, rows, figures.stages[stage]), flush=True)
        print(line("all", rows, total(figures.stages)), flush=True)
        found[rows] = {**figures.stages, "all": total(figures.stages)}
    if len(found) > 1:
        print_growth(min(found), max(found), found)
    return 0


def all_benchmarks() -> list[Path]:
    return sorted((real_data.folder() / "benchmarks").glob("*.parquet"))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", "--limit", type=int, nargs="+", default=[5_000, 20_000])
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "rehearsal",
        help="where all of it lies, and stays: a second start goes on there",
    )  # fmt: skip
    return parser.parse_args()


def write_config(folder: Path, rows: int, workers: int, benchmarks: list[Path]) -> Path:
    """Write the configuration of one size."""
    path = folder / "rehearsal.toml"
    text = config_text(folder / "sources", folder.parent, rows, workers, benchmarks)
    path.write_text(text)
    return path


def config_text(sources: Path, root: Path, rows: int, workers: int, benchmarks: list[Path]) -> str:
    """Return a configuration that builds in `root`; shards have about as many rows at any size."""
    text = CONFIG.format(
        rows=rows,
        root=root,
        workers=workers,
        shards=max(1, round(rows / SHARD_ROWS)),
        benchmarks=json.dumps([str(path) for path in benchmarks]),
    )
    kinds = {path: path.name.partition("-")[0] for path in sorted(sources.iterdir())}
    return text + "".join(
        SOURCE.format(name=path.name, path=path, kind=kind) for path, kind in kinds.items()
    )


def run_stage(config: Path, stage: str, folder: Path, figures: Figures) -> None:
    """Run one stage to its end, and write down what it takes while it runs."""
    one = figures.stages.setdefault(stage, Measured())
    one.starts += 1
    before, used = one.seconds, one.processors
    command = [sys.executable, "-m", "pipeline", "run", str(config), "--only", stage]
    start, looked = time.monotonic(), 0.0
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    with (folder / f"{stage}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            while process.poll() is None:
                one.memory = max(one.memory, tree_bytes(process.pid))
                one.seconds = before + time.monotonic() - start
                if time.monotonic() - looked > DISK_S:
                    looked = time.monotonic()
                    one.disk = max(one.disk, built_bytes(folder))
                    figures.save()
                time.sleep(LOOK_S)
        except BaseException:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
        finally:
            ended = resource.getrusage(resource.RUSAGE_CHILDREN)
            user, system = ended.ru_utime - children.ru_utime, ended.ru_stime - children.ru_stime
            one.processors = used + user + system
            figures.save()
    if process.returncode:
        sys.exit(f"{stage} ended with {process.returncode}; see {folder / f'{stage}.log'}")
    one.disk = max(one.disk, built_bytes(folder))
    one.done = True
    figures.save()


def tree_bytes(root: int) -> int:
    """Return the memory of a process and all its descendants, shared pages counted once."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended since
        parents.setdefault(int(after[1]), []).append(int(stat.parent.name))
    waiting, found = [root], 0
    while waiting:
        one = waiting.pop()
        waiting += parents.get(one, [])
        found += pss(one)
    return found


def pss(process: int) -> int:
    """Return a process's proportional set size in bytes; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


def built_bytes(folder: Path) -> int:
    """Return what a size's tables and publication take on disk; what goes away is not counted."""
    found = 0
    for part in ("data", "published"):
        for path in (folder.parent / part / "rehearsal" / folder.name).rglob("*"):
            try:
                found += path.stat().st_blocks * 512
            except OSError:
                continue
    return found


def total(stages: dict[str, Measured]) -> Measured:
    every = list(stages.values())
    return Measured(
        seconds=sum(one.seconds for one in every),
        processors=sum(one.processors for one in every),
        memory=max(one.memory for one in every),
        disk=max(one.disk for one in every),
        starts=sum(one.starts for one in every),
        done=all(one.done for one in every),
    )


def line(stage: str, rows: int, one: Measured) -> str:
    starts = (
        f"   in {one.starts} starts" if one.starts > len(STAGES if stage == "all" else [0]) else ""
    )
    return (
        f"{rows:>9,} {stage:<14} {one.seconds:8.1f} s {rows / one.seconds:9,.0f} rows/s"
        f" {one.processors:8.1f} s of processors {one.memory / 1e9:6.2f} GB memory"
        f" {one.disk / 1e9:7.2f} GB disk{starts}"
    )


def print_growth(small: int, large: int, found: dict[int, dict[str, Measured]]) -> None:
    """Print the exponents of wall time, processors' time and memory between two sizes."""
    times = math.log(large / small)
    for stage in (*STAGES, "all"):
        before, after = found[small][stage], found[large][stage]
        wall = math.log(after.seconds / before.seconds) / times
        used = math.log(after.processors / before.processors) / times
        memory = math.log(after.memory / before.memory) / times
        print(
            f"exponent {small:,} to {large:,} {stage:<14} wall {wall:5.2f}"
            f"   processors {used:5.2f}   memory {memory:5.2f}"
        )


if __name__ == "__main__":
    sys.exit(main())
