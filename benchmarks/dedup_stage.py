"""Deduplication as a run does it: from questions and vectors in a store to drops in a store.

Writes a version of real texts, each made unlike the others by a word of its own, with planted
vectors (benchmarks/dedup_vectors.py); a copy has its original's text and a word more. Then
runs the stage, and after it a version with a batch more that goes on from the first: a tenth of
the batch repeats questions of the first version, half of these in the same words::

    REAL_DATA=… OMP_WAIT_POLICY=PASSIVE python benchmarks/dedup_stage.py --rows 1400000

Prints seconds and memory of both, the index's bytes, and how many of the planted copies went.
That a batch loses what a full run would drop of it is a test (tests/dedup/test_incremental.py).
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import real_data
from dedup_vectors import plant, unit
from numpy.typing import NDArray

from pipeline.config import Config
from pipeline.deduplicate import DeduplicateStage
from pipeline.files import FileHashes
from pipeline.records import Drop, Label, Question, Response, chunk_schema, vector_schema
from pipeline.stage import Run
from pipeline.store import Origin, Store
from pipeline.vectors import column
from pipeline.workers import worker_pool

SHARDS = 16
DIMENSION = 384
NOWHERE = Origin({}, {})
Array = NDArray[Any]


def config(version: str, after: str) -> Config:
    recipe = {
        "shards": SHARDS,
        "sources": [{"source": "quickstart"}],
        "distill": {"rounds": 0},
        "deduplicate": {"after": after},
    }
    return Config.model_validate({"name": "set", "version": version, "recipe": recipe})


def texts_of(rows: int, pairs: Array) -> list[str]:
    """Return a text for each row; of a planted pair, the second is the first with a word more."""
    every = [text for texts in real_data.questions().values() for text in texts]
    texts = [f"{every[row % len(every)]} zq{row:x}" for row in range(rows)]
    for low, high in pairs.T.tolist():
        texts[high] = f"{texts[low]} Explain."
    return texts


def ids_of(rows: int, seed: int) -> Array:
    """Return ids as a store has them, in a random order."""
    words = np.random.default_rng(seed).integers(0, 1 << 63, (rows, 2), np.uint64)
    return np.array([f"{a:016x}{b:016x}" for a, b in (words * 2).tolist()])


def write(root: Path, version: str, ids: Array, texts: list[str], vectors: Array) -> None:
    """Write the tables that the stage reads."""
    store = Store(root, "set", version, SHARDS)
    order = np.argsort(ids)
    shard = np.array([int(id[:8], 16) * SHARDS >> 32 for id in ids[order]])
    for number in range(SHARDS):
        rows = order[shard == number]
        for name, table in tables(ids[rows], [texts[k] for k in rows], vectors[rows]).items():
            store.write(name, number, table, NOWHERE, {}, 0.0)


def tables(ids: Array, texts: list[str], vectors: Array) -> dict[str, pa.Table]:
    """Return one shard's tables."""
    count = len(ids)
    turns = [[{"role": "user", "content": text}] for text in texts]
    same: dict[str, Any] = {
        "source": "s", "source_revision": "1", "licence": "MIT", "kind": "math",
        "reference_answer": None, "test_cases": None, "constraints": None, "metadata": "{}",
        "origins": [],
    }  # fmt: skip
    columns = {"id": ids, "prompt": turns, **{name: [v] * count for name, v in same.items()}}
    label = {"category": "math", "difficulty": "medium", "language": "en", "prompt_tokens": 50}
    labels = {"id": ids, **{k: [v] * count for k, v in {**label, "labeller": "none"}.items()}}
    whole = [pa.array(ids, pa.string()), column(vectors), pa.array([False] * count)]
    return {
        "questions": pa.table([columns[f.name] for f in Question.SCHEMA], schema=Question.SCHEMA),
        "labels": pa.table([labels[f.name] for f in Label.SCHEMA], schema=Label.SCHEMA),
        "responses/round=00": Response.to_table([]),
        "vectors": pa.Table.from_arrays(whole, schema=vector_schema(DIMENSION)),
        "chunks": pa.Table.from_pylist([], schema=chunk_schema(DIMENSION)),
    }


def make(folder: Path, rows: int, batch: int) -> None:
    """Write both versions, and which rows of the batch repeat one of the first version."""
    plant(folder, rows, DIMENSION)
    vectors, pairs = np.load(folder / "v.npy", mmap_mode="r"), np.load(folder / "pairs.npy")
    ids, texts = ids_of(rows, 1), texts_of(rows, pairs)
    write(folder, "1", ids, texts, vectors)
    random = np.random.default_rng(5)
    copies = batch // 10
    source = random.integers(0, rows, copies)
    fresh = unit(random.standard_normal((batch, DIMENSION), np.float32)).astype(np.float16)
    noise = 0.3 / np.sqrt(DIMENSION) * random.standard_normal((copies, DIMENSION), np.float32)
    fresh[:copies] = unit(vectors[source].astype(np.float32) + noise)
    said = [f"Batch question {k:x} about nothing." for k in range(batch)]
    for k, row in enumerate(source.tolist()):
        said[k] = texts[row].upper() if k % 2 else f"{texts[row]} Why?"
    more = ids_of(batch, 2)
    np.save(folder / "copies.npy", more[:copies])
    both = np.concatenate([np.asarray(vectors), fresh])
    write(folder, "2", np.concatenate([ids, more]), [*texts, *said], both)


def measure(folder: Path, version: str, after: str) -> None:
    """Run the stage over one version, and print what it took; in a process of its own."""
    import torch

    torch.zeros(1)
    store = Store(folder, "set", version, SHARDS)
    start, used = time.perf_counter(), time.process_time()
    with worker_pool(1) as pool:
        run = Run(config(version, after), store, FileHashes(folder / "hashes.json"), pool)
        DeduplicateStage().build(run)
    seconds, processor = time.perf_counter() - start, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    gone = {d.id for k in range(SHARDS) for d in Drop.from_table(store.read("duplicates", k))}
    manifest = store.manifest("duplicates", 0)
    counts = {} if manifest is None else manifest.counts
    print(
        f"version {version}{f' after {after}' if after else ''}: {seconds:.1f} s ({processor:.0f} s"
        f" of processors), {peak:.2f} GB at most, {len(gone):,} drops; {counts}"
    )
    if after:
        copies = np.load(folder / "copies.npy").tolist()
        held = sum(id in gone for id in copies)
        print(f"of the batch, {held:,} of {len(copies):,} planted copies went")


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", "--limit", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=50_000)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(Path(arguments.measure[0]), *arguments.measure[1:])
        return
    real_data.folder()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, arguments.rows, arguments.batch)
        for version, after in (("1", ""), ("2", "1")):
            command = [sys.executable, __file__, "--measure", name, version, after]
            subprocess.run(command, check=True)
            if version == "1":
                near, table = size(folder / "set/1/near"), size(folder / "set/1/vectors")
                print(
                    f"index on disk: {(near + table) / 1e9:.3f} GB, of which the table vectors"
                    f" {table / 1e9:.3f}"
                )


if __name__ == "__main__":
    main()
