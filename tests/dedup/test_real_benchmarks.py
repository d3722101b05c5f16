from __future__ import annotations

import os
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dedup.contamination import Benchmarks, Contamination

REAL_DATA = Path(os.environ.get("REAL_DATA", ""))
# What the rules of 2026-11-24 found before and after the lookup was made faster.
METHODS = {"exact": 223, "ngram": 45}
DIGEST = "29e885892566b909ac351250d788e5a878a3d520210ba6cb57cbf2cadde94bb5"

pytestmark = pytest.mark.skipif(
    "REAL_DATA" not in os.environ, reason="the environment variable REAL_DATA is not set"
)


def test_every_row_of_every_benchmark_is_an_item_or_counted() -> None:
    folder = REAL_DATA / "benchmarks"
    rows = sum(pq.read_metadata(path).num_rows for path in folder.glob("*.parquet"))
    loaded = Benchmarks.load([folder])
    items = {(text.benchmark, text.row) for text in loaded.texts}
    assert len(items) + sum(loaded.without_text.values()) == rows


def test_every_competition_problem_is_found_in_disguise() -> None:
    files = [REAL_DATA / "benchmarks" / f"{name}.parquet" for name in ("aime24", "aime25", "amc23")]
    loaded = Benchmarks.load(files)
    ids = [f"{text.benchmark}/{text.item}" for text in loaded.texts]
    probes = [
        "As a tutor, solve this.\n\n"
        + text.text.upper().replace("$", "$$").replace(r"\FRAC", r"\DFRAC").replace(" ", "\n")
        + "\n\nThink step by step and give an integer."
        for text in loaded.texts
    ]
    found = Contamination(loaded).find(ids, probes)
    assert {hit.id for hit in found if hit.id == f"{hit.benchmark}/{hit.item}"} == set(ids)


def test_training_questions_of_one_style_are_not_taken_for_test_questions() -> None:
    questions = pq.read_table(REAL_DATA / "questions" / "gsm8k_train.parquet")["question"]
    loaded = Benchmarks.load([REAL_DATA / "benchmarks" / "gsm8k_test.parquet"])
    texts = questions.to_pylist()
    assert Contamination(loaded).find([str(k) for k in range(len(texts))], texts) == []


def test_what_is_found_among_math_questions_is_what_was_read() -> None:
    """A faster lookup must find the same; who changes a rule reads what changed, then these."""
    table = pq.read_table(REAL_DATA / "questions" / "deepscaler_levels.parquet")
    texts = table["prompt"].to_pylist()
    loaded = Benchmarks.load([REAL_DATA / "benchmarks"])
    found = Contamination(loaded).find([str(k) for k in range(len(texts))], texts)
    lines = [f"{hit.id} {hit.benchmark} {hit.item} {hit.method} {hit.score:.6f}" for hit in found]
    assert Counter(hit.method for hit in found) == METHODS
    assert sha256("\n".join(lines).encode()).hexdigest() == DIGEST
