"""Exact duplicates among very many texts on disk: seconds, memory, and what was found.

Writes real questions, each made unlike all others by a word of its own, in Parquet files,
every hundredth a second time in another spelling. Then finds those by `dedup.coarse`, a file
at a time in two processes, and beside it hashes normal forms alone (a part, to compare)::

    REAL_DATA=… python benchmarks/exact_speed.py --rows 5000000
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import real_data
from numpy.typing import NDArray

from dedup.coarse import coarse_keys
from dedup.exact import hash_of, normalise

FILE_ROWS = 100_000
EVERY = 100  # one in so many comes a second time
COMPARED = 20_000  # texts that are hashed by their normal forms alone

Keys = NDArray[np.uint64]


def write(folder: Path, rows: int) -> list[Path]:
    """Write the texts, and return the files; the last of each hundred repeats its first."""
    every = [text for texts in real_data.questions().values() for text in texts]
    files = []
    for first in range(0, rows, FILE_ROWS):
        texts = []
        for row in range(first, min(first + FILE_ROWS, rows)):
            twin = row - EVERY + 1 if row % EVERY == EVERY - 1 else row
            text = f"{every[twin % len(every)]} zq{twin:x}"
            texts.append(f"Question:  {capitals(text)} ." if twin != row else text)
        files.append(folder / f"{first:09}.parquet")
        pq.write_table(pa.table({"text": texts}), files[-1])
    return files


def capitals(text: str) -> str:
    """Return a text in capitals, or as it is where that makes another one ("ı" becomes "I")."""
    return text.upper() if text.upper().casefold() == text.casefold() else text


def read(path: Path) -> list[str]:
    texts: list[str] = pq.read_table(path)["text"].to_pylist()
    return texts


def keys_of(path: Path) -> Keys:
    return coarse_keys(read(path))


def forms_of(path: Path, some: NDArray[np.int64]) -> list[bytes]:
    texts = read(path)
    return [hash_of(normalise(texts[place])) for place in some.tolist()]


def repeated(files: list[Path], pool: ProcessPoolExecutor) -> int:
    """Return how many texts repeat another one."""
    keys = list(pool.map(keys_of, files))
    _, number, often = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
    twice = np.split(often[number] > 1, np.cumsum([len(part) for part in keys])[:-1])
    some = [np.flatnonzero(part) for part in twice]
    forms = [form for part in pool.map(forms_of, files, some) for form in part]
    return len(forms) - len(set(forms))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", "--limit", type=int, default=500_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        files = write(Path(folder), rows)
        with ProcessPoolExecutor(2) as pool:
            list(pool.map(len, ["", ""]))
            start = time.perf_counter()
            found = repeated(files, pool)
            seconds = time.perf_counter() - start
        start = time.process_time()
        forms = {hash_of(normalise(text)) for text in read(files[0])[:COMPARED]}
        alone = len(forms) / (time.process_time() - start)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak, processors = used.ru_maxrss / 2**20, used.ru_utime + used.ru_stime
    print(
        f"{rows:,} texts: {seconds:.1f} s ({processors:.1f} s of processors, start included),"
        f" {rows / seconds:,.0f} texts/s on two cores, {found:,} repeats of {rows // EVERY:,}"
        f" planted; {peak:.2f} GB at most in a process"
    )
    mine = rows / processors
    print(
        f"ours {mine:,.0f} texts/s a core, normal forms alone {alone:,.0f}:"
        f" {mine / alone:.1f} times as many"
    )


if __name__ == "__main__":
    main()
