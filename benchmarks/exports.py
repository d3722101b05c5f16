"""How fast the exports of a published dataset are written, and in how much memory.

    python benchmarks/exports.py --rows 100000

Made-up questions, each with a right and a wrong response of about 8 KB, are put into the tables of
a version; then each export is written in a process of its own. One line each: rows a second, the
process's largest memory, and the rate as a share of that of the first step: writing the published
Parquet files of the same rows, which every publication does, unless `--only` names others.
`original, whole table` is the plain way to write the original's files: all rows of a shard at
once, one line after the other.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import zstandard

from pipeline.config import Config, load_config
from pipeline.exports import write_exports
from pipeline.original_files import LEVEL, write_original
from pipeline.parquet_parts import write_parts
from pipeline.recipe import Publish
from pipeline.recipe_publish import Preference, Split
from pipeline.records import (
    Example,
    Label,
    Message,
    Question,
    Record,
    Response,
    Verdict,
    vector_schema,
)
from pipeline.splits import split_of
from pipeline.store import Origin, Store
from pipeline.template import messages
from pipeline.vectors import column

SHARDS = 16
WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "ne", "pu", "so") for b in ("ra", "te", "vi", "zo")]
Step = Callable[[Config, Store, Path], object]


@cache
def words() -> str:
    """Return 8 MB of words, more than a compressor looks back on."""
    return " ".join(random.Random(1).choices(WORDS, k=1_600_000))


def text(rng: random.Random, size: int) -> str:
    """Return words of so many characters."""
    start = rng.randrange(len(words()) - size)
    return f"{words()[start : start + size].strip()} {rng.random()}"


def fill(store: Store, rows: int) -> None:
    """Write the tables of a version with so many published rows."""
    rng, vectors = random.Random(0), np.random.default_rng(0)
    asked = sorted(
        (
            Question.new(
                "made_up",
                [Message("user", text(rng, 300))],
                source_revision="1",
                licence="MIT",
                kind="math",
                reference_answer="4",
            )
            for _ in range(rows)
        ),
        key=lambda one: one.id,
    )
    for shard in range(store.shards):
        low, high = (len(asked) * k // store.shards for k in (shard, shard + 1))
        fill_shard(store, shard, asked[low:high], rng)
        rows_ = vectors.normal(size=(high - low, 384))
        rows_ /= np.linalg.norm(rows_, axis=1, keepdims=True)
        ids = pa.array([one.id for one in asked[low:high]])
        columns = [ids, column(rows_), pa.array([False] * (high - low))]
        made = pa.Table.from_arrays(columns, schema=vector_schema(384))
        store.write("vectors", shard, made, Origin({}, {}), {}, 0.0)


def fill_shard(store: Store, shard: int, asked: list[Question], rng: random.Random) -> None:
    """Write one shard of all tables of records."""
    labels = [Label(one.id, "math", "medium", "en", 60, "made up") for one in asked]
    replies, verdicts, examples = [], [], []
    for one in asked:
        for attempt, outcome in enumerate(("correct", "incorrect")):
            told = f"<think>{text(rng, 8_000)}</think>\n<answer>{4 + attempt}</answer>"
            reply = Response.parse(
                told,
                id=one.id,
                teacher="teacher",
                round=1,
                attempt=attempt,
                finish_reason="stop",
                prompt_tokens=60,
                response_tokens=2_000,
            )
            replies.append(reply)
            verdicts.append(Verdict(*reply.key, "math", outcome, None, "compared", "{}", 0.0))
        examples.append(example(one, replies[-2]))
    tables: dict[str, list[Record]] = {
        "questions": list(asked),
        "labels": list(labels),
        "responses/round=01": list(replies),
        "verdicts/round=01": list(verdicts),
        "examples": list(examples),
    }
    for name, records in tables.items():
        made = type(records[0]).to_table(records)
        store.write(name, shard, made, Origin({}, {}), {}, 0.0)


def example(of: Question, best: Response) -> Example:
    """Return a published row."""
    return Example(
        messages=messages(of, best),
        id=of.id,
        source=of.source,
        source_revision=of.source_revision,
        licence=of.licence,
        category="math",
        difficulty="medium",
        language="en",
        prompt_tokens=60,
        response_tokens=best.response_tokens,
        teacher=best.teacher,
        round=best.round,
        attempt=best.attempt,
        outcome="correct",
        score=1.0,
        verifier="math",
        verdicts="[]",
        pass_rate=0.5,
    )


def plain(config: Config, store: Store, folder: Path) -> None:
    """Write the teacher's file of the original the plain way."""
    folder.mkdir(parents=True)
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    with zstandard.open(folder / "plain.jsonl.zst", "wb", compressor) as file:
        for shard in range(store.shards):
            for turns in store.read("examples", shard, ["messages"]).column(0).to_pylist():
                file.write(json.dumps({"messages": turns}, ensure_ascii=False).encode() + b"\n")


STEPS: dict[str, Step] = {
    "parquet (baseline)": lambda config, store, folder: write_parts(store, folder, 250),
    "original": lambda config, store, folder: write_original(store, folder),
    "original, whole table": plain,
    "rl": lambda config, store, folder: write_exports(asking(config, rl=True), store, folder),
    "preference": lambda config, store, folder: write_exports(
        asking(config, preference=Preference()), store, folder
    ),
    "split": lambda config, store, folder: split_of(asking(config, split=Split()), store),
}


def asking(config: Config, **settings: object) -> Config:
    """Return the configuration with settings of publish."""
    publish = Publish.model_validate(settings)
    recipe = config.recipe.model_copy(update={"publish": publish})
    return config.model_copy(update={"recipe": recipe})


def configuration() -> Config:
    """Return a configuration; of its recipe only how answers are judged matters here."""
    return load_config("quickstart")


def measure(name: str, store: Store, folder: Path) -> tuple[float, float]:
    """Take one step; returns the seconds and the largest memory of this process in MiB."""
    start = time.monotonic()
    STEPS[name](configuration(), store, folder)
    seconds = time.monotonic() - start
    # Not ru_maxrss: a child begins with that of its parent.
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return seconds, int(peak) / 1024


def main() -> None:
    """Fill a version, take every step in a process of its own, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--only", nargs="*", default=list(STEPS), choices=list(STEPS))
    options = parser.parse_args()
    rows = options.rows
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        store = Store(root / "data", "made_up", "1", SHARDS)
        fill(store, rows)
        base = None
        for name in options.only:
            folder = root / name.replace(" ", "-")
            with ProcessPoolExecutor(1, spawn) as pool:
                seconds, memory = pool.submit(measure, name, store, folder).result()
            base = base or seconds
            size = sum(path.stat().st_size for path in folder.rglob("*.*"))
            print(
                f"{name:<22} {rows / seconds:>9,.0f} rows/s  {memory:>6,.0f} MiB  "
                f"{size / 1e6:>7,.1f} MB  {base / seconds:.2f} of the baseline's rate",
                flush=True,
            )


if __name__ == "__main__":
    main()
