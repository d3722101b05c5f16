"""How many disguised copies of benchmark items are found, and how many real questions dropped.

Makes copies in nine disguises (benchmarks/disguises.py) of items of at least eight words,
equally many of each benchmark, and looks for them by `dedup.contamination` without
vectors and by the rule that open-r1 published: any shared 8-gram of lower-cased words. A
copy is found when a hit names its item or one with the same text. Then both go over all
real questions::

    REAL_DATA=… python benchmarks/contamination_disguises.py --each 12
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from random import Random

import real_data
from disguises import DISGUISES

from dedup.benchmarks import Benchmarks, ItemText
from dedup.contamination import Contamination

WORD = re.compile(r"\w+")
SIZE = 8  # words in an n-gram of open-r1's rule
LEAST_WORDS = 8
SEED = 7

Find = Callable[[Sequence[str]], list[set[int]]]  # texts → numbers of the item texts hit by each


def probes(texts: Sequence[ItemText], each: int) -> list[tuple[str, int, str]]:
    """Return (disguise, item text's number, copy), up to `each` of a disguise and benchmark."""
    random = Random(SEED)
    of = defaultdict(list)
    for number, text in enumerate(texts):
        if len(text.text.split()) >= LEAST_WORDS:
            of[text.benchmark].append(number)
    made = []
    for name, disguise in DISGUISES.items():
        for benchmark in sorted(of):
            pool = random.sample(of[benchmark], len(of[benchmark]))
            copies = ((k, disguise(texts[k].text, random)) for k in pool)
            changed = [(k, c) for k, c in copies if name == "copied as is" or c != texts[k].text]
            made += [(name, number, copy) for number, copy in changed[:each]]
    return made


def ours(benchmarks: Benchmarks) -> Find:
    check = Contamination(benchmarks)
    numbers = defaultdict(set)
    for number, text in enumerate(benchmarks.texts):
        numbers[text.benchmark, text.item].add(number)

    def find(texts: Sequence[str]) -> list[set[int]]:
        hit: list[set[int]] = [set() for _ in texts]
        for found in check.find([str(k) for k in range(len(texts))], texts):
            hit[int(found.id)] |= numbers[found.benchmark, found.item]
        return hit

    return find


def any_gram(benchmarks: Benchmarks) -> Find:
    """Return the rule by which any 8-gram of lower-cased words that both have is a hit."""
    holders = defaultdict(set)
    for number, text in enumerate(benchmarks.texts):
        for gram in grams(text.text):
            holders[gram].add(number)

    def find(texts: Sequence[str]) -> list[set[int]]:
        return [
            set().union(*(holders[gram] for gram in grams(text) if gram in holders))
            for text in texts
        ]

    return find


def grams(text: str) -> set[str]:
    words = WORD.findall(text.lower())
    return {" ".join(words[k : k + SIZE]) for k in range(len(words) - SIZE + 1)}


def recall(find: Find, copies: list[tuple[str, int, str]], benchmarks: Benchmarks) -> Counter[str]:
    """Return how many copies of each disguise are found."""
    hits = find([copy for _, _, copy in copies])
    texts = benchmarks.texts
    found: Counter[str] = Counter()
    for (name, number, _), hit in zip(copies, hits, strict=True):
        found[name] += any(texts[k].text.strip() == texts[number].text.strip() for k in hit)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=12, help="copies of a disguise and benchmark")
    parser.add_argument("--limit", type=int, help="questions of each file (default all)")
    arguments = parser.parse_args()
    benchmarks = Benchmarks.load([real_data.folder() / "benchmarks"])
    copies = probes(benchmarks.texts, arguments.each)
    rules = {"ours": ours(benchmarks), "open-r1's rule": any_gram(benchmarks)}
    found = {name: recall(find, copies, benchmarks) for name, find in rules.items()}
    made = Counter(name for name, _, _ in copies)
    print(f"{'disguise':26}{'copies':>8}" + "".join(f"{name:>16}" for name in rules))
    for name, count in [*made.items(), ("all", len(copies))]:
        shares = (f[name] / count if name in made else f.total() / count for f in found.values())
        print(f"{name:26}{count:>8}" + "".join(f"{share:>16.4f}" for share in shares))
    report_drops(rules, real_data.questions(), arguments.limit)


def report_drops(rules: dict[str, Find], files: dict[str, list[str]], limit: int | None) -> None:
    """Print how many real questions each rule drops."""
    files = {name: texts[:limit] for name, texts in files.items()}
    total = sum(map(len, files.values()))
    every = [text for texts in files.values() for text in texts]
    owner = [name for name, texts in files.items() for _ in texts]
    for name, find in rules.items():
        drops = Counter(file for file, hit in zip(owner, find(every), strict=True) if hit)
        most = ", ".join(f"{f} {n} of {len(files[f])}" for f, n in drops.most_common(8))
        share = drops.total() / total
        print(f"{name} drops {drops.total():,} of {total:,} real questions ({share:.2%}): {most}")


if __name__ == "__main__":
    main()
