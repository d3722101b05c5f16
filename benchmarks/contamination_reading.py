"""How many hits in benchmarks are right, by reading a sample of them.

Compares all questions of `REAL_DATA` with all benchmarks, by text and by vectors, and draws
hits of each method with a fixed seed, first from the benchmarks in `NAMED`, equally many of
each where there are so many, then from all others. It prints question and item one below the
other, under a key. Whoever reads them writes lines of a key and `right` or `wrong` into a
file, which is none of this repository, and asks for the precision::

    REAL_DATA=… python benchmarks/contamination_reading.py --vectors FOLDER > hits.txt
    REAL_DATA=… python benchmarks/contamination_reading.py --vectors FOLDER --marks marks.txt

A hit counts once for each pair of texts. Hits whose texts are the same to the letter aren't
drawn, and count as right. A drawn hit stands for as many of its method and benchmark as were
not drawn. `--vectors` names a folder where the vectors are kept, a quarter of an hour's work.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from random import Random

import numpy as np
import real_data
from numpy.typing import NDArray

from dedup.benchmarks import Benchmarks
from dedup.contamination import METHODS, Contamination
from dedup.encoder import PACKAGED, Encoder

NAMED = ("aime24", "aime25", "amc23", "math500", "mbpp_test", "mbpp_plus",
         "livecodebench_880", "mmlu_pro")  # fmt: skip
DRAWN = {"exact": 60, "ngram": 80, "semantic": 60}
SHOWN = 1_500  # characters of a text


@dataclass(frozen=True, slots=True)
class Read:
    """A hit to read: `owner` is the question's file."""

    method: str
    benchmark: str
    owner: str
    score: float
    question: str
    item: str

    @property
    def key(self) -> str:
        """What stands for it in a file of marks."""
        pair = f"{self.question}\0{self.benchmark}\0{self.item}"
        return blake2b(pair.encode("utf-8", "replace"), digest_size=5).hexdigest()


Strata = dict[tuple[str, str], list[Read]]  # by method and benchmark


def vectors(folder: Path, name: str, texts: list[str]) -> NDArray[np.float16]:
    """Return the vectors of texts, made where the folder has none."""
    path = folder / f"{name}.npy"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        np.save(path, Encoder.load(PACKAGED).encode(texts)[0])
    found: NDArray[np.float16] = np.load(path)
    if len(found) != len(texts):
        sys.exit(f"{path} has vectors of {len(found)} texts, not of {len(texts)}; delete it")
    return found


def hits(folder: Path) -> tuple[Strata, int]:
    """Return the hits to read, and how many have the same text to the letter."""
    files = real_data.questions()
    texts = [text for some in files.values() for text in some]
    owners = [name for name, some in files.items() for _ in some]
    benchmarks = Benchmarks.load([real_data.folder() / "benchmarks"])
    items = [text.text for text in benchmarks.texts]
    by_name: dict[tuple[str, str], list[str]] = defaultdict(list)
    for text in benchmarks.texts:
        by_name[text.benchmark, text.item].append(text.text)
    check = Contamination(benchmarks, vectors(folder, "items", items))
    ids = [str(place) for place in range(len(texts))]
    found: dict[str, Read] = {}
    same = set()
    for hit in check.find(ids, texts, vectors(folder, "questions", texts)):
        question = texts[int(hit.id)]
        item = "\n[or]\n".join(by_name[hit.benchmark, hit.item])
        read = Read(hit.method, hit.benchmark, owners[int(hit.id)], hit.score, question, item)
        if question.strip() == item.strip():
            same.add(read.key)
        else:
            found.setdefault(read.key, read)
    strata: Strata = defaultdict(list)
    for read in found.values():
        strata[read.method, read.benchmark].append(read)
    return strata, len(same)


def draw(strata: Strata, seed: int, counts: dict[str, int]) -> Strata:
    """Return the hits to read, in turn from every benchmark that has some left."""
    random, drawn = Random(seed), Strata()
    shuffled = {key: random.sample(some, len(some)) for key, some in sorted(strata.items())}
    for method, count in counts.items():
        mine = [key for key in shuffled if key[0] == method]
        named = [key for key in mine if key[1] in NAMED]
        for keys in (named, [key for key in mine if key not in named]):
            left = count - sum(len(some) for key, some in drawn.items() if key[0] == method)
            for key, size in _shares({key: len(shuffled[key]) for key in keys}, left).items():
                drawn[key] = shuffled[key][:size]
    return drawn


def _shares(sizes: dict[tuple[str, str], int], count: int) -> dict[tuple[str, str], int]:
    """Return how many of each to take: one more of each in turn, up to so many together."""
    taken = dict.fromkeys(sizes, 0)
    while count > 0 and (open_ := [key for key in sizes if taken[key] < sizes[key]]):
        for key in open_[:count]:
            taken[key] += 1
        count -= len(open_)
    return taken


def show(drawn: Strata) -> None:
    for (method, benchmark), some in drawn.items():
        for read in some:
            print(f"=== {read.key} {method} {read.score:.3f} {read.owner} / {benchmark}")
            print(f"Q: {read.question[:SHOWN]}\nI: {read.item[:SHOWN]}\n")


def precision(strata: Strata, drawn: Strata, marks: dict[str, bool], same: int) -> None:
    """Print the precision of each method and of all, each hit as often as it stands for."""
    right_of_all, all_hits = float(same), same
    for method in METHODS:
        keys = [key for key in drawn if key[0] == method and drawn[key]]
        read = [one for key in keys for one in drawn[key]]
        right = sum(
            len(strata[key]) * sum(marks[one.key] for one in drawn[key]) / len(drawn[key])
            for key in keys
        )
        count = sum(len(strata[key]) for key in keys)
        wrong = sum(not marks[one.key] for one in read)
        if count:
            print(
                f"{method}: {len(read)} read of {count:,}, {wrong} wrong: precision"
                f" {1 - wrong / len(read):.3f} as drawn, {right / count:.3f} weighted"
            )
        right_of_all, all_hits = right_of_all + right, all_hits + count
    print(f"{same:,} hits are the same to the letter; overall {right_of_all / all_hits:.4f}")
    beside = sum(len(some) for key, some in strata.items() if key not in drawn or not drawn[key])
    print(f"{beside:,} hits lie in benchmarks of which none was read, and count in nothing above")


def read_marks(path: Path) -> dict[str, bool]:
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {parts[0]: {"right": True, "wrong": False}[parts[1]] for parts in lines}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=Path, required=True, help="a folder to keep them in")
    parser.add_argument("--seed", type=int, default=1)
    for method, count in DRAWN.items():
        parser.add_argument(f"--{method}", type=int, default=count, help="hits to draw")
    parser.add_argument("--marks", type=Path, help="what was read: lines of key and right or wrong")
    arguments = parser.parse_args()
    strata, same = hits(arguments.vectors)
    drawn = draw(strata, arguments.seed, {name: getattr(arguments, name) for name in DRAWN})
    for method in METHODS:
        counts = {key[1]: len(some) for key, some in strata.items() if key[0] == method}
        print(f"{method}: {sum(counts.values()):,} hits: {counts}", file=sys.stderr)
    if arguments.marks is None:
        show(drawn)
        return
    marks = read_marks(arguments.marks)
    if unread := [one.key for some in drawn.values() for one in some if one.key not in marks]:
        sys.exit(f"{len(unread)} hits have no mark, among them {', '.join(unread[:5])}")
    precision(strata, drawn, marks, same)


if __name__ == "__main__":
    main()
