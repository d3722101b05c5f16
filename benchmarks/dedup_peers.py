"""Near pairs among 100,000 vectors: ours beside semhash, usearch and sentence-transformers.

All get the same planted vectors (as benchmarks/dedup_vectors.py makes them) and say which
rows are near another at 0.9; each runs in a process of its own. A peer that is not installed
is named and left out; `--peers PYTHON` names an interpreter that has semhash and usearch::

    OMP_WAIT_POLICY=PASSIVE python benchmarks/dedup_peers.py --peers /path/to/python
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from dedup_vectors import plant

LOAD = """
import json, resource, sys, time
import numpy as np
folder, threshold = sys.argv[1], 0.9
vectors = np.load(folder + "/v.npy").astype(np.float32)
low, high = np.load(folder + "/pairs.npy")
score = np.einsum("nd,nd->n", vectors[low], vectors[high])
def report(pairs, seconds):
    keys = np.array([b * len(vectors) + a for a, b in pairs], np.int64)
    held = np.isin(high * len(vectors) + low, keys)[score >= threshold]
    print(json.dumps({"seconds": seconds, "recall": float(held.mean())}))
"""
SYSTEMS = {
    "ours": """
sys.path.insert(0, sys.argv[2])
from dedup.index import near_pairs
import torch
half = vectors.astype(np.float16)
torch.zeros(1)
start = time.perf_counter()
found = near_pairs(half, threshold, engine="cells")
report(zip(found.i.tolist(), found.j.tolist()), time.perf_counter() - start)
""",
    "semhash": """
from semhash import SemHash
from vicinity import Backend
class Given:
    def encode(self, texts, **_):
        return vectors[[int(text) for text in texts]]
texts = [str(place) for place in range(len(vectors))]
start = time.perf_counter()
hashed = SemHash.from_records(records=texts, model=Given())
result = hashed.self_deduplicate(threshold=threshold)
seconds = time.perf_counter() - start
pairs = set()
for gone in result.filtered:
    for other, _ in gone.duplicates:
        pairs.add(tuple(sorted((int(gone.record), int(other)))))
report(pairs, seconds)
""",
    "usearch": """
from usearch.index import Index
start = time.perf_counter()
index = Index(ndim=vectors.shape[1], metric="ip", dtype="bf16")
index.add(np.arange(len(vectors)), vectors)
matches = index.search(vectors, 16)
near = 1 - matches.distances >= threshold - 0.004
pairs = set()
for row, column in zip(*np.nonzero(near)):
    other = int(matches.keys[row, column])
    if other != row:
        pairs.add((min(row, other), max(row, other)))
report(pairs, time.perf_counter() - start)
""",
    "paraphrase mining": """
import torch
from sentence_transformers.util import paraphrase_mining_embeddings
rows = torch.from_numpy(vectors)
start = time.perf_counter()
found = paraphrase_mining_embeddings(rows, max_pairs=2_000_000, top_k=16)
pairs = [(min(i, j), max(i, j)) for s, i, j in found if s >= threshold - 1e-4]
report(pairs, time.perf_counter() - start)
""",
}


def run(name: str, python: str, folder: str) -> tuple[float, float] | None:
    """Return a system's seconds and recall; None where it is not installed."""
    import json

    root = str(Path(__file__).resolve().parent.parent)
    command = [python, "-W", "ignore", "-c", LOAD + SYSTEMS[name], folder, root]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        sys.exit(f"{name}: {done.stderr[-2000:]}")
    figures = json.loads(done.stdout.splitlines()[-1])
    return figures["seconds"], figures["recall"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", "--limit", type=int, default=100_000)
    parser.add_argument("--peers", default=sys.executable, help="interpreter of the peers")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder), arguments.rows, 384)
        mine = run("ours", sys.executable, folder)
        if mine is None:
            sys.exit("ours: its own requirements are missing")
        print(f"ours: {mine[0]:.1f} s, recall {mine[1]:.4f} of planted pairs at 0.9 or more")
        for name in list(SYSTEMS)[1:]:
            python = sys.executable if name == "paraphrase mining" else arguments.peers
            theirs = run(name, python, folder)
            if theirs is None:
                print(f"{name}: not installed for {python}, left out")
                continue
            ratio = theirs[0] / mine[0]
            print(
                f"{name}: {theirs[0]:.1f} s, recall {theirs[1]:.4f}; ours {ratio:.1f} times as fast"
            )


if __name__ == "__main__":
    main()
