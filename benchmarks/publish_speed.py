"""How fast a version is published, and in how much memory, at two sizes of rows of 16 KB.

    REAL_DATA=… python benchmarks/publish_speed.py --rows 100000 200000

Rows are real traces with changed ids (benchmarks/traced_version.py). For each size three steps,
each in a process of its own: reading the rows and writing them with pyarrow as it comes, one file
after the other (the baseline), the published Parquet files, and the whole publication with ledger,
figures and card. A line says raw MB (the size in Arrow) a second of CPU time and of wall time, the
process's largest memory, and the rate as a share of the baseline's. The last lines reckon what
1.4 M rows would take, time at the rate of the larger size and memory in a straight line through
both: that is not measured. Memory goes with the rows of a shard (`--shard-rows`), of which a larger
version has more, not larger ones.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from traced_version import fill, traces

from pipeline.config import Config, load_config
from pipeline.parquet_parts import write_parts
from pipeline.publish import publish_folder
from pipeline.published import published_batches
from pipeline.store import Store

SHARD_ROWS = 6_250  # configs/am-1.4m.toml has 256 shards: 5,500 rows each
AIM_ROWS = 1_400_000
Step = Callable[[Config, Store, Path], object]


def plain(_: Config, store: Store, folder: Path) -> None:
    """Write a shard as one file, with pyarrow's defaults but for the codec."""
    folder.mkdir(parents=True)
    for shard in range(store.shards):
        writer = None
        for batch in published_batches(store, shard):
            path = folder / f"{shard}.parquet"
            writer = writer or pq.ParquetWriter(path, batch.schema, compression="zstd")
            writer.write_table(batch)
        if writer:
            writer.close()


STEPS: dict[str, Step] = {
    "pyarrow as it comes": plain,
    "published Parquet": lambda config, store, folder: write_parts(store, folder, 250),
    "whole publication": publish_folder,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step took: seconds of wall time and of CPU, and MiB of memory at most."""

    wall: float
    cpu: float
    memory: float


def configuration(folder: Path) -> Config:
    """Return a configuration without benchmarks, since nothing was decontaminated."""
    found = load_config("quickstart")
    unchecked = found.recipe.decontaminate.model_copy(update={"benchmarks": ()})
    recipe = found.recipe.model_copy(update={"decontaminate": unchecked})
    runtime = found.runtime.model_copy(update={"data": str(folder)})
    return found.model_copy(update={"recipe": recipe, "runtime": runtime})


def measure(name: str, store: Store, folder: Path) -> Cost:
    """Take one step in this process."""
    start, cpu = time.monotonic(), time.process_time()
    STEPS[name](configuration(store.root), store, folder)
    wall, cpu = time.monotonic() - start, time.process_time() - cpu
    # Not ru_maxrss: a child begins with that of its parent.
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return Cost(wall, cpu, int(peak) / 1024)


def raw_bytes(store: Store) -> int:
    """Return the size of all published rows in Arrow."""
    batches = (b for shard in range(store.shards) for b in published_batches(store, shard))
    return sum(pa.Table.from_batches(batch.to_batches()).nbytes for batch in batches)


def at_size(root: Path, rows: int, shard_rows: int) -> dict[str, Cost]:
    """Measure all steps on a version of so many rows, print a line each, and delete it."""
    store = Store(root / str(rows), "made_up", "1", max(1, rows // shard_rows))
    fill(store, rows, traces())
    raw = raw_bytes(store) / 1e6
    found: dict[str, Cost] = {}
    for name in STEPS:
        folder = root / f"{rows}-out" / name.replace(" ", "-")
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            found[name] = cost = pool.submit(measure, name, store, folder).result()
        base = next(iter(found.values()))
        print(
            f"{rows:>9,} rows, {raw:>7,.0f} MB raw  {name:<20} {raw / cost.cpu:>6.1f} MB/s of CPU"
            f"  {raw / cost.wall:>6.1f} MB/s  {cost.memory:>6,.0f} MiB"
            f"  {base.cpu / cost.cpu:.2f} of the baseline's rate",
            flush=True,
        )
        shutil.rmtree(folder)
    shutil.rmtree(store.root)
    return found


def main() -> None:
    """Measure at both sizes, and reckon what the full size would take."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs=2, default=[100_000, 200_000])
    parser.add_argument("--shard-rows", type=int, default=SHARD_ROWS)
    parser.add_argument("--tmp", type=Path, help="where there is room for 3 × 16 KB a row")
    options = parser.parse_args()
    small, large = sorted(options.rows)
    with tempfile.TemporaryDirectory(dir=options.tmp) as place:
        costs = {rows: at_size(Path(place), rows, options.shard_rows) for rows in (small, large)}
    for name in list(STEPS)[1:]:
        one, two = costs[small][name], costs[large][name]
        slope = (AIM_ROWS - large) / (large - small)
        memory = two.memory + slope * max(0.0, two.memory - one.memory)
        print(
            f"reckoned, not measured: {AIM_ROWS:,} rows  {name:<20}"
            f" {two.wall * AIM_ROWS / large:,.0f} s  {memory:,.0f} MiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
