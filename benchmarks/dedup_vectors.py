"""Near pairs among very many vectors: seconds, peak memory and recall of planted pairs.

Makes unit vectors around topics, in float16 on disk, and plants near-copies of a twentieth
of them at cosines from 0.9 to 1, each in a direction of its own. Then finds all pairs at 0.9::

    OMP_WAIT_POLICY=PASSIVE python benchmarks/dedup_vectors.py --rows 1400000 --engine cells exact

With `--dimension 1024 --engine exact` on a GPU it gives the achieved TFLOP/s too.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dedup.index import near_pairs

THRESHOLD = 0.9
BLOCK = 50_000
PER_TOPIC = 200  # rows around one topic, at a cosine of 0.59 to each other


def plant(path: Path, rows: int, dimension: int) -> None:
    """Write vectors and the planted pairs, (lower row, higher row)."""
    random = np.random.default_rng(0)
    copies = rows // 20
    topics = random.standard_normal((max(rows // PER_TOPIC, 1), dimension), np.float32)
    place = random.permutation(rows)
    vectors = np.lib.format.open_memmap(
        path / "v.npy", mode="w+", dtype=np.float16, shape=(rows, dimension)
    )
    for start in range(0, rows - copies, BLOCK):
        count = min(BLOCK, rows - copies - start)
        made = 0.9 * topics[random.integers(0, len(topics), count)]
        made += 0.75 * random.standard_normal((count, dimension), np.float32)
        vectors[place[start : start + count]] = unit(made)
    source = random.integers(0, rows - copies, copies)
    for start in range(0, copies, BLOCK):
        chosen = source[start : start + BLOCK]
        original = unit(vectors[place[chosen]].astype(np.float32))
        cosine = random.uniform(THRESHOLD, 1, (len(chosen), 1)).astype(np.float32)
        noise = random.standard_normal(original.shape, np.float32)
        noise = unit(noise - np.sum(noise * original, axis=1, keepdims=True) * original)
        copy = cosine * original + np.sqrt(1 - cosine**2) * noise
        vectors[place[rows - copies + start : rows - copies + start + len(chosen)]] = copy
    vectors.flush()
    pairs = np.stack([place[source], place[rows - copies :]])
    np.save(path / "pairs.npy", np.sort(pairs, axis=0))


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def measure(folder: Path, engine: str) -> None:
    """Print one engine's figures; runs in a process of its own, for its memory."""
    vectors = np.load(folder / "v.npy", mmap_mode="r")
    low, high = np.load(folder / "pairs.npy")
    import torch  # its import is no part of the time

    torch.zeros(1)
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    found = near_pairs(vectors, THRESHOLD, engine=engine)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    score = np.concatenate(
        [
            np.einsum("nd,nd->n", vectors[a].astype(np.float32), vectors[b].astype(np.float32))
            for a, b in zip(*(np.array_split(side, 64) for side in (low, high)), strict=True)
        ]
    )
    held = np.isin(high * len(vectors) + low, found.j * len(vectors) + found.i)
    recalls = ", ".join(
        f"{held[score >= least].mean():.5f} of planted pairs at {least} or more"
        for least in (0.9, 0.92)
    )
    print(
        f"{engine}: {len(vectors):,} x {vectors.shape[1]}: {seconds:.1f} s"
        f" ({processor:.0f} s of processors), {after.ru_maxrss / 2**20:.2f} GB at most, {recalls},"
        f" {len(found.i):,} pairs; own estimate {found.recall:.4f} of {found.checked:,}"
        f" ({found.engine}, {found.guests} guests)"
    )
    if engine == "exact":
        rate = len(vectors) ** 2 * vectors.shape[1] / seconds / 1e12
        print(f"exact: {rate:.2f} TFLOP/s on {device_name()}")


def device_name() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "the processor"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", "--limit", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument(
        "--engine", nargs="+", default=["cells"], choices=["cells", "exact", "faiss-gpu"]
    )
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, arguments.engine[0])
        return
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder), arguments.rows, arguments.dimension)
        for engine in arguments.engine:
            command = [sys.executable, __file__, "--measure", folder, "--engine", engine]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
