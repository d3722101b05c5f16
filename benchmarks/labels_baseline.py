"""How often the linear labeller is right about sources it has never seen; trains the weights.

``REAL_DATA=… python benchmarks/labels_baseline.py`` takes 85 rows of each of 39 sources, about
3,300, each labelled by weights that were trained without its source and those that hold the same
problems, and prints the share that has its source's nature: each source counting the same, and
each by its size, as rows drawn at random would. The baselines are the words of the older
heuristic (pipeline/label.py's of 2026-11-23, the kind not told) and always saying `math`.
Difficulty is compared with the five levels of DeepScaleR, in five folds over its own problems, and
with the set left out. ``--to FILE`` also writes the weights, with these figures in them.
``--blind`` labels benchmark items instead, which nothing was trained, chosen or written for.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from labels_data import ALSO_RIGHT, SOURCES, Labelled, rows_of, sample, trained
from real_data import folder

from pipeline.labelling import training
from pipeline.labelling.linear import Array, inputs
from pipeline.labelling.linear import load as load_weights
from pipeline.labelling.words import category as by_words

TRAIN = 150  # rows of a source that weights are trained on
TEST = 85  # rows of a source that count
LEVELS = "deepscaler_levels"
HARD_ROWS = {LEVELS: 6_000, "math_train": 1_500}  # for difficulty; 150 of them for categories
TEXTS = ("question_content", "problem", "question", "prompt", "input", "description")
KIND = {"math": "math", "coding": "code"}  # category → kind; of all others "other"
COMMAND = "REAL_DATA=… python benchmarks/labels_baseline.py --to pipeline/labelling/linear-1.jsonl"


def load() -> list[Labelled]:
    return [row for name in SOURCES for row in sample(name, HARD_ROWS.get(name, 300))]


def first_of_each(rows: list[Labelled], most: int) -> list[int]:
    """Return the places of at most so many rows of each source."""
    seen: Counter[str] = Counter()
    places = []
    for place, row in enumerate(rows):
        if row.category and seen[row.source] < most:
            seen[row.source] += 1
            places.append(place)
    return places


def is_right(source: str, wanted: str, found: str) -> bool:
    return found in (wanted, ALSO_RIGHT.get(source))


def shares(found: dict[str, list[tuple[str, str]]]) -> dict[str, float]:
    """Return the share of right categories by source."""
    return {
        source: float(np.mean([is_right(source, *pair) for pair in pairs]))
        for source, pairs in found.items()
    }


def kind_shares(found: dict[str, list[tuple[str, str]]]) -> dict[str, float]:
    """Return the share of right kinds by source: mathematics, code or neither."""
    return {
        source: float(np.mean([KIND.get(a, "") == KIND.get(b, "") for a, b in pairs]))
        for source, pairs in found.items()
    }


def by_size(by_source: dict[str, float], sizes: dict[str, int]) -> float:
    whole = sum(sizes[source] for source in by_source)
    return sum(share * sizes[source] for source, share in by_source.items()) / whole


def difficulty(x: Array, rows: list[Labelled]) -> dict[str, float]:
    """Return Spearman's correlation with DeepScaleR's levels, in folds and left out."""
    known = [trained(row) for row in rows]
    given, found = training.folded(x, known, LEVELS)
    group = next(row.group for row in rows if row.source == LEVELS)
    others = [p for p, row in enumerate(rows) if row.difficulty is not None and row.group != group]
    mine = [p for p, row in enumerate(rows) if row.source == LEVELS]
    weights, _ = training.fit_difficulty(x[others], [known[p] for p in others])
    levels = np.array([rows[p].difficulty for p in mine], np.float64)
    lengths = np.array([float(len(rows[p].text)) for p in mine])
    return {
        "spearman": training.rank_correlation(given, found),
        "spearman_left_out": training.rank_correlation(levels, x[mine] @ weights[:, 0]),
        "spearman_length": training.rank_correlation(levels, lengths),
        "rows": float(len(mine)),
    }


# benchmark → categories that are right; MMLU's subjects of mathematics and code are left out.
BLIND = {
    "gsm8k_test": ("math",),
    "math500": ("math",),
    "minerva_math": ("math",),
    "amc23": ("math",),
    "gaokao_math_qa_zh": ("math",),
    "humaneval": ("coding",),
    "mbpp_plus": ("coding",),
    "livecodebench_880": ("coding",),
    "mmlu": ("information_seeking", "reasoning"),
    "ifeval": ("instruction_following",),
}
NOT_KNOWLEDGE = ("math", "statistics", "algebra", "computer", "machine_learning", "logic")


def blind() -> None:
    model = load_weights("")
    total = Counter[str]()
    for name, right in BLIND.items():
        texts = blind_texts(name)
        vectors = training.embedded([training.Row(t, name) for t in texts], model.encoder)
        found = [category for category, _ in model.label(vectors, texts, model.categories)]
        hits = sum(category in right for category in found)
        total.update(rows=len(texts), right=hits)
        wrong = Counter(category for category in found if category not in right)
        print(f"  {name:20} {hits / len(texts):.3f} of {len(texts)}  {wrong.most_common(3)}")
    print(f"blind: {total['right'] / total['rows']:.3f} of {total['rows']:,} benchmark items")


def blind_texts(name: str) -> list[str]:
    rows = pq.read_table(folder() / "benchmarks" / f"{name}.parquet").to_pylist()
    known = [
        row for row in rows if not any(part in row.get("subject", "") for part in NOT_KNOWLEDGE)
    ]
    texts = [next(str(row[c]) for c in TEXTS if row.get(c)) for row in known]
    return random.Random(name).sample(texts, min(100, len(texts)))


def main() -> None:
    parser = argparse.ArgumentParser(description="measure and train the linear labeller")
    parser.add_argument("--to", type=Path, help="write the weights there")
    parser.add_argument("--blind", action="store_true", help="label benchmark items")
    given = parser.parse_args()
    if given.blind:
        blind()
        return
    if not (folder() / "questions").is_dir():
        sys.exit(2)
    rows, examples = load(), training.examples()
    known = [*map(trained, rows), *examples]
    x = inputs(training.embedded(known, training.ENCODER), [row.text for row in known])
    figures = report(x, rows, examples)
    if given.to:
        write(given.to, x, rows, examples, figures)


def report(
    x: Array, rows: list[Labelled], examples: list[training.Row]
) -> dict[str, dict[str, Any]]:
    places = first_of_each(rows, TRAIN)
    picked = [trained(rows[place]) for place in places] + examples
    ours = range(len(rows), len(rows) + len(examples))
    worded = {row.source for row in rows if row.worded}
    found = {
        name: pairs[:TEST]
        for name, pairs in training.left_out(x[[*places, *ours]], picked).items()
        if name not in worded
    }
    sizes = {name: sum(1 for _ in rows_of(name)) for name in found}
    counted = sum(map(len, found.values()))
    figures: dict[str, dict[str, Any]] = {}
    for what, of in (("category", shares(found)), ("kind", kind_shares(found))):
        by_source, mean = by_size(of, sizes), float(np.mean(list(of.values())))
        figures[what] = {
            "rows": counted,
            "sources": len(of),
            "by_size": round(by_source, 3),
            "mean_of_sources": round(mean, 3),
        }
    wordy = shares(heuristic(rows, set(found)))
    most = by_size({name: float(SOURCES[name].category == "math") for name in found}, sizes)
    for name, share in sorted(shares(found).items(), key=lambda item: item[1]):
        wrong = Counter(b for a, b in found[name] if not is_right(name, a, b)).most_common(2)
        print(f"  {name:24} {share:.3f}  {wrong if share < 0.9 else ''}")
    mine = figures["category"]
    base, plain = by_size(wordy, sizes), float(np.mean(list(wordy.values())))
    print(
        f"category, {counted:,} rows, by size {mine['by_size']:.3f}; words alone {base:.3f}"
        f" (ratio {mine['by_size'] / base:.2f}), always math {most:.3f}"
    )
    print(
        f"category, each source the same {mine['mean_of_sources']:.3f}; words alone {plain:.3f}"
        f" (ratio {mine['mean_of_sources'] / plain:.2f})"
    )
    kind = figures["kind"]
    print(
        f"kind (math, code, other), by size {kind['by_size']:.3f}, each source the same"
        f" {kind['mean_of_sources']:.3f}"
    )
    level = difficulty(x[: len(rows)], rows)
    figures["difficulty"] = {name: round(value, 3) for name, value in level.items()}
    print(
        f"difficulty, {LEVELS}, {level['rows']:,.0f} rows, five folds: Spearman"
        f" {level['spearman']:.3f}; left out {level['spearman_left_out']:.3f}; length alone"
        f" {level['spearman_length']:.3f}"
    )
    return figures


def heuristic(rows: list[Labelled], names: set[str]) -> dict[str, list[tuple[str, str]]]:
    """Return what words alone say of the rows that count."""
    found: dict[str, list[tuple[str, str]]] = {}
    for place in first_of_each(rows, TEST):
        row = rows[place]
        if row.source in names:
            found.setdefault(row.source, []).append((str(row.category), by_words(row.text)))
    return found


def write(
    path: Path,
    x: Array,
    rows: list[Labelled],
    examples: list[training.Row],
    figures: dict[str, dict[str, Any]],
) -> None:
    """Train on every source and write the weights; rows for difficulty alone have no category."""
    places = set(first_of_each(rows, TRAIN))
    known = [
        training.Row(row.text, row.source, row.category if p in places else None, row.difficulty)
        for p, row in enumerate(rows)
    ]
    made_by = {
        "command": COMMAND,
        "sources": dict(Counter(row.source for row in rows)),
        "examples": len(examples),
    }
    model = training.train(x, [*known, *examples], path.stem, training.ENCODER, made_by)
    replace(model, figures=figures).save(path)
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
