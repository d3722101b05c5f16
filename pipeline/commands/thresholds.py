"""Read thresholds for the reward model off a version's scores, category by category.

A version was judged with some threshold; this prints the scores that a share of its responses
reaches, as TOML for [recipe.verify.reward]. Judging anew with them asks no server again.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np
import pyarrow.compute as pc

from pipeline.acceptance import REWARD
from pipeline.config import load_config
from pipeline.errors import UserError
from pipeline.stages import open_store
from pipeline.store import Store

FEWEST = 20  # scores in a category, below which its quantile says nothing; a guess


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("--version", metavar="V", help="another version than the file's")
    parser.add_argument(
        "--keep", type=share, default=0.5, help="the share that is to pass (default 0.5)"
    )


def share(text: str) -> float:
    """Return a number above 0 and below 1."""
    number = float(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, got {text}")
    return number


def main(arguments: argparse.Namespace) -> int:
    """Print the table; returns the exit code."""
    config = load_config(arguments.config, arguments.version)
    store = open_store(config)
    found = scores(store, config.recipe.distill.rounds)
    if not found:
        raise UserError(
            f"{config.name}/{config.version}: no response has a score by verifier reward yet; run"
            " it with [recipe.verify.reward] first"
        )
    print("[recipe.verify.reward.thresholds]")
    for category, values in sorted(found.items()):
        line = f"{category} = {np.quantile(values, 1 - arguments.keep):.4f}"
        few = "" if len(values) >= FEWEST else f"; fewer than {FEWEST}, so take another"
        print(f"{line}  # {len(values):,} scores, {min(values):.3f} to {max(values):.3f}{few}")
    return 0


def scores(store: Store, rounds: int) -> dict[str, list[float]]:
    """Return the reward model's scores in all rounds, by the category of their question."""
    found: dict[str, list[float]] = defaultdict(list)
    for shard in range(store.shards):
        categories: dict[str, str] = {}
        for number in range(rounds + 1):
            table = f"verdicts/round={number:02d}"
            if store.manifest(table, shard) is None:
                continue
            verdicts = store.read(table, shard, ["id", "verifier", "score"])
            scored = verdicts.filter(pc.equal(verdicts["verifier"], REWARD)).to_pylist()
            if scored and not categories:
                labels = store.read("labels", shard, ["id", "category"]).to_pydict()
                categories = dict(zip(labels["id"], labels["category"], strict=True))
            for row in scored:
                if row["score"] is not None:
                    found[categories[row["id"]]].append(row["score"])
    return dict(found)
